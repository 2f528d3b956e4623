"""Say in the log what is wrong with a git repository: when it comes up, not at each run.

Does I/O: the log. An outcome's own line only counts problems and the images that no registry told
of, so these lines say where they are and what to do. Thread-safe.
"""

import logging
import threading
from collections.abc import Mapping, Sequence

from imagebot import status
from imagebot.model import Problem
from imagebot.proposals import Outcome, OutcomeKind

log = logging.getLogger(__name__)

MAX_LINES = 20  # of one run; the rest is counted


class Reporter:
    """`observe` sees every outcome."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, frozenset[Problem | str]] = {}

    def retarget(self, repositories: Sequence[str]) -> None:
        """Forget all others."""
        with self._lock:
            self._told = {key: told for key, told in self._told.items() if key in repositories}

    def observe(self, outcome: Outcome) -> None:
        if outcome.kind is OutcomeKind.FAILED and not outcome.problems and not outcome.choices:
            return  # it did not get as far
        key = outcome.repository
        now = _worth_saying(outcome)
        with self._lock:
            before = self._told.get(key, frozenset())
            self._told[key] = frozenset(now)
        new = [problem for known_by, problem in now.items() if known_by not in before]
        new.sort(key=lambda problem: problem.is_warning)
        for problem in new[:MAX_LINES]:
            level = logging.INFO if problem.is_warning else logging.WARNING
            said = f"{problem.message} ({problem.hint})" if problem.hint else problem.message
            fields = {"repository": key, "place": problem.where(), "problem": said}
            log.log(level, "%(repository)s: %(place)s: %(problem)s", fields)
        if len(new) > MAX_LINES:
            left = {"repository": key, "count": len(new) - MAX_LINES}
            log.warning("%(repository)s: and %(count)d more; imagebot plan shows all", left)


def _worth_saying(outcome: Outcome) -> Mapping[Problem | str, Problem]:
    """What is wrong, by what it is known by at the next run."""
    problems = {each: each for each in outcome.problems}
    return problems | status.unanswered(outcome.choices)
