"""Segments: the whole body in order, whatever comes in; bounded work on hostile bodies."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message import Message
from mailer.quote import Finder
from mailer.reading import SegmentKind as K
from mailer.segment import body_text, segment


def mail(plain=None, html=None, name="", addr=""):
    return Message((), "", name, addr, (), (), "", (), (), "", "text/plain", plain, html)


def kinds(text, **more):
    return [(s.kind, s.text.strip()) for s in segment(mail(text, **more)) if s.text.strip()]


ATTRIBUTION = "On Mon, Jan 6, 2025 at 10:00 AM Tidings <reply@tidings.example> wrote:"


def test_empty_body():
    assert segment(mail("")) == segment(mail(None))
    assert [s.text for s in segment(mail(None))] == [""]


def test_interleaved_answers_stay_beside_their_quotes():
    got = kinds(f"{ATTRIBUTION}\n> One?\n\nYes.\n\n> Two?\n\nNo.\n")
    assert [k for k, _ in got] == [K.INTRO, K.QUOTE, K.REPLY, K.QUOTE, K.REPLY]
    assert [t for k, t in got if k is K.REPLY] == ["Yes.", "No."]


def test_direct_answer_between_quoted_lines_without_blank_lines():
    got = kinds(f"{ATTRIBUTION}\n> One?\nyes\n> Two?\nno\n> Three?\n")
    assert [t for k, t in got if k is K.REPLY] == ["yes", "no"]


def test_a_tab_is_a_quote_mark_below_an_attribution_only():
    got = kinds("The digest <core@tidings.example> wrote:\n\n\tOne?\n\t\nYes.\n\n\tTwo?\n")
    assert [(k, t) for k, t in got] == [
        (K.INTRO, "The digest <core@tidings.example> wrote:"),
        (K.QUOTE, "One?"),
        (K.REPLY, "Yes."),
        (K.QUOTE, "Two?"),
    ]
    assert kinds("We propose:\n\n\ta committee\n\ta vote\n") == [(K.REPLY, "We propose:\n\n\ta committee\n\ta vote")]


def test_line_wrapped_inside_a_quote_is_quote():
    long = "> " + "word " * 14 + "and"
    got = kinds(f"Fine.\n\n{ATTRIBUTION}\n{long}\nthe rest of it\n> more\n")
    assert [t for k, t in got if k is K.REPLY] == ["Fine."]


@pytest.mark.parametrize(
    "text",
    [
        "Hello all,\n\nAgreed",
        "Thanks!\n\nYes, please add us.",
        "Thank you\n\nYes",
        "ありがとうございます。\n賛成です",
        "On Monday we met and Ana wrote a summary for all of you.\nIt is attached.",
        "From: our side there is nothing.\nTo: the team, thanks.\nGood luck",
        "Sent from the heart, thank you all.",
        "We talked about this for a long time in our group and want:\n\n   - how about bullets\n   - and another",
        "These are the cities that our members would like to see on the list of pilots:\n\nBerlin\nParis\nRome",
        "For the translation of the summary please write to:\n\nBo Example\nbo@example.org",
        "Hello,\n\nThank you!\n\nYes",
        "Hello\n\nOur mailing list talked about it.\n\nWe all agree; the mailing list vote was 12 to 3.",
        "Hello,\n\nthe disclosure of confidential data is prohibited and privileged users are monitored.",
        "Hello,\n\nplease tell me how to unsubscribe from this list, I never asked for it.",
        "Here is another one.\n\nSent from my desk, which is much easier than my mobile phone is.",
        "I wanted to discuss this with regards to the payment.",
        "Key points\n----\n\n1. one\n\n----\n\nNot a signature above, as you see.",
        "Please read https://example.org/on-a-date-someone-wrote:",
    ],
)
def test_what_only_looks_like_a_signature_or_quote_is_kept(text):
    assert kinds(text) == [(K.REPLY, text)]


def test_signature_closing_and_contact_block():
    got = kinds(
        "We agree with the plan for the river path.\n\nBest regards,\nAna Example\n"
        "Chair, River Friends\n+49 30 1234567\n"
    )
    assert [k for k, _ in got] == [K.REPLY, K.CLOSING, K.SIGNATURE]


def test_postscript_is_content():
    text = "We agree with everything.\n\nBest regards,\nAna\n\nP.S. Please change the date."
    assert kinds(text) == [(K.REPLY, text)]


def test_delimited_and_mobile_signatures():
    assert kinds("Yes, we do.\n-- \nAna\n")[1] == (K.DELIMITED_SIGNATURE, "-- \nAna")
    assert kinds("Yes, we do.\n\nVon meinem iPhone gesendet")[1][0] is K.DELIMITED_SIGNATURE
    assert kinds("はい、そうします。\n\niPhoneから送信")[1][0] is K.DELIMITED_SIGNATURE


def test_disclaimer_and_list_footer():
    legal = (
        "This e-mail and any attachments are confidential and intended solely for the addressee. "
        "If you received this message in error please notify the sender and delete it."
    )
    assert kinds(f"We agree.\n\n{legal}")[1][0] is K.DISCLAIMER
    footer = (
        "_______________________________________________\nRiver mailing list\nhttps://lists.example.org/listinfo/river"
    )
    assert kinds(f"We agree.\n\n{footer}")[1][0] is K.FOOTER


def test_forward_keeps_its_header():
    got = kinds(
        "See below.\n\n---------- Forwarded message ---------\nFrom: Bo <bo@example.org>\nDate: Mon, 6 Jan 2025\n"
        "Subject: River\nTo: ana@example.org\n\nOur answer."
    )
    assert [k for k, _ in got] == [K.REPLY, K.FORWARD]


def test_header_block_with_nothing_above_is_a_forward_not_a_loss():
    got = kinds(
        "From: Bo <bo@example.org>\nSent: Monday, 6 January 2025 10:00\nTo: ana@example.org\n"
        "Subject: River\n\nOur answer."
    )
    assert [k for k, _ in got] == [K.FORWARD]


def test_only_quoted_lines_are_what_was_written():
    assert kinds("> all of it\n> looks quoted") == [(K.REPLY, "> all of it\n> looks quoted")]


def test_lines_we_sent_are_quotes():
    sent = frozenset({"Should small groups get a seat?"})
    got = [(s.kind, s.text.strip()) for s in segment(mail("Should small groups get a seat?\nYes, one each.\n"), sent)]
    assert got == [(K.QUOTE, "Should small groups get a seat?"), (K.REPLY, "Yes, one each.")]


def test_html_structure():
    html = (
        '<div>Yes, we agree.</div><div class="gmail_quote"><div class="gmail_attr">whatever this says</div>'
        '<blockquote class="gmail_quote">old</blockquote></div>'
    )
    got = [(s.kind, s.text.strip()) for s in segment(mail(html=html))]
    assert got == [(K.REPLY, "Yes, we agree."), (K.INTRO, "whatever this says"), (K.QUOTE, "old")]


def test_own_citation_in_html_is_kept():
    html = "<p>We said last year:</p><blockquote>One seat each.</blockquote><p>It still holds.</p>"
    assert {s.kind for s in segment(mail(html=html))} == {K.REPLY}


FRAGMENTS = st.sampled_from(
    [
        "> quoted",
        ">> deeper",
        "",
        " ",
        "yes",
        ATTRIBUTION,
        "-- ",
        "--",
        "___",
        "From: a@b.example",
        "Sent: 1.1.2025 10:00",
        "To: c",
        "Subject: d",
        "-----Original Message-----",
        "---------- Forwarded message ---------",
        "Regards,",
        "Ana",
        "Sent from my iPhone",
        "*****************",
        "confidential, received in error, notify the sender",
        "wrote:",
        "写道：",
        "\u202bفي ٦ يناير ٢٠٢٥ كتب:",
        ">",
        ">:",
        "<a@b",
        "x" * 900,
        "mailing list",
        "P.S. no",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(FRAGMENTS, st.text(max_size=40)), max_size=30))
def test_nothing_is_lost_in_plain_text(pieces):
    message = mail("\n".join(pieces))
    segments = segment(message)
    assert "\n".join(s.text for s in segments) == message.plain
    assert all(a.kind != b.kind for a, b in pairwise(segments))


TAGS = st.sampled_from(
    [
        "<div>",
        "</div>",
        "<p>",
        "<br>",
        "<blockquote>",
        "</blockquote>",
        '<blockquote type="cite">',
        "<td>",
        "<hr>",
        "<pre>",
        '<div id="divRplyFwdMsg">',
        '<div class="gmail_quote">',
        "<",
        "<a href='",
        "&nbsp;",
        "&#0;",
        "<!--",
        "-->",
        "<style>",
        "</style>",
        "text",
        '<div class="moz-cite-prefix">',
        '<div class="gmail_signature">',
        "<li>",
        "</table>",
        "\n",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(TAGS, st.text(max_size=20)), max_size=40))
def test_nothing_is_lost_in_html(pieces):
    message = mail(html="".join(pieces))
    assert "\n".join(s.text for s in segment(message)) == body_text(message)


@pytest.mark.parametrize(
    "body",
    [
        "a" * 30_000,
        "a " * 15_000,
        ">" * 10_000 + " x",
        "> \n" * 10_000,
        "On " + "1:00 2020 " * 3_000 + "wrote:",
        (ATTRIBUTION + "\n") * 500,
        "> a\nb\n" * 3_000,
        "From: a\nSent: b\n" * 2_000,
        "_" * 30_000,
        ":" * 30_000,
        "<a@" * 10_000,
        "Regards,\nAna\n" * 3_000,
        "*" * 20 + "\nconfidential\n" * 2_000,
        "--\n" * 5_000,
        "\u00a0" * 30_000,
    ],
    ids=range(15),
)
def test_hostile_bodies_are_cut_too(body):
    message = mail(body)
    assert "\n".join(s.text for s in segment(message)) == body


def test_looks_are_budgeted():
    lines = [f"line {i}:" for i in range(50_000)]
    finder = Finder(lines, [False] * len(lines))
    for i in range(len(lines)):
        finder.find(i)
    assert finder.looks_left <= 0
    assert len(finder._folded) == len(lines)


def test_own_sentence_about_writing_is_kept():
    text = "On 3 May the board wrote:\n- we agree\n- we need time"
    assert kinds(text) == [(K.REPLY, text)]


def test_attribution_and_quote_on_one_line():
    got = kinds(
        "Yes, gladly.\n\nOn Mon, 6 Jan 2025 at 10:00, Tidings<reply@tidings.example> wrote:   2. The list is open\nmore"
    )
    assert [k for k, _ in got] == [K.REPLY, K.INTRO, K.QUOTE]


def test_answers_typed_into_an_unmarked_quote_are_found_by_what_we_sent():
    ours = (
        "1. Should small groups get a seat?",
        "2. Is the end of March too early?",
        "3. Who will translate the summary?",
    )
    text = (
        "See below, please.\n\nFrom: Tidings <reply@tidings.example>\nSent: Monday, 6 January 2025 10:00\n"
        f"To: ana@example.org\nSubject: Digest\n\n{ours[0]}\n\nDefinitely, one each.\n\n{ours[1]}\n\n{ours[2]}\n"
    )
    replies = [s.text.strip() for s in segment(mail(text), frozenset(ours)) if s.kind is K.REPLY]
    assert replies == ["See below, please.", "Definitely, one each."]
    assert [s.text.strip() for s in segment(mail(text)) if s.kind is K.REPLY] == ["See below, please."]


def test_forward_without_a_word_in_html_is_not_lost():
    html = '<div id="divRplyFwdMsg"><b>From:</b> Bo<br><b>Sent:</b> Monday<br></div><div>Our answer.</div>'
    assert {s.kind for s in segment(mail(html=html)) if s.text.strip()} == {K.FORWARD}


def test_plain_part_that_only_points_to_the_html():
    html = "<p>" + "We agree with the plan. " * 60 + "</p>"
    message = Message((), "", "", "", (), (), "", (), (), "", "x", "Please view this in HTML.", html)
    assert segment(message)[0].text.startswith("We agree")


def test_answer_below_the_phones_signature():
    got = kinds("Hi,\n\nSent from my iPhone\n\nWe agree with the plan and would like two seats.")
    assert [k for k, _ in got] == [K.REPLY, K.DELIMITED_SIGNATURE, K.REPLY]


def test_answers_below_and_between_survive_a_greeting_above():
    got = kinds(f"Hello all,\n\n{ATTRIBUTION}\n> One?\n\nYes.\n\n> Two?\n\nNo.\n")
    assert [t for k, t in got if k is K.REPLY] == ["Hello all,", "Yes.", "No."]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("We agree.\n\nT > One?\nT > Two?\nT > Three?", 3),
        ("We agree.\n\nT> One?\nT> Two?", 2),
        ("A > B in our ranking.\nA > C as well.", 0),
        ("We agree.\nt > one\nt > two\nt > three", 0),
    ],
)
def test_lines_marked_with_initials(text, quoted):
    found = [line for kind, part in kinds(text) if kind is K.QUOTE for line in part.split("\n")]
    assert len(found) == quoted


@pytest.mark.parametrize(
    ("last", "who", "kept"), [("BT", "Bronwen Tully", False), ("OK", "Olga Kim", True), ("EU", "Bronwen Tully", True)]
)
def test_initials_without_stops(last, who, kept):
    said = [text for kind, text in kinds(f"The regions should decide.\n\n{last}", name=who) if kind is K.REPLY]
    assert ("".join(said).endswith(last)) is kept


@pytest.mark.parametrize(
    ("who", "signed"),
    [
        ("ليان القضاة", "مع خالص التحية،\nليان القضاة"),
        ("Jule Hartwig", "Viele Grüße\nJule"),
        ("許若晴", "此致\n敬礼\n許若晴"),
        ("अनामिका जोशी", "सादर,\nअनामिका जोशी"),
        ("Глеб Ярцев", "С уважением,\nГлеб Ярцев"),
    ],
)
def test_a_signature_alone_below_the_last_quote(who, signed):
    got = kinds(f"In general yes.\n\n{ATTRIBUTION}\n> One?\n\nThe regions.\n\n> Two?\n\n{signed}", name=who)
    assert [text for kind, text in got if kind is K.REPLY] == ["In general yes.", "The regions."]


@pytest.mark.parametrize("answer", ["Thanks,\nYes", "Thank you!\nThe regions.", "Best,\nnot good."])
def test_an_answer_below_the_last_quote_is_no_signature(answer):
    got = kinds(f"{ATTRIBUTION}\n> One?\n\nThe regions.\n\n> Two?\n\n{answer}", name="Bronwen Tully")
    assert [text for kind, text in got if kind is K.REPLY][-1].endswith(answer.split("\n")[-1])
