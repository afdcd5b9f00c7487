"""Whether the addresses of a process, or of a new digest of it, are still free among all processes of a deployment."""

from db import editions
from db import process as processes
from db.engine import Tx
from mailer import home
from mailer.home import Home


def fault(tx: Tx, at: Home, slug: str, process_id: int | None = None) -> str:
    """Why a process of that name cannot live there, in words for a person; '' if it can. None: it is a new one."""
    wrong = home.fault(at)
    mine = {slug} | ({one.slug for one in editions.digests(tx, process_id)} if process_id is not None else set())
    for name in sorted(mine):
        wrong = wrong or home.misnamed(at, name)
    return wrong or _taken(tx, at, mine, process_id)


def name_fault(tx: Tx, owner: processes.ProcessRow, name: str) -> str:
    """Why a new digest of a process cannot have a name, in words for a person; '' if it can."""
    return home.misnamed(owner.home, name) or _taken(tx, owner.home, {name}, owner.id)


def _taken(tx: Tx, at: Home, names: set[str], process_id: int | None) -> str:
    for other in processes.everyone(tx):
        if other.id == process_id:
            continue
        theirs = {other.slug, *(one.slug for one in editions.digests(tx, other.id))}
        if twice := home.clash(at, names, other.home, theirs):
            return f"{twice} belongs to the process {other.slug}"
    return ""
