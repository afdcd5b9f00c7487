"""Calendar answers: iTIP replies by RFC 5546 and RFC 6047, with or without words of the person."""

import re

from mailer.message import Message
from mailer.notice import says
from mailer.phrases import fold

_METHOD = re.compile(
    r"^METHOD:[ \t]*(REPLY|COUNTER|REFRESH|CANCEL|REQUEST|PUBLISH|DECLINECOUNTER)", re.IGNORECASE | re.MULTILINE
)
_PARTSTAT = re.compile(r"PARTSTAT=(ACCEPTED|DECLINED|TENTATIVE|DELEGATED)", re.IGNORECASE)
_TYPES = ("text/calendar", "application/ics", "text/x-vcalendar")
_SUBJECT = re.compile(
    r"^\s*(?:accepted|declined|tentative(?:ly accepted)?|new time proposed|invitation|updated invitation|"
    r"canceled event|"
    r"zugesagt|abgesagt|akzeptiert|angenommen|mit vorbehalt|einladung|accepté|refusé|provisoire|invitation acceptée|"
    r"invitation refusée|tentative|aceptad[oa]|aceptó|"
    r"rechazad[oa]|rechazó|provisional|aceit[eoa]|recusad[oa]|provisório|accettat[oa]|rifiutat[oa]|"
    r"geaccepteerd|afgewezen|voorlopig|"
    r"принято|отклонено|под вопросом|zaakceptowano|odrzucono|přijato|odmítnuto|kabul edildi|reddedildi|"
    r"承諾|辞退|仮承諾|"
    r"已接受|已拒绝|暂定|已拒絕|暫訂|diterima|ditolak|קיבל|התקבל|נדחה|אישר|אושר|מקובל|تم القبول|مقبول|مرفوض|"
    r"accepterat|avböjt|"
    r"hyväksytty|hylätty|godtatt|accepteret|elfogadva|स्वीकृत|अस्वीकृत|수락|거절)\s*[:：]",
    re.IGNORECASE,
)
_INVITED = re.compile(
    r"invitation|meeting|einladung|besprechung|réunion|reuni[óã]o|reunión|собрани|встреч|اجتماع|会议|會議|会議|rapat|mkutano|פגישה|मीटिंग|बैठक|"
    r"invitaci[oó]n|convite|invito|uitnodiging|приглашени|запрошенн|zaproszeni|pozvánk|davet|"
    r"inbjud|invitasjon|kutsu|meghív|πρόσκληση|покана|invitați|招待|招待状|邀请|邀請|초대|دعوة|הזמנ|دعوت|आमंत्रण|निमंत्रण|"
    r"আমন্ত্রণ|undangan|jemputan|lời mời|คำเชิญ|mwaliko|kalender|calendar|takvim|カレンダー|日历|行事曆|캘린더",
    re.IGNORECASE,
)
_MOMENT = re.compile(r"\d{1,2}[:.h]\d{2}|@ |\d{1,2} ?(?:am|pm)\b", re.IGNORECASE)
_BRIEF = 300


def method_of(message: Message) -> str:
    """The iTIP method of the calendar part (`REPLY`, `REQUEST` ...), or ''."""
    for part in message.parts:
        if part.type.lower() in _TYPES:
            given = {k.lower(): v for k, v in part.params}.get("method", "")
            found = _METHOD.search(part.text[:20_000])
            return (given or (found.group(1) if found else "")).upper() or "PUBLISH"
    for attachment in message.attachments:
        if attachment.declared.lower() in _TYPES or attachment.type.lower() in _TYPES:
            found = _METHOD.search(attachment.content[:20_000].decode("utf-8", "replace"))
            return found.group(1).upper() if found else ""
    return ""


def is_calendar_reply(message: Message, new_text: str) -> bool:
    """Whether a calendar program answered. Words beside the answer (40 characters or more) make it a "
    "reply."""
    kind = message.get("content-type").lower()
    method = method_of(message) or ("REPLY" if kind.startswith("text/calendar") else "")
    if not method:
        words = new_text.strip()
        if len(words) > _BRIEF or not _SUBJECT.match(message.subject):
            return False
        dated = _MOMENT.search(message.subject) or ("\n" not in words and says("invited", words))
        return not words or bool(dated and _INVITED.search(words))
    if method in ("REPLY", "COUNTER", "REFRESH", "DECLINECOUNTER"):
        words = fold(new_text)
        generated = bool(_SUBJECT.match(message.subject)) or any(
            _PARTSTAT.search(p.text[:20_000]) for p in message.parts
        )
        return generated or len(words) < 40
    return bool(_SUBJECT.match(message.subject)) or len(new_text.strip()) < 40
