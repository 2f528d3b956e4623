"""Release notes keep their words and lose their markup."""

import pytest

from imagebot.body import notes
from imagebot.body.notes import MAX_LINES, quoted


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("", ""),
        ("\n\n  \n", ""),
        ("One\r\nTwo\n\n\n\nThree", "> One\n> Two\n>\n> Three"),
        ("# Title #\n###### Deep", "> **Title**\n> **Deep**"),
        ("* one\n  * two\n- three\n1. four", "> - one\n>   - two\n> - three\n> - four"),
        ("**bold** and _thin_ and `code`", "> bold and thin and code"),
        ("[shown](https://evil.example) ![pixel](https://evil.example/x.png)", "> shown pixel"),
        ("<details><summary>More</summary>\n<b>x</b></details>", "> More\n> x"),
        ("before <!-- hidden\nlines --> after", "> before  after"),
        ("```\ncode\n```\n---\n***\n===", "> code"),
        ("a <1 and b> c & d", "> a &lt;1 and b&gt; c &amp; d"),
        ("2026. a year", "> - a year"),
        ("thanks @dana, closes #7", "> thanks @\u200bdana, closes #\u200b7"),
    ],
)
def test_notes_are_quoted_as_plain_words(written: str, shown: str) -> None:
    assert str(quoted(written)) == shown


def test_long_notes_say_how_much_is_left_out() -> None:
    lines = str(quoted("\n".join(f"line {n}" for n in range(MAX_LINES + 7)))).splitlines()
    assert lines[-1] == "> (7 more lines)"
    assert len(lines) == MAX_LINES + 2


@pytest.mark.parametrize(
    "bomb",
    ["[" * 100_000, "<" * 100_000, "<!--" * 30_000, "![" * 50_000, "[a](" * 25_000, "<a " * 30_000,
     "- " * 50_000, "# " * 50_000, "-" * 100_000, "- - " * 25_000 + "x", "`" * 100_000],
)  # fmt: skip
def test_notes_made_to_be_slow_are_read_at_once(bomb: str) -> None:
    assert len(str(quoted(bomb))) < 20_000


@pytest.mark.parametrize(
    ("start", "middle", "end"),
    [("# a", " ", "#x"), ("# a", " #", "x"), ("- a", " ", "x"), ("-", " ", "x"), ("", " ", "x"),
     ("", "-", " x"), ("1.", " ", "x"), ("#", "\t", "x"), ("", "[a]", "("), ("", "<a", " ")],
)  # fmt: skip
def test_one_endless_line_takes_no_time_by_its_square(
    start: str, middle: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its square a line of this length would take hours."""
    monkeypatch.setattr(notes, "_MAX_TEXT", 5_000_000)
    assert len(str(quoted(start + middle * 2_000_000 + end))) < 20_000
