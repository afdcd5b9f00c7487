"""A digest that comes back without marks, as Outlook, Yahoo and phones quote it: nothing of it is filed, every answer is."""

from email.message import EmailMessage

import pytest

from mailer.html import to_text
from tests.integration.flows.mailroom import filed, take
from tests.world import World

HEADERS = (
    "From: Strategy digest <core@process.example>\nSent: Monday, March 2, 2026 9:00 AM\nTo: Ana\nSubject: {subject}\n"
)


def returned(
    world: World, who: str, lead: str, answers: dict[str, str], *, html: bool = False
) -> list[tuple[str, str]]:
    """Answer the first digest of somebody without marks; gives what was filed, with the track of each."""
    digest = world.mailbox(who)[0]
    shown = to_text(digest.html).split("\n")
    below = [line for one in shown for line in (one, *(said for code, said in answers.items() if one.startswith(code)))]
    mail = EmailMessage()
    mail["From"], mail["Subject"] = digest.envelope.rcpt_to[0], f"Re: {digest['Subject']}"
    mail["In-Reply-To"], mail["Message-ID"] = digest["Message-ID"], "<returned@elsewhere.example>"
    head = HEADERS.format(subject=digest["Subject"])
    if html:
        made = "".join(f"<p class=MsoNormal>{line}</p>" for line in below)
        rule = "<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in'>"
        mail.set_content(f"<p>{lead}</p>{rule}<p><b>From:</b> x</p></div>{made}", subtype="html")
    else:
        mail.set_content(f"{lead}\n\n{head}\n" + "\n".join(below))
    to = digest["Reply-To"].partition("<")[2].rstrip(">")
    raw_id = take(world, mail, to)
    return [(one.track or "", one.body or "") for one in filed(world, raw_id)[1]]


@pytest.mark.parametrize("html", [False, True])
def test_answers_typed_into_an_unmarked_digest_are_filed_alone(world: World, html: bool) -> None:
    answers = {"MON-1": "The region, with one body for the whole world.", "MON-2": "A third."}
    got = returned(world, "ana", "See my answers below.", answers, html=html)
    assert got == [("money", text) for text in answers.values()]


@pytest.mark.parametrize("html", [False, True])
def test_nothing_of_an_unmarked_digest_is_filed(world: World, html: bool) -> None:
    assert returned(world, "ana", "MON-2: Half of it.", {}, html=html) == [("money", "MON-2: Half of it.")]
