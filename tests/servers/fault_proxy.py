"""A proxy in front of one of our JSON servers that does harm by chance, from a seed.

Before the server acts or, worse, after it: resets, faults of the server, answers that are cut off,
limits. Lists of pull requests may be old, as those of a forge that is eventually consistent: they
are told as they were some requests ago. Ages are counted in requests, never in seconds.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from imagebot.demo.json_server import Answer, Connection, JsonServer, Request
from tests.servers.faults import KINDS, Fault

SECONDARY_LIMIT = "You have exceeded a secondary rate limit."
OLDEST_IN_REQUESTS = 12
SHARE_OF_OLD_LISTS = 0.3

FAULTS = {
    "reset before": Fault("", "", "resets"),
    "reset after": Fault("", "", "resets", acts_first=True),
    "502 before": Fault("", "", "answers", answer=Answer(502, {"message": "Bad Gateway"})),
    "502 after": Fault(
        "", "", "answers", acts_first=True, answer=Answer(502, {"message": "Bad Gateway"})
    ),
    "cut body after": Fault("", "", "cuts_body", acts_first=True),
    "cut JSON after": Fault("", "", "cuts_json", acts_first=True),
    "429": Fault(
        "", "", "answers", answer=Answer(429, {"message": "slow down"}, {"Retry-After": "0"})
    ),
    "secondary limit": Fault(
        "", "", "answers", answer=Answer(403, {"message": SECONDARY_LIMIT}, {"Retry-After": "1"})
    ),
}
# Kills and limits end a run, or all that is left of it: rare, so that much happens before them.
WEIGHTS = dict.fromkeys(FAULTS, 6) | {"secondary limit": 1, "kill before": 1, "kill after": 1}


class OldLists:
    """Pull requests as lists told of them, and when: shared by all proxies of one forge."""

    def __init__(self) -> None:
        self._count = 0
        self._told: dict[int, list[tuple[int, Any]]] = {}

    def as_of(self, pulls: list[Any], age: int) -> list[Any]:
        """The list as it was `age` requests ago: without what is newer, and with older texts."""
        self._count += 1
        for pull in pulls:
            told = self._told.setdefault(pull["number"], [])
            if not told or told[-1][1] != pull:
                told.append((self._count, pull))
        old = []
        for pull in pulls:
            known = [each for at, each in self._told[pull["number"]] if at <= self._count - age]
            old += known[-1:]
        return old


class FaultProxy(JsonServer):
    """In front of `server`. Shares of its writes and reads go wrong; some lists are old.

    A run that begins with many reads gets nowhere where each of them may fail, hence two shares.
    `kill` ends whoever asks through this proxy: it is called before or after the effect.
    """

    def __init__(
        self,
        server: JsonServer,
        seed: object,
        share_of_writes: float,
        share_of_reads: float,
        kill: Callable[[], None],
        lists: OldLists,
    ) -> None:
        super().__init__()
        # A connection that was cut on purpose is no news.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.done: Counter[str] = Counter()
        self.request_count = 0
        self.opened_count = 0  # pull requests, whether the asker was told or not
        self._behind = server
        self._chance = random.Random(str(seed))
        self._share_of_writes, self._share_of_reads = share_of_writes, share_of_reads
        self._kill = kill
        self._lists = lists

    def deliver(self, connection: Connection, request: Request) -> None:
        self.request_count += 1
        is_read = request.method == "GET"
        share = self._share_of_reads if is_read else self._share_of_writes
        if self._chance.random() >= share:
            connection.send(self._answered(request))
            return
        (name,) = self._chance.choices(*zip(*WEIGHTS.items(), strict=True))
        self.done[name] += 1
        if name.startswith("kill"):
            if name == "kill after":
                self._answered(request)
            self._kill()
            connection.close_connection = True
            return
        fault = FAULTS[name]
        answer = self._answered(request) if fault.acts_first else fault.answer
        KINDS[fault.kind](connection, fault, answer)

    def _answered(self, request: Request) -> Answer:
        with self._behind.turn:
            answer = self._behind.answer(request)
            self.opened_count += request.path.endswith("/pulls") and answer.status == 201
            is_list = request.method == "GET" and request.path.endswith("/pulls")
            if is_list and answer.status == 200:
                answer = replace(answer, document=self._listed(answer.document))
        text = json.dumps([answer.document, dict(answer.headers)])
        document, headers = json.loads(text.replace(self._behind.root, self.root))
        return Answer(answer.status, document, headers)

    def _listed(self, pulls: list[Any]) -> list[Any]:
        is_old = self._chance.random() < SHARE_OF_OLD_LISTS
        age = self._chance.randint(1, OLDEST_IN_REQUESTS) if is_old else 0
        listed = self._lists.as_of(pulls, age)
        self.done["old list"] += listed != pulls
        return listed
