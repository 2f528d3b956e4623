"""Polling 200 repositories of a loopback registry that answers after 50 ms.

Run: python benchmarks/polling.py [--repositories N] [--delay-ms N]

The registry runs in a process of its own and asks for a bearer token for each repository. A
second poll with the same client shows what kept tokens and connections are worth. The bound is
requests x latency / concurrency: nobody can be faster. Bare urllib3 and requests, which check
nothing and ask without tokens, stand beside it for the CPU.
"""

import argparse
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import requests
import urllib3

from imagebot.demo.registry import EmbeddedRegistry, Request, Response
from imagebot.image import Repository
from imagebot.model import TagList
from imagebot.registries import Limits, Registries, RegistryRules

TAGS_PER_REPOSITORY = 50


class TokenAsking(EmbeddedRegistry):
    """Wants a token for each repository; gives one to anybody. `/open` paths need none."""

    def handle(self, request: Request) -> Response:
        if request.path == "/token":
            token = request.query("scope").replace(":", "-").replace("/", "-")
            return Response(200, {}, b'{"token": "%s"}' % token.encode())
        if "/v2/open" in request.path or request.headers.get("Authorization"):
            return super().handle(request)
        realm = f'Bearer realm="http://{self.host}/token",service="benchmark"'
        return Response(401, {"WWW-Authenticate": realm})


def serve(channel: Connection, repositories: int, delay_seconds: float) -> None:
    with TokenAsking() as registry:
        for number in range(repositories):
            for prefix in ("app", "open"):
                tags = [f"1.{tag}.0" for tag in range(TAGS_PER_REPOSITORY)]
                registry.add(f"{prefix}/{number}", *tags)
        registry.delay_seconds = delay_seconds
        channel.send(registry.host)
        channel.recv()


@contextmanager
def running(repositories: int, delay_seconds: float) -> Iterator[str]:
    here, there = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=serve, args=(there, repositories, delay_seconds))
    process.start()
    try:
        yield here.recv()
    finally:
        here.send(None)
        process.join(10)


@dataclass(frozen=True)
class Row:
    name: str
    concurrency: int
    requests: int
    wall_seconds: float
    cpu_seconds: float

    def text(self, delay_seconds: float) -> str:
        bound = self.requests * delay_seconds / self.concurrency
        return (
            f"{self.name:<36} {self.concurrency:>5} {self.requests:>9} {self.wall_seconds:>8.2f}"
            f" {bound:>8.2f} {self.wall_seconds / bound:>6.2f}"
            f" {1000 * self.cpu_seconds / self.requests:>8.2f}"
        )


def measured(name: str, concurrency: int, ask: Callable[[], int]) -> Row:
    wall, cpu = time.perf_counter(), time.process_time()
    count = ask()
    return Row(name, concurrency, count, time.perf_counter() - wall, time.process_time() - cpu)


def guarded(host: str, repositories: int, concurrency: int, prefix: str) -> list[Row]:
    rules = RegistryRules(host, insecure=True, internal=True, concurrency=concurrency)
    wanted = [Repository(host, f"{prefix}/{number}") for number in range(repositories)]
    with Registries([rules], limits=Limits(connections=max(32, concurrency))) as registries:

        def poll() -> int:
            before = registries.request_count_by_host.get(host, 0)
            answers = registries.list_many(wanted)
            assert all(isinstance(answer, TagList) for answer in answers.values())
            return registries.request_count_by_host[host] - before

        kind = "with tokens" if prefix == "app" else "anonymous"
        return [
            measured(f"imagebot, {kind}, {turn}", concurrency, poll)
            for turn in ("first poll", "second poll")
        ]


def bare(host: str, repositories: int, concurrency: int) -> list[Row]:
    urls = [f"http://{host}/v2/open/{number}/tags/list" for number in range(repositories)]
    pool = urllib3.PoolManager(maxsize=concurrency, block=True)
    local = threading.local()

    def by_requests(url: str) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        local.session.get(url, timeout=10).json()

    def all_by(ask: Callable[[str], object]) -> int:
        with ThreadPoolExecutor(concurrency) as threads:
            return len(list(threads.map(ask, urls)))

    return [
        measured(
            "urllib3 alone",
            concurrency,
            lambda: all_by(lambda url: pool.request("GET", url).json()),
        ),
        measured("requests alone", concurrency, lambda: all_by(by_requests)),
    ]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--repositories", type=int, default=200)
    arguments.add_argument("--delay-ms", type=float, default=50)
    chosen = arguments.parse_args()
    delay_seconds = chosen.delay_ms / 1000
    print(f"{chosen.repositories} repositories, an answer takes {chosen.delay_ms:g} ms\n")
    print(
        f"{'client':<36} {'conc.':>5} {'requests':>9} {'wall s':>8} {'bound s':>8} {'ratio':>6}"
        f" {'CPU ms/request':>8}"
    )
    with running(chosen.repositories, delay_seconds) as host:
        for concurrency in (8, 32):
            rows = guarded(host, chosen.repositories, concurrency, "app")
            rows += guarded(host, chosen.repositories, concurrency, "open")
            rows += bare(host, chosen.repositories, concurrency)
            for row in rows:
                print(row.text(delay_seconds))


if __name__ == "__main__":
    main()
