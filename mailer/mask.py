"""Personal data made unreadable in what leaves the private store.

`mask(text, keep)` puts a bracketed word in place of e-mail addresses, phone numbers, postal addresses, our
tokens and links with secrets. It errs towards masking, but leaves dates, sums of money, versions, section
numbers and public links alone. Linear in the text; never raises.
"""

import re
from collections.abc import Iterable

EMAIL, PHONE, PLACE, LINK, SECRET = (
    "[e-mail address]",
    "[phone number]",
    "[postal address]",
    "[private link]",
    "[token]",
)
_EMAIL = re.compile(
    r"(?:mailto:)?(?:[^\s<>()\[\]\\,;:\"'@|]{1,64}|\"[^\"\n]{1,64}\")(?:[@\uff20]| ?\(at\) ?| ?\[at\] ?| at )"
    r"(?:[\w\-]{1,63}(?:\.| ?\(dot\) ?| dot | ?\[dot\] ?)){1,6}[\w\-]{2,24}(?![\w@])"
)
_TOKEN = re.compile(
    r"\b(?:reply|bounce|leave|unsubscribe|"
    r"confirm)\+[A-Za-z0-9._\-]{6,64}(?:@[\w.\-]{1,190})?",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"']{1,1000}", re.IGNORECASE)
_PRIVATE = re.compile(
    r"[?&#;/](?:token|key|auth|sig|signature|code|secret|password|pwd|session|sid|invite|confirm|"
    r"unsubscribe|access|t|k|pwd)=?[/=][^&\s]{6,}|"
    r"/(?:confirm|unsubscribe|preferences|settings|invite|reset|magic|join|private|u|"
    r"p)/[A-Za-z0-9_\-]{10,}|[A-Za-z0-9_\-]{32,}|"
    r"docs\.google\.com/\w+/d/|drive\.google\.com/|zoom\.us/j/|meet\.google\.com/|wa\.me/|"
    r"chat\.whatsapp\.com/|t\.me/(?:\+|joinchat/)|1drv\.ms/|onedrive\.live\.com/|sharepoint\.com/:|[?&]authkey=|"
    r"dropbox\.com/(?:s|sh|scl)/|discord(?:\.gg|\.com/invite)/|teams\.(?:microsoft|live)\.com/|signal\.group/|"
    r"wetransfer\.com/downloads/|we\.tl/|mega\.nz/|/s/[A-Za-z0-9]{12,}|//[^/\s@:]{1,60}:[^/\s@]{1,60}@",
    re.IGNORECASE,
)
_UNSPACED = r"\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # scripts whose letters may touch a number
_PHONE = re.compile(
    rf"(?:(?<![\w.,/\-#])|(?<=[{_UNSPACED}]))(?<!\d:)(?:\+|00|\()?\d[\d\s().\-/\u00a0\u2009\u2010-\u2013]{{5,22}}\d"
    rf"(?!(?![{_UNSPACED}])[\w%])"
)
_PHONE_WORD = re.compile(
    r"(?:tel|tél|phone|mobile?|mob|cell|fon|telefon|teléfono|telefone|telp|hp|whatsapp|signal|handy|simu|"
    r"call|тел|телефон|моб|هاتف|جوال|טלפון|נייד|फ़ोन|फोन|मोबाइल|電話|电话|手机|手機|携帯|전화|ফোন|โทร)"
    r"[.:：\s\w/]{0,12}$",
    re.IGNORECASE,
)
_NOT_PHONE = re.compile(
    r"^(?:\d{1,3} )?\(?\d{4}\s?[-–/]\s?\d{2,4}\)?$|^\d{4}[-./]\d{1,2}[-./]\d{1,2}|"
    r"^\d{1,2}[-./]\d{1,2}[-./]\d{2,4}(?=\s|$)|"
    r"^\d{1,3}(?:[ .,\u00a0]\d{3})+(?:[.,]\d{1,2})?$|^\d{1,2}[ :]\d{2}(?: ?[-–] ?\d{1,2}[ :]\d{2})?$"
)
_PHONE_AFTER = re.compile(
    r"\s?[(,]?\s?(?:mobile|cell|whatsapp|signal|tel|phone|handy|móvil|portable|моб|тел)", re.IGNORECASE
)
_SERIAL = re.compile(r"(?:ISBN|ISSN|DOI|IBAN)[\s:]*(?:\d{2}:)?\s?$", re.IGNORECASE)
_SENTENCE = r"\. [A-Z\u00c0-\u042f][\w'’]* [a-z\u00df-\u00ff\u0430-\u044f]"


def _tailed(pattern: str) -> re.Pattern[str]:
    """`~60` stands for up to sixty more characters of the address: to a whole word, not into another sentence."""
    return re.compile(re.sub(r"~(\d+)", lambda m: rf"(?:(?!{_SENTENCE})[^\n]){{0,{m[1]}}}(?![A-Za-z])", pattern))


