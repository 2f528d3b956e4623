"""The store in a file of SQLite, and in a PostgreSQL of this machine: what its work takes.

Run as `PYTHONPATH=. python benchmarks/store.py [TAG_COUNT]`. Wall time, each the best of three. The
PostgreSQL is one of its own on loopback without fsync, so its figures tell what the requests
cost, not what the disk does. No bars: two processes take turns, so all else on the machine counts.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from imagebot.image import Repository
from imagebot.ledger import StoredLedger
from imagebot.store import Store
from imagebot.store_address import StoreAddress, in_file
from tests.servers.postgresql import running_postgresql

RUNS = 3
OFTEN = 200
TAGS_PER_REPOSITORY = 1000
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def best_seconds(work: Callable[[int], object]) -> float:
    """`work` gets the number of the run, so that it can be new each time."""
    found = []
    for number in range(RUNS):
        started = time.perf_counter()
        work(number)
        found.append(time.perf_counter() - started)
    return min(found)


def measure(name: str, address: StoreAddress, tag_count: int) -> None:
    store = Store(address)
    ledger = StoredLedger(store.database)
    tags = [f"1.{number}" for number in range(TAGS_PER_REPOSITORY)]

    def listings(run: int) -> dict[Repository, list[str]]:
        count = max(1, tag_count // TAGS_PER_REPOSITORY)
        return {Repository("ghcr.io", f"acme/{run}-{each}"): tags for each in range(count)}

    def one_target(run: int) -> None:
        for _ in range(OFTEN):
            store.request("fleet")
            store.finish("fleet", store.target("fleet").requested)

    def one_lock(run: int) -> None:
        for _ in range(OFTEN):
            with store.locks.hold("fleet"):
                pass

    new = best_seconds(lambda run: ledger.note_listings(listings(run), NOW))
    again = best_seconds(lambda _: ledger.note_listings(listings(0), NOW + timedelta(minutes=1)))
    target_ms = best_seconds(one_target) / OFTEN * 1000
    lock_ms = best_seconds(one_lock) / OFTEN * 1000
    print(
        f"{name:>10}: {tag_count:,} new tags {new:.2f} s, the same again {again:.2f} s; "
        f"request, look and finish {target_ms:.2f} ms, lock {lock_ms:.2f} ms"
    )
    store.close()


def main() -> None:
    tag_count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder, running_postgresql() as server:
        measure("SQLite", in_file(Path(folder) / "imagebot.sqlite"), tag_count)
        measure("PostgreSQL", server.new_store(), tag_count)


if __name__ == "__main__":
    main()
