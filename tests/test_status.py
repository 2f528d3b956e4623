"""What a run counts as: the most urgent of what happened."""

import pytest

from imagebot import status
from imagebot.proposals import ChangeSet, OutcomeKind, Proposal

CHANGES = ChangeSet("api", "imagebot/api", "main", "Update api", "", "", {}, ())


@pytest.mark.parametrize(
    ("actions", "kind"),
    [
        ((), OutcomeKind.UP_TO_DATE),
        (("unchanged",), OutcomeKind.WAITING),
        (("waiting",), OutcomeKind.WAITING),
        (("waiting", "skipped"), OutcomeKind.HELD),
        (("skipped", "created"), OutcomeKind.PROPOSED),
        (("unchanged", "merged"), OutcomeKind.PROPOSED),
        (("merged", "failed"), OutcomeKind.FAILED),
    ],
)
def test_the_most_urgent_counts(actions: tuple[str, ...], kind: OutcomeKind) -> None:
    assert status.kind((), (), [Proposal(CHANGES, action) for action in actions]) is kind
