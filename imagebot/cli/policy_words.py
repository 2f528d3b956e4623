"""A policy's rules in words, for one line of output."""

from collections.abc import Iterator

from imagebot.policy.model import Cooldown, Held, Pin, Policy, Skip, Suffix, TagRules, UnknownAge
from imagebot.times import shown_duration
from imagebot.version import Step


def rules(policy: Policy) -> str:
    """`semver, range >=2.1 <3, allow minor, cool-down 3d (major 14d)`; defaults are left out."""
    return ", ".join([*_of_tags(policy.tags), *_of_gates(policy)])


def named(policy: Policy) -> str:
    """`api (apps/imagebot.yaml:1)`."""
    return f"{policy.name or '(unnamed)'} ({policy.file}:{policy.line})"


def skip(item: Skip) -> str:
    """`2.4.0 until 2026-12-15: leaks memory`."""
    until = f" until {item.until}" if item.until else ""
    return item.tag + until + (f": {item.reason}" if item.reason else "")


def _of_tags(tags: TagRules) -> Iterator[str]:
    yield f"order {tags.order}"
    if tags.range is not None:
        yield f"range {tags.range}"
    if tags.filter is not None:
        yield f"filter '{tags.filter}'"
    if tags.extract:
        yield f"extract {' then '.join(tags.extract)}"
    for pattern in tags.exclude:
        yield f"exclude '{pattern}'"
    if tags.allow is not Step.MAJOR:
        yield f"allow {tags.allow}"
    if tags.coerce:
        yield "coerce"
    if tags.layout is not None:
        yield f"layout {tags.layout}"
    if tags.suffix is not Suffix.KEEP:
        yield f"suffix {tags.suffix}"
    if tags.order == "newest-build":
        yield f"time {tags.time}"


def _of_gates(policy: Policy) -> Iterator[str]:
    if policy.pin is not Pin.KEEP:
        yield f"pin {policy.pin}"
    if policy.platforms:
        yield f"platforms {' '.join(map(str, policy.platforms))}"
    if policy.cooldown.for_step(None):
        yield f"cool-down {_cooldown(policy.cooldown)}"
        if policy.held is Held.WAIT:
            yield "all wait for a held tag"
    if policy.skip:
        yield f"skips {len(policy.skip)}"


def _cooldown(cooldown: Cooldown) -> str:
    by_step = {
        "major": cooldown.major,
        "minor": cooldown.minor,
        "patch": cooldown.patch,
        "digest": cooldown.digest,
    }
    own = [f"{step} {shown_duration(age)}" for step, age in by_step.items() if age is not None]
    own += ["unknown ages pass"] if cooldown.unknown_age is UnknownAge.ADMIT else []
    return shown_duration(cooldown.default) + (f" ({', '.join(own)})" if own else "")
