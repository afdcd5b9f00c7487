"""What must go to a person: reports about somebody's safety, handovers, corrections of a translation or a date.

Each function looks at the new text of a reply and gives True or False. A single word is not enough: policy
talk about harassment is an answer; "he knows where I work" is a report.
"""

import re
from datetime import date, timedelta
from itertools import pairwise

from mailer.phrases import Found, fold, phrases
from mailer.when import Day, date_words, dates_in, digits

MAX_TEXT = 6_000
_SENTENCE = re.compile(r"(?<=[.!?。！？؟।\n])\s*")
# Who suffers: the writer (first person singular) or somebody named as a victim, in the languages of the tables.
_SELF = re.compile(
    r"\b(?:me|my|myself|mine|mi|mí|conmigo|temo|m'|moi|mon|ma|mes|mich|mir|mein|meine|meinem|meinen|"
    r"meiner|meu|minha|mim|"
    r"comigo|mio|mia|mij|mijn|mig|mitt|meg|mnie|mną|mój|moja|mne|mě|mém|můj|minua|minut|minulle|engem|"
    r"nekem|beni|bana|"
    r"benim|tôi|εμένα|μου|με)\b|\b(?:меня|мне|мной|мой|моя|моей|моего|мою|мене|мені|мною|моє|моїй)\b|"
    r"\b\w{0,8}(?:nitish|ninyanyas|nifuat|nihofi)\w*|\b(?:mimi|nami|nahofia|ninapo\w+)\b|(?:إلي|عني|علي|"
    r"بي|ني\b)|"
    r"(?:אותי|עלי|עליי|ממני|שלי)|(?:मुझे|मुझसे|मेरे|मेरी|मेरा|हमें)|(?:আমাকে|আমার)|"
    r"(?:骚扰|威胁|恐吓|跟踪|伤害|勒索|攻击|騷擾|威脅|恐嚇|跟蹤|傷害|攻擊)\w{0,2}[我咱]|我(?:被|受到|收到|遭|的)|"
    r"(?:私|僕|俺|自分)[がはをにのも].{0,30}(?:され|受け|知ら|れて)|"
    r"저를|저에게|나를|나에게|제게|제 (?:집|가족|주소|아이|사진|이름|직장)|저희 집|내 |"
    r"我(?:家|和|们家|們家)|\bбоюсь|ฉัน|ผม|ดิฉัน|مرا|به من|از من|"
    r"\b(?:meng|men|mem|me)\w+ saya\b|\bsaya (?:di|ter|takut|menerima)\w*|\b(?:keselamatan|alamat|"
    r"rumah) saya\b|"
    r"\b(?:a|one of our|our|another) (?:member|editor|volunteer|colleague|user|contributor|admin|"
    r"administrator|friend)s?\b"
    r"(?=.{0,60}\b(?:is being|was|were|has been|received|gets|got)\b)",
    re.IGNORECASE,
)
_STRONG = re.compile(
    r"\bi (?:get|got|receive|received|have received|keep getting|am getting) [\w ]{0,20}threat|"
    r"knows? where (?:i|we|she|he|they) (?:live|work)|(?:writing|came|come|comes|coming|shows? up|"
    r"showed up|turned up) (?:to me )?(?:at|to|outside) (?:my|our|her|his) (?:home|house|door|work|flat)|"
    r"(?:hurt|harm|kill|attack|find) (?:me\b|my (?:kids?|child|children|family|wife|husband|son|daughter|parents))|"
    r"threaten(?:ed|s|ing)? (?:me|us|her|him|to kill|my)|(?:death|rape) threats?|threats? (?:against|"
    r"to) (?:me|us|her|him|my)|(?:is|am|are|was|were|been|being) (?:\w+ )?(?:harassed|stalked|threatened|"
    r"blackmailed|doxxed|doxed|assaulted|raped|beaten|arrested|detained|attacked)|"
    r"(?:harass(?:es|ed|ing)|stalk(?:s|ed|ing)|blackmail(?:s|ed|ing)|dox(?:xed|ed|xing)|attack(?:ed|s|"
    r"ing)) (?:me|us|her|him|one of|a member|our)|"
    r"i(?: am|'m) (?:scared|frightened|terrified)\b|menaces de mort|morddrohung|amenazas? de muerte|"
    r"ameaças? de morte|"
    r"угроз\w* убий|تهديدات بالقتل|تهديد بالقتل|死亡威胁|死亡威脅|殺害予告|ancaman (?:pembunuhan|mati)|"
    r"vitisho vya kuua|"
    r"איומים ברצח|איום ברצח|minacce di morte|doodsbedreiging|groźby śmierci|ölüm tehdidi|살해 협박|"
    r"\b(?:fui|fue|foi|ha sido|he sido|está siendo|está sendo|me han?|nos han?) (?:amenazad|acosad|"
    r"agredid|ameaçad|assediad)\w*|"
    r"\b(?:a été|ai été|est|suis) (?:menacé|harcelé|agressé)\w*|\b(?:wurde|wurden|wird|werde|"
    r"werden) (?:\w+ ){0,6}(?:bedroht|verfolgt|gestalkt|belästigt|verhaftet)|"
    r"fear(?:s|ed)? for (?:my|her|his|our|their) (?:safety|life|family)|afraid for (?:my|her|his|our)|"
    r"(?:feel|not|am|is) (?:un)?safe (?:at home|for me|here|any ?more)|kill (?:me|myself|him|her)|"
    r"end my life|hurt myself|harm myself|suicid",
    re.IGNORECASE,
)
# Each alternative of the pattern above holds one of these: a cheap look before a slow one.
_HINTS = tuple(
    re.findall(
        r"\S+",
        "where home house door threat harass stalk blackmail dox assault rape beaten arrest detain "
        "attack fear afraid "
        "safe kill life hurt harm suicid scared frighten terrif mort mord muerte угроз قتل 死亡 殺害 ancaman "
        "vitisho "
        "איו minacce dood śmierci ölüm 살해 amenaz acosad agred ameaç assedi menac harcel agress verfolgt "
        "belästigt "
        "verhaftet bedroht",
    )
)
_KEEP_OFF = re.compile(
    r"do not (?:put|post|publish|share|quote|repeat)|don't (?:put|post|publish|share|quote|repeat)|"
    r"please keep this (?:private|confidential|between)|"
    r"no (?:publi|lo publi|pongan|compart)|ne (?:pas )?(?:publi|diffus|partag)|nicht (?:veröffentlich|"
    r"weitergeb|öffentlich|ins wiki)|não (?:publi|divulg|compart)|"
    r"لا تنشر|عدم نشر|не публик|не размещ|请不要公开|不要公开|請不要公開|公開しないで|内密に|jangan (?:publikasi|sebar|"
    r"dipublikasi)|msichapishe|usichapishe|אל תפרסמו|לא לפרסם|प्रकाशित न",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>()\[\]@]{1,64}@[\w.\-]{3,190}")
