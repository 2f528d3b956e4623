"""Why a request is closed, as its closing comment says it."""

import pytest

from imagebot.carrying.farewell import MAX_CAUSES, farewell
from imagebot.image import Repository
from imagebot.model import Choice
from imagebot.proposals import ChangeSet, Proposed
from tests.making import choice, policy

API = Repository("ghcr.io", "acme/api")
OFFER = Proposed(policy().identity, API, "1.1.0", None)
WEB = "ghcr.io/acme/web:1.0.0"


def changes(branch: str, *tags: str) -> ChangeSet:
    return ChangeSet(
        group="",
        branch=branch,
        base="main",
        title="",
        body="",
        message="",
        files={},
        updates=(),
        proposed=tuple(Proposed(OFFER.policy, API, tag, None) for tag in tags),
    )


@pytest.mark.parametrize(
    ("wanted", "choices", "told"),
    [
        (
            [],
            [choice("ghcr.io/acme/api:1.1.0", None)],
            "the base branch has `ghcr.io/acme/api:1.1.0`",
        ),
        ([], [choice(WEB, None)], "`ghcr.io/acme/api` stands in no file"),
        ([], [], "`ghcr.io/acme/api` stands in no file"),
        (
            [],
            [choice(tag=None, governed_by=policy("other"))],
            "the policy that asked for `ghcr.io/acme/api:1.1.0` does not govern that image",
        ),
        (
            [],
            [choice(tag=None, reason="up to date")],
            "the policy no longer asks for `ghcr.io/acme/api:1.1.0` (up to date)",
        ),
        (
            [changes("imagebot/backend", "1.1.0")],
            [choice()],
            "the update of `ghcr.io/acme/api` belongs to the branch `imagebot/backend` now",
        ),
        (
            [changes("imagebot/a", "2.0.0"), changes("imagebot/z", "1.1.0")],
            [choice()],
            "the update of `ghcr.io/acme/api` belongs to the branch `imagebot/z` now",
        ),
    ],
    ids=["merged", "gone", "all gone", "not governed", "not wanted", "elsewhere", "same version"],
)
def test_the_cause_that_is_known_is_told(
    wanted: list[ChangeSet], choices: list[Choice], told: str
) -> None:
    said = farewell([OFFER], wanted, choices)
    assert told in said
    assert ("nothing is left to update" in said) == (not wanted)


def test_what_the_base_has_in_the_very_files_went_to_no_other_branch() -> None:
    """As where one environment was updated by hand, and another has its request."""
    by_hand = choice("ghcr.io/acme/api:1.1.0", None, file="staging/api.yaml")
    elsewhere = [changes("imagebot/prod", "1.1.0")]
    said = farewell(
        [OFFER], elsewhere, [by_hand, choice(file="prod/api.yaml")], ["staging/api.yaml"]
    )
    assert "the base branch has `ghcr.io/acme/api:1.1.0`" in said
    assert "belongs to" not in said
    left = farewell([OFFER], elsewhere, [by_hand, choice(file="prod/api.yaml")], ["prod/api.yaml"])
    assert "belongs to the branch `imagebot/prod`" in left


def test_where_nothing_is_known_both_causes_are_named() -> None:
    assert "Either the base branch has the change, or the policy" in farewell([], [], [])


def test_each_image_has_its_cause_and_many_are_bounded() -> None:
    offers = [Proposed(OFFER.policy, API, f"1.{n}.0", None) for n in range(MAX_CAUSES + 3)]
    said = farewell(offers, [], [choice("ghcr.io/acme/api:0.1.0", None)])
    assert said.count("no longer asks for") == MAX_CAUSES
    assert said.endswith("; and 3 more.")
