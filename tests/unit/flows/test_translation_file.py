"""A sheet for translators, written and read back: the same, whatever the texts hold."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.fields import Fields
from flows.translation_file import FORMATS, read, write
from flows.translation_sheet import Sheet, Unit

NOW = datetime(2019, 3, 4, 9, 0, tzinfo=UTC)
# What the timeline accepts: no control characters but tab and line feed, no half characters.
TEXT = st.text(
    st.characters(
        exclude_categories=("Cs", "Cc", "Zl", "Zp"), include_characters="\n\t", exclude_characters="\ufffe\uffff"
    ),
    max_size=60,
)


def back(sheet: Sheet, form: str) -> tuple[Sheet | None, Fields]:
    fields = Fields()
    return read(write(sheet, form, NOW), form, fields), fields


@pytest.mark.parametrize("form", FORMATS)
@given(source=TEXT.map(str.strip).filter(bool), words=TEXT.map(str.strip), outdated=st.booleans())
def test_what_was_written_is_read(form: str, source: str, words: str, outdated: bool) -> None:
    tricky = Unit("entry/b/how", '50% of "all"\\n\n- one\n- %(two)s {three} #4', "«50 %»\n\nمرحبا", False)
    sheet = Sheet("reform", "en", "zh-Hant", (Unit("entry/a/title", source, words, outdated), tricky))
    found, fields = back(sheet, form)
    assert not fields.rejected
    assert found is not None
    assert found.process == "reform"
    assert found.lang.replace("_", "-") == "zh-Hant"
    assert [(u.name, u.source, u.words, u.outdated) for u in found.units] == [
        (u.name, u.source, u.words, u.outdated) for u in sheet.units
    ]
    assert found.units[1].line > found.units[0].line > 1


@pytest.mark.parametrize(
    ("form", "content"),
    [("po", "what is this\n"), ("po", 'msgid "a"\nmsgstr[0] "b"\n#~ msgid'), ("yaml", "a: [\n"), ("yaml", "- 1\n"),
     ("po", "\x00\x01"), ("yaml", "texts: 3\n"), ("yaml", "texts:\n- {text: entry/a/title}\n"), ("po", 'msgid "a'),
     ("xliff", "what is this"), ("xliff", "<xliff/>"), ("xliff", "<xliff version='1.2'><file>"), ("xliff", ""),
     ("xliff", "\ud800"), ("xliff", "\x00"), ("xliff", "<xliff version='2.0'/>"), ("xliff", "<xliff version='1.2'/>"),
     ("xliff", "<html version='1.2'/>"), ("po", 'msgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\nmsgstr[1] "d"\n')],
)  # fmt: skip
def test_what_cannot_be_read_is_said_or_is_empty_and_never_raises(form: str, content: str) -> None:
    fields = Fields()
    found = read(content, form, fields)
    assert fields.rejected or found is None or not [unit for unit in found.units if unit.words]
    assert all(one.reason and one.line >= 1 for one in fields.rejected)


HEAD = '<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">'
FILE = '<file original="reform" source-language="en" target-language="fr" datatype="plaintext"><body>'
END = "</body></file></xliff>"


def xliff(content: str) -> tuple[Sheet | None, list[str]]:
    fields = Fields()
    found = read(content, "xliff", fields)
    return found, [f"{one.line}: {one.field}: {one.reason}" for one in fields.rejected]


def test_what_a_translators_program_makes_of_it_is_read() -> None:
    found, faults = xliff(
        f'<?xml version="1.0"?>\n{HEAD}{FILE}<group id="g">\n<trans-unit id="7" resname="entry/a/title">'
        "<source>Half &amp; half</source><seg-source><mrk mtype='seg' mid='0'>x</mrk></seg-source>"
        "<target><mrk mtype='seg' mid='0'>Moitié </mrk><g id='1'>moitié</g></target>"
        "<alt-trans><source>no</source><target state='needs-l10n'>non</target></alt-trans><note>n</note></trans-unit>"
        "<trans-unit id='entry/b/title'><source>B</source><target state='needs-review-translation'>b</target></trans-unit>"
        f"<trans-unit id='entry/c/title'><source><![CDATA[<C>]]></source><target/></trans-unit></group>{END}"
    )
    assert not faults
    assert found is not None
    assert (found.process, found.source_lang, found.lang) == ("reform", "en", "fr")
    assert [(one.name, one.source, one.words, one.outdated) for one in found.units] == [
        ("entry/a/title", "Half & half", "Moitié moitié", False),
        ("entry/b/title", "B", "b", True),
        ("entry/c/title", "<C>", "", False),
    ]
    assert [one.line for one in found.units] == [3, 3, 3]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f'<!DOCTYPE xliff [<!ENTITY l0 "ha">{LAUGHS}]>{HEAD}{FILE}&l9;{END}', "1: file: a document type declaration"),
        (f'<!DOCTYPE x SYSTEM "http://elsewhere.example/x">{HEAD}{END}', "1: file: a document type declaration"),
        (f"\n{HEAD}{FILE}<trans-unit id='a'><source>&x;</source></trans-unit>{END}", "2: file: not an XLIFF file"),
        ('<xliff version="2.1" xmlns="urn:oasis:names:tc:xliff:document:2.0"/>', "save it as XLIFF 1.2"),
        (f"{HEAD}{FILE}\n<trans-unit><source>a</source></trans-unit>{END}", "2: id: is missing"),
        (f"{HEAD}{FILE}<trans-unit id='a'><source>a</source><target>b<x id='1'/></target></trans-unit>{END}", "<x>"),
        (f"{HEAD}{FILE}</body></file>{FILE.replace('fr', 'de')}{END}", "each language needs a file of its own"),
        (HEAD + "<a>" * 60 + "</a>" * 60 + "</xliff>", "too deep"),
        (f"{HEAD}{FILE}" + " " * 40_000_000, "larger than"),
    ],
    ids=["laughs", "other-file", "entity", "2.1", "no-id", "markup", "languages", "deep", "large"],
)
def test_xliff_that_is_not_taken(content: str, says: str) -> None:
    found, faults = xliff(content)
    assert found is None or not found.units or faults
    assert any(says in one or (says == "<x>" and "stands for" in one) for one in faults), faults


def test_what_xml_cannot_hold_is_replaced() -> None:
    found, faults = back(Sheet("p", "en", "fr", (Unit("a", "b\ufffe", "c"),)), "xliff")
    assert found is not None
    assert not faults.rejected
    assert found.units[0].source == "b\ufffd"
