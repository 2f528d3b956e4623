"""Text from outside cannot become Markdown, HTML, a mention or a reference."""

import re
import sys
import unicodedata
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from imagebot.texts import BREAK, code_span, one_line, prose, visible, visible_prose

HOSTILE = [
    "@octocat",
    "fixes #1",
    "`rm -rf`",
    "``",
    "a`b``c",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/pixel.png)",
    "[x](javascript:alert(1))",
    "a|b",
    "a\\|b",
    "line\nbreak\r\nmore",
    "\u202egnp.exe",
    "--> <script>",
    " ",
    "",
]


COMMIT = "a5c3785ed8d6a35868bc169f07e40e889087fd2e"
# What forges link in prose, and note on what is linked, as their pages on references tell it.
REFERENCES = [
    f"see {COMMIT}",
    f"jlord@{COMMIT}",
    f"jlord/sheetsee.js@{COMMIT}",
    f"{COMMIT[:7]}...{COMMIT[20:]}",
    COMMIT.upper(),
    COMMIT[:8],
    f"since main-{COMMIT[:7]}.",
    "1234567890" * 4,
    "a5c3785" * 9 + "f",
    "#26",
    "GH-26",
    "jlord/sheetsee.js#26",
    "!123",
    "group/project!123",
    "$123",
    "group/project$123",
    "%123",
    '%"Next release"',
    "project%v1.23",
    "~bug",
    '~"feature request"',
    "&123",
    "group&123",
    "^alert#123",
    "*iteration:7",
    "[issue:123]",
    "[work_item:group/project/123]",
    "[vulnerability:123]",
    "PROJ-123",
    "AB#125",
]
LINKED = re.compile(
    r"[#!](?=\d)|[@$%~&^](?=[\w\"])|[\[*]\w+:(?=[\w\"])|(?i:\b[a-z][a-z0-9_]+-\d)"
    r"|\b(?=\d*[a-fA-F])[0-9a-fA-F]{7,64}\b|\b(?:\d{40}|\d{64})\b",
    re.ASCII,
)


def rendered(markdown: str) -> str:
    return MarkdownIt("commonmark").enable("table").render(markdown)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_renders_as_one_code_element_and_nothing_else(text: str) -> None:
    html = rendered(f"before {code_span(text)} after")
    assert html.count("<code>") == 1
    assert html.startswith("<p>before <code>")
    assert html.endswith("</code> after</p>\n")
    for tag in ("<a", "<img", "<script", "<em", "<strong"):
        assert tag not in html


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_not_split_the_cell_of_a_table(text: str) -> None:
    html = rendered(f"| a | b |\n| --- | --- |\n| {code_span(text, in_table=True)} | end |")
    assert html.count("<td>") == 2
    assert "<td>end</td>" in html


@given(st.text(max_size=300))
def test_any_text_stays_inside_its_code_span(text: str) -> None:
    html = rendered(f"x {code_span(text)} y")
    assert html.count("<code>") == 1
    assert html.startswith("<p>x <code>")
    assert html.endswith("</code> y</p>\n")


def shown_of(text: str) -> str:
    """What people read of prose, letter by letter."""
    return unescape(re.sub(r"</?p>|\n", "", rendered(prose(text))))


@pytest.mark.parametrize("text", REFERENCES)
def test_prose_refers_to_nothing_and_shows_every_letter(text: str) -> None:
    assert LINKED.search(text)
    assert not LINKED.search(shown_of(text))
    assert shown_of(text).replace(BREAK, "") == text


@given(
    st.lists(
        st.sampled_from([*REFERENCES, *"#!@$%~&^[]:-_./ ", "0", "1", "a", "f", "GH", "AB"]),
        max_size=12,
    ).map("".join)
)
def test_no_prose_refers_to_anything(text: str) -> None:
    assert not LINKED.search(shown_of(text))


@pytest.mark.parametrize("text", ["20241101", "2024110112", "1.2.3", "version 7 of 12345678"])
def test_dates_and_numbers_in_prose_can_be_copied(text: str) -> None:
    assert BREAK not in prose(text)


def direction_controls() -> list[str]:
    """What sets the direction of text (UAX #9, 2), by Unicode's own property of it."""
    kinds = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    found = [chr(n) for n in range(sys.maxunicode) if unicodedata.bidirectional(chr(n)) in kinds]
    return [*found, "\u200e", "\u200f", "\u061c"]  # the three marks


def test_control_and_direction_characters_are_removed_and_length_is_bounded() -> None:
    assert one_line("a\x1b[31mb\u202ec\nd") == "a [31mb c d"
    for direction in direction_controls():
        assert direction not in one_line(f"a{direction}b"), hex(ord(direction))
    assert len(one_line("x" * 1000)) == 200


@given(st.text())
def test_what_a_terminal_is_shown_holds_nothing_that_it_would_obey_or_hide(text: str) -> None:
    assert visible(text).isprintable()
    assert visible_prose(text).isprintable()


@given(st.text(alphabet=st.characters(exclude_characters="\\"), max_size=200), st.data())
def test_names_that_differ_look_different(text: str, data: st.DataObject) -> None:
    other = data.draw(st.text(alphabet="a\u200b\u200c\u202e\x1b\x07\n\xa0\xad", max_size=20))
    assert (visible(text) == visible(other)) is (text == other)
    assert visible(text + other) != visible(other + text) or text + other == other + text


def test_a_sentence_of_several_lines_is_one() -> None:
    assert visible_prose("one\r\n\ttwo\x1b[31m\n") == "one two\\x1b[31m"
