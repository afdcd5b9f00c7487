"""The words and shapes of delivery reports, as patterns. All are linear: no nested repetition."""

import re

_I = re.IGNORECASE

SENDER = re.compile(
    r"mailer[\-_ ]?daemon|\bpo+st(?:office|ma(?:ste|tse)r)\b|mail[ .\-_]?delivery|\bmdaemon\b|"
    r"\bmail[ \-]?system\b|"
    r"delivery[ .\-_]?(?:system|subsystem|service|agent|notification)|system[ .]administrator|"
    r"microsoft ?exchange|"
    r"\bimss\b|webshield|\binterscan|antivirus[a-z_]*smtp|^bounces?@|mail ?server|mailserver|"
    r"internet ?mail ?service|"
    r"message ?routing|smtp ?gateway|smtp.server|email.delivery|mail.?administrator",
    _I,
)
HINTS = ("deliver", "returned mail", "transcript of session", "failed", "rejected", "quota", "final-recipient")
SUBJECT = re.compile(
    r"undeliver|delivery (?:status )?(?:notification|failure|has failed|problem|error|warning|report)|"
    r"(?:mail|message|delivery|e-?mail)[a-z ()]{0,30} (?:fail|could not|couldn't|not (?:be )?deliver|"
    r"delay|error|problem|"
    r"rejected|returned|status|warning|has been (?:delay|reject|return|block))|failure (?:notice|"
    r"notification|delivery|report)|"
    r"returned (?:mail|message|e-?mail)|return(?:ed|ing) (?:message )?to sender|non[- ]?(?:remis|deliver|"
    r"recapitabile)|"
    r"^(?:mail|message|delivery) (?:failure|error|failed)|failed mail|mail (?:system|delivery) error|"
    r"nondeliverable|"
    r"processing error|bounced? (?:mail|message)|user unknown|rejected (?:mail|message)|mail not delivered|"
    r"delayed mail|warning: (?:could not|message)|permanent delivery|not delivered|aws notification|"
    r"unzustellbar|nicht zu(?:ge)?stell|zustellung|kan inte levereras|לא ניתן למסירה|"
    r"remise|non (?:distribu|remis|délivr)|échec|devuelto|"
    r"no entregad|no se pudo|"
    r"rechazad|não (?:entregue|foi|pôde)|devolvid|falha (?:na|de) entrega|mancat[oa] (?:consegna|"
    r"recapito)|impossibile|"
    r"onbestelbaar|niet bezorgd|kunde inte levereras|olevererbart|ikke levert|kan ikke leveres|toimitta|"
    r"nie (?:dostarczon|doręczon)|"
    r"niedostarcz|niedoręcz|nedoruč|kézbesíthetetlen|nem kézbesíthető|не ?доставлен|не доставлено|"
    r"недоставлен|"
    r"ошибка доставки|teslim edilemedi|iletilemedi|配信できません|配信不能|配信エラー|配信に失敗|送信エラー|"
    r"届きませんでした|退信|"
    r"投递失败|無法傳遞|无法投递|未送达|未傳遞|"
    r"반송|배달되지|배달할 수 없|تعذر (?:تسليم|التسليم)|فشل (?:في )?(?:تسليم|التسليم)|"
    r"לא ניתן למסור|ไม่สามารถส่ง|không (?:thể gửi|gửi được)|gagal (?:terkirim|dikirim)|"
    r"tidak (?:dapat )?terkirim|डिलीवर नहीं|"
    r"αδύνατη η παράδοση|δεν παραδόθηκε|nu a (?:putut fi|fost) livrat",
    _I,
)
SUCCESS = re.compile(
    r"delivery status notification ?\(?success|\bdelivered successfully|^(?:relayed|delivered|read):", _I
)
REPLY_PREFIX = re.compile(r"\s*(?:re|aw|sv|rv|tr|antw|r|fwd?|wg|ynt|odp|vs|回复|答复|رد|רד)\s?[:：]", _I)
AUTOREPLY = re.compile(
    r"out of (?:the )?office|auto(?:matic|mated)?[ \-:]?(?:reply|respon|:)|^auto:|abwesen|vacation|"
    r"holiday",
    _I,
)
FAILURE = re.compile(
    r"(?:could|can|did|was|were|has|have|is|are|been|be|'t)[ \t\n]?(?:not|n.t)?[ \t\n](?:be[ \t\n])?"
    r"(?:deliver(?:ed)?|reach|sent|accepted|forwarded|relayed|rejected|returned|refused|blocked|"
    r"bounced)\b.{0,40}"
    r"(?:\bto\b|recipient|because|address|following|sender|:|\.)|"
    r"(?:could|can|did|was|were|has|have) ?n[o']t (?:been )?(?:be )?(?:deliver|reach|sent|send)|"
    r"cannot be delivered|not deliver|undeliver|"
    r"unable to deliver|able to deliver|delivery (?:to the following|has failed|failed|failure|attempt|"
    r"error|notification)|delevery to the following|failed (?:recipient|permanently|address|to deliver)|"
    r"(?:address|recipient)(?:\(?e?s\)?)?[a-z ]{0,20} fail|delivery status notification|"
    r"error (?:delivering|transmitting)|fatal (?:delivery )?errors?|non-deliver|"
    r"mailbox (?:is |was )?(?:full|not found|unavailable|exceed|unknown|disabled|does not)|exceed(?:s|ed|"
    r"ing)?[a-z ]{0,30}(?:size|quota|limit|storage)|quota (?:exceed|viol)|over (?:disk )?quota|"
    r"(?:no such|unknown|invalid|nonexistent|non-existent) (?:user|recipient|mailbox|address|local|"
    r"account|host|domain|final)|"
    r"user (?:unknown|not found|mailbox|doesn't|does not)|(?:user|account|mailbox|address|recipient|"
    r"person)[a-z' ]{0,40}(?:does not exist|doesn't exist|not exist|unknown|not known|not listed|"
    r"is disabled|inactive|no longer|expired)|"
    r"not recognized|unrouteable|unroutable|no mailbox|no valid recipients|bad destination|"
    r"relay(?:ing)? (?:not|denied|access)|access denied|returned (?:to sender|mail|message)|"
    r"transcript of session|automatically (?:rejected|generated message from)|giving up|failed after|"
    r"mail loop|too many hops|awaits? being delivered|"
    r"message (?:was|has been) (?:not |un)?(?:deliver|reject|return|delay|block|refus|quarantin|"
    r"removed from)|rejected by|did not like our|"
    r"nicht (?:zu(?:ge)?stell|ausgeliefert|übermittelt|erreicht)|zustellung|n'a pas (?:pu|été)|"
    r"non (?:distribu|remis|délivr)|"
    r"no (?:pudo|se pudo|ha podido|fue posible|se ha podido)[a-z ]{0,20}entreg|no ha sido entregad|"
    r"não (?:pôde|foi|pode)[a-z ]{0,20}entreg|nao (?:pode|foi)|impossibile (?:consegnare|recapitare)|"
    r"non (?:è stato|recapit|consegn)|"
    r"kon niet worden|niet (?:worden )?(?:bezorgd|afgeleverd)|nie (?:została|może|można|mogła)|"
    r"nebyl[ao]? doručen|nelze doručit|nem (?:sikerült|kézbesít)|"
    r"не (?:может быть|удалось|было|был[ао]?|доставлен)|невозможно доставить|teslim edilemedi|"
    r"iletilemedi|配信できません|配信できない|配信不能|届けられ|送信できません|配送できません|見つかりません|配信され|"
    r"无法投递|無法|无法|退回|被退|未能|"
    r"배달되지|전송되지|전달할 수 없|تعذر|لم يتم تسليم|לא ניתן|לא נמסר|ไม่สามารถ|không thể gửi|"
    r"tidak (?:dapat|bisa|terkirim)|"
    r"kunne ikke|kunde inte|gick inte att leverera|המסירה נכשלה|"
    r"ei voitu|ei voida|δεν (?:ήταν|παραδόθηκε|μπόρεσε)|nu a putut",
    _I,
)
STRONG = re.compile(
    r"(?:could not|cannot|unable to|failed to|not be|was not|did not)[ a-z\n]{0,30}(?:deliver|"
    r"reach)[^\n]{0,80}\n?[^\n]{0,80}"
    r"(?:recipient|address|mailbox|user)|delivery status notification|non-delivery|returned mail|"
    r"transcript of session|"
    r"message (?:created|generated) automatically by mail|automatically generated (?:message|delivery)|"
    r"mail delivery (?:system|failed)|undeliverable",
    _I,
)
DELAY = re.compile(
    r"delay(?:ed)?\b|will (?:be|keep)[a-z ]{0,20} ?(?:retr|try)|warning message only|this is a warning|"
    r"still being retried|do not need to resend|"
    r"not yet been delivered|has not been delivered yet|not yet (?:been )?delivered|continue to (?:try|"
    r"attempt|be)|will (?:continue|retry)|retried for|verzögert|retardé|retrasad|atrasad|ritard|vertraag|"
    r"försen|opóźnion|задерж|遅延",
    _I,
)
PERMANENT = re.compile(
    r"permanent (?:error|failure|fatal)|failed permanently|giv(?:en|ing) up|perm_failure|permanently", _I
)
TEMPORARY = re.compile(
    r"temporar|greylist|(?:hosts? )?have been failing|\bdeferred\b|temp_failure|try again later|"
    r"vorübergehend|temporaire|временн",
    _I,
)
# Each alternative of the next pattern holds one of these: a cheap look before a slow one.
MAY_RETURN = re.compile(
    r"messag|mail|text|original|header|copy|contents|lines of|start of|mensaje|mensagem|ursprüngliche|исходно|元の|"
    r"原始|below|ниже|enclosed|transcript",
    _I,
)
RETURNED = re.compile(
    r"[ \t>|]*(?:[-=*_#~+|]{2,}[ \t]*)?(?:(?:the )?(?:first|below)?[a-z0-9 ,'/]{0,40}"
    r"(?:original (?:e?-?mail |text )?(?:message|mail|text|headers?)|(?:message|mail|text) (?:headers?|"
    r"text|contents?|body|source)|returned (?:mail|message)|"
    r"copy of (?:the|your|my) (?:original |e-?mail |undeliver)?(?:message|mail)|undelivered (?:mail|"
    r"message)|contents of the (?:undeliver|message)|"
    r"(?:unsent|rejected|failed|bounced) message|headers? of the (?:original )?(?:message|mail)|"
    r"original message attached|lines of (?:the|your)|start of (?:the )?(?:original|message)))"
    r"(?! was received)[^@\n]{0,60}(?:[-=*_#|]{2,}|follows?\b|attached|below|:|\.|returned mail\b)[^@\n]{0,20}$|"
    r"[ \t>]*(?:[-=*_]{2,}[ \t]*(?:mensaje original|mensagem original|ursprüngliche|message d'origine|"
    r"messaggio originale|"
    r"исходное|исходного|元の|原始|below this line|below the next|ниже|enclosed is|original|this is a copy|"
    r"the header|transcript of message|forwarded message|header))",
    _I,
)
HEADER_LINE = re.compile(
    r"[ \t>]{0,8}(?:received|return-path|message-id|mime-version|x-[a-z\-]{2,40}|dkim-signature|"
    r"delivered-to):[ \t]?\S",
    _I,
)
HEADER_NEXT = re.compile(r"[ \t>]{0,8}(?:[a-z][a-z0-9\-]{1,40}:|[ \t])", _I)
MESSAGE_ID = re.compile(r"^[ \t>]*message-id:[ \t]*(<[^<>\s]{3,250}>)", _I | re.MULTILINE)
NOT_RECIPIENT = re.compile(
    r"\b(?:contact|e-?mail us|help|assistance|questions?|reply to|write to|send (?:mail|e-?mail|"
    r"a message) to|support)\b[^\n]{0,80}@|"
    r"generated from|mail from:|from:|from <|sender:|sent by|message-id|envelope-from|return-path|"
    r"reporting-mta|^\s*(?:subject|sent|date|cc|id|by|for)\b[: ]|^\s*to:[ \t]|"
    r"(?:^|\s)mailto:|http|in-reply-to|references:|reverse-path|postmaster@|abuse@|message from",
    _I,
)
RCPT_ONLY = re.compile(r"^.{0,200}\bRCPT TO:[ \t]*", _I)
FIRST = re.compile(
    r"[ \t>*\-•\d.\"'|:]{0,20}(?:<?[\w.+\-]{1,20}:)?[ \t]*[<\"'(\[]?[^\s<>\"'@]{1,64}@[^\s<>\"'@]{3,120}", _I
)
LIST_FOLLOWS = re.compile(
    r"following|recipient|address|not (?:be )?deliver|failed|empfänger|destinat|adresat|получател|адрес|"
    r"宛先|收件人|收件者|수신|alıcı|المستلم|לנמען",
    _I,
)
RECIPIENT_LINES = (
    re.compile(
        r"^[ \t>]*<[^<>\s]{1,64}@[^<>\s]{3,190}>[ \t]*(?::|\.\.\.|\(|$|,? (?:user|unknown|mailbox|host|"
        r"is |not ))",
        _I,
    ),
    re.compile(r"\bRCPT TO:[ \t]*<?[^\s<>]{1,64}@", _I),
    re.compile(
        r"(?:recipient|address|user(?:id)?|to|for|size|error-for|destination|mailbox|addressee|an|al|à|a|"
        r"para|кому|адрес|宛先)(?:\(?e?s\)?)?(?: address)?[ \t]*[:=][ \t]*[<\"'(]?[^\s<>\"']{1,64}@",
        _I,
    ),
    re.compile(
        r"(?:deliver(?:ed|y|ing)?|reach(?:ed)?|sent|send|mail|message|e-?mail|recipient|user|address|"
        r"quota violation)\b[a-z ()'\-]{0,60}\b(?:to|for|recipient|user|address|"
        r"account)(?:\(e?s\))?[ \t]*:?[ \t]*[<\"'(]{0,2}[^\s<>\"']{1,64}@",
        _I,
    ),
    re.compile(
        r"^[ \t]*[^\s<>:]{1,64}@[^\s<>:]{3,190}(?:[ \t]*:[ \t]*\S|[ \t]+-[ \t]|[ \t]*\.\.\.|[ \t]+(?:on |"
        r"\(|error|user|unknown|is |no |does|mailbox|has |was |host|:))",
        _I,
    ),
    re.compile(r"(?:45|5)\d\d[ \-](?:\d\.\d{1,3}\.\d{1,3} )?[^\n@]{0,30}<[^\s<>]{1,64}@[^\s<>]{3,190}>", _I),
)
_TAG = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d|p)\b[^>]{0,500}>", _I)
_ANY_TAG = re.compile(r"<[/!a-zA-Z][^<>]{0,2000}>")


def tags_out(html: str) -> str:
    """A rough text of HTML, enough for looking for addresses and codes."""
    text = _ANY_TAG.sub("", _TAG.sub("\n", html.replace("\r", "").replace("\n", " ")))
    for name, char in (("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&quot;", '"'), ("&#64;", "@"), ("&amp;", "&")):
        text = text.replace(name, char)
    return text
