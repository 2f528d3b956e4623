"""When the interval of each git repository ends, on a clock that it is given. Thread-safe."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from imagebot.retrying import first_poll_at, next_poll_at


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """A git repository to reconcile, by its name in the settings, and how often."""

    key: str
    interval: timedelta


class Schedule:
    """Of the targets of the moment. `monotonic` is in seconds; `random` gives back [0, 1)."""

    def __init__(
        self,
        targets: Sequence[TargetPlan],
        jitter_ratio: float,
        monotonic: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._plans = {plan.key: plan for plan in targets}
        self.jitter_ratio = jitter_ratio
        self._monotonic = monotonic
        self._random = random
        self._lock = threading.Lock()  # of plans and poll times
        self._poll_at: dict[str, float] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._plans

    def begin(self) -> None:
        """All are due within the next seconds."""
        with self._lock:
            for plan in self._plans.values():
                self._plan_first(plan)

    def retarget(
        self, targets: Sequence[TargetPlan], jitter_ratio: float | None = None
    ) -> frozenset[str]:
        """These from now on, the new ones at once; gives back the keys that are gone."""
        with self._lock:
            if jitter_ratio is not None:
                self.jitter_ratio = jitter_ratio
            before, self._plans = self._plans, {plan.key: plan for plan in targets}
            gone = frozenset(before.keys() - self._plans.keys())
            for key in gone:
                self._poll_at.pop(key, None)
            for key, plan in self._plans.items():
                if key not in before:
                    self._plan_first(plan)
                elif plan != before[key]:
                    latest = self._monotonic() + plan.interval.total_seconds()
                    self._poll_at[key] = min(self._poll_at.get(key, latest), latest)
        return gone

    def due(self, now: float) -> list[TargetPlan]:
        """Those whose interval has passed."""
        with self._lock:
            return [self._plans[key] for key, at in self._poll_at.items() if at <= now]

    def plan_next(self, plan: TargetPlan, since: float) -> None:
        """Look again one interval after `since`."""
        self.plan_at(plan, next_poll_at(since, plan.interval, self.jitter_ratio, self._random()))

    def plan_at(self, plan: TargetPlan, at: float) -> None:
        """Note when to look next, unless other settings were taken over for it meanwhile."""
        with self._lock:
            if self._plans.get(plan.key) == plan:
                self._poll_at[plan.key] = at

    def poll_times(self) -> Mapping[str, float]:
        """When each interval ends, in monotonic seconds."""
        with self._lock:
            return dict(self._poll_at)

    def _plan_first(self, plan: TargetPlan) -> None:
        self._poll_at[plan.key] = first_poll_at(
            self._monotonic(), plan.interval, self.jitter_ratio, self._random()
        )
