"""A sheet for translators, written and read back: the same, whatever the texts hold."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.fields import Fields
from flows.translation_file import FORMATS, Sheet, Unit, read, write

NOW = datetime(2019, 3, 4, 9, 0, tzinfo=UTC)
# What the timeline accepts: no control characters but tab and line feed, no half characters.
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), include_characters="\n\t"), max_size=60)


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
     ("po", 'msgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\nmsgstr[1] "d"\n')],
)  # fmt: skip
def test_what_cannot_be_read_is_said_or_is_empty_and_never_raises(form: str, content: str) -> None:
    fields = Fields()
    found = read(content, form, fields)
    assert fields.rejected or found is None or not [unit for unit in found.units if unit.words]
    assert all(one.reason and one.line >= 1 for one in fields.rejected)