_ROLE = re.compile(
    r"liaison|contact|colleague|successor|enlace|contacto|colega|collègue|référent|kontakt|ansprech|"
    r"kollege|kollegin|ligação|contato|representante|"
    r"коллег|контакт|координатор|представител|联络|聯絡|同事|担当|後任|連絡|penghubung|kontak|rekan|קשר|עמית|اتصال|"
    r"تنسيق|منسق|زميل|ممثل|संपर्क|सहकर्मी|"
    r"kiungo|mwenzangu|mwakilishi|referente|collega|contactpersoon|koordynator|kolega|koleżanka|следующ|"
    r"наступ|담당|동료|đại diện|đồng nghiệp|irtibat|temsilci|رابط|همکار|kapcsolat|yhteyshenkilö",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"\b(?:\w{3,}(?:ish|ese|ian|ic)|french|german|hindi|greek|czech|dutch|thai|hebrew|swahili|bengali|"
    r"urdu) (?:version|text|edition)\b",
    re.IGNORECASE,
)
_WRONG = re.compile(r"\b(?:wrong|mistake|error|incorrect|should be|should read|misleading)\b", re.IGNORECASE)
_QUESTION = re.compile(r"\b(?!S-)[A-Z]{1,5}-\d{1,3}\b")
_HEAD = re.compile(r"^\s*[\W\d]{0,6}[A-Z]{1,5}-\d{1,3}\s*[:：.)-]")
_PAIRS = re.compile(r"[«»„“”\"「『‘‹›][^«»„“”\"「」『』‘’‹›\n]{1,120}[»«“”\"」』’›‹]")
_WORD = re.compile(r"\w+")
# Languages that short texts are mistaken for one another in.
_KIN = (
    frozenset(("da", "nb", "sv")),
    frozenset(("id", "ms")),
    frozenset(("hr", "sl", "sr")),
    frozenset(("cs", "sk")),
    frozenset(("be", "bg", "mk", "ru", "sr", "uk")),
    frozenset(("ca", "es", "gl", "pt")),
    frozenset(("ca", "fr", "it", "ro")),
    frozenset(("de", "nl")),
    frozenset(("ar", "fa", "ur")),
    frozenset(("hi", "mr", "ne")),
)
_CASELESS = frozenset(("am", "ar", "bn", "fa", "he", "hi", "ja", "ko", "ta", "th", "ur", "zh-Hans", "zh-Hant"))
_BRIEF = 300
_NEAR = 60  # characters between two days of which one corrects the other
_ANY_DAY = date(2000, 1, 3)  # days are only told apart here
_HOUR = re.compile(r"(?<![\d:.])([01]?\d|2[0-3])(?:[:h]([0-5]\d)(?![\d.:])|\.([0-5]\d)(?= ?(?:uhr|klo|h\b)))")
_LINES = re.compile(r"(?<=[!?。！？؟।\n])|(?<=[^\W\d_]{3}\.)\s|(?<=\)\.)\s")
_ORDINAL = re.compile(r"第 ?\d")
_BESIDE = re.compile(r"\d")
_QUOTED = re.compile(r"[«»„“”\"「」『』‘’'‹›]|\b[A-Z]{1,5}-\d{1,3}\b|\bdigest\b", re.IGNORECASE)


