"""Push options reach a real server, one branch at a time, each with its lease."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from imagebot.errors import GitError, PushRejected
from imagebot.git import BareClone, HttpCredentials, Push, Remote
from imagebot.git.pushing import batches, is_complaint
from imagebot.secret import Secret
from tests.servers.git_http import GitHttpServer
from tests.servers.git_people import AT, BRANCH, MESSAGE, Person, person_at

Clones = Callable[..., BareClone]
OTHER = "imagebot/web-1a2b3c"
CREATE = ("merge_request.create", 'merge_request.title=Update "api" to 1.1.0 = `$(id)` …')


@pytest.fixture
def person(http_server: GitHttpServer, tmp_path: Path) -> Person:
    person = person_at(tmp_path / "person", http_server.create(tmp_path.name))
    person.commit({"a.yaml": b"image: a:1\n"})
    person.push()
    return person


def clone_of(server: GitHttpServer, person: Person, clones: Clones) -> BareClone:
    credentials = HttpCredentials(server.username, Secret(server.password))
    return clones(Remote(server.url(person.bare.stem), "main", credentials))


def commit(clone: BareClone, branch: str, tag: int) -> str:
    base = clone.refresh().base
    return clone.commit(base, branch, {"a.yaml": b"image: a:%d\n" % tag}, MESSAGE, AT)


def test_the_server_is_told_each_option_as_it_was_given(
    http_server: GitHttpServer, person: Person, clones: Clones
) -> None:
    http_server.take_push_options(person.bare.stem)
    clone = clone_of(http_server, person, clones)
    clone.push([Push(BRANCH, commit(clone, BRANCH, 2), None, CREATE)])
    assert http_server.told(person.bare.stem) == [([f"refs/heads/{BRANCH}"], list(CREATE))]


def test_each_branch_with_options_has_a_push_of_its_own_and_the_others_share_one(
    http_server: GitHttpServer, person: Person, clones: Clones
) -> None:
    http_server.take_push_options(person.bare.stem)
    clone = clone_of(http_server, person, clones)
    old = commit(clone, "imagebot/old", 9)
    clone.push([Push("imagebot/old", old, None), Push("imagebot/older", old, None)])
    first, second = commit(clone, BRANCH, 2), commit(clone, OTHER, 3)
    clone.push(
        [
            Push(BRANCH, first, None, ("title=one",)),
            Push("imagebot/old", None, old),
            Push(OTHER, second, None, ("title=two",)),
            Push("imagebot/older", None, old),
        ]
    )
    assert http_server.told(person.bare.stem)[1:] == [
        (["refs/heads/imagebot/old", "refs/heads/imagebot/older"], []),
        ([f"refs/heads/{BRANCH}"], ["title=one"]),
        ([f"refs/heads/{OTHER}"], ["title=two"]),
    ]
    assert set(clone.refresh().branches) == {BRANCH, OTHER}


def test_a_branch_that_moved_is_not_overwritten_and_nothing_is_told(
    http_server: GitHttpServer, person: Person, clones: Clones
) -> None:
    http_server.take_push_options(person.bare.stem)
    clone = clone_of(http_server, person, clones)
    ours = commit(clone, BRANCH, 2)
    theirs = person.commit({"a.yaml": b"image: a:7\n"})
    person.push(f"HEAD:refs/heads/{BRANCH}")
    told = http_server.told(person.bare.stem)
    with pytest.raises(PushRejected):
        clone.push([Push(BRANCH, ours, None, CREATE)])
    assert http_server.told(person.bare.stem) == told
    assert clone.refresh().branches[BRANCH].commit == theirs


def test_a_server_without_push_options_is_an_error_that_says_so(
    http_server: GitHttpServer, person: Person, clones: Clones
) -> None:
    clone = clone_of(http_server, person, clones)
    with pytest.raises(GitError, match="the git server takes no push options") as refused:
        clone.push([Push(BRANCH, commit(clone, BRANCH, 2), None, CREATE)])
    assert "forge.pushOptions" in refused.value.hint
    assert not refused.value.can_retry
    assert clone.refresh().branches == {}


def test_what_the_server_answers_to_options_is_logged_and_a_complaint_is_a_warning(
    http_server: GitHttpServer,
    person: Person,
    clones: Clones,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="imagebot.git.clone")
    clone = clone_of(http_server, person, clones)
    name = person.bare.stem
    http_server.take_push_options(name, answer="View merge request:\n  http://forge.example/1")
    clone.push([Push(BRANCH, commit(clone, BRANCH, 2), None, CREATE)])
    http_server.take_push_options(name, answer="====\n\nWARNINGS: Error with push options: bad")
    clone.push([Push(OTHER, commit(clone, OTHER, 3), None, CREATE)])
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said == [
        ("INFO", f"{BRANCH}: the server says of the push: View merge request: "
         "http://forge.example/1"),
        ("WARNING", f"{OTHER}: the server says of the push: "
         "WARNINGS: Error with push options: bad"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "is_one"),
    [
        ("WARNINGS: Error encountered with push options 'merge_request.create': denied", True),
        ("Error encountered with push options", True),
        ("View merge request for imagebot/error-page-1a2b: http://forge.example/1", False),
        ("To create a merge request for imagebot/warning, visit: http://forge.example", False),
    ],
)
def test_a_branch_whose_name_speaks_of_errors_is_no_complaint(said: str, is_one: bool) -> None:
    assert is_complaint(said) is is_one


@pytest.mark.parametrize("option", ["", "a\nmerge_request.merge_when_pipeline_succeeds", "a\0b"])
def test_an_option_of_several_lines_never_reaches_git(
    http_server: GitHttpServer, person: Person, clones: Clones, option: str
) -> None:
    http_server.take_push_options(person.bare.stem)
    clone = clone_of(http_server, person, clones)
    with pytest.raises(GitError, match="not a push option"):
        clone.push([Push(BRANCH, commit(clone, BRANCH, 2), None, (option,))])
    assert http_server.told(person.bare.stem) == []


def test_nothing_to_push_is_no_push() -> None:
    assert batches([]) == []
