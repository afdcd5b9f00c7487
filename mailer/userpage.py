"""Names that can be nothing but signatures: links to the writer's own page on a wiki, Korean humble forms."""

import re

# A wiki signature: "--[[User:Ana|Ana]] ([[User talk:Ana|talk]]) 09:00, 15 April 2019 (UTC)", "Ana / User:AnaRuiz".
_NAMESPACES = (
    "user|benutzer(?:in)?|utilisat(?:eur|rice)|usu\u00e1ri[oa]|usuari[oa]|utilizador|utente|gebruiker|usuari|"
    "wikipedyst(?:a|ka)|uživatel(?:ka)?|kullanıcı|användare|bruker|bruger|käyttäjä|szerkesztő|utilizator|pengguna|"
    "mtumiaji|thành viên|участни(?:к|ца)|користувач(?:ка)?|χρήστης|مستخدم(?:ة)?|کاربر|משתמשת?|सदस्य|ব্যবহারকারী|利用者|"
    "用户|使用者|用戶|사용자"
)
_USER_PAGE = re.compile(
    rf"[\s\-~*\u2013\u2014]*(?:[^\W\d_][\w.'\u2019 -]{{0,30}} ?[/(|,\u2013-] ?)?"
    rf"(?:\[\[:?(?:[a-z]{{1,12}}:)?(?:{_NAMESPACES})\s?:[^\[\]]{{1,120}}\]\]|(?:{_NAMESPACES}):\w[\w.-]{{0,60}})"
    r"[\s*)]*(?:\(\[\[[^\[\]]{1,120}\]\][^\[\]\n]{0,3}\))?[\s*,]*(?:\(?\d[\w:,. ]{4,40}(?:\([A-Z]{2,5}\))?)?\)?\s*$",
    re.IGNORECASE,
)
_KOREAN = re.compile("\\s*[\uac00-\ud7a3]{2,5}\\s?(?:\ub4dc\ub9bc|\uc62c\ub9bc|\ubc30\uc0c1)\\.?\\s*")


def signs_off(line: str) -> bool:
    """A name that can be nothing but a signature: a link to the writer's own page, or a Korean humble form."""
    return (":" in line and _USER_PAGE.match(line) is not None) or _KOREAN.fullmatch(line) is not None
