"""Read receipts: disposition notifications by RFC 8098, and those that programs write without it."""

import re

from mailer.message import Message

_SUBJECT = re.compile(
    r"^\s*(?:read|gelesen|lu|leído|leido|letto|lida|lido|gelezen|läst|lest|læst|luettu|przeczytano|"
    r"přečteno|прочитано|"
    r"прочтено|okundu|既読|开封|已读|已讀|閲覧済み|開封済み|읽음|נקרא|קריאה|تمت القراءة|مقروءة|αναγνώστηκε|olvasva|"
    r"läst|lästa|elolvasva|odczytano|citit|прочетено|đã đọc|dibaca|อ่านแล้ว|पढ़ा गया|خوانده شد|gelesen|imesomwa|"
    r"return receipt(?: \(displayed\))?|read receipt|lesebestätigung|empfangsbestätigung \(angezeigt\)|"
    r"accusé de (?:lecture|réception)[^:]{0,20}|"
    r"confirmación de lectura|confirmação de leitura|conferma di lettura|not read|ungelesen|deleted|"
    r"nicht gelesen|non lu|no leíd[oa]|não lid[oa]|"
    r"не прочитано|не прочтено|непрочитано|未读|未讀|未開封|لم تتم القراءة|غير مقروءة|לא נקראה?|नहीं पढ़ा गया|"
    r"tidak dibaca|haikusomwa|non letto|niet gelezen|nie przeczytano)\s*[:：-]",
    re.IGNORECASE,
)
_BRIEF = 900  # a receipt names our mail and the moment
_SAID = re.compile(
    r"^\s*(?:your message|this is a (?:return|read) receipt|the message (?:you )?sent|ihre nachricht|"
    r"votre message|"
    r"el mensaje|su mensaje|a sua mensagem|il messaggio|uw bericht|dies ist eine (?:empfangs|"
    r"lese)bestätigung|"
    r"this return receipt only acknowledges)",
    re.IGNORECASE,
)
_READ = re.compile(
    r"was (?:read|displayed|deleted without being read)|wurde (?:am .{1,60} )?(?:gelesen|angezeigt)|"
    r"a été (?:lu|affiché)|"
    r"(?:fue|ha sido) leído|foi lida|è stato letto|is gelezen|return receipt for the mail|"
    r"displayed on the recipient|se leyó (?:el|a las)|ha sido leíd[oa]|ha sido visto|foi lid[oa]|"
    r"(?:è stat[oa]|stato) (?:letto|visualizzat[oa]|aperto)|(?:is|werd) (?:op .{1,60} )?(?:gelezen|weergegeven)|"
    r"был[оа]? прочитан|прочитано|прочтено|został[ao]? (?:przeczytan|odczytan|wyświetlon)|był[ao] czytana|"
    r"(?:byla|bola) (?:přečten|prečítan|zobrazen)|lästes|har lästs|blev læst|er (?:blevet )?læst|ble lest|"
    r"har blitt lest|"
    r"luettiin|on luettu|okundu|okunmuştur|görüntülendi|elolvast|megjelenít|διαβάστηκε|αναγνώστηκε|"
    r"開封されました|開封済み|表示されました|(?:已于|已經於|已於|于|於).{1,60}(?:阅读|閱讀|读取|讀取|查看)|已被?(?:阅读|閱讀|打开|打開)|"
    r"읽었습니다|읽음|열었습니다|تم(?:ت)? قراءت?|قُرئت|נקראה?|הוצגה|đã được (?:đọc|mở)|telah dibaca|telah dibuka|"
    r"ถูกอ่าน|เปิดอ่าน|पढ़ा गया|पढ़ लिया|imesomwa|a fost citit|прочетено|прочитана|"
    r"ungelesen gelöscht|ohne (?:gelesen|dass sie gelesen)|supprimé sans|se eliminó sin|eliminado sin|"
    r"(?:excluída|eliminada) sem|удалено (?:без|непрочитанным)|удалено, но не|"
    r"(?:未阅读|未經閱讀|未读|未讀)[^\n]{0,12}(?:删除|刪除)|"
    r"(?:未開封のまま|開封されずに)|حذف[^\n]{0,20}دون|נמחקה? (?:מבלי|בלי)|बिना पढ़े|dihapus tanpa|eliminato senza|"
    r"verwijderd zonder|usunięt[ao] bez",
    re.IGNORECASE,
)


def is_receipt(message: Message) -> bool:
    """Whether the mail only says that ours was displayed, deleted or processed."""
    kind = f"{message.get('content-type')} {message.content_type}".lower().replace('"', "").replace(" ", "")
    if "report-type=disposition-notification" in kind:
        return True
    if any(part.type.lower().endswith("disposition-notification") for part in message.parts):
        return True
    text = (message.plain or "")[:1_500]
    if _SUBJECT.match(message.subject):
        return (bool(_READ.search(text)) and len(text) <= _BRIEF) or (not text.strip() and message.html is None)
    return bool(_SAID.match(text) and _READ.search(text[:600]) and len(text) < 600 and "\n>" not in text)
