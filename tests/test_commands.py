"""What counts as a command in a comment, and what is said of one that cannot be read."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.commands import MAX_COMMANDS, Command, Misread, Verb, commands_in
from imagebot.talk import Comment


def read(text: str, *, is_own: bool = False) -> list[Command | Misread]:
    return commands_in([Comment("7", "alice", text, is_own)])


@pytest.mark.parametrize("verb", list(Verb.__members__.values()))
def test_each_verb_is_understood_in_any_letter_case(verb: Verb) -> None:
    rest = " 7d" if verb is Verb.SNOOZE else ""
    (found,) = read(f"Please:\r\n\r\n  /ImageBot {verb.upper()}{rest}  \r\nthanks")
    assert isinstance(found, Command)
    assert found.verb is verb


def test_reasons_and_durations_are_read() -> None:
    skip, snooze, hold = read(
        "/imagebot skip  broken on\tarm \n/imagebot snooze 1w2d\n/imagebot hold"
    )
    assert skip == Command(Verb.SKIP, skip.comment, "broken on arm")
    assert snooze == Command(Verb.SNOOZE, skip.comment, duration=timedelta(days=9))
    assert hold == Command(Verb.HOLD, skip.comment)


@pytest.mark.parametrize(
    "text",
    [
        "what does /imagebot hold do?",
        "> /imagebot hold",
        "```\n/imagebot hold\n```",
        "~~~~ text\n```\n/imagebot hold\n~~~~",
        "    /imagebot hold",
        "/imagebots hold",
        "<!--\n/imagebot hold\n-->\nLooks good",
        "<!-- a template\n/imagebot hold",
        "<pre lang='x'>\n/imagebot hold\n</pre>",
        "",
    ],
)
def test_quotations_code_and_talk_are_no_commands(text: str) -> None:
    assert read(text) == []


def test_a_line_after_a_closed_code_block_is_a_command() -> None:
    (found,) = read("```yaml\na: 1\n```\n/imagebot hold")
    assert isinstance(found, Command)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("/imagebot rebild", "there is no command `rebild`; did you mean rebuild?"),
        ("/imagebot frobnicate", "there is no command `frobnicate`"),
        ("/imagebot", "it names no command"),
        ("/imagebot snooze", "snooze needs a time of at most a year: 12h, 7d, 2w"),
        ("/imagebot snooze soon", "snooze needs a time of at most a year: 12h, 7d, 2w"),
        ("/imagebot snooze 0d", "snooze needs a time of at most a year: 12h, 7d, 2w"),
        ("/imagebot snooze 99w", "snooze needs a time of at most a year: 12h, 7d, 2w"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, why: str) -> None:
    assert [each.why for each in read(text) if isinstance(each, Misread)] == [why]


def test_what_imagebot_says_itself_is_no_command() -> None:
    assert read("/imagebot hold", is_own=True) == []


def test_of_one_comment_a_bounded_number_is_read() -> None:
    assert len(read("/imagebot hold\n" * 1000)) == MAX_COMMANDS


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    read(text)
    assert len(read(f"\n/imagebot skip {text.splitlines()[0] if text.splitlines() else ''}")) == 1


@pytest.mark.parametrize("middle", [" ", "\t", "a ", " \u00a0", "-"])
def test_an_endless_line_takes_no_time_by_its_square(middle: str) -> None:
    """Anybody may comment. By its square a line of this length would take hours."""
    (found,) = read(f"/imagebot hold a{middle * 1_000_000}b")
    assert isinstance(found, Command)


def test_blanks_at_the_end_of_a_line_are_no_reason() -> None:
    (found,) = read("/imagebot hold \t ")
    assert found == Command(Verb.HOLD, found.comment)
