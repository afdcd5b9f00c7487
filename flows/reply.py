"""A person of the core team answers a mail: their words as a letter to whoever wrote it, quoting nothing.

It goes to the liaison whose address wrote, else to the address in From. What a machine, a list or a null return path
sent is not answered: nobody would read it.
"""

from db import inbound, journal
from db.journal import Act
from flows import notice
from flows.answers import mail_footer, spoken
from flows.door import open_door
from flows.engine import Engine, Refused
from flows.look import Looked, Purged, look
from flows.notice import Single
from flows.thread import Shelf
from mailer.clean import clean_text
from mailer.content import Block, NoticeKind, NoticeMail

MAX_TEXT = 20_000


def answer(engine: Engine, raw_id: int, text: str, *, act: Act) -> str:
    """Write to the writer of a mail; gives the address. The mail stays where it is, held ones too."""
    said = clean_text(text).strip()
    if not said or len(said) > MAX_TEXT:
        raise Refused("say something" if not said else f"an answer has at most {MAX_TEXT} characters")
    with engine.db.read() as tx:
        raw = inbound.raw(tx, raw_id)
    if raw is None:
        raise Refused(f"there is no mail {raw_id}")
    try:
        looked = look(engine, Shelf(open_door(engine), engine.renderer), raw, now=act.now)
    except Purged as error:
        raise Refused(str(error)) from error
    thread = looked.thread
    if thread.owner is None or not thread.writer_key or not looked.answerable:
        raise Refused(f"nobody would read an answer to mail {raw_id}: a machine or a list sent it")
    single = _letter(engine, looked, said, f"{raw_id}:{int(act.now.timestamp())}")
    with engine.db.write() as tx:
        notice.enqueue(tx, engine, thread.owner, single, act=act)
        journal.note(tx, act, ("raw", raw_id), "answered", process_id=thread.owner.id)
    return thread.writer.address.addr if thread.writer is not None else thread.message.from_addr


def _letter(engine: Engine, looked: Looked, text: str, key: str) -> Single:
    thread, known = looked.thread, looked.thread.writer
    if thread.owner is None:
        raise LookupError("a mail to no process of ours cannot be answered")
    language = looked.reading.language
    languages = known.liaison.languages if known is not None else (language, thread.owner.source_lang)
    mail = NoticeMail(
        process=thread.owner.name,
        footer=mail_footer(engine, thread.owner, None),
        until=thread.raw.received_at.date(),
        details=(Block(text, "und"),),
    )
    return Single(
        natural_key=f"{NoticeKind.ANSWER}:{key}",
        kind="notice",
        rendered=engine.renderer.render(NoticeKind.ANSWER, spoken(engine, languages), {"mail": mail}),
        liaison_id=known.liaison.id if known is not None else None,
        address_id=known.address.id if known is not None else None,
        to_addr=None if known is not None else thread.message.from_addr,
        thread=(thread.message.message_id,) if thread.message.message_id else (),
        answers=True,
    )
