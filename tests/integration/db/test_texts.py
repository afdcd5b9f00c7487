"""Texts, their translations, and what is outdated."""

import pytest

from db import texts
from db.engine import Database
from digests.language import choose
from tests.seeds import act, make_process

OWNER = ("entry", 7)


@pytest.fixture
def process_id(database: Database) -> int:
    return make_process(database)


def test_a_translation_goes_outdated_when_its_source_changes(database: Database, process_id: int) -> None:
    with database.write() as tx:
        assert texts.put_text(tx, process_id, OWNER, "title", "Call", lang="en", act=act()) == 1
        assert texts.put_translation(tx, process_id, OWNER, "title", "fr", "Appel", act=act())
        assert texts.outdated(tx, process_id) == []
        assert texts.put_text(tx, process_id, OWNER, "title", "Call", lang="en", act=act()) == 1
        revision = texts.put_text(tx, process_id, OWNER, "title", "Open call", lang="en", act=act())
        found = texts.outdated(tx, process_id)
        wording = texts.load_texts(tx, process_id, [OWNER])["entry", 7, "title"]
    assert [(one.owner, one.field, one.lang, one.fresh_from) for one in found] == [(OWNER, "title", "fr", revision)]
    title = choose(wording, ["fr"])
    how = choose(wording, ["fr"], strict=True)
    assert title is not None
    assert (title.body, title.outdated) == ("Appel", True)
    assert how is not None
    assert (how.lang, how.body, how.own) == ("en", "Open call", False)


def test_a_correction_may_leave_translations_good(database: Database, process_id: int) -> None:
    with database.write() as tx:
        texts.put_text(tx, process_id, OWNER, "title", "Cal", lang="en", act=act())
        texts.put_translation(tx, process_id, OWNER, "title", "fr", "Appel", act=act())
        texts.put_text(tx, process_id, OWNER, "title", "Call", lang="en", act=act(), translations_stay_good=True)
        assert texts.outdated(tx, process_id) == []


def test_an_older_translation_never_overwrites_a_newer_one(database: Database, process_id: int) -> None:
    with database.write() as tx:
        first = texts.put_text(tx, process_id, OWNER, "title", "One", lang="en", act=act())
        second = texts.put_text(tx, process_id, OWNER, "title", "Two", lang="en", act=act())
        assert texts.put_translation(tx, process_id, OWNER, "title", "fr", "Deux", act=act(), of_revision=second)
        assert not texts.put_translation(tx, process_id, OWNER, "title", "fr", "Un", act=act(), of_revision=first)
        assert texts.put_translation(tx, process_id, OWNER, "title", "de", "Eins", act=act(), of_revision=first)
        assert not texts.put_translation(tx, process_id, OWNER, "title", "fr", "Deux", act=act())
        assert [one.lang for one in texts.outdated(tx, process_id)] == ["de"]
        # A revision that this database never saw is some earlier one.
        assert texts.put_translation(tx, process_id, OWNER, "title", "ar", "واحد", act=act(), of_revision=99)
        assert [one.lang for one in texts.outdated(tx, process_id)] == ["ar", "de"]


def test_drafts_are_not_shown_and_unknown_texts_are_refused(database: Database, process_id: int) -> None:
    with database.write() as tx:
        with pytest.raises(LookupError):
            texts.put_translation(tx, process_id, OWNER, "title", "fr", "x", act=act())
        texts.put_text(tx, process_id, OWNER, "title", "One", lang="en", act=act())
        with pytest.raises(ValueError, match="language of the source"):
            texts.put_translation(tx, process_id, OWNER, "title", "en", "x", act=act())
        texts.put_translation(tx, process_id, OWNER, "title", "fr", "Un", act=act(), state=texts.DRAFT)
        assert set(texts.load_texts(tx, process_id, [OWNER])["entry", 7, "title"].versions) == {"en"}


def test_many_owners_are_loaded_at_once_and_fields_can_be_chosen(database: Database, process_id: int) -> None:
    with database.write() as tx:
        for n in range(1, 701):
            texts.put_text(tx, process_id, ("entry", n), "title", f"T{n}", lang="en", act=act())
        texts.put_text(tx, process_id, ("entry", 1), "how", "Reply.", lang="en", act=act())
        texts.put_text(tx, process_id, ("question", 1), "text", "Why?", lang="en", act=act())
        owners = [("entry", n) for n in range(1, 701)] + [("question", 1)]
        found = texts.load_texts(tx, process_id, owners, ["title"])
        everything = texts.load_texts(tx, process_id, owners)
    assert len(found) == 700
    assert found["entry", 700, "title"].source == "T700"
    assert len(everything) == 702


def test_an_emptied_text_is_gone(database: Database, process_id: int) -> None:
    with database.write() as tx:
        texts.put_text(tx, process_id, OWNER, "how", "Reply.", lang="en", act=act())
        texts.put_text(tx, process_id, OWNER, "how", "", lang="en", act=act())
        assert choose(texts.load_texts(tx, process_id, [OWNER])["entry", 7, "how"], ["en"]) is None
