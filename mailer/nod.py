"""Mails that only nod, thank or greet: counted, but no statements.

`nod_in(text)` gives `supports` for "+1" and "agreed", `thanks` for "thank you" and "received", '' for anything
that says more. All the words are in the tables of `mailer/languages`.
"""

import re

from mailer.commands import sentences
from mailer.phrases import fold, phrases

MAX_CHARS = 200
_NAME = re.compile(r"[^\W\d_][\w.'’-]{0,20}")
_EDGE = " \t\n.,;:!?¡¿。！，、؛،…-–—()[]*_"
_THAI_GAP = re.compile("(?<=[\u0e00-\u0e7f]) (?=[\u0e00-\u0e7f])")  # sentences in Thai end with a space
_FROM = re.compile(
    r"\+1\.? (?:from|de|von|aus|par|da|от|від|van|od|fra|från|dari|kutoka|du|del|vom|"
    r"\() ?[^\n]{1,40}$"
)
_THANKS = re.compile(
    r"th(?:an)?x|thank|^ty$|noted|received|got it|gracias|recibid|enterad|merci|reçu|noté|dank|erhalten|"
    r"kenntnis|obrigad|recebid|"
    r"ciente|شكر|استلام|спасибо|получено|принято|благодар|谢|謝|收到|已阅|已閱|धन्यवाद|शुक्रिया|प्राप्त|ありがとう|了解|"
    r"承知|拝受|確認|"
    r"terima kasih|diterima|asante|imepokelewa|תודה|קיבלתי|grazie|ricevut|ontvangen|dzięk|otrzymał|дяку|"
    r"отримано|teşekkür|"
    r"aldım|tack|mottag|takk|mottatt|\btak\b|modtaget|kiitos|děkuj|díky|감사|확인|cảm ơn|đã nhận|سپاس|ممنون|"
    r"متشکر|köszön|"
    r"ευχαριστ|ขอบคุณ|รับทราบ|ধন্যবাদ|mulțum|gràci"
)


def nod_in(text: str) -> str:
    """`supports`, `thanks`, or '' for a text that says more than that."""
    folded = _THAI_GAP.sub("\n", fold(_without_name(text)).replace("+1", "+1."))
    if not folded.strip() or len(folded) > MAX_CHARS:
        return ""
    courtesy, nods = phrases("courtesy", "acks", "fillers").whole, phrases("courtesy", "acks").whole
    whole = folded.strip(_EDGE)
    pieces = [piece for piece in (piece.strip(_EDGE) for piece in sentences(folded)) if piece]
    pieces = _before_closing(pieces)
    said = [piece for piece in pieces if piece in nods]
    if whole in nods:
        return _sort([whole])
    if said and all(piece in courtesy for piece in pieces):
        return _sort(said)
    if _FROM.match(folded.strip()):
        return "supports"
    rest = [piece for piece in pieces if piece not in courtesy]
    return "thanks" if len(rest) == 1 and _is_thanks(rest[0]) else ""


def _without_name(text: str) -> str:
    """The text without a last line that is only a name: "Merci beaucoup !", and below it "Claire"."""
    above, _, last = text.strip().rpartition("\n")
    words = last.split()
    named = 0 < len(words) <= 3 and all(_NAME.fullmatch(word) and word[0].isupper() for word in words)
    return above if above.strip() and named and fold(last) not in phrases("courtesy").whole else text


def _before_closing(pieces: list[str]) -> list[str]:
    """The pieces before a valediction, when only a name follows it."""
    closings = phrases("closing", "words").whole
    for place in range(1, len(pieces)):
        if pieces[place] in closings and sum(len(piece.split()) for piece in pieces[place + 1 :]) <= 4:
            return pieces[:place]
    return pieces


def _sort(said: list[str]) -> str:
    return "thanks" if all(_THANKS.search(piece) for piece in said) else "supports"


def _is_thanks(sentence: str) -> bool:
    """One short sentence of thanks for something: "Gracias por la información"."""
    if len(sentence) > 60 or len(sentence.split()) > 8 or any(char.isdigit() for char in sentence):
        return False
    found = phrases("courtesy", "thanks").find(sentence)
    return any(hit.start <= 2 or hit.end > len(sentence) - 3 for hit in found)


def only_greets(text: str) -> bool:
    """Whether there is a greeting and nothing behind it."""
    folded = fold(text[:100]).strip(_EDGE)
    greetings = phrases("courtesy", "fillers").whole
    return len(text) < 60 and folded in greetings and folded not in phrases("courtesy", "acks").whole
