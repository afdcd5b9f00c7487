"""Reactions: one emoji to a mail (RFC 9078, Gmail's JSON part, and the sentence other programs send)."""

import json
import re

from mailer.message import Message
from mailer.notice import says
from mailer.phrases import fold

_TYPE = "text/vnd.google.email-reaction+json"
_TAIL = re.compile(
    r"(?:reacted (?:via gmail|to your (?:message|e-?mail))|reagierte? über gmail|hat (?:über gmail|"
    r"auf ihre nachricht) reagiert|"
    r"a réagi (?:via gmail|à votre message)|reaccionó (?:a través de|mediante|con) gmail|ha reaccionado|"
    r"reagiu (?:pelo|via|através do) gmail|"
    r"отреагировал[аи]?|تفاعل|प्रतिक्रिया दी|さんが gmail でリアクション|"
    r"リアクションしました|做出了回应|通过 gmail|透過 gmail|"
    r"bereaksi melalui gmail|"
    r"הגיב|reagito|gereageerd|reagerade|zareagował)",
    re.IGNORECASE,
)
_EMOJI = re.compile("[\u2190-\u2bff\u2600-\u27bf\U0001f000-\U0001faff]")
_EMOJI_ONLY = re.compile(
    "[\\s\u200d\ufe0e\ufe0f\u20e3\u2190-\u2bff\u2600-\u27bf\U0001f000-\U0001faff\U000e0020-\U000e007f]{1,24}"
)


_TAPBACK = re.compile(
    r"(?P<verb>[^\n“”\"«»„‟「」『』]{2,40}?)\s*[:：]?\s*[“\"«„「『]\s*(?P<said>[^\n]{3,300}?)\s*[”\"»“」』]"
    r"[^\n“”\"«»„「」『』]{0,24}"
)
# A whole mail that says it in words, as Outlook does; "I liked your message" without its colon is somebody's own.
_SENTENCE = re.compile(
    r"(?P<emoji>[^\w\s]{1,8})?\s*[^\n]{2,60}?\s(?:(?:reacted to|hat auf|a réagi à|ha reaccionado a|reagiu à|reagiu a|"
    r"отреагировал[аи]? на|ha reagito a|heeft gereageerd op|reagerade på) [^\n:]{4,40}|"
    r"(?:liked|loved|laughed at|disliked|celebrated) your (?:message|e-?mail|reply))\s*(?P<colon>:)?\s*"
    r"(?P<below>[^\w\s]{1,8})?\s*",
    re.IGNORECASE,
)
_PREFIXES = re.compile(r"^(?:\s*[^\W\d_]{1,12}\s?[:：])+\s*")
_VERBS = {"liked": "👍", "loved": "❤️", "disliked": "👎", "laughed at": "😂", "emphasized": "‼️", "questioned": "❓"}


def tapback(text: str, subject: str) -> str:
    """The emoji of a phone's reaction that came as words, "Liked “(subject)”", in any language; '' for none.

    It quotes our mail and says a word or two beside it. Which, is known for English only; in other languages it must
    quote the subject, and is given as `?`.
    """
    found = _TAPBACK.fullmatch(text.strip()) if len(text) <= 400 else None
    about = fold(_PREFIXES.sub("", subject)).strip()
    said = fold(found["said"]).strip(" .…") if found else ""
    if found is None or len(said) < 8 or len(found["verb"].split()) > 4:
        return ""
    verb = _VERBS.get(fold(found["verb"]).strip(), "")
    if not verb and said not in (about, fold(subject).strip()) and not about.startswith(said):
        return ""
    return verb or "?"


def reaction_in(message: Message, new_text: str = "") -> str:
    """The emoji of a reaction, '' where the mail is none (or names none). `new_text` is the text without quotes."""
    for part in message.parts:
        if part.type.lower() == _TYPE:
            try:
                value = json.loads(part.text[:2_000])
            except (ValueError, RecursionError):
                value = {}
            emoji = value.get("emoji") if isinstance(value, dict) else None
            return emoji[:16] if isinstance(emoji, str) and emoji else "?"
        disposition = {k.lower(): v for k, v in part.params}.get("content-disposition", "")
        if disposition.lower().startswith("reaction") and _EMOJI_ONLY.fullmatch(part.text.strip()[:24]):
            return part.text.strip()
    if message.get("content-disposition").lower().startswith("reaction"):
        return (message.plain or "?").strip()[:16]
    for text in ((message.plain or "")[:2_000], new_text[:2_000]):
        lines = [line for line in text.split("\n") if line.strip()]
        if 1 < len(lines) <= 6 and _EMOJI_ONLY.fullmatch(lines[0].strip()) and any(map(_TAIL.search, lines[1:])):
            return lines[0].strip()[:16]
    return tapback(new_text, message.subject) or _in_words(new_text)


def _in_words(text: str) -> str:
    """The emoji of "Ana liked your message:" over the message; `?` where it names none, '' for anything else."""
    if len(text) > 120:
        return ""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    emoji = next((line for line in lines if _EMOJI_ONLY.fullmatch(line)), "")
    said = [line for line in lines if line != emoji]
    if len(said) == 1 and (emoji or said[0][-1] in ":：" or "gmail" in said[0].lower()) and says("reacted", said[0]):
        return emoji[:16] or _emoji_before(said[0])
    found = _SENTENCE.fullmatch(text.strip())
    if found is None or not found["colon"]:
        return ""
    emoji = (found["emoji"] or found["below"] or "").strip()
    return emoji if emoji and _EMOJI_ONLY.fullmatch(emoji) else "?"


def _emoji_before(line: str) -> str:
    first = line.split(maxsplit=1)[0]
    return first if _EMOJI.search(first) and _EMOJI_ONLY.fullmatch(first) else "?"


def only_emoji(text: str) -> str:
    """The emoji where a reply is nothing else, or ''."""
    text = text.strip()
    return text if text and _EMOJI_ONLY.fullmatch(text) and _EMOJI.search(text) else ""
