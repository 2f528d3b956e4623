"""What the policies of one group say of its one pull request, taken together.

Pure. Where they differ the more careful one counts, so that joining a group never makes a request
less reviewed than its policies alone would.
"""

from collections.abc import Callable, Iterable, Sequence

from imagebot.grouping import Group
from imagebot.policy.model import AutoMerge, MergedBy, Policy, PullRequestRules, Rebase
from imagebot.version import Step

_CAREFUL_FIRST = (Rebase.NEVER, Rebase.CONFLICT, Rebase.BEHIND)


def policies_of(group: Group) -> tuple[Policy, ...]:
    """Each policy of the group once, in the order of the choices."""
    found = {choice.policy.identity: choice.policy for choice in group.choices if choice.policy}
    return tuple(found.values())


def reviewers(rules: Sequence[PullRequestRules]) -> tuple[str, ...]:
    return _joined(each.reviewers for each in rules)


def assignees(rules: Sequence[PullRequestRules]) -> tuple[str, ...]:
    return _joined(each.assignees for each in rules)


def first(rules: Sequence[PullRequestRules], told: Callable[[PullRequestRules], str]) -> str:
    """Of what there can be one of only, such as a milestone: what the first says that says any."""
    return next((told(each) for each in rules if told(each)), "")


def rebase(rules: Sequence[PullRequestRules]) -> Rebase:
    """The one that writes a branch anew the least often."""
    return min((each.rebase for each in rules), key=_CAREFUL_FIRST.index, default=Rebase.CONFLICT)


def auto_merge(rules: Sequence[PullRequestRules], steps: Iterable[Step | None]) -> AutoMerge | None:
    """How the request is merged without a person, None where any policy or step asks for one.

    A step that nobody knows is nobody's to merge. The first policy says by what method; imagebot
    merges only where no policy leaves it to the forge.
    """
    wanted = [each.auto_merge for each in rules]
    allowed = [each for each in wanted if each is not None]
    if not allowed or len(allowed) < len(wanted):
        return None
    asked = set(steps)
    if not asked or not all(asked <= set(each.steps) for each in allowed):
        return None
    by_all = all(each.by is MergedBy.IMAGEBOT for each in allowed)
    common = tuple(step for step in allowed[0].steps if all(step in each.steps for each in allowed))
    by = MergedBy.IMAGEBOT if by_all else MergedBy.FORGE
    without_checks = all(each.without_checks for each in allowed)
    return AutoMerge(common, allowed[0].method, by, without_checks)


def hands_over(rules: Iterable[PullRequestRules]) -> bool:
    """Whether the forge may have been asked to merge some step of these, if not the one now."""
    wanted = [each.auto_merge for each in rules]
    return any(each.by is MergedBy.FORGE for each in wanted if each is not None)


def _joined(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))
