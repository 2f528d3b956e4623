"""The pages of the service: is it alive, is it ready, what are its figures.

Pure but for what the callbacks ask. `/healthz` is for a liveness probe and turns bad only when
a fresh start would help; `/readyz` says which repositories were not looked at yet, and counts what
the others came to.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from threading import Lock

from imagebot.errors import StoreError
from imagebot.history_model import STATES
from imagebot.owed import Run
from imagebot.proposals import Outcome, OutcomeKind
from imagebot.web.metrics import CONTENT_TYPE, Metrics
from imagebot.web.server import Answer, Pages

PATIENCE_SECONDS = 30.0  # with a first look; webhooks of the others reach nobody meanwhile
_UNSEEN = "not reconciled yet"


class Readiness:
    """Knows which repositories were reconciled since the start, by whom and however it ended.

    A repository in trouble does not make the process unready: the others need it. So one whose
    first look takes long is waited for no longer than `PATIENCE_SECONDS`.
    """

    def __init__(
        self,
        repositories: Sequence[str],
        runs_by_all: Callable[[], Mapping[str, Run]] = dict,
        states: Callable[[], Mapping[tuple[str, str], int]] = dict,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`runs_by_all` has the runs since our start, also of processes that share the work.

        `states` counts images by repository and state. `monotonic` is in seconds.
        """
        self._monotonic = monotonic
        self._known_since = dict.fromkeys(repositories, monotonic())
        self._runs_by_all = runs_by_all
        self._states = states
        self._last: dict[str, Run] = {}
        self._lock = Lock()

    def retarget(self, repositories: Sequence[str]) -> None:
        """These are the git repositories from now on."""
        with self._lock:
            now = self._monotonic()
            self._known_since = {name: self._known_since.get(name, now) for name in repositories}
            self._last = {name: run for name, run in self._last.items() if name in repositories}

    def observe(self, outcome: Outcome, run: Run) -> None:
        with self._lock:
            self._last[run.repository] = run

    def page(self, trouble: str = "", warnings: Sequence[str] = ()) -> Answer:
        """`warnings` are shown, and make nothing unready."""
        with self._lock:
            last, known_since = dict(self._last), self._known_since
        if any(name not in last for name in known_since):
            try:
                last = {**self._runs_by_all(), **last}
            except StoreError as error:
                trouble = trouble or str(error)
        repositories = {name: _shown(last.get(name)) for name in known_since}
        unseen = [name for name in known_since if name not in last]
        long_ago = self._monotonic() - PATIENCE_SECONDS
        slow = [name for name in unseen if known_since[name] <= long_ago]
        lacking = [trouble] if trouble else []
        lacking += [f"{name}: {_UNSEEN}" for name in unseen if name not in slow]
        shown = {
            "ready": not lacking,
            "notReady": lacking,
            "trouble": trouble,
            "warnings": [*warnings, *(f"{name}: {_UNSEEN}" for name in slow)],
            "outcomes": self._outcomes(last),
            "images": self._images(),
            "repositories": repositories,
        }
        status = HTTPStatus.SERVICE_UNAVAILABLE if lacking else HTTPStatus.OK
        body = json.dumps(shown, indent=2, ensure_ascii=False).encode() + b"\n"
        return Answer(body, "application/json", status)

    def _outcomes(self, last: Mapping[str, Run]) -> Mapping[str, int]:
        counts = dict.fromkeys((kind.value for kind in OutcomeKind), 0)
        for name in self._known_since:
            if name in last:
                counts[last[name].kind.value] += 1
        return counts

    def _images(self) -> Mapping[str, int] | None:
        """By state; None where the store cannot tell, which makes nothing unready."""
        try:
            found = self._states()
        except StoreError:
            return None
        counts = dict.fromkeys(STATES, 0)
        for (name, state), count in found.items():
            if name in self._known_since:
                counts[state] = counts.get(state, 0) + count
        return counts


def _shown(run: Run | None) -> dict[str, str | None]:
    if run is None:
        return {"outcome": None, "message": _UNSEEN, "ended_at": None}
    ended_at = run.ended_at.isoformat(timespec="seconds")
    return {"outcome": run.kind.value, "message": run.message, "ended_at": ended_at}


def health(sickness: str) -> Answer:
    """`sickness` empty means well."""
    if not sickness:
        return Answer(b"ok\n")
    return Answer(f"{sickness}\n".encode(), status=HTTPStatus.SERVICE_UNAVAILABLE)


def pages(
    *,
    sickness: Callable[[], str],
    trouble: Callable[[], str],
    readiness: Readiness,
    metrics: Metrics,
    warnings: Callable[[], Sequence[str]] = tuple,
) -> Pages:
    """The table that `serve` serves."""
    return {
        "/healthz": lambda: health(sickness()),
        "/readyz": lambda: readiness.page(trouble(), warnings()),
        "/metrics": lambda: Answer(metrics.page_text(), CONTENT_TYPE),
    }
