"""Real mail programs answer a delivered digest: what they send is filed on the right item, with nothing of the quote."""

import pytest

from tests.strangers import thunderbird
from tests.strangers.clients import CLIENTS, Person
from tests.strangers.stage import Answer, Stage, need

ANA = Person("ana", "ana@west.example", "Ana Alves")
BADR = Person("badr", "badr@south.example", "Badr Ben Ali")


@pytest.mark.parametrize("client", CLIENTS)
def test_answers_between_the_quoted_lines(stage: Stage, client: str) -> None:
    below = {"MON-1": "A committee that we elect.", "MON-2": "Two thirds,\nwe think."}
    CLIENTS[client](stage, ANA, Answer(top="Dear all,", below=below, bottom="-- \nAna Alves\n+351 21 000 0000"))
    assert stage.filed() == [("MON-1", "A committee that we elect."), ("MON-2", "Two thirds,\nwe think.")]


@pytest.mark.parametrize("client", CLIENTS)
def test_answers_between_the_quoted_lines_in_arabic(stage: Stage, client: str) -> None:
    CLIENTS[client](stage, BADR, Answer(below={"MON-1": "لجنة ننتخبها نحن.", "MON-2": "الثلثان على الأقل."}))
    assert stage.filed() == [("MON-1", "لجنة ننتخبها نحن."), ("MON-2", "الثلثان على الأقل.")]


@pytest.mark.parametrize("client", ["mutt", "s-nail"])
def test_an_answer_above_the_quote(stage: Stage, client: str) -> None:
    CLIENTS[client](stage, ANA, Answer(top="MON-2: At least half should stay in the region.\nThe rest may go."))
    assert stage.filed() == [("MON-2", "MON-2: At least half should stay in the region.\nThe rest may go.")]


def test_swaks_answers_an_item_at_its_own_address(stage: Stage) -> None:
    digest = stage.digest("ana")
    item = digest.item_address(digest.number_of("Talks about money"))
    envelope = ["--from", ANA.address, "--to", item, "--ehlo", "client.example", "--pipeline"]
    said = stage.run(
        [need("swaks"), "--server", "127.0.0.1", "--port", str(stage.port), *envelope,
         "--header", "Subject: grants", "--body", ".hidden dot\nLet the region decide.\n..\n"]
    )  # fmt: skip
    assert "250 2.0.0 stored" in said
    assert b"\r\n.hidden dot\r\nLet the region decide.\r\n..\r\n" in stage.arrived()[0]
    assert stage.filed() == [("item 1", ".hidden dot\nLet the region decide.\n..")]


@pytest.mark.parametrize("to", ["nobody@process.example", "reply+forged00000@process.example", "a@elsewhere.example"])
def test_swaks_is_no_way_through_for_strangers(stage: Stage, to: str) -> None:
    said = stage.run(
        [need("swaks"), "--server", "127.0.0.1", "--port", str(stage.port), "--from", "x@elsewhere.example", "--to", to],
        code=24,
    )  # fmt: skip
    assert "<** 550 5." in said
    assert stage.arrived() == []


@pytest.mark.soak
def test_thunderbird_answers_above_the_quote(stage: Stage) -> None:
    thunderbird.answer(stage, ANA, "MON-2: At least half should stay in the region.")
    assert b"User-Agent: Mozilla Thunderbird" in stage.arrived()[0]
    assert stage.filed() == [("MON-2", "MON-2: At least half should stay in the region.")]
