"""What a request's body says is not in it: the bad references of its group, and no others."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from imagebot.bad_references import BadReferences
from imagebot.grouping import Group, group_choices
from imagebot.model import Problem
from tests.making import choice, policy

API = "ghcr.io/acme/api"
FILE = "apps/api/deployment.yaml"


def group() -> Group:
    (one,) = group_choices([choice(f"{API}:1.0.0", governed_by=policy(file="apps/imagebot.yaml"))])
    return one


def told(*unread: Problem) -> list[Problem]:
    return list(BadReferences(unread).of(group(), []))


def test_what_could_not_be_written_is_told_by_place_with_what_could_not_be_read() -> None:
    refused = Problem(FILE, 9, 1, "cannot be edited safely")
    unread = Problem(FILE, 3, 1, "no image")
    assert BadReferences([unread]).of(group(), [refused]) == (unread, refused)


def test_another_image_of_the_same_file_is_another_groups() -> None:
    assert told(Problem(FILE, 3, 1, "two policies", image="ghcr.io/acme/web")) == []


def test_the_image_in_another_file_is_told_where_the_policy_reaches() -> None:
    reached = Problem("apps/web/values.yaml", 3, 1, "a folded text", image=API)
    assert told(reached, replace(reached, file="other/values.yaml")) == [reached]


def test_what_names_no_image_is_told_of_the_groups_files_alone() -> None:
    assert told(Problem("apps/api/other.yaml", 3, 1, "no image")) == []


@given(st.permutations([Problem(FILE, line, 1, text) for line in (0, 1, 2) for text in "ab"]))
def test_the_order_in_which_problems_are_found_changes_nothing(unread: list[Problem]) -> None:
    assert told(*unread) == told(*reversed(unread))