_STREET = _tailed(
    # Name and number, postcode and town: "Am Markt 3, 20095 Hamburg", "Keizersgracht 123, 1015 CJ Amsterdam".
    r"\b[A-Z\u00c0-\u024f][\w.\-]{1,30}(?: [\w.\-]{1,30}){0,3} \d{1,4}[a-z]?, "
    r"(?:[A-Z]{1,2}-)?(?!(?:19|20)\d\d )\d{4,6} (?:[A-Z]{2} )?[A-Z\u00c0-\u024f][^\n,]{1,40}|"
    r"\b(?:[A-Z][\w'’.\-]{0,30} ){1,3}(?:Road|Rd|Street|Avenue|Lane|Marg|Nagar)\.? (?:No\.? ?)?\d{1,4}\b~60|"
    r"\b[A-ZÇĞİÖŞÜ]\w{1,30} (?:Caddesi|Cad\.|Sokak|Sok\.|Sokağı|Bulvarı|Mahallesi|Mah\.)[^\n\d]{0,30}\d~40|"
    r"\bVia (?:[A-Z]\w{1,30} ){0,3}[A-Z]\w{1,30},? \d{1,4}(?=[,.;/ ]{0,3}(?:$|\d{5}|[A-Z]))~60|"
    r"[\u4e00-\u9fff]{1,3}[都道府県][\u3040-\u9fff]{1,12}[市区町村郡][^\s\d]{0,10}[\d０-９][\d０-９\-－丁目番地号]{0,14}|"
    r"[가-힣]{1,8}(?:시|도) [가-힣]{1,8}(?:구|군|시) [가-힣\d]{1,12}(?:로|길|동) ?\d{1,4}~30|"
    r"\b\d{1,5}[a-zA-Z]?,? (?:[A-Z\u00c0-\u024f][\w'’.\-]{1,30} ){1,4}(?:Street|St\.?|Road|Rd\.?|Avenue|"
    r"Ave\.?|Lane|Ln\.?|Drive|Dr\.?|Boulevard|Blvd\.?|Square|Way|Court|Place|Close|Terrace|"
    r"Crescent)\b~60|"
    r"\b(?:Calle|C/|Avenida|Av\.|Avda\.|Paseo|Plaza|Rua|R\.|Praça|Travessa|Viale|Piazza|Corso|rue|"
    r"avenue|boulevard|place|chemin|allée|ul\.|ulica|al\.|Jalan|Jl\.|ул\.|улица|проспект|пр\.|вул\.|"
    r"вулиця|шоссе|שדרות|רחוב|رحوب|شارع)\s"
    r"[^\n\d]{2,50}?,?\s?(?:n[º°o.]\s?|No\.? ?|д\. ?|дом |буд\. ?)?\d{1,5}\b~60|"
    r"\b\d{1,5}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|place|chemin|allée|impasse|quai) [^\n]{3,60}|"
    r"\b[A-Z\u00c0-\u024f][\w\u00df\-]{2,40}(?:straße|strasse|str\.|gasse|weg|platz|allee|ufer|damm|laan|"
    r"straat|gatan|vägen|vej|gade|gata|veien|katu|tie|utca|út|sokak|"
    r"caddesi) ?\d{1,4} ?[a-zA-Z]?\b~60|"
    r"〒\s?\d{3}-?\d{4}~60|[\u4e00-\u9fff]{2,12}(?:路|街|大道|巷|弄|"
    r"丁目)[\u4e00-\u9fff\d０-９\-]{0,20}\d{1,5}\s?(?:号|號|番地?|弄|室)~30|"
    r"\bP\.? ?O\.? ?Box \d{1,8}\b~60|\bPostfach \d[\d ]{1,12}~60|"
    r"\bS\.?L\.?P\.? ?\d{1,8}\b~40"
)


def mask(text: str, keep: Iterable[str] = ()) -> str:
    """The text with personal data replaced. `keep` are addresses that may be read (the service's own)."""
    kept = {address.lower() for address in keep}
    text = _TOKEN.sub(SECRET, text)
    text = _LINK.sub(lambda m: LINK if _PRIVATE.search(m.group()) else m.group(), text)
    text = _EMAIL.sub(lambda m: _email(m.group(), kept), text)
    text = "\n".join(_STREET.sub(PLACE, line) for line in text.split("\n"))
    return _phones(text)


def _email(found: str, kept: set[str]) -> str:
    """A spelled-out "at" is an address only with a spelled-out or real dot behind it."""
    address = found.removeprefix("mailto:").replace("\uff20", "@")
    if address.lower().strip(".") in kept:
        return found
    if "@" not in address and not re.search(r"\(at\)|\[at\]| dot |\(dot\)|\[dot\]", address):
        return found
    return EMAIL


def _phones(text: str) -> str:
    """Phone numbers: written internationally, or behind a word for phone, or long enough to be nothing "
    "else."""
    parts: list[str] = []
    last = 0
    for found in _PHONE.finditer(text):
        number = found.group()
        count = sum(char.isdigit() for char in number)
        named = _PHONE_WORD.search(text[max(0, found.start() - 24) : found.start()]) is not None
        foreign = number.startswith(("+", "00"))
        named = named or _PHONE_AFTER.match(text, found.end()) is not None
        grouped = count >= 9 and bool(re.search(r"\d[ ().\-/]+\d", number)) and not _NOT_PHONE.search(number.strip())
        serial = _SERIAL.search(text[max(0, found.start() - 12) : found.start()]) is not None
        shaped = (grouped or (number.isdecimal() and 10 <= count <= 12)) and not serial
        linked = "://" in text[max(0, found.start() - 60) : found.start()].rsplit(" ", maxsplit=1)[-1]
        if 6 <= count <= 16 and not linked and "\n\n" not in number and (named or foreign or shaped):
            parts += [text[last : found.start()], PHONE]
            last = found.end()
    return "".join([*parts, text[last:]])
