"""`tidings translate`: export, import, status, wait, waiting, open."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli import console
from app.cli.digest import series_of
from app.cli.session import Session, report
from db import announcements, gates
from flows import announce, translations, translators
from flows import gates as waits
from flows.engine import Refused

cli = typer.Typer(name="translate", help="Texts of the process out to translators and back.", no_args_is_help=True)

_SHOWN = 4
Language = Annotated[str, typer.Option("--language", "-l", help="Such as fr or pt-BR.")]


@cli.command()
def export(
    context: typer.Context,
    language: Language,
    form: Annotated[str, typer.Option("--as", help="po, xliff or yaml")] = "po",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
) -> None:
    """Write every text with its translation into one language; what is missing or outdated comes first."""
    session: Session = context.obj
    content = translations.export_texts(session.engine.db, session.process.slug, language, form, act=session.act())
    if output is None:
        typer.echo(content, nl=False)
    else:
        output.write_text(content, "utf-8")
        console.say(f"{output}: written")


@cli.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="PO, XLIFF 1.2 or YAML, as exported.")
    ] = None,
    language: Language = "",
    mail: Annotated[int, typer.Option(help="The files of this mail, as `inbox list` numbers it, instead.")] = 0,
) -> None:
    """Take translations back; nothing is taken if anything in FILE is wrong. What is marked outdated stays so."""
    session: Session = context.obj
    if (file is None) == (mail == 0):
        raise Refused("name a file, or the mail that brought it: `--mail 7`")
    if file is None:
        _from_mail(session, mail, language)
        return
    form = translators.FORMS.get(file.suffix.lower())
    if form is None:
        console.fail(f"{file}: what is it? name it .po, .xlf, .xliff, .yaml or .yml", console.USAGE)
    content = console.text_of(file)
    report(
        session,
        translations.import_texts(
            session.engine.db, session.process.slug, content, form, act=session.act(), lang=language
        ),
    )


def _from_mail(session: Session, mail: int, language: str) -> None:
    done = translators.take(session.engine, session.process, mail, language, act=session.act())
    for name, made in sorted(done, key=lambda pair: not pair[1].ok):  # one that is refused ends the command
        if not session.json:
            console.say(f"{name}:")
        report(session, made)


@cli.command()
def status(
    context: typer.Context,
    language: Annotated[str, typer.Option("--language", "-l", help="Name what this language lacks.")] = "",
) -> None:
    """How far each language is: what is there, what is outdated because its source changed, what is missing."""
    session: Session = context.obj
    rows = translations.status(session.engine.db, session.process.slug)
    if language:
        rows = [row for row in rows if row.lang == language]
        if not rows:
            console.fail(f"nothing is in {language}, and nobody reads it first")
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{session.process.name}: {console.counted(rows[0].texts if rows else 0, 'text')}",
        ["language", "first language of", "ready", "outdated", "missing"],
        [(row.lang, row.readers, row.fresh, len(row.outdated), len(row.missing)) for row in rows],
    )
    for row in rows if language else ():
        for name in row.outdated:
            console.say(f"outdated: {name}")
        for name in row.missing:
            console.say(f"missing: {name}")


@cli.command()
def wait(
    context: typer.Context,
    language: Annotated[str, typer.Argument(help="Such as fr or pt-BR: those who read it first wait for it.")],
    digest: Annotated[str, typer.Option("--digest", "-d", help="Editions of this digest; not needed for one.")] = "",
    announcement: Annotated[str, typer.Option("--announcement", "-a", help="This announcement instead.")] = "",
    hours: Annotated[int, typer.Option(min=1, max=waits.LONGEST, help="At most, after it would have gone.")] = 24,
    never: Annotated[bool, typer.Option("--never", help="Wait no more, from the next one on.")] = False,
) -> None:
    """Have editions or an announcement wait for a language, and call those who translate into it."""
    session: Session = context.obj
    if digest and announcement:
        raise Refused("name a digest or an announcement, not both")
    kind, subject_id, name = _subject(session, digest, announcement)
    wanted = 0 if never else hours
    tag = waits.order(session.engine, session.process, kind, subject_id, language, wanted, act=session.act())
    translators.after_order(session.engine, kind, subject_id, act=session.act())
    said = f"{name} waits for {tag}, at most {hours} hours" if wanted else f"{name} waits for {tag} no more"
    console.answer(session.json, {kind: name, "language": tag, "hours": wanted}, said)
    if wanted and not session.json:
        for text in translators.doubts(session.engine, session.process, tag):
            console.say(f"note: {text}")


def _subject(session: Session, digest: str, announcement: str) -> tuple[str, int, str]:
    if not announcement:
        series = series_of(session, digest)
        return gates.DIGEST, series.id, series.slug
    with session.engine.db.read() as tx:
        row = announce.need(announcements.by_slug(tx, session.process.id, announcement), announcement)
    return gates.ANNOUNCEMENT, row.id, row.slug


@cli.command()
def waiting(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also what waits no longer.")] = False,
) -> None:
    """What waits for which language until when, what is missing, how many mails are held and how many people called."""
    session: Session = context.obj
    orders = translators.orders(session.engine, session.process.id)
    rows = translators.waiting(session.engine, session.process.id, all_=every)
    if session.json:
        for one in (*orders, *rows):
            console.emit(one)
        return
    for one in orders:
        console.say(f"{one.kind} {one.name} waits for {one.lang}, at most {one.hours} hours")
    console.table(
        f"{session.process.name}: {console.counted(len(rows), 'wait')}",
        ["mailing", "key", "language", "state", "until (UTC)", "mails held", "called", "missing"],
        [
            (r.mailing_id, r.key, r.lang, r.state, f"{r.cut_off_at:%Y-%m-%d %H:%M}", r.mails, r.called,
             _some(r.missing))
            for r in rows
        ],
    )  # fmt: skip
    if rows and not every:
        console.say("`tidings translate open N -l LANG` waits no longer")


def _some(names: tuple[str, ...]) -> str:
    """The first names, and how many more there are; `--json` has them all."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


@cli.command("open")
def open_(
    context: typer.Context,
    mailing: Annotated[int, typer.Argument(help="Mailing, as `translate waiting` numbers it.")],
    language: Language,
) -> None:
    """Wait no longer: what is held goes in the words that there are."""
    session: Session = context.obj
    gone = waits.open_by_hand(session.engine, session.process.id, mailing, language, act=session.act())
    console.answer(
        session.json,
        {"mailing": mailing, "waiting": gone},
        f"mailing {mailing}: {console.counted(gone, 'mail leaves', 'mails leave')}",
    )
