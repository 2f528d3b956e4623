"""Text from outside cannot become Markdown, HTML or a mention."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from imagebot.texts import code_span, one_line, visible, visible_prose

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


def test_control_and_direction_characters_are_removed_and_length_is_bounded() -> None:
    assert one_line("a\x1b[31mb\u202ec\nd") == "a [31mb c d"
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
