"""Commands in the writer's own words in every language of the service, and look-alikes that are none."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from mailer.commands import asked_for, read_command
from mailer.explain import explain
from mailer.recall import Recall, read_recall
from mailer.vocabulary import Vocabulary, bare

TODAY = date(2019, 4, 17)
ASKED = tomllib.loads((Path(__file__).parents[2] / "mail" / "asked.toml").read_text("utf-8"))


def understood(text: str) -> str:
    command = read_command("Re: Digest 14", text, (), TODAY)
    return f"{command.read.name} {command.read.argument or ''}".strip() if command else "none"


@pytest.mark.parametrize("language", ASKED)
def test_what_volunteers_write(language: str) -> None:
    wrong = [(wanted, got, text) for wanted, text in ASKED[language] if (got := understood(text)) != wanted]
    assert wrong == []


def test_every_language_has_commands_and_look_alikes() -> None:
    assert len(ASKED) == 14
    for rows in ASKED.values():
        meant = {wanted.split()[0] for wanted, _ in rows}
        assert {"none", "unsubscribe", "pause", "resume", "weekly", "monthly", "hour", "language"} <= meant
        assert {"help", "status", "withdraw", "private", "fix"} <= meant


def test_the_new_text_of_a_statement_stands_behind_the_colon_or_below() -> None:
    found = read_recall("Please correct S-12b: we need more time.", "")
    assert found == Recall("fix", "S-12b", "we need more time.")
    assert read_recall("Hi,\nplease replace s12 with:\nWe object.\nTwice.", "") == Recall(
        "fix", "S-12", "We object.\nTwice."
    )


@pytest.mark.parametrize(
    "text", ["S-12", "S-12 and S-13: delete", "We discussed S-12.", "Delete S-12 and fix S-12", "", "S-"]
)
def test_a_reference_alone_asks_for_nothing(text: str) -> None:
    assert read_recall(text, "") is None


@pytest.mark.parametrize(
    "text",
    [
        "Please send it weekly,\nLG Tim",
        "Dear Maria,\nweekly, please. Best wishes, Ana",
        "请每周一次,谢谢,小安",
        "Semanal, por favor. Un saludo, Pilar",
    ],
)
def test_a_command_may_greet_and_be_signed(text: str) -> None:
    read = asked_for(text, TODAY)
    assert read is not None
    assert read.name == "weekly"


def test_letters_that_are_hard_to_type_may_be_left_out() -> None:
    words = Vocabulary({"désinscrire": [("off", "")], "ещё": [("words", "")], "إلغاء": [("off", "")]})
    assert words.cover(bare("desinscrire, еще الغاء")) == ["desinscrire", "еще", "الغاء"]
    assert words.cover(bare("inscrire")) is None


@pytest.mark.parametrize("given", [None, "2021-05-01"])
def test_a_date_without_a_year_is_of_the_year_of_the_mail(given: str | None) -> None:
    mail = b"From: a@west.example\nDate: Wed, 17 Apr 2019 10:00:00 +0000\n\nPlease pause until 15 May.\n"
    command = explain(mail, "x", {"now": given} if given else {})["command"]
    assert command == {"name": "pause", "argument": "2021-05-15" if given else "2019-05-15"}


def test_a_mail_without_a_date_is_read_all_the_same() -> None:
    for line in ("", "Date: soon\n", "Date: Wed, 17 Apr 99999 10:00:00 +0000\n"):
        mail = f"From: a@west.example\n{line}\nPlease send it weekly.\n".encode()
        assert explain(mail)["command"] == {"name": "weekly", "argument": ""}


def test_somebody_who_is_away_and_asks_for_a_pause_is_no_automatic_answer() -> None:
    text = "I will be travelling until 15 May. Please don't send me anything until then. Thanks, Ana"
    mail = f"From: ana@west.example\nSubject: Re: Digest 14\nDate: Wed, 17 Apr 2019 10:00:00 +0000\n\n{text}\n".encode()
    assert explain(mail)["command"] == {"name": "pause", "argument": "2019-05-15"}
    marked = mail.replace(b"Subject:", b"Auto-Submitted: auto-replied\nSubject:")
    assert explain(marked)["kind"] == "autoreply"


@pytest.mark.parametrize(
    "text",
    [
        "Please make S-12 private, because my employer reads it.",
        "Bitte S-12 vertraulich behandeln. Mein Chef liest mit.",
        "S-12を非公開にしてください。上司が読みます。",
    ],
)
def test_what_is_to_be_private_may_have_a_reason(text: str) -> None:
    assert understood(text) == "private S-12"
    assert understood(text.replace("S-12", "S-12 and S-13")) == "none"
    assert understood("We agree with S-12, it must stay private that Ana wrote it.") == "none"
