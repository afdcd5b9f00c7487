"""Text from outside made harmless for a header, a line of text or a page. Pure and total: nothing raises.

Dropped: C0 and C1 controls, U+2028 and U+2029, bidi embeddings and overrides (marks and isolates
stay: honest right-to-left text needs them), zero-width no-break spaces, lone surrogates, and the
noncharacters that `mailer.render` uses as marks.
"""

import re

# Kept out of character ranges by hand: \t and \n, which `clean_text` lets pass.
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ufeff\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff"
_LINE = re.compile(f"[{_CONTROLS}\t\n]")
_TEXT = re.compile(f"[{_CONTROLS}]")
_BREAKS = re.compile("\r\n?|\x85|\u2028|\u2029|\x0b|\x0c")
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """One line with every control character dropped, blanks left as they are."""
    return _LINE.sub("", text)


def one_line(text: str) -> str:
    """One line: breaks and tabs become a blank, runs of blanks one, controls vanish."""
    return _SPACES.sub(" ", _LINE.sub("", _BREAKS.sub(" ", text).replace("\n", " ").replace("\t", " "))).strip()


def clean_text(text: str) -> str:
    """Several lines, each ending in LF; controls but tab vanish."""
    return _TEXT.sub("", _BREAKS.sub("\n", text))