def is_safety_report(text: str, language: str = "und") -> bool:
    """A report about the safety of the writer or of somebody near (asks for a person at once).

    `language` is the text's own (`und`: not known); words of other languages than it and English do not count.
    """
    text = text[:MAX_TEXT]
    lower = text.lower()
    if any(hint in lower for hint in _HINTS) and _STRONG.search(text):
        return True
    if phrases("safety", "phrases").first(fold(text), stems=True) is None:
        return False
    for sentence in _SENTENCE.split(text):
        folded = fold(sentence)
        spoken = {hit.language for hit in phrases("safety", "phrases").find(folded, stems=True)}
        spoken = {one for one in spoken if _is_spoken(one, language)}
        if spoken and (_SELF.search(sentence) or _KEEP_OFF.search(text) or _names_victim(folded, spoken)):
            return True
    return False


def _is_spoken(one: str, language: str) -> bool:
    """Whether words of a language count in a text of `language` (`und`: not known), or of one near to it."""
    one, language = one.split("-", maxsplit=1)[0], language.split("-", maxsplit=1)[0]
    return language == "und" or one in (language, "en") or any({one, language} <= kin for kin in _KIN)


def _names_victim(folded: str, spoken: set[str]) -> bool:
    """Whether a sentence speaks of somebody near, not of people in general: "one of our members", "a colleague"."""
    return any(hit.language in spoken for hit in phrases("safety", "victims").find(folded))


def is_handover(text: str, language: str = "und") -> bool:
    """A liaison names who comes after them: the words for it, with a person's address, date or role."""
    folded = fold(text[:MAX_TEXT])
    for found in phrases("handover", "phrases").find(folded):
        near = folded[max(0, found.start - 200) : found.end + 200]
        dated = not _QUESTION.search(text) and bool(dates_in(near, (found.language,)))
        named = _names_somebody(text) or (found.language in _CASELESS and _is_brief(text))
        if _ROLE.search(near) and (dated or _ADDRESS.search(near) or named):
            return True
    return _names_successor(text, language)


def _names_successor(text: str, language: str) -> bool:
    """Somebody takes the post, or gives it up, whatever stands between the words, with an address or a date."""
    brief = _is_brief(text)
    if not brief and "@" not in text:
        return False
    if brief and _ADDRESS.search(text) and _changes_hands(fold(text), language):
        return True
    for sentence in _LINES.split(text[:MAX_TEXT]):
        addressed = _ADDRESS.search(sentence) is not None
        if not (addressed or brief):
            continue
        folded = fold(sentence)
        both = _languages(folded, "post", language) & _languages(folded, "takes", language)
        if both and (addressed or (_names_somebody(sentence) and dates_in(folded, tuple(sorted(both))))):
            return True
    return False


def _changes_hands(folded: str, spoken: str) -> bool:
    """A short mail with an address: its writer leaves, or the post is somebody's from now on or from some month on."""
    if any(_is_spoken(hit.language, spoken) for hit in phrases("handover", "leaving").find(folded)):
        return True
    posts = _languages(folded, "post", spoken)
    if posts & {hit.language for hit in phrases("handover", "fresh").find(folded)}:
        return True
    words = set(_WORD.findall(folded)) if posts else set()
    return any(words & date_words(language) for language in posts)


def _languages(folded: str, name: str, spoken: str) -> set[str]:
    """The languages, near to the one spoken, in which a text has one of the words of handovers that go by `name`."""
    found = {hit.language for hit in phrases("handover", name).find(folded, stems=True)}
    return {language for language in found if _is_spoken(language, spoken)}


