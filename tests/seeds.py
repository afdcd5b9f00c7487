"""Small processes, rosters and digests to test with; tags and moments are the same on every run."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import count

from db import editions
from db.engine import Database
from db.journal import Act
from flows.groups import import_groups
from flows.process import import_process, need_process
from flows.roster_import import import_liaisons

PROCESS = """\
schema: 1
process:
  slug: demo
  name: Demo
  zone: Europe/Berlin
  source_language: en
  contacts: [{role: Manager, address: manager@demo.example, languages: [en, de]}]
tracks:
  - {slug: core, code: CORE, name: Core team, for_all: true}
  - {slug: health, code: CH, name: Community Health}
  - {slug: money, code: REV, name: Revenue}
"""

GROUPS = """\
slug,name,short,kind,languages,country,region,city,lat,lon,timezone
wmde,Wikimedia Deutschland,WMDE,chapter,de en,DE,Europe,Berlin,52.5,13.39,Europe/Berlin
wmfr,Wikimédia France,WMFR,chapter,fr,FR,Europe,Paris,48.86,2.35,Europe/Paris
cloud,Readers of the cloud,,community,ar,,World,,,,
"""

LIAISONS = """\
name,address,group,rank,role_there,agreed_on,languages,timezone,hour,cadence,size,interests,other_addresses
Ana Roth,ana@wmde.example,wmde,first,board,2019-01-22,de en,Europe/Berlin,9,every,L,,ana@post.example
Bo Klein,bo@wmde.example,wmde,deputy,member,2019-02-01,de,Europe/Vienna,18,weekly,M,health money,
Chloé Petit,chloe@wmfr.example,wmfr,first,,2019-02-04,fr en,Europe/Paris,8,monthly,S,health,
Chloé Petit,chloe@wmfr.example,cloud,first,,2019-02-05,fr en,Europe/Paris,8,monthly,S,health,
"""


def moment(day: str, hour: int = 9) -> datetime:
    """That day at an hour, UTC."""
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)


def act(day: str = "2019-03-18", actor: str = "operator", hour: int = 9) -> Act:
    """Somebody does something on that day."""
    return Act(actor, moment(day, hour))


def tags(start: int = 1) -> Callable[[], int]:
    """A drawer of tags that counts."""
    numbers = count(start)
    return lambda: next(numbers)


def make_process(db: Database, content: str = PROCESS, address_base: str = "demo.example") -> int:
    """The process of a file; gives its id."""
    process, _ = import_process(db, content, address_base=address_base, act=act())
    return process.id


def make_digest(db: Database, process_slug: str = "demo", slug: str = "weekly", rule: str = "weekly mon 09:00") -> int:
    """A digest of a process; gives its id."""
    with db.write() as tx:
        process = need_process(tx, process_slug)
        return editions.add_digest(
            tx,
            process_id=process.id,
            slug=slug,
            title="News",
            list_id=f"{slug}.{process.address_base}",
            rule=rule,
            zone=process.zone,
            anchor_on=date(2019, 1, 7),
            approval="automatic",
            grace_minutes=60,
            undo_minutes=0,
            late_limit_minutes=720,
            audience={"all": True},
        )


def make_roster(db: Database, groups: str = GROUPS, liaisons: str = LIAISONS) -> None:
    """The roster of the process `demo`, subscribed to its digest `weekly`."""
    assert import_groups(db, "demo", groups, draw_tag=tags(), act=act()).ok
    assert import_liaisons(db, "demo", "weekly", liaisons, draw_tag=tags(100), act=act()).ok
