"""imagebot's words and a person's in one text: what stays, what is told of, what fits."""

from dataclasses import replace

import pytest

from imagebot import records
from imagebot.carrying import wording
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.request_state import RequestState
from tests.making import choice

LIMIT = 4_000


def changes(tag: str = "1.1.0", **different: str) -> ChangeSet:
    update = choice(tag=tag).update
    assert update is not None
    wanted = ChangeSet(
        group="api",
        branch="imagebot/api",
        base="main",
        title=f"Update api to {tag}",
        body=f"| api | {tag} |\n\n{records.record_text([update])}\n",
        message="",
        files={},
        updates=(),
    )
    return replace(wanted, **different)  # type: ignore[arg-type]


def opened(state: RequestState | None = None) -> PullRequest:
    said = wording.of_new(changes(), state or RequestState(), LIMIT)
    return PullRequest(
        1, "https://forge/1", PullRequestState.OPEN, "imagebot/api", "main", said.title, said.body
    )


def test_an_unchanged_request_is_written_as_it_is() -> None:
    request = opened()
    assert wording.of_open(request, changes(), LIMIT) == wording.Wording(
        request.title, request.body
    )


@pytest.mark.parametrize(
    "edit",
    [
        "Above.\n\n{}",
        "Above.\n{}",
        "{}Below.",
        "{}\n\nBelow, with a table:\n\n| a |\n| - |\n",
        "A.\n\n{}\n\nB.",
    ],
)
def test_text_around_stays_letter_by_letter_and_is_written_once(edit: str) -> None:
    before = opened()
    theirs = edit.split("{}")
    request = replace(before, body=edit.format(before.body.rstrip("\n")))
    for tag in ("1.2.0", "1.2.0", "1.3.0"):
        said = wording.of_open(request, changes(tag), LIMIT)
        assert not said.loses
        assert said.body.startswith(theirs[0])
        assert said.body.rstrip("\n").endswith(theirs[1].rstrip("\n"))
        assert tag in said.body
        request = replace(request, body=said.body)
    assert wording.of_open(request, changes("1.3.0"), LIMIT).body == request.body


@pytest.mark.parametrize("odd", ["\r\n", " \n"])
def test_white_space_that_a_forge_changes_is_no_edit(odd: str) -> None:
    request = opened()
    request = replace(request, body=request.body.replace("\n", odd))
    assert not wording.of_open(request, changes("1.2.0"), LIMIT).loses


def test_a_request_of_an_older_imagebot_gets_the_new_texts() -> None:
    older = replace(opened(), title="Update api", body=changes().body)
    said = wording.of_open(older, changes("1.2.0"), LIMIT)
    assert (said.title, said.loses) == ("Update api to 1.2.0", False)
    assert said.body.count("| api |") == 1


def test_a_text_without_its_record_is_written_anew_and_told_of() -> None:
    request = opened()
    broken = replace(request, body=request.body.partition("<!-- imagebot:record")[0] + "Mine.")
    assert wording.of_open(broken, changes(), LIMIT).loses


def test_more_text_than_there_is_room_for_gives_way_and_is_told_of() -> None:
    request = opened()
    longest = replace(request, body="x" * (LIMIT // 2 - 2) + "\n\n" + request.body.rstrip())
    said = wording.of_open(longest, changes("1.2.0"), LIMIT)
    assert ("xx" in said.body, said.loses) == (True, False)
    too_long = replace(request, body="x" * (LIMIT // 2) + "\n\n" + request.body)
    said = wording.of_open(too_long, changes("1.2.0"), LIMIT)
    assert ("xx" in said.body, said.loses) == (False, True)


def test_a_persons_text_costs_nothing_that_people_declined() -> None:
    declined = tuple(("docker.io/acme/api", f"1.0.{number}", "") for number in range(60))
    request = opened(RequestState(declined=declined))
    noted = replace(request, body="x" * 1_900 + "\n\n" + request.body)
    said = wording.of_open(noted, changes("1.2.0"), LIMIT)
    assert len(said.body) <= LIMIT
    state = records.state_in(said.body)
    assert len(state.declined) + len(state.declined_marks) == 60


def test_a_text_that_is_shortened_for_its_state_is_no_persons_edit() -> None:
    request = opened()
    part = "<!-- imagebot:part notes -->\n\n" + "n" * 3_000 + "\n\n"
    full = changes(body=changes().body.replace("<!--", part + "<!--", 1))
    request = replace(request, body=wording.of_new(full, RequestState(), LIMIT).body)
    state = RequestState(answered=tuple(f"comment-{number}" for number in range(50)))
    shorter = wording.with_state(request.body, state, LIMIT)
    assert (len(shorter) <= LIMIT, "nnn" in shorter) == (True, False)
    assert records.state_in(shorter) == state
    assert not wording.of_open(replace(request, body=shorter), changes("1.2.0"), LIMIT).loses
