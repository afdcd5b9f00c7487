"""Notices that programs write in somebody's name, known by their words (`[notice]` of a language's table).

A mail that Outlook would like to recall, one that it could not show, a file that was shared, mail that is delayed.
Each is a line with a name and little else, so that a person who writes of such things is not taken for a program.
"""

import re

from mailer.message import Message
from mailer.phrases import fold, phrases

_BRIEF = 600  # characters of a notice
_NAME = 6  # words beside the phrase: a name, an address
_QUOTED = re.compile(r"[“\"„«「『‘][^\n]{0,200}?[”\"“»」』’]")
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}\.\w")
_LINK = re.compile(r"https?://")
_TAG = re.compile(r"^\s*[^\W\d_][^\n:：]{1,24}\s?[:：]")
_REPLY = re.compile(r"^\s*(?:re|aw|sv|antw|rif|odp|回复|回覆|رد|תשובה)\s?[:：]", re.IGNORECASE)
_OF_OURS = re.compile(
    r"\b(?:i|we|ich|wir|je|j'ai|nous|yo|nosotros|eu|nós|я|мы|saya|kami|kita|أنا|نحن|אני|אנחנו|我|我们|我們|मैं|हम|私)\b"
)


def notice_in(message: Message, text: str) -> str:
    """`recall`, `unshown`, `delay` or `shared`; '' for a mail that is none. `text` is the new text without quotes."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not lines or len(text) > _BRIEF:
        return ""
    head = lines[0][:400]
    tagged = bool(_TAG.match(message.subject)) and not _REPLY.match(message.subject)
    if len(lines) == 1 and tagged and _QUOTED.search(head) and says("recalls", head):
        return "recall"
    if len(lines) <= 3 and fold(head).startswith(tuple(phrases("notice", "unshown").whole)):
        return "unshown"
    if _ADDRESS.search(text) and len(lines) <= 6 and not _REPLY.match(message.subject) and _delays(text):
        return "delay"
    if _LINK.search(text) and any(says("shares", line[:400]) for line in lines[:3]):
        return "shared"
    return ""


def says(name: str, line: str) -> bool:
    """Whether a line is a phrase of the tables beside a name, not in the first person, whatever it quotes."""
    plain = " ".join(_QUOTED.sub(" ", fold(line)).split())
    found = phrases("notice", name).first(plain)
    if found is None:
        return False
    beside = f"{plain[: found.start]} {plain[found.end :]}"
    return len(beside.split()) <= _NAME and not _OF_OURS.search(beside)


def _delays(text: str) -> bool:
    folded = fold(text[:_BRIEF])
    return phrases("notice", "delays").first(folded) is not None and not _OF_OURS.search(folded)
