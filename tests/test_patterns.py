"""Users' patterns: RE2, bounded, and Go's templates."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.errors import PolicyError
from imagebot.patterns import MAX_PATTERN_LENGTH, MAX_TEMPLATE_LENGTH, Match, Pattern


def test_a_pattern_is_searched_not_anchored() -> None:
    assert Pattern.compile(r"1\.2").is_in("11.2")
    assert not Pattern.compile(r"^1\.2").is_in("11.2")


def test_a_match_gives_the_whole_text_and_the_groups() -> None:
    found = Pattern.compile(r"(\d+)\.(\d+)(-rc)?").search("v1.22-x")
    assert found == Match(("1.22", "1", "22", None))
    assert str(found) == "1.22"
    assert Pattern.compile("z").search("v1") is None


def test_digits_are_ascii_and_the_end_is_the_end() -> None:
    assert not Pattern.compile(r"\d").is_in("٣")
    assert not Pattern.compile(r"1$").is_in("1\n")


@pytest.mark.parametrize("text", ["(?P<v>.+)-alpine", "(?<v>.+)-alpine"])
def test_both_spellings_of_a_named_group_are_read(text: str) -> None:
    pattern = Pattern.compile(text)
    found = pattern.search("1.2-alpine")
    assert found is not None
    assert pattern.expand(found, "$v") == "1.2"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(?=a)", "(?="),
        (r"(a)\1", r"\1"),
        ("(a", "missing )"),
        ("a{1001}", "{1001}"),
        ("[z-a]", "z-a"),
        ("((a{100}){100}){100}", "repetition"),
        ("\udcff", "surrogates"),
    ],
)
def test_what_re2_cannot_take_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Pattern.compile(text)
    assert repr(text) in str(caught.value)
    assert reason in str(caught.value)


def test_a_pattern_is_bounded_in_length() -> None:
    Pattern.compile("x" * MAX_PATTERN_LENGTH)
    with pytest.raises(PolicyError, match="at most 1000"):
        Pattern.compile("x" * (MAX_PATTERN_LENGTH + 1))


def test_a_refused_pattern_writes_nothing_to_stderr() -> None:
    program = (
        "from imagebot.patterns import Pattern, PolicyError\n"
        "try: Pattern.compile('(a')\n"
        "except PolicyError: print('refused')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert (ran.stdout, ran.stderr) == ("refused\n", "")


@pytest.mark.parametrize("text", ["^(a+)+$", "^([a-zA-Z0-9._-]+)*$", "(a+a+)+b"])
def test_an_attack_on_backtracking_ends(text: str) -> None:
    # A backtracking engine would not come back within the life of the test run.
    Pattern.compile(text).search("a" * 128 + "!")


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("$1", "1"),
        ("$0", "1.22-alpine"),
        ("$minor", "22"),
        ("${minor}", "22"),
        ("$1.$2", "1.22"),
        ("${1}x", "1x"),
        ("$1x", ""),  # a group called 1x
        ("$minor_x", ""),
        ("$3", ""),  # took no part
        ("$9", ""),
        ("$01", ""),
        ("$$1", "$1"),
        ("$$$1", "$1"),
        ("v$1-$2", "v1-22"),
        ("a$", "a$"),
        ("$-1", "$-1"),
        ("${", "${"),
        ("${}", "${}"),
        ("${1", "${1"),
        ("${a-b}", "${a-b}"),
        ("", ""),
    ],
)
def test_templates_expand_as_in_go(template: str, result: str) -> None:
    pattern = Pattern.compile(r"(\d+)\.(?P<minor>\d+)(-rc)?-alpine")
    found = pattern.search("1.22-alpine")
    assert found is not None
    assert pattern.expand(found, template) == result


@pytest.mark.parametrize("template", ["$1", "$0", "${v}", "$v-$1", "$$", "1.2.3", ""])
def test_a_template_over_known_groups_is_accepted(template: str) -> None:
    Pattern.compile("(?P<v>.+)").check_template(template)


@pytest.mark.parametrize(
    ("template", "message", "hint"),
    [
        ("$w", "no group 'w'", "known groups: 0, 1, v"),
        ("$2", "no group '2'", "known groups"),
        ("$1x", "no group '1x'", "${1}x"),
        ("$v_alpine", "no group 'v_alpine'", "known groups"),
        ("a$", "names no group", "${name}"),
        ("${v", "names no group", "${name}"),
        ("x" * (MAX_TEMPLATE_LENGTH + 1), "at most", ""),
    ],
)
def test_a_template_that_would_lose_text_is_refused(template: str, message: str, hint: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Pattern.compile("(?P<v>.+)").check_template(template)
    assert message in str(caught.value)
    assert hint in caught.value.hint


def test_patterns_are_equal_by_their_text() -> None:
    assert Pattern.compile("a+") == Pattern.compile("a+")
    assert Pattern.compile("a+") != Pattern.compile("a*")
    assert len({Pattern.compile("a+"), Pattern.compile("a+")}) == 1
    assert repr(Pattern.compile("a+")) == "Pattern(text='a+')"
    assert str(Pattern.compile("a+")) == "a+"


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_compiles_or_is_a_policy_error(text: str, subject: str) -> None:
    try:
        pattern = Pattern.compile(text)
    except PolicyError:
        return
    found = pattern.search(subject)
    assert pattern.is_in(subject) is (found is not None)
    assert found is None or str(found) in subject


@given(st.text(alphabet="${}av1_ -", max_size=20))
def test_an_accepted_template_expands_without_unknown_groups(template: str) -> None:
    pattern = Pattern.compile("(?P<v>.+)(?P<a>.)")
    found = pattern.search("1.2")
    assert found is not None
    try:
        pattern.check_template(template)
    except PolicyError:
        return
    assert pattern.expand(found, template).count("$") == template.count("$$")
