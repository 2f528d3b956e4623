"""How a change is presented: groups, branch names, and a `ChangeSet` of what is to be said.

Pure. Takes updates that were decided and the new bytes of the files; gives back `ChangeSet`s,
equal for equal input. Branch names come from what is updated and never from a version, so a
newer tag updates the same pull request (law 2).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from imagebot import body, messages, titles

# Named here for imagebot/carrying/ alone.
from imagebot.body import UserTemplate
from imagebot.body import fitted as fitted
from imagebot.body.told import NOTHING_TOLD, Told
from imagebot.messages import proposed_in as proposed_in
from imagebot.model import ChangeSet, Choice, Edit
from imagebot.policy.model import Policy
from imagebot.records import declined_by as declined_by
from imagebot.records import is_declined as is_declined
from imagebot.records import record_in as record_in
from imagebot.records import state_in as state_in
from imagebot.records import with_state as with_state
from imagebot.records import withdrawn_body as withdrawn_body

BRANCH_PREFIX = "imagebot/"


@dataclass(frozen=True, slots=True)
class Group:
    """Updates that land together. `key` is stable; `name` is for people."""

    key: str
    name: str
    choices: tuple[Choice, ...]


def group_choices(choices: Iterable[Choice], *, everything_together: bool = False) -> list[Group]:
    """Choices with an update, by group, in the order of their keys.

    A policy's `pullRequest.group` joins images across policies; without one, each image
    repository under each policy is a group. `everything_together` is for direct commits.
    """
    found: dict[str, tuple[str, list[Choice]]] = {}
    for choice in choices:
        if choice.update is None or choice.policy is None:
            continue
        key, name = ("*", "images") if everything_together else _group_of(choice, choice.policy)
        found.setdefault(key, (name, []))[1].append(choice)
    return [Group(key, name, tuple(members)) for key, (name, members) in sorted(found.items())]


def _group_of(choice: Choice, policy: Policy) -> tuple[str, str]:
    if policy.pull_request.group:
        return f"group:{policy.pull_request.group}", policy.pull_request.group
    repository = choice.update.repository if choice.update else None
    return f"policy:{policy.identity}|{repository}", policy.name


def branch_name(group: Group, base: str) -> str:
    """`imagebot/<slug>-<hash>`, from the group and the base branch alone."""
    slug = re.sub(r"[^a-z0-9]+", "-", group.name.lower()).strip("-")[:40].strip("-") or "images"
    content = json.dumps([group.key, base]).encode()
    return f"{BRANCH_PREFIX}{slug}-{hashlib.sha256(content).hexdigest()[:10]}"


def build(
    group: Group,
    files: Mapping[str, bytes],
    edits_by_file: Mapping[str, tuple[Edit, ...]],
    *,
    base: str,
    branch: str | None = None,
    before: Mapping[str, bytes] | None = None,
    told: Told = NOTHING_TOLD,
    template: UserTemplate | None = None,
) -> ChangeSet:
    """One change set from a group whose updates all stand in `files` (new content by path).

    `before` are these files as they are; `told` is what was found out about the images.
    """
    updates = tuple(choice.update for choice in group.choices if choice.update)
    within = group.name if group.key.startswith("group:") else ""
    title = titles.title(updates, within)
    policies = [choice.policy for choice in group.choices if choice.policy]
    return ChangeSet(
        group=group.name,
        branch=branch or branch_name(group, base),
        base=base,
        title=title,
        body=body.body(
            group.choices, before=before, edits_by_file=edits_by_file, told=told, template=template
        ),
        message=messages.message(title, group.choices),
        files=files,
        updates=updates,
        labels=_joined(policy.pull_request.labels for policy in policies),
        reviewers=_joined(policy.pull_request.reviewers for policy in policies),
        edits_by_file=edits_by_file,
        proposed=messages.proposed_by(group.choices),
        explanation=body.reasons(group.choices),
        is_carried_over=any(choice.is_failure for choice in group.choices),
    )


def _joined(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))
