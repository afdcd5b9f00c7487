"""Which rule claims which mail, and in which order."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailer.explain import explain
from mailer.message import Attachment, Envelope, Message, Part
from mailer.reading import Context, Disposition, Kind, Segment, SegmentKind, Visibility
from mailer.route import is_date_fault, is_handover, is_safety_report, is_translation_fault
from mailer.rules import RULES, Seen, Verdict, judge
from tests.letters import letter


def seen(text: str = "", context: Context | None = None, quote: str = "", **fields: Any) -> Seen:
    message = letter(text, **fields)
    segments = tuple(
        Segment(kind, body) for kind, body in ((SegmentKind.REPLY, text), (SegmentKind.QUOTE, quote)) if body
    )
    return Seen(message, segments, Envelope("kim@north.example", ("reply+x@digest.example",)), context or Context())


def rule(*args: Any, **fields: Any) -> tuple[str, Verdict]:
    return judge(seen(*args, **fields))


def test_names_are_unique_and_the_last_one_always_answers() -> None:
    names = [row.name for row in RULES]
    assert len(names) == len(set(names))
    assert RULES[-1].read(seen("x")) is not None


def test_order_of_machines() -> None:
    order = [row.name for row in RULES]
    wanted = [
        "bounce",
        "complaint",
        "read receipt",
        "calendar answer",
        "loop",
        "reaction",
        "automatic answer",
        "command",
        "reply",
    ]
    assert [name for name in order if name in wanted] == wanted
    assert order.index("safety") < order.index("command")
    assert order.index("safety") < order.index("stranger")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("+1", "supports"),
        ("+1\n", "supports"),
        ("+1 from Wikimedia Chile", "supports"),
        ("Agreed.", "supports"),
        ("同意", "supports"),
        ("Ok", "supports"),
        ("Thanks!", "thanks"),
        ("Thank you, noted.", "thanks"),
        ("Hello,\nthanks for the digest!", "thanks"),
        ("Gracias por la información.", "thanks"),
        ("Danke!", "thanks"),
        ("شكرا", "thanks"),
        ("धन्यवाद", "thanks"),
    ],
)
def test_nods_are_counted_not_filed(text: str, note: str) -> None:
    name, verdict = rule(text)
    assert (name, verdict.disposition, verdict.notes) == ("nod", Disposition.IGNORE, (note,))


@pytest.mark.parametrize("text", ["+1 to local grants", "Thanks, but we disagree with it.", "RR-2: yes"])
def test_more_than_a_nod(text: str) -> None:
    assert rule(text)[0] == "reply"


def test_empty_mails_are_held_unless_something_is_attached() -> None:
    assert rule("", quote="> text")[1].disposition is Disposition.HOLD
    assert rule("Hello,")[0] == "empty"
    attached = (Attachment("answers.odt", "application/odt", "application/odt", 5_000),)
    assert rule("", attachments=attached)[1] == Verdict(Kind.REPLY, Disposition.FILE, notes=("attachment only",))


def test_private_lane_by_word_and_by_address() -> None:
    for text, rest in (
        ("Private: not for the wiki", "not for the wiki"),
        ("Vertraulich\nnur für euch", "nur für euch"),
        ("خاص: رأيي", "رأيي"),
    ):
        name, verdict = rule(text)
        assert (name, verdict.visibility, verdict.text) == ("private lane", Visibility.PRIVATE, rest)
    assert rule("our view", Context(private_address=True))[1].visibility is Visibility.PRIVATE
    assert rule("Private foundations should fund it")[0] == "reply"


def test_strangers_are_held_but_safety_goes_first() -> None:
    stranger = Context(writer_known=False)
    assert rule("RR-2: local", stranger)[1].disposition is Disposition.HOLD
    assert rule("He threatened me and knows where I live", stranger)[1].visibility is Visibility.SAFETY


def test_loops_and_duplicates() -> None:
    own = Context(own_addresses=("digest@digest.example",), own_homes=("digest.example",))
    assert rule("x", own, from_addr="Digest@digest.example")[0] == "loop"
    assert rule("x", own, headers={"List-Id": "News <weekly.digest.example>"})[0] == "loop"
    assert rule("RR-1: x", replace(own, seen_ids=frozenset({"<m1@north.example>"})))[1].notes == ("duplicate",)
    listed = {"List-Id": "<talk.lists.example>"}
    assert rule("RR-1: x", own, headers=listed, to=("reply+x@digest.example", "talk@lists.example"))[0] == "duplicate"
    assert rule("RR-1: x", own, headers=listed, to=("talk@lists.example",))[0] == "reply"


def test_too_many_hops() -> None:
    message = replace(letter("x"), headers=tuple(("received", "from a") for _ in range(101)))
    assert judge(Seen(message, (Segment(SegmentKind.REPLY, "x"),), Envelope(), Context()))[0] == "loop"


def test_encrypted_spam_and_unvouched_mail_is_held() -> None:
    assert rule("", content_type="multipart/encrypted")[1].notes == ("encrypted",)
    assert rule("-----BEGIN PGP MESSAGE-----\nabc")[1].disposition is Disposition.HOLD
    assert rule("buy", headers={"X-Spam-Flag": "YES"})[1].notes == ("spam",)
    assert rule("buy", Context(writer_known=True), headers={"X-Spam-Flag": "YES"})[0] == "reply"
    failed = {"Authentication-Results": "mx.digest.example; dmarc=fail"}
    assert rule("RR-1", headers=failed)[0] == "not vouched for"
    assert rule("RR-1", Context(trusted_servers=("mx.digest.example",)), headers=failed)[0] == "not vouched for"
    assert rule("RR-1", Context(trusted_servers=("other.example",)), headers=failed)[0] == "reply"


def test_signup() -> None:
    name, verdict = rule("Hello, please add me to the list as liaison of our group.", Context(writer_known=False))
    assert name == "sign-up"
    assert verdict.command is not None
    assert verdict.command.name == "signup"


def test_challenges_are_held() -> None:
    message = {"headers": {"Auto-Submitted": "auto-replied"}, "from_addr": "noreply@guard.example"}
    assert rule("Click to prove you are human: https://guard.example", **message)[0] == "challenge"


def test_reports_win_over_words() -> None:
    parts = (Part("message/delivery-status", "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n"),)
    assert rule("unsubscribe", parts=parts, content_type="multipart/report")[0] == "bounce"


SAFETY = [
    ("en", "CH-1: I left because someone keeps writing to me at home and knows where I work."),
    ("en", "One of our members was threatened after the meetup."),
    ("es", "Un editor me amenaza y sabe dónde vivo."),
    ("fr", "Un administrateur me harcèle depuis des mois."),
    ("de", "Ein Admin bedroht mich und weiß, wo ich wohne."),
    ("pt", "Um usuário está me ameaçando e sabe onde moro."),
    ("ar", "أحد الإداريين يهددني ويعرف أين أعمل"),
    ("ru", "Мне угрожают, и я боюсь за себя."),
    ("zh-Hans", "有人威胁我，还知道我住在哪里。"),
    ("hi", "एक प्रबंधक मुझे धमकी दे रहा है।"),
    ("ja", "私は管理者から脅迫を受けています。"),
    ("id", "Saya diancam oleh seorang pengurus."),
    ("sw", "Mtu mmoja ananitishia na nahofia usalama wangu."),
    ("he", "אחד המפעילים מאיים עליי ויודע איפה אני גר."),
]


@pytest.mark.parametrize(("language", "text"), SAFETY)
def test_safety_reports(language: str, text: str) -> None:
    assert is_safety_report(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Harassment policies are not enforced in our language."),
        ("en", "The threat of losing volunteers is real."),
        ("es", "Hace falta una política contra el acoso."),
        ("de", "Es braucht Regeln gegen Belästigung und Drohungen."),
        ("fr", "Le harcèlement doit être traité par une équipe neutre."),
        ("ja", "嫌がらせへの対応方針が必要です。"),
        ("la", "Lorem ipsum molestie me dolor."),
    ],
)
def test_policy_is_no_safety_report(language: str, text: str) -> None:
    assert not is_safety_report(text, language)


@pytest.mark.parametrize(
    "text",
    [
        "From 1 May my colleague Ola Berg (ola@north.example) takes over as our liaison.",
        "Ab Mai übernimmt meine Kollegin Lena Winter (lena@x.example).",
        "À partir du 1er mai, Awa Diop (awa@x.example) me remplace comme contact.",
        "5月1日より担当が代わります。後任は佐藤（sato@x.example）です。",
        "С 1 мая меня заменит коллега (ola@x.example).",
    ],
)
def test_handovers(text: str) -> None:
    assert is_handover(text)


def test_a_body_that_takes_over_is_no_handover() -> None:
    assert not is_handover("RR-2: it would be bad when a global body takes over local grants.")


@pytest.mark.parametrize(
    "text",
    [
        "In the Swedish translation of RR-2, “lokal” is wrong.",
        "In der Übersetzung steht „Orte“, das ist falsch.",
        "v českém překladu RR-2 je „lokalita“, což mění smysl",
        "The translation says “place”; better “on the spot”, it should be “locally”.",
    ],
)
def test_translation_faults(text: str) -> None:
    assert is_translation_fault(text)


def test_talk_about_translation_is_no_fault() -> None:
    assert not is_translation_fault("RR-1: every summary should be in translation before the call opens.")
    assert not is_translation_fault("We suggest more money for translation.")


def test_date_faults() -> None:
    assert is_date_fault("The date in item 3 is wrong: it is 31 May.")
    assert not is_date_fault("The deadline of 31 May is too early for us.")


def test_message_type() -> None:
    assert isinstance(seen("x").message, Message)


ROUTES = tomllib.loads((Path(__file__).parents[2] / "mail" / "routes.toml").read_text("utf-8"))
FINDERS = {"translation": is_translation_fault, "date": is_date_fault, "handover": is_handover}


@pytest.mark.parametrize(("route", "text"), [(route, text) for route in FINDERS for text in ROUTES[route]])
def test_what_makes_a_task_in_the_languages_of_the_service(route: str, text: str) -> None:
    assert FINDERS[route](text)


@pytest.mark.parametrize("text", ROUTES["answers"])
def test_answers_that_only_sound_like_a_task(text: str) -> None:
    assert not any(find(text) for find in FINDERS.values())


def test_lines_that_are_only_quoted_say_nothing() -> None:
    mail = b"From: ana@west.example\r\nTo: digest@process.example\r\nSubject: Re: Digest\r\n\r\n> RR-1 Which\r\n>\r\n> RR-2\r\n"
    found = explain(mail, "x", None)
    assert (found["disposition"], found["rule"]) == ("hold", "empty")
