"""Without a forge the text of a pull request goes back to whoever asked.

Behaviours that the contract suites have too bear the same names: see table.py.
"""

import socket

import pytest

from imagebot.forges import FORGES
from imagebot.forges.plain import Plain
from tests.forges.world import changes


def test_what_would_be_opened_is_given_back() -> None:
    told = Plain().create(changes(labels=("images",)))
    assert (told.number, told.url) == (0, "")
    assert (told.title, told.body) == (changes().title, changes().body)
    assert (told.head, told.base, told.labels) == (changes().branch, "main", ("images",))


def test_nothing_is_found_changed_or_closed() -> None:
    plain = Plain()
    told = plain.create(changes())
    assert plain.find([changes().branch]) == {}
    assert plain.update(told, changes(title="Other")) == told
    plain.close(told, "bye", body="Withdrawn.")
    assert not plain.has_pull_requests


def test_nothing_is_asked_when_nothing_is_looked_for(no_network: None) -> None:
    assert Plain().find([]) == {}


def test_of_an_unchanged_world_no_forge_is_asked(no_network: None) -> None:
    plain = Plain()
    told = plain.create(changes())
    plain.ask_people(told, changes(reviewers=("alice",)))
    assert plain.find([changes().branch]) == {}
    assert plain.declined() == ()
    assert plain.update(told, changes()) == told


def test_git_has_credentials_of_its_own() -> None:
    assert Plain().git_credentials() is None


def test_no_secret_is_told() -> None:
    assert vars(Plain(("ci.skip",))) == {"_push_options": ("ci.skip",)}


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_push_options_are_filled_for_each_branch_and_stay_one_line() -> None:
    plain = Plain(("merge_request.create", "merge_request.target={base}", "t={title}", "{branch}"))
    wanted = changes(title="Update api\nmerge_request.merge {branch}\x00")
    assert plain.push_options(wanted) == [
        "merge_request.create",
        "merge_request.target=main",
        "t=Update api merge_request.merge {branch}",
        wanted.branch,
    ]


def test_a_long_title_is_cut_to_what_servers_take() -> None:
    (option,) = Plain(("{title}",)).push_options(changes(title="x" * 400))
    assert len(option) == 250


def test_without_push_options_nothing_is_said() -> None:
    assert Plain().push_options(changes()) == []


def test_each_forge_stands_in_the_table_under_its_own_name() -> None:
    assert {name: forge.name for name, forge in FORGES.items()} == {name: name for name in FORGES}
