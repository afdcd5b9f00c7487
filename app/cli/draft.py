"""`tidings digest draft` and `erratum`: what an open draft tells, its editor's choices, and what one got wrong."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli import console
from app.cli.digest import Digest, cli, edition_of, series_of
from app.cli.session import Session
from flows import choices, corrections
from flows.choices import Wish

Names = list[str]


@cli.command("draft")
def draft(
    context: typer.Context,
    edition: Annotated[str, typer.Argument(help="The slot of the draft; not needed, for there is one at most.")] = "",
    leave_out: Annotated[
        Names, typer.Option("--leave-out", metavar="NAME", help="Never tell this, until it changes again.")
    ] = [],  # noqa: B006 - typer copies it
    put_off: Annotated[Names, typer.Option("--put-off", metavar="NAME", help="Leave it to the next edition.")] = [],  # noqa: B006
    pin: Annotated[Names, typer.Option("--pin", metavar="NAME", help="First in its section.")] = [],  # noqa: B006
    clear: Annotated[Names, typer.Option("--clear", metavar="NAME", help="Take such a choice back.")] = [],  # noqa: B006
    foreword: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Markdown to open with; an empty file removes it.")
    ] = None,
    language: Annotated[str, typer.Option(help="Of the foreword; the process's source language by default.")] = "",
    digest: Digest = "",
) -> None:
    """Show what an open draft tells, and change it: leave out, put off, pin, open with a foreword.

    A NAME is an entry's id, a question's code, an announcement's name or a statement's reference.
    """
    session: Session = context.obj
    series = series_of(session, digest)
    wanted = edition_of(session, digest, edition)
    words = {language or session.process.source_lang: console.text_of(foreword)} if foreword is not None else {}
    wish = Wish(leave_out, put_off, pin, clear, words)
    if wish != Wish([], [], [], [], {}):
        choices.edit(session.engine, series, wanted, wish, act=session.act())
    lines, made = choices.show(session.engine, series, wanted, now=session.act().now)
    if session.json:
        for line in lines:
            console.emit(line)
        for lang, text in made.foreword.items():
            console.emit({"foreword": text, "language": lang})
        return
    rows = [(line.name, line.kind, line.label or "goes on", line.title, line.choice) for line in lines]
    console.table(f"the draft of {series.slug}", ["name", "kind", "news", "title", "choice"], rows)
    if made.foreword:
        console.say(f"opens with a foreword in {', '.join(made.foreword)}")
    console.say("`tidings digest preview --for ADDRESS` shows a mail of it")


@cli.command("erratum")
def erratum(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Number of the edition, as its mails say.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it told wrongly, as `digest draft` names it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many would get it.")] = False,
    digest: Digest = "",
) -> None:
    """Mail what is right of one thing to exactly those whose mail of an edition told it wrongly.

    Correct the timeline first. It stands under the mail it corrects; the next edition does not repeat it.
    """
    session: Session = context.obj
    series = series_of(session, digest)
    done = corrections.erratum(session.engine, series, number, name, act=session.act(), dry=dry_run)
    would = "would get" if dry_run else "get"
    said = f"{done.deliveries} {would} the correction of {name} in no. {number}"
    console.answer(session.json, done, said + (f"; {done.left_out} may not be mailed now" if done.left_out else ""))
