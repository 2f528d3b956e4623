"""Which updates land together: groups with a stable key and a name for people.

Pure. A key comes from what is updated, by which policy and where, and never from a version, so a
newer tag lands in the same group. The one exception is asked for: where `step` keeps updates
apart, an update that becomes a major one moves.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from imagebot import templates
from imagebot.model import Choice, Update
from imagebot.places import place_of
from imagebot.policy.model import By, Policy
from imagebot.texts import one_line, unmentioning
from imagebot.titles import highest_step
from imagebot.version import Step

UNKNOWN = "other"  # environment, team or folder of a path that does not say
NON_MAJOR = "non-major"
MAX_NAME_LENGTH = 63
MAX_LABEL_LENGTH = 50  # GitHub's


@dataclass(frozen=True, slots=True)
class Group:
    """Updates that land together. `key` is stable; `name` is for people.

    `told`: what a title says of it, "" where people did not choose what lands together, or where
    the one image and its step say it all.
    """

    key: str
    name: str
    choices: tuple[Choice, ...]
    told: str = ""


@dataclass(frozen=True, slots=True)
class _Membership:
    key: str
    name: str
    told_of_many: str = ""
    told_of_one: str = ""  # where all updates are of one image


EVERYTHING = _Membership("*", "images")


def group_choices(choices: Iterable[Choice], *, everything_together: bool = False) -> list[Group]:
    """Choices with an update, by group, in the order of their keys.

    A policy's `pullRequest.group` and `by` say what lands together; where they say nothing, each
    image repository under each policy is a group. `everything_together` is for direct commits.
    """
    found: dict[str, tuple[_Membership, list[Choice]]] = {}
    for choice in choices:
        if choice.update is None or choice.policy is None:
            continue
        one = EVERYTHING if everything_together else _membership(choice.update, choice.policy)
        found.setdefault(one.key, (one, []))[1].append(choice)
    return [
        Group(key, one.name, tuple(members), _told(one, members))
        for key, (one, members) in sorted(found.items(), key=lambda item: item[0])
    ]


def _told(one: _Membership, members: Sequence[Choice]) -> str:
    images = {choice.update.repository for choice in members if choice.update}
    return one.told_of_many if len(images) > 1 else one.told_of_one


def keeps_major_apart(policy: Policy) -> bool:
    """Whether a major update never lands together with others of its image."""
    rules = policy.pull_request
    return By.STEP in rules.by or "{step}" in (rules.group or "")


def _membership(update: Update, policy: Policy) -> _Membership:
    rules = policy.pull_request
    if not rules.group and not rules.by:
        key = f"policy:{policy.identity}|{update.repository}"
        return _Membership(key, policy.name)
    values = values_of(update, policy, _step_class(update.step))
    name = _fitted(templates.expand(rules.group, values)) if rules.group else ""
    if not rules.by:
        return _Membership(f"group:{name}", name, name, name)
    parts = [("group", name)] if name else []
    parts += [(str(by), _exact(by, update, policy, values)) for by in rules.by]
    asks_step = By.STEP in rules.by
    if asks_step and update.step is Step.MAJOR:  # each alone
        parts += [("major", f"{policy.identity}|{update.repository}")]
    shown = [name] if name else []
    shown += [values[str(by)] for by in rules.by]
    if asks_step and update.step is Step.MAJOR and By.IMAGE not in rules.by:
        shown.append(values["image"])
    of_one = [name] if name else []
    of_one += [values[str(by)] for by in rules.by if by not in (By.STEP, By.IMAGE)]
    whole = _fitted(" ".join(shown))
    return _Membership(
        f"by:{json.dumps(parts)}", whole, whole, _fitted(" ".join(of_one)) if of_one else ""
    )


def _exact(by: By, update: Update, policy: Policy, values: Mapping[str, str]) -> str:
    """What the key holds: two images of one short name are two."""
    if by is By.POLICY:
        return policy.identity
    return str(update.repository) if by is By.IMAGE else values[str(by)]


def values_of(update: Update, policy: Policy, step: str) -> dict[str, str]:
    """What the names in braces mean for one update."""
    place = place_of(update.occurrence.file, policy.pull_request.places)
    return {
        "policy": policy.name,
        "image": update.repository.familiar.rpartition("/")[2],
        "folder": place.folder or UNKNOWN,
        "environment": place.environment or UNKNOWN,
        "team": place.team or UNKNOWN,
        "step": step,
    }


def labels_of(group: Group) -> tuple[str, ...]:
    """The labels that the policies of a group ask for, filled in, in their order.

    `{step}` is the highest step of the whole group, so that `update/{step}` is one label.
    """
    updates = [choice.update for choice in group.choices if choice.update]
    step = highest_step(updates)
    found: dict[str, None] = {}
    for choice in group.choices:
        if choice.update is None or choice.policy is None:
            continue
        values = values_of(choice.update, choice.policy, str(step or "unknown"))
        for template in choice.policy.pull_request.labels:
            label = templates.expand(template, {**values, "group": group.name})
            found[_clean(label, MAX_LABEL_LENGTH)] = None
    return tuple(found)


def title_of(group: Group, own_title: str) -> str:
    """The title by the template of the first policy that has one; else imagebot's own.

    A name that differs between the updates of the group is told as a number: `2 environments`.
    """
    template = next(
        (each.policy.pull_request.title for each in group.choices
         if each.policy and each.policy.pull_request.title), ""
    )  # fmt: skip
    if not template:
        return own_title
    updates = [choice.update for choice in group.choices if choice.update]
    step = highest_step(updates)
    each = [
        values_of(choice.update, choice.policy, str(step or "unknown"))
        for choice in group.choices
        if choice.update and choice.policy
    ]
    values = {name: _one_or_count(name, (one[name] for one in each)) for name in each[0]}
    count = len({update.repository for update in updates})
    values |= {"group": group.name}
    # Folders may be named by anybody; the title is the subject of the commit, too.
    told = {name: unmentioning(one_line(value)) for name, value in values.items()}
    return templates.expand(template, {**told, "title": own_title, "count": str(count)})


_PLURALS = {"policy": "policies"}


def _one_or_count(name: str, values: Iterable[str]) -> str:
    different = set(values)
    if len(different) == 1:
        return next(iter(different))
    return f"{len(different)} {_PLURALS.get(name, f'{name}s')}"


def _step_class(step: Step | None) -> str:
    return "major" if step is Step.MAJOR else NON_MAJOR


_UNFIT = re.compile(r"[^A-Za-z0-9 ._/-]+")


def _fitted(name: str) -> str:
    """A name made of what a path or image says: short, and of the letters that groups have."""
    return _UNFIT.sub("-", name)[:MAX_NAME_LENGTH].strip(" -./") or UNKNOWN


_UNFIT_LABEL = re.compile(r"[\x00-\x1f\x7f,]+")


def _clean(label: str, limit: int) -> str:
    return _UNFIT_LABEL.sub(" ", label)[:limit].strip()
