"""Choosing among 50,000 tags: time beside python-semver only parsing the same tags.

Run as `PYTHONPATH=. python benchmarks/choosing.py [TAG_COUNT]`. Every line is the best of five
runs in one process; compare the ratios, not the milliseconds, between machines.
"""

import contextlib
import random
import sys
import time
from collections.abc import Callable

import semver

from imagebot.patterns import Pattern
from imagebot.policy.model import TagRules
from imagebot.selection import select
from imagebot.version import Range

RUNS = 5


def mixed_tags(count: int) -> list[str]:
    """45 % plain versions, 15 % with a suffix; the rest commits, branches, signatures, words."""
    draw = random.Random(20261123)
    tags = []
    for _ in range(count):
        core = f"{draw.randrange(8)}.{draw.randrange(60)}.{draw.randrange(200)}"
        commit = f"{draw.getrandbits(160):040x}"
        kind = draw.random()
        if kind < 0.45:
            tags.append(core)
        elif kind < 0.60:
            tags.append(core + draw.choice(["-alpine", "-alpine3.20", "-rc.1", "-slim"]))
        elif kind < 0.75:
            tags.append(f"sha-{commit[:10]}")
        elif kind < 0.88:
            tags.append(f"main-{commit[:7]}-{draw.randrange(10**9)}")
        elif kind < 0.95:
            tags.append(f"sha256-{draw.getrandbits(256):064x}.sig")
        else:
            tags.append(draw.choice(["latest-", "stable-", "nightly-", "8.1-", "7-"]) + commit[:4])
    return tags


def parse_only(tags: list[str]) -> None:
    for tag in tags:
        with contextlib.suppress(ValueError):
            semver.Version.parse(tag)


def ways_over(tags: list[str]) -> list[tuple[str, Callable[[], object]]]:
    wide = TagRules(range=Range.parse(">=1.2.0 <4 || ^5.1"))
    without_debug = TagRules(range=wide.range, exclude=(Pattern.compile("-debug$"),))
    alpine = TagRules(
        range=wide.range,
        filter=Pattern.compile(r"^(?P<version>\d+\.\d+\.\d+)-alpine$"),
        extract="$version",
    )
    return [
        ("python-semver, parse only", lambda: parse_only(tags)),
        ("range, no current tag", lambda: select(wide, None, tags)),
        ("range, family of 1.2.3", lambda: select(wide, "1.2.3", tags)),
        ("no range, family of 1.2.3-alpine", lambda: select(TagRules(), "1.2.3-alpine", tags)),
        ("range, exclude, family of 1.2.3", lambda: select(without_debug, "1.2.3", tags)),
        ("range, filter and extract", lambda: select(alpine, "1.2.3-alpine", tags)),
    ]


def best_milliseconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(RUNS):
        started_at = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started_at)
    return best * 1000


def main() -> None:
    tags = mixed_tags(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
    print(f"{len(tags):,} tags, best of {RUNS} runs\n")
    print(f"{'way':<36}{'ms':>8}{'ratio':>8}")
    baseline = 0.0
    for name, work in ways_over(tags):
        taken = best_milliseconds(work)
        baseline = baseline or taken
        print(f"{name:<36}{taken:>8.0f}{taken / baseline:>8.2f}")


if __name__ == "__main__":
    main()
