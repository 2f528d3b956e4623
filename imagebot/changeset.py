"""How a change is presented: branch names, and a `ChangeSet` of what is to be said.

Pure. Takes updates that were decided and the new bytes of the files; gives back `ChangeSet`s,
equal for equal input. Branch names come from what is updated and never from a version, so a
newer tag updates the same pull request (law 2).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from imagebot import body, grouping, messages, request_rules, standings, titles
from imagebot.body import UserTemplate
from imagebot.body.told import NOTHING_TOLD, Told
from imagebot.grouping import Group
from imagebot.model import Edit, Problem
from imagebot.proposals import ChangeSet
from imagebot.texts import one_line

BRANCH_PREFIX = "imagebot/"


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
    left_out: Sequence[Problem] = (),
    template: UserTemplate | None = None,
    owners: tuple[str, ...] = (),
    has_requests: bool = True,
    has_labels: bool = True,
) -> ChangeSet:
    """One change set from a group whose updates all stand in `files` (new content by path).

    `before` are these files as they are; `told` is what was found out about the images; `left_out`
    says which references of the group could not be read or written; `owners` own the
    files and are asked for review, too. `has_requests` and `has_labels` say whether there will be
    any, so that the body speaks of what there is.
    """
    updates = tuple(choice.update for choice in group.choices if choice.update)
    own_title = titles.title(updates, group.told)
    title = one_line(grouping.title_of(group, own_title))
    rules = [policy.pull_request for policy in request_rules.policies_of(group)]
    return ChangeSet(
        group=group.name,
        branch=branch or branch_name(group, base),
        base=base,
        title=title,
        body=body.body(
            group.choices,
            before=before,
            edits_by_file=edits_by_file,
            told=told,
            left_out=left_out,
            template=template,
            has_requests=has_requests,
            has_labels=has_labels,
        ),
        message=messages.message(title, group.choices),
        files=files,
        updates=updates,
        labels=grouping.labels_of(group),
        reviewers=tuple(dict.fromkeys((*request_rules.reviewers(rules), *owners))),
        assignees=request_rules.assignees(rules),
        milestone=request_rules.first(rules, lambda each: each.milestone),
        is_draft=any(each.draft for each in rules),
        rebase=request_rules.rebase(rules),
        auto_merge=request_rules.auto_merge(rules, [update.step for update in updates]),
        hands_over=request_rules.hands_over(rules),
        gates=standings.of_gates(group.choices),
        shows_gates=any(each.status for each in rules),
        edits_by_file=edits_by_file,
        proposed=messages.proposed_by(group.choices),
        explanation=body.reasons(group.choices),
        is_carried_over=any(choice.is_failure for choice in group.choices),
    )
