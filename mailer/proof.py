"""Reading a text of the core team as a careful colleague would, before it is mailed. Pure; opens no link.

Finds what can be seen from the words alone: places that wait to be filled in, hours without a zone, images without
words, links to nowhere, a subject too long for a telephone.
"""

import re
from dataclasses import dataclass

from mailer import markdown
from mailer.flow import columns

SUBJECT = 60
"""Columns of a subject that most mail programs show on a small screen."""
# "[date]", "[time]", "[place]", "[name]", "[link]" in the languages of the service.
_BLANKS = (
    "date|datum|fecha|data|дата|التاريخ|تاريخ|תאריך|तारीख|दिनांक|日期|日付|tanggal|tarehe"
    "|time|zeit|uhrzeit|hora|horário|heure|время|الوقت|الساعة|שעה|समय|时间|時間|時刻|waktu|jam|saa"
    "|place|ort|lieu|lugar|local|место|المكان|مكان|מקום|स्थान|地点|場所|tempat|mahali"
    "|name|nom|nombre|nome|имя|الاسم|اسم|שם|नाम|姓名|名字|名前|nama|jina"
    "|link|url|lien|enlace|ligação|ссылка|رابط|קישור|लिंक|链接|リンク|tautan|kiungo"
)
_PLACES = re.compile(
    r"\b(?:TO[D]O|TBD|TBA|TBC|FIX[M]E|XXX+|[Ll]orem ipsum)\b|\{\{.*?\}\}|\{%.*?%\}|<<.*?>>|%[A-Z_]{3,}%|_{4,}"
    rf"|\[(?i:{_BLANKS}|insert[^\]]*|\.\.\.|…)\](?!\()|\bXX[:./]XX\b|https?://(?:www\.)?example\.(?:com|org|net)\b\S*",
)
_HOUR = re.compile(
    r"(?<![\d:.,/-])(?:[01]?\d|2[0-3])"
    r"(?::[0-5]\d(?!\d|:)(?:\s?[ap]\.?m\b\.?)?|\s?[ap]\.?m\b\.?|h[0-5]?\d?\b|(?:\.[0-5]\d)?\s?Uhr\b|[時点點](?!間))",
    re.I,
)
_ZONE = re.compile(
    r"\b(?:UTC|GMT|Z|[A-Z]{1,4}[SD]?T|MSK)\b|\b(?:Africa|America|Asia|Europe|Australia|Pacific|Atlantic|Indian)/\w+"
    r"|\bzonestamp|\byour (?:own |local )?time\b"
    # The same in the other languages of the service: "Moscow time", "Central time", "Universal time".
    r"|توقيت|שעון|\bвремени\b|\bпо (?:мск|гринвичу)|\bhora(?:rio)? (?:de|del|local|universal|central)\b"
    r"|\bheure (?:de|locale|universelle|d['’])|\w+er Zeit\b|\b(?:MES?Z|Ortszeit|Weltzeit)\b|मानक समय|समयानुसार"
    r"|世界[時时]|[標标][準准][時时]|(?:日本|現地|台[灣湾]|北京|当地|當地|香港)[時时][間间]"
    r"|\bWI(?:B|TA|T)\b|\bwaktu \w+|\bsaa za \w+"
)
# Beside the hour: an offset such as 18:00+02:00 (a hyphen there is as a rule a span of hours), or "18:00 Berlin time".
_BESIDE = re.compile(r":\d\d\s?[+−]\d{1,2}(?::?[0-5]\d)?\b|T\d\d:\d\d-\d\d:?\d\d\b|[\dm]\.?\s(?:[A-Z]\w+\s){1,2}time\b")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that a colleague would ask about. `sure`: it is wrong in any case."""

    what: str  # placeholder, hour-without-zone, image-without-words, link-to-nowhere, subject-too-long
    found: str
    sure: bool = False


def doubts(title: str, body: str) -> list[Doubt]:
    """What is wrong or doubtful in a text: a title in plain words, a body in Markdown."""
    found = [Doubt("placeholder", match[0], sure=True) for match in _PLACES.finditer(f"{title}\n{body}")]
    found += [Doubt("image-without-words", url, sure=True) for url in markdown.wordless_images(body)]
    found += [Doubt("link-to-nowhere", words, sure=True) for words in markdown.lost_links(body)]
    found += [Doubt("hour-without-zone", said) for said in (*_hours(title), *_hours(markdown.to_text(body)))]
    if columns(title) > SUBJECT:
        found.append(Doubt("subject-too-long", f"{columns(title)} columns, more than {SUBJECT}"))
    return found


def _hours(text: str) -> list[str]:
    """The hours of day in whose paragraph no zone is named."""
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        if not _ZONE.search(_HOUR.sub(" ", paragraph)) and not _BESIDE.search(paragraph):
            found += [match[0].strip() for match in _HOUR.finditer(paragraph)]
    return found
