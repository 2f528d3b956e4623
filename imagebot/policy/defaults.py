"""What a repository's policy says for policies that say nothing themselves.

Pure. The nearer one wins, key by key: a key that a policy writes keeps its value, all others take
that of the RepositoryPolicy. Skipped tags and freezes of both count. `group` and `by` are one
question, so a policy that answers it is not split by what stands farther away.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from imagebot.model import Problem
from imagebot.policy.model import Order, Pin, Policy, RepositoryPolicy

_GROUPING = frozenset({"pullRequest.group", "pullRequest.by"})
_ADDED = frozenset({"skip", "freezes"})
_ONLY_SEMVER = frozenset({"tags.allow", "tags.coerce", "tags.suffix"})


def complete(policy: Policy, repository_policy: RepositoryPolicy | None) -> Policy:
    """The policy with all that the repository's policy adds to it."""
    if repository_policy is None:
        return policy
    defaults = repository_policy.defaults
    for key in defaults.written:
        if (
            key not in _ADDED
            and not _is_answered(key, policy)
            and _means_something(key, defaults, policy)
        ):
            path = [_snake(each) for each in key.split(".")]
            policy = _with(policy, path, _value(defaults, path))
    own = {skip.tag for skip in policy.skip}
    return replace(
        policy,
        skip=(*(skip for skip in defaults.skip if skip.tag not in own), *policy.skip),
        freezes=tuple(dict.fromkeys((*defaults.freezes, *policy.freezes))),
    )


def the_one(
    found: Sequence[RepositoryPolicy],
) -> tuple[RepositoryPolicy | None, tuple[Problem, ...]]:
    """The policy of the whole git repository, and what is wrong where there are several.

    Of several none counts: the first stands for them with its trouble.
    """
    if len(found) < 2:
        return (found[0] if found else None), ()
    ordered = sorted(found, key=lambda each: (each.file, each.line))
    first = ordered[0]
    places = " and ".join(f"{each.file}:{each.line}" for each in ordered[:5])
    hint = "keep one, conventionally at the root; files that are no policies: .imagebotignore"
    problems = tuple(
        Problem(
            each.file,
            each.line,
            1,
            f"a git repository has one RepositoryPolicy, and here are {len(found)}: {places}",
            hint,
            "kind",
        )
        for each in ordered
    )
    trouble = first.trouble or f"there are {len(found)} of them: {places}"
    return replace(first, trouble=trouble), problems


def _is_answered(key: str, policy: Policy) -> bool:
    """Whether the policy writes the key, or what it stands in as a whole."""
    if key in _GROUPING:
        return not _GROUPING.isdisjoint(policy.written)
    holders = (key.rpartition(".")[0],) if "." in key else ()
    below = any(each.startswith(f"{key}.") for each in policy.written)
    return below or not {key, *holders}.isdisjoint(policy.written)


def _means_something(key: str, defaults: Policy, policy: Policy) -> bool:
    """Whether the default fits the order of the policy's tags, as an ImagePolicy's own must."""
    order = policy.tags.order
    if key in _ONLY_SEMVER:
        return order is Order.SEMVER
    if order is Order.DIGEST:
        return key != "tags.exclude" and not (key == "pin" and defaults.pin is Pin.TAG)
    return True


def _value(holder: Any, path: Iterable[str]) -> Any:
    for name in path:
        holder = getattr(holder, name)
    return holder


def _with(holder: Any, path: Sequence[str], value: Any) -> Any:
    """The frozen value with another one at the path."""
    name, *below = path
    inner = _with(getattr(holder, name), below, value) if below else value
    return replace(holder, **{name: inner})


def _snake(key: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in key)
