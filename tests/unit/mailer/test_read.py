"""The entry: raw bytes in, a reading out, whatever the bytes are."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer import read as entry
from mailer.explain import explain
from mailer.language import language_of
from mailer.message import Envelope
from mailer.read import forwarded_words, read
from mailer.reading import Context, Disposition, ItemKnown, Kind, QuestionKnown, Visibility

ENVELOPE = Envelope("kim@north.example", ("reply+k3m9@digest.example",))
CONTEXT = Context(
    items=(ItemKnown(1, "Structures", "RR-1", "roles"), ItemKnown(2, "Global, local", "RR-2", "roles")),
    questions=(QuestionKnown("PAR-1", "partnerships", "Which partners would help most?"),),
    now=datetime(2026, 11, 3, tzinfo=UTC),
)


def mail(body: str, *, subject: str = "Re: Digest 9", headers: str = "") -> bytes:
    return (
        f"From: Kim Berg <kim@north.example>\nTo: reply+k3m9@digest.example\nSubject: {subject}\n{headers}"
        f"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}"
    ).encode()


def test_a_reply_with_quote_and_signature() -> None:
    found = read(
        mail(
            "Hi all,\n\nRR-2: grants in the region, servers global.\n\nBest,\nKim\n\n"
            "On Tue, 3 Nov 2026 at 08:00, Harbour Process <digest@digest.example> wrote:\n> RR-1 Which structures?\n"
        ),
        ENVELOPE,
        CONTEXT,
    )
    assert (found.kind, found.disposition, found.rule) == (Kind.REPLY, Disposition.FILE, "reply")
    assert "grants in the region" in found.text
    assert "Which structures" not in found.text
    assert [a.ref for a in found.statements[0].anchors] == ["RR-2", "2", "roles"]
    assert found.language == "en"


def test_handover_keeps_the_answer_beside_it() -> None:
    found = read(
        mail(
            "From 1 May my colleague Ola Lind (ola@north.example) takes over as our liaison.\n\n"
            "One last answer, on PAR-1: the arts council.\n"
        ),
        ENVELOPE,
        CONTEXT,
    )
    assert (found.disposition, found.notes) == (Disposition.ROUTE, ("handover",))
    assert [[a.ref for a in s.anchors if a.kind == "question"] for s in found.statements] == [["PAR-1"]]


def test_forwarded_answer_of_a_member_is_filed() -> None:
    found = read(
        mail(
            "Sharing this with permission.\n\n"
            "---------- Forwarded message ---------\nFrom: Sipho <sipho@members.example>\n"
            "Date: Thu, 5 Nov 2026 at 18:22\nSubject: partners\nTo: Kim <kim@north.example>\n\n"
            "PAR-1: the libraries, but nobody asks them.\n",
            subject="Fwd: partners",
        ),
        ENVELOPE,
        CONTEXT,
    )
    assert "nobody asks them" in found.text
    assert "sipho@members.example" not in found.text
    assert "forwarded" in found.notes
    assert any(a.ref == "PAR-1" for s in found.statements for a in s.anchors)


def test_fix_gives_the_new_text() -> None:
    found = read(mail("fix S-1042\nGrants are decided in the region.\n\n-- \nKim\n"), ENVELOPE, CONTEXT)
    assert found.command is not None
    assert (found.command.name, found.command.argument) == ("fix", "S-1042")
    assert found.text == "Grants are decided in the region."
    assert found.statements == ()


def test_private_address_makes_everything_private() -> None:
    found = read(mail("RR-1: not for the wiki, the council fears it."), ENVELOPE, Context(private_address=True))
    assert found.visibility is Visibility.PRIVATE


def test_reply_to_an_items_own_address() -> None:
    context = Context(items=CONTEXT.items, token_item=2)
    found = read(mail("Money should be decided near the people."), ENVELOPE, context)
    assert [a.ref for a in found.statements[0].anchors] == ["RR-2", "2", "roles"]


def test_a_fault_inside_is_a_held_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(raw: bytes) -> object:
        raise ValueError(raw)

    monkeypatch.setattr(entry, "parse", broken)
    found = read(b"x", ENVELOPE, CONTEXT)
    assert (found.disposition, found.warnings) == (Disposition.HOLD, ("unreadable: ValueError",))


def test_forwarded_words_without_head() -> None:
    assert forwarded_words("just words") == "just words"
    assert forwarded_words("---- Forwarded ----\nFrom: a\nTo: b\n\nwords\n\nmore") == "words\n\nmore"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("We want grants to be decided in the region", "en"),
        ("Wir wollen, dass Zuschüsse in der Region entschieden werden", "de"),
        ("universidades e arquivos ajudariam; o que afasta é o convênio em inglês", "pt-BR"),
        ("Мы хотим, чтобы решения принимались на местах", "ru"),
        ("Рішення про гранти мають ухвалювати на місцях", "uk"),
        ("助成は地域で決めるべきです", "ja"),
        ("资助应由当地社群决定", "zh-Hans"),
        ("資助應由當地社群決定", "zh-Hant"),
        ("지원금은 지역에서 결정해야 합니다", "ko"),
        ("نريد أن تتخذ قرارات المنح محليا", "ar"),
        ("हमें प्रशिक्षकों की आवश्यकता है", "hi"),
        ("हामीलाई प्रशिक्षक चाहिन्छ", "ne"),
        ("החלטות על מענקים צריכות להתקבל באזור", "he"),
        ("নতুনদের জন্য সহায়তা পাতা নেই", "bn"),
        ("Tunahitaji njia ya kutumia rekodi za sauti kama vyanzo", "sw"),
        ("Համաձայն ենք կարծիքին", "hy"),
        ("+1", "und"),
        ("👍", "und"),
        ("", "und"),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert language_of(text) == language


def test_the_writers_own_languages_settle_doubt() -> None:
    assert language_of("Vi holder med dem", ("nb",)) in {"nb", "und"}
    assert language_of("资", ("zh-Hant",)) == "und"
    assert language_of("人口一百", ("zh-Hant",)) == "zh-Hant"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=3_000))
def test_any_bytes_give_a_reading(raw: bytes) -> None:
    found = read(raw, ENVELOPE, CONTEXT)
    assert not any(warning.startswith("unreadable") for warning in found.warnings)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=2_000), st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs")), max_size=100))
def test_any_text_gives_a_reading(body: str, subject: str) -> None:
    found = read(mail(body.encode("utf-8", "replace").decode(), subject=subject), ENVELOPE, CONTEXT)
    assert not any(warning.startswith("unreadable") for warning in found.warnings)


@pytest.mark.parametrize(
    "unit", ["a", "> ", "1:\n", "RR-1 ", "could not ", "<a@b.example>: ", "On ", "(", "i am ", "1月1", "\n\n", "«x» "]
)
def test_long_bodies_take_linear_time(unit: str) -> None:
    """Twenty times as much takes at most a hundred times as long; quadratic would be four hundred."""
    times = []
    for size in (2_000, 40_000):
        raw = mail(unit * (size // len(unit)))
        started = time.process_time()
        read(raw, ENVELOPE, CONTEXT)
        times.append(time.process_time() - started)
    assert times[1] < max(100 * times[0], 5.0)


def passing_on(cover: str, said: str, sender: str = "piero@torino.example") -> bytes:
    inner = f"From: Piero <{sender}>\nSubject: x\n\n{said}\n"
    return (
        "From: Ana <ana@west.example>\nSubject: Fwd: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\n\n{cover}\n--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n"
    ).encode()


def test_a_message_that_is_attached_is_what_a_community_says() -> None:
    context = {"questions": {"RR-2": "Which seats?"}, "own_homes": ["tidings.example"]}
    seen = explain(passing_on("Our members in Torino answer:", "RR-2: we want two.\n\nCiao\nPiero"), "x", context)
    assert seen["text"] == "Our members in Torino answer:"
    assert [(s["text"], s["anchors"][0]["ref"]) for s in seen["statements"]][-1] == ("RR-2: we want two.", "RR-2")
    alone = explain(passing_on("", "RR-2: we want two."), "x", context)
    assert (alone["disposition"], alone["text"]) == ("file", "RR-2: we want two.")
    ours = explain(passing_on("See attached.", "RR-2: which seats?", "core@tidings.example"), "x", context)
    assert [s["text"] for s in ours["statements"]] == ["See attached."]
    answered = explain(passing_on("RR-2: no, they wrote why.", "We object."), "x", context)
    assert [s["text"] for s in answered["statements"]] == ["RR-2: no, they wrote why."]
