"""Choosing among 50,000 tags, beside python-semver's plain parse, sort and match of the same tags.

Run as `PYTHONPATH=. python benchmarks/choosing.py [TAG_COUNT]`. Every figure is the best of five
runs in one process, in CPU time; compare the ratios, not the milliseconds, between machines. Ends
with 1 when a bar is missed: chosen in a third of the plain way's time, explained in twice a third,
and no memory kept from run to run.
"""

import random
import sys
import time
import tracemalloc
from collections.abc import Callable

import semver

from imagebot.patterns import Pattern
from imagebot.policy.model import Order, TagRules
from imagebot.selection import explain, select
from imagebot.version import Range

RUNS = 5
CHOSEN_BAR, EXPLAINED_BAR = 1 / 3, 2 / 3
MAX_KEPT_BYTES = 1_000_000  # after ten more runs; caches are bounded


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


def plain_way(tags: list[str]) -> str | None:
    """Parse what parses, sort, and take the highest that matches `>=1.2.0` and `<4.0.0`."""
    versions = []
    for tag in tags:
        try:
            versions.append(semver.Version.parse(tag))
        except ValueError:
            continue
    versions.sort(reverse=True)
    for version in versions:
        if version.match(">=1.2.0") and version.match("<4.0.0"):
            return str(version)
    return None


def rules_to_measure() -> list[tuple[str, TagRules, str | None]]:
    wide = TagRules(range=Range.parse(">=1.2.0 <4"))
    alpine = TagRules(
        range=wide.range,
        filter=Pattern.compile(r"^(?P<version>\d+\.\d+\.\d+)-alpine$"),
        extract=("$version",),
    )
    return [
        ("semver, range, no current tag", wide, None),
        ("semver, range, from 1.2.3", wide, "1.2.3"),
        ("semver, from 1.2.3-alpine", TagRules(), "1.2.3-alpine"),
        (
            "semver, range, exclude, from 1.2.3",
            TagRules(range=wide.range, exclude=(Pattern.compile("-debug$"),)),
            "1.2.3",
        ),
        ("semver, range, filter, extract", alpine, "1.2.3-alpine"),
        ("numeric, from main-3f2a9c1-7", TagRules(order=Order.NUMERIC), "main-3f2a9c1-7"),
        ("date, from 2024.10.1", TagRules(order=Order.DATE), "2024.10.1"),
        ("alphabetic, from sha-3f2a9c1b2d", TagRules(order=Order.ALPHABETIC), "sha-3f2a9c1b2d"),
    ]


def best_milliseconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(RUNS):
        started_at = time.process_time()
        work()
        best = min(best, time.process_time() - started_at)
    return best * 1000


def kept_bytes(tags: list[str], rules: TagRules, current: str | None) -> int:
    """What ten runs leave behind, once caches are warm."""
    explain(rules, current, tags)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(10):
        explain(rules, current, tags)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before


def main() -> int:
    tags = mixed_tags(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
    plain = best_milliseconds(lambda: plain_way(tags))
    print(f"{len(tags):,} tags, CPU, best of {RUNS} runs")
    print(f"python-semver, parse, sort and match: {plain:,.0f} ms\n")
    print(f"{'rules':<36}{'chosen ms':>10}{'ratio':>7}{'explained ms':>14}{'ratio':>7}")
    is_met = True
    for name, rules, current in rules_to_measure():
        chosen = best_milliseconds(lambda: select(rules, current, tags))  # noqa: B023
        explained = best_milliseconds(lambda: explain(rules, current, tags))  # noqa: B023
        is_met &= chosen <= plain * CHOSEN_BAR and explained <= plain * EXPLAINED_BAR
        print(
            f"{name:<36}{chosen:>10,.0f}{chosen / plain:>7.2f}"
            f"{explained:>14,.0f}{explained / plain:>7.2f}"
        )
    kept = kept_bytes(tags[:5_000], rules_to_measure()[1][1], "1.2.3")
    is_met &= kept <= MAX_KEPT_BYTES
    print(f"\nkept after ten more runs over 5,000 tags: {kept:,} bytes")
    print(f"bars (chosen {CHOSEN_BAR:.2f}, explained {EXPLAINED_BAR:.2f}, nothing kept): "
          f"{'met' if is_met else 'MISSED'}")  # fmt: skip
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