def _is_brief(text: str) -> bool:
    """A mail about this alone: short, and it answers no question. In scripts without capitals a name shows no more."""
    return len(text) <= _BRIEF and _QUESTION.search(text) is None


def _names_somebody(text: str) -> bool:
    """Two capitalised words in a row, which in most scripts with case is a name."""
    return (
        re.search(
            r"(?<![.!?] )\b[A-Z\u00c0-\u024f\u0400-\u042f][\w'’\-]{1,30} "
            r"[A-Z\u00c0-\u024f\u0400-\u042f][\w'’\-]{1,30}",
            text,
        )
        is not None
    )


def is_translation_fault(text: str, language: str = "und") -> bool:
    """A wording is said to be translated wrongly: the noun and the fault in one paragraph that cites "
    "something."""
    for whole in text[:MAX_TEXT].split("\n\n"):
        paragraph = _HEAD.sub("", whole)  # the code that an answer opens with is not what it cites
        folded = fold(paragraph)
        if _VERSION.search(paragraph) and _WRONG.search(paragraph) and _PAIRS.search(paragraph):
            return True
        if _both(folded, "translation", "translation_faults", language) and (
            _QUOTED.search(paragraph) or _numbered(folded)
        ):
            return True
        if len(_PAIRS.findall(paragraph)) >= 2 and _compares(folded, language):
            return True  # "a" is given as one wording, "b" as a better one
    return False


def _compares(folded: str, spoken: str) -> bool:
    """Whether a text about a translation says that a wording should be another one; a short one need not say it."""
    if len(folded) <= _BRIEF and phrases("correction", "translation").first(folded, stems=True):
        return True
    nouns = ("translation", "versions")
    return any(_both(folded, noun, f"translation_{said}", spoken) for noun in nouns for said in ("hints", "faults"))


def _numbered(folded: str) -> bool:
    """Whether an item, question or recommendation is named by its number: "the translation of item 3"."""
    plain = digits(folded)
    hits = phrases("numbers").find(plain)
    if _ORDINAL.search(plain):
        return True
    return any(_BESIDE.search(plain[max(0, hit.start - 4) : hit.end + 6]) for hit in hits)


def is_date_fault(text: str, language: str = "und") -> bool:
    """A date of ours is said to be wrong: noun, fault and a date (or a day's number) in one paragraph."""
    for paragraph in text[:MAX_TEXT].split("\n\n"):
        folded = fold(paragraph)
        found = _both(folded, "date", "date_faults", language) if len(folded) < 500 else None
        if found and (_moments(folded, (found.language,)) or re.search(r"\d", digits(paragraph))):
            return True
        if _is_brief(paragraph) and _contrasts(folded, language):
            return True
    return False


def _contrasts(folded: str, spoken: str) -> bool:
    """Two days or hours, one of them right: "on Wednesday, not on Thursday"; "the digest says 31, but 30 May ..."."""
    instead = [hit for hit in phrases("correction", "instead").find(folded) if _is_spoken(hit.language, spoken)]
    ours = {hit.language for hit in phrases("correction", "ours").find(folded, stems=True)}
    ours = {language for language in ours if _is_spoken(language, spoken)}
    but = ours & {hit.language for hit in phrases("correction", "but").find(folded)} if ours else set()
    languages = tuple(sorted({hit.language for hit in instead} | but))
    if not languages:
        return False
    moments = _moments(folded, languages)
    if len({moment.value for moment in moments}) < 2:
        return False
    pairs = [(a, b) for a, b in pairwise(moments) if a.value != b.value and b.start - a.end <= _NEAR]
    between = any(a.start - 15 <= hit.start and hit.end <= b.end + 25 for a, b in pairs for hit in instead)
    return between or bool(but)


def _moments(folded: str, languages: tuple[str, ...]) -> list[Day]:
    """Days in a text in order; where there are fewer than two, weekdays or hours (each hour as a day of its own)."""
    days = dates_in(folded, languages, _ANY_DAY)
    if len(days) >= 2:
        return days
    hours = [
        Day(found.start(), found.end(), _ANY_DAY + timedelta(days=int(found[1]) * 60 + int(found[2] or found[3])))
        for found in _HOUR.finditer(digits(folded))
    ]
    return hours if len(hours) >= 2 else days


def _both(folded: str, subject: str, fault: str, spoken: str = "und") -> Found | None:
    """A noun of the subject and a word of fault in the same language, one near to that of the text."""
    nouns = {found.language for found in phrases("correction", subject).find(folded, stems=True)}
    nouns = {language for language in nouns if _is_spoken(language, spoken)}
    if not nouns:
        return None
    faults = phrases("correction", fault).find(folded, stems=True)
    return next((found for found in faults if found.language in nouns), None)
