"""Statements and what they answer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.anchor import MAX_STATEMENTS, statements
from mailer.known import Known
from mailer.reading import Context, ItemKnown, QuestionKnown, Segment, SegmentKind, TrackKnown

QUESTIONS = (
    QuestionKnown("RR-1", "roles", "Which structures let all voices into our decisions?"),
    QuestionKnown("RR-2", "roles", "Which responsibilities are better placed globally, and which locally?"),
    QuestionKnown("CH-1", "community-health", "What makes people stay, and what makes them leave?"),
    QuestionKnown("REV-1", "revenue-streams", "How much lasting income is needed by 2030?"),
    QuestionKnown("R-1", "writers", "What would this recommendation change for your group?"),
    QuestionKnown("R-2", "writers", "What is missing or unclear?"),
    QuestionKnown("R-3", "writers", "What would stop your group from supporting it?"),
)
ITEMS = (
    ItemKnown(1, "Structures", "RR-1", "roles"),
    ItemKnown(2, "Global and local", "RR-2", "roles"),
    ItemKnown(3, "Salon applications close on the last of May", "", "organized-groups"),
    ItemKnown(12, "Stay or leave", "CH-1", "community-health"),
)
CONTEXT = Context(items=ITEMS, questions=QUESTIONS)
DRAFT = Context(
    items=tuple(ItemKnown(n, q.text, q.code, q.track) for n, q in enumerate(QUESTIONS[4:], 1)), questions=QUESTIONS
)


def reply(text: str) -> Segment:
    return Segment(SegmentKind.REPLY, text)


def quote(text: str) -> Segment:
    return Segment(SegmentKind.QUOTE, text)


def answered(*segments: Segment, context: Context = CONTEXT, subject: str = "") -> list[tuple[list[str], float]]:
    found = statements(segments, context, subject)
    return [([a.ref for a in s.anchors if a.kind == "question"], s.confidence) for s in found]


def refs(text: str, context: Context = CONTEXT) -> list[str]:
    return [ref for codes, _ in answered(reply(text), context=context) for ref in codes]


@pytest.mark.parametrize(
    "text",
    [
        "RR-2: local",
        "On RR-2, local",
        "rr 2 local",
        "ＲＲ－２：地域で",
        "RR-٢: محلي",
        "zu RR-2: vor Ort",
        "RR-2について：地域で",
        "RR-2에 대해",
    ],
)
def test_codes_however_typed(text: str) -> None:
    assert refs(text) == ["RR-2"]


def test_unknown_codes_are_no_anchors() -> None:
    assert refs("XY-9 and COVID-19 and B2B") == []


def test_several_answers_make_several_statements() -> None:
    found = statements([reply("Hi all,\n\n1) RR-1: councils\n   with seats\n2) RR-2: local\n\nand slowly\n")], CONTEXT)
    assert [s.text for s in found] == ["1) RR-1: councils\n   with seats", "2) RR-2: local\n\nand slowly"]
    assert [[a.ref for a in s.anchors if a.kind == "question"] for s in found] == [["RR-1"], ["RR-2"]]
    assert all(s.confidence > 0.9 for s in found)


@pytest.mark.parametrize(
    "text",
    ["12: meetings", "#12 meetings", "१२: मिलन", "１２：集まり", "١٢: لقاءات", "item 12 meetings", "Punkt 12: Treffen"],
)
def test_item_numbers_in_any_digits(text: str) -> None:
    assert refs(text) == ["CH-1"]


def test_list_numbers_are_less_sure_than_item_numbers() -> None:
    assert answered(reply("1. councils\n2. local"))[0][1] < answered(reply("1: councils\n2: local"))[0][1]


def test_numbers_that_the_digest_does_not_have() -> None:
    assert refs("7: we agree") == []


def test_item_without_a_question() -> None:
    found = statements([reply("3: is there a salon in May?")], CONTEXT)
    assert [(a.kind, a.ref) for a in found[0].anchors] == [("item", "3"), ("track", "organized-groups")]


def test_answers_between_quoted_lines() -> None:
    segments = [
        quote("> RR-1  Which structures let all voices in?"),
        reply("councils"),
        quote("> RR-2  Which responsibilities are better placed globally?"),
        reply("local"),
        quote("> Salon applications close on the last of May"),
        reply("we apply"),
    ]
    found = statements(segments, CONTEXT)
    assert [s.text for s in found] == ["councils", "local", "we apply"]
    assert [s.anchors[0].ref for s in found] == ["RR-1", "RR-2", "3"]
    assert found[0].quote.startswith("RR-1")


def test_wording_of_a_question_in_the_quote() -> None:
    segments = [quote("> What makes people stay, and\n> what makes them leave?"), reply("friends")]
    assert answered(*segments)[0][0] == ["CH-1"]


def test_content_beats_the_quote_and_the_address() -> None:
    assert answered(quote("> RR-1 Which structures"), reply("CH-1: friends"))[0][0] == ["CH-1"]
    addressed = Context(items=ITEMS, questions=QUESTIONS, token_item=1)
    assert refs("CH-1: friends", addressed) == ["CH-1"]
    assert refs("councils", addressed) == ["RR-1"]


def test_topic_in_the_writers_language() -> None:
    assert refs("Sobre los ingresos: solo banners no basta") == ["REV-1"]
    assert refs("关于社群健康：新人很快离开") == ["CH-1"]


def test_topic_with_several_questions_is_only_a_track() -> None:
    context = Context(questions=QUESTIONS, tracks=(TrackKnown("roles", "Roles", ("governance",)),))
    found = statements([reply("About governance: it is slow")], context)
    assert [(a.kind, a.ref) for a in found[0].anchors] == [("track", "roles")]


@pytest.mark.parametrize(
    ("text", "want", "number"),
    [
        ("alla raccomandazione 2 manca un riferimento", "R-2", "2"),
        ("We cannot support recommendation 1 as it is", "R-3", "1"),
        ("Համաձայն ենք 5-րդ առաջարկության վերաբերյալ", "R-1", "5"),
        ("Empfehlung 4 hilft uns sehr", "R-1", "4"),
        ("提言5に賛成します", "R-1", "5"),
    ],
)
def test_recommendations(text: str, want: str, number: str) -> None:
    found = statements([reply(text)], DRAFT)
    kinds = {a.kind: a.ref for a in found[0].anchors}
    assert (kinds["question"], kinds["recommendation"]) == (want, number)


def test_nothing_named_is_one_statement_with_low_confidence() -> None:
    found = statements([reply("We met on Tuesday.\n\nEverybody liked it.")], CONTEXT)
    assert len(found) == 1
    assert found[0].anchors == ()
    assert found[0].confidence < 0.2


def test_the_only_question_of_a_digest() -> None:
    context = Context(items=ITEMS[:1], questions=QUESTIONS)
    assert refs("We would like councils.", context) == ["RR-1"]


def test_own_statements_are_anchors() -> None:
    found = statements([reply("S-1042 was ours too")], CONTEXT)
    assert ("statement", "S-1042") in [(a.kind, a.ref) for a in found[0].anchors]


def test_forwarded_words_are_a_statement() -> None:
    found = statements([reply("Sharing this.")], CONTEXT, forwarded="CH-1: nobody says why.")
    assert any(a.ref == "CH-1" for s in found for a in s.anchors)


def test_nothing_is_lost_in_very_long_lists() -> None:
    text = "\n".join(f"{n}: point {n}" for n in range(1, 500))
    found = statements([reply(text)], CONTEXT)
    assert len(found) <= MAX_STATEMENTS + 1
    assert "point 499" in found[-1].text


def test_known_quotes() -> None:
    assert Known(CONTEXT).in_quote("> nothing that we know") is None
    assert Known(CONTEXT).codes("RR-9") == []


def test_without_a_context_only_exact_codes_count() -> None:
    assert Known(Context()).codes("RR-1, rr 2, UTF-8, S-1042, COVID-19") == ["RR-1"]
    assert answered(reply("RR-1: councils"), context=Context()) == [(["RR-1"], 0.6)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(SegmentKind)), st.text(max_size=300)), max_size=8))
def test_anything_gives_statements(parts: list[tuple[SegmentKind, str]]) -> None:
    for statement in statements([Segment(kind, text) for kind, text in parts], CONTEXT, "RR-1"):
        assert 0 <= statement.confidence <= 1
        assert statement.text


@pytest.mark.parametrize(
    "lead", ["From one of our members:", "De la part d'une de nos membres :", "会員の意見です：", ""]
)
def test_a_line_that_leads_to_what_is_passed_on_is_no_statement(lead: str) -> None:
    found = statements((reply(lead),) if lead else (), CONTEXT, "Fwd: our view", "RR-2: the villages should decide.")
    assert [one.text for one in found] == ["RR-2: the villages should decide."]


@pytest.mark.parametrize("own", ["We agree with her.", "RR-1: no, and RR-2:", "We disagree. She says:"])
def test_words_of_ones_own_above_what_is_passed_on_are_kept(own: str) -> None:
    found = statements((reply(own),), CONTEXT, "Fwd: our view", "CH-1: the villages should decide.")
    assert own in "\n".join(one.text for one in found)
