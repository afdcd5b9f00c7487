"""What only points at answers further down, in many languages, and what says something."""

import pytest

from mailer.anchor import statements
from mailer.parse import parse
from mailer.pointer import only_points
from mailer.reading import Context, QuestionKnown
from mailer.segment import segment

POINTS = """\
See my answers below.
My comments inline.
Please see my comments inline below.
Hi June, my answers are below, in blue.
Answers below:
Inline.
Thanks for the digest! See below.
I have answered between the lines.
Siehe meine Antworten unten.
Meine Anmerkungen stehen im Text.
Hallo zusammen, Antworten siehe unten
Voir mes réponses ci-dessous.
Mes commentaires dans le texte.
Ver mis respuestas abajo.
Respondo entre líneas.
Minhas respostas seguem abaixo.
Rispondo nel testo.
Le mie risposte qui sotto
Zie mijn antwoorden hieronder.
Se mina svar nedan.
Mine svar står nedenfor.
Vastaukseni alla.
Odpowiedzi poniżej.
Odpovídám níže v textu.
Válaszaim a sorok között.
Am răspuns mai jos.
Мои ответы ниже.
См. ниже.
Відповіді нижче.
Отговарям по-долу.
Οι απαντήσεις μου παρακάτω.
Yanıtlarım aşağıda.
ردودي أدناه.
إجاباتنا بين السطور
תשובותיי למטה.
ראו הערותיי בגוף הטקסט
پاسخ‌هایم در زیر
मेरे उत्तर नीचे हैं।
আমার উত্তর নিচে।
我的回复见下文。
我的意見如下：
以下に回答します。
本文中にコメントしました。
아래에 답변 드립니다.
คำตอบอยู่ด้านล่าง
Câu trả lời của tôi ở bên dưới.
Jawaban saya di bawah ini.
Majibu yangu yako hapa chini.""".split("\n")
SAYS = """\
We agree, see below.
We see the budget below as too small.
The answers below the line in the draft are not those that our community gave you in March of last year.
We object to RR-2.
Thank you!
The comment period is too short.
Wir sind einverstanden, Antworten unten.
No.
The limit should be below 10.
Below 10 people a group cannot vote.
The text on page 3 is unclear.
Der Text ist unklar.
El texto es confuso y no responde a nuestra pregunta.
下面的建议我们反对。
我们同意。""".split("\n")
QUOTED = (
    "On Mon, 6 Jan 2025 at 10:00, Tidings <reply+k3@tidings.example> wrote:\n> 1. RR-1: Who should decide about grants?"
)


@pytest.mark.parametrize("text", POINTS)
def test_pointing(text):
    assert only_points(text)


@pytest.mark.parametrize("text", SAYS)
def test_saying(text):
    assert not only_points(text)


def said(body: str) -> list[str]:
    head = "From: Ana <ana@community.example>\nSubject: Re: Digest 12\nContent-Type: text/plain; charset=utf-8\n\n"
    context = Context(questions=(QuestionKnown("RR-1", "roles", ""), QuestionKnown("RR-2", "roles", "")))
    return [one.text for one in statements(segment(parse((head + body).encode())), context)]


@pytest.mark.parametrize("text", POINTS)
def test_a_pointer_above_answers_is_no_statement(text):
    between = f"{QUOTED}\n\nThe affiliates.\n\n> 2. RR-2: How much should stay in the region?\n\nA third of it.\n"
    assert said(f"{text}\n\n{between}") == ["The affiliates.", "A third of it."]
    assert said(f"Hello,\n\n{text}\n\n{between}") == ["The affiliates.", "A third of it."]


@pytest.mark.parametrize("text", SAYS)
def test_what_says_something_stays_above_answers(text):
    found = said(f"{text}\n\n{QUOTED}\n\nThe affiliates.\n")
    assert "".join(found).startswith(text) or text in ("Thank you!",)


def test_a_pointer_without_answers_below_is_kept():
    assert said(f"See my answers below.\n\n{QUOTED}\n") == ["See my answers below."]


@pytest.mark.parametrize(
    "nod", ["Agreed.", "Yes", "No", "+1", "Ja.", "Oui", "Sí", "نعم", "כן", "はい", "हाँ", "Да", "同意", "Ndiyo"]
)
def test_a_nod_under_a_question_answers_it(nod):
    between = f"{QUOTED}\n\n{nod}\n\n> 2. RR-2: How much should stay in the region?\n\nA third of it.\n"
    assert said(between) == [nod, "A third of it."]


@pytest.mark.parametrize("thanks", ["Thank you!", "Merci beaucoup", "谢谢"])
def test_thanks_beside_answers_are_no_statement(thanks):
    assert said(f"{thanks}\n\n{QUOTED}\n\nThe affiliates.\n") == ["The affiliates."]
