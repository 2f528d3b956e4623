"""What `imagebot run` consists of: controller, poller, settings that may change, housekeeping.

Wires. The parts do not know each other; who wakes whom, and what a change of settings means for
each, stands here.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from imagebot import apprising, housekeeping
from imagebot.controller import Controller
from imagebot.deliveries import Deliveries
from imagebot.history import History
from imagebot.hooks import READERS
from imagebot.hooks.receiving import Hooks
from imagebot.kept import utc_now
from imagebot.living import Living
from imagebot.notifying import Notifiers
from imagebot.owed import Run
from imagebot.poller import AskedRegistry, Poller
from imagebot.proposals import Outcome
from imagebot.registries import public_files
from imagebot.registries.circuit import State
from imagebot.reporting import Reporter
from imagebot.schedule import TargetPlan
from imagebot.settings_model import RepositorySettings, Settings
from imagebot.timers import Timer
from imagebot.wakeups import StoredWakeups
from imagebot.watching import SettingsWatch

log = logging.getLogger(__name__)

POLL_EVERY = timedelta(seconds=1)
WATCH_EVERY = timedelta(seconds=2)
FIND_EVERY = timedelta(minutes=1)  # that owners may be due; each says itself how often it is
TIDY_EVERY = timedelta(hours=1)
REMIND_EVERY = timedelta(minutes=5)
HOOKS_EVERY = timedelta(seconds=5)  # that they may be noted again; looks only if one was not
FORGET_AFTER = timedelta(days=30)  # history of git repositories that left
_POLLS_MAY_TAKE = timedelta(seconds=3)  # at the end; one that is cut off is made again
_LASTING = {
    "data_dir": "dataDir",
    "listen": "listen",
    "store": "store",
    "history": "history",
    "reconciling": "reconciling",
}  # what only a restart changes


class Service:
    """All that works, for the life of a process. `start`, `stop`, then `close`.

    `load` reads the settings again. `observe` sees every outcome, `retarget` is told the names of
    the git repositories whenever these change. Raises UsageError where there is none to begin with.
    """

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Settings],
        *,
        observe: Callable[[Outcome, Run], None],
        retarget: Callable[[Sequence[str]], None],
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._retarget = retarget
        self._clock = clock
        self._monotonic = monotonic
        self.living = Living(settings, self._wake)
        self.living.built.names([])  # asks owners
        self._found_at = monotonic()
        self.store, self.polls = self.living.built.store, self.living.built.polls
        self.watch = SettingsWatch(settings, load, self._take_over)
        self.poller = Poller(
            self.polls,
            self._registry,
            lambda: self.living.built.pace,
            lambda key: self.controller.wake(key, forgives=True),
            clock=clock,
        )
        self.notifiers = Notifiers(
            settings.notifications,
            History(self.store.database),
            self.store.runs,
            apprising.send,
            clock,
        )

        self.reporter = Reporter()

        def observe_and_tell(outcome: Outcome, run: Run) -> None:
            observe(outcome, run)
            self.reporter.observe(outcome)
            self.notifiers.observe(outcome, run)

        self.controller = Controller(
            plans_of(self._repositories()),
            self._reconcile,
            self.store,
            jitter_ratio=settings.jitter,
            worker_count=settings.reconciling.workers,
            deadline=settings.reconciling.deadline,
            bases=_Bases(self.living),
            observe=observe_and_tell,
            set_back=self.polls.set_back,
            abandon=lambda key: self.living.built.abandon(key),
            timers=(
                Timer("polling image repositories", POLL_EVERY, self.poller.poll),
                Timer("reading the settings", WATCH_EVERY, self.watch.look),
                Timer("finding git repositories", FIND_EVERY, self.find),
                Timer("tidying up", TIDY_EVERY, self.tidy),
                Timer("noting deliveries of hooks", HOOKS_EVERY, lambda: self.hooks.look()),
                Timer("reminding", REMIND_EVERY, lambda: self.notifiers.look(self.names)),
            ),
            clock=clock,
            monotonic=monotonic,
        )
        self.wakeups = StoredWakeups(self.polls, self._repositories, self._wake, clock)
        self._deliveries = Deliveries(self.store.database)
        self.hooks = Hooks(
            settings.hooks,
            READERS,
            self.wakeups,
            self._deliveries,
            fetch=public_files.fetch,
            clock=clock,
        )

    @property
    def names(self) -> list[str]:
        """Of the git repositories of the moment."""
        return [each.name for each in self._repositories()]

    def start(self) -> None:
        self.controller.start()

    def stop(self, timeout: timedelta) -> bool:
        """Start nothing more, and wait for what runs. False when a reconciliation runs still."""
        is_finished = self.controller.stop(timeout)
        self.poller.stop(_POLLS_MAY_TAKE if is_finished else timedelta(0))
        return is_finished

    def close(self) -> None:
        self.notifiers.close()
        self.living.close()

    def warnings(self) -> list[str]:
        """What is not as it should be, although the work goes on."""
        settings = self.watch.trouble()
        hanging = sorted(self.controller.late())
        return [
            *([settings] if settings else []),
            *(f"{key} hangs and was given up" for key in hanging),
            *(
                f"{host} is not asked: {reason}"
                for host, (state, reason) in sorted(self.living.built.registry.circuits.items())
                if state is not State.CLOSED
            ),
        ]

    def circuits(self) -> dict[str, str]:
        """State of the circuit by registry host, those in trouble first."""
        found = self.living.built.registry.circuits.items()
        ordered = sorted(found, key=lambda item: (item[1][0] is State.CLOSED, item[0]))
        return {host: state.value for host, (state, _) in ordered}

    def find(self) -> None:
        """Ask the owners of the settings for their git repositories, when that is due."""
        owners = self.living.settings.owners
        every = min((owner.every for owner in owners), default=None)
        if every is None or self._monotonic() < self._found_at + every.total_seconds():
            return
        self._found_at = self._monotonic()
        before = {each.name: each for each in self._repositories()}
        with self.living.using() as built:
            built.look()
        self._spread(before, ())

    def tidy(self) -> None:
        """Drop what belongs to git repositories that are gone."""
        with self.living.using() as built:
            names = [each.name for each in built.repositories]
            built.history.forget(names)
            clones = housekeeping.drop_clones(built.clones, built.clone_names())
        keys = self.store.forget(names, self._clock() - FORGET_AFTER)
        images = self.polls.forget(names)
        self._deliveries.clean(self._clock())
        if clones or keys or images:
            log.info(
                "tidied up: clones: %(clones)d, git repositories: %(keys)d, images: %(images)d",
                {"clones": len(clones), "keys": keys, "images": images},
            )

    # Who calls whom

    def _repositories(self) -> Sequence[RepositorySettings]:
        return self.living.built.repositories

    def _registry(self) -> AbstractContextManager[AskedRegistry]:
        return self.living.registry()

    def _reconcile(self, key: str) -> Outcome:
        with self.living.using() as built:
            return built.reconcile(key)

    def _wake(self, key: str) -> None:
        self.controller.wake(key)

    def _take_over(self, settings: Settings, changed_files: Collection[Path]) -> None:
        """Work by other settings from now on."""
        former = self.living.settings
        fixed = {name: getattr(former, name) for name in _LASTING}
        lasting = [key for name, key in _LASTING.items() if getattr(settings, name) != fixed[name]]
        if lasting:
            log.warning("%(keys)s: needs a restart", {"keys": ", ".join(lasting)})
        keeps = not changed_files and _registry_part(settings) == _registry_part(former)
        before = {each.name: each for each in self._repositories()}
        self.living.renew(replace(settings, **fixed), keeps_registries=keeps)
        self.hooks.replace(settings.hooks)
        self.notifiers.replace(settings.notifications)
        if settings.owners != former.owners:
            self._found_at = self._monotonic() - 1e9
        if not keeps:
            self.polls.retry_troubled(self._clock())
        self._spread(before, self.controller.stalled())

    def _spread(self, before: dict[str, RepositorySettings], again: Collection[str]) -> None:
        """Tell everybody which git repositories there are. `again`: to be looked at once more."""
        now = {each.name: each for each in self._repositories()}
        changed = {name for name in now.keys() & before.keys() if now[name] != before[name]}
        for name in changed | set(again):
            self.store.finish(name, 0)  # whatever it waited for, it may be mended
        self.controller.retarget(
            plans_of(now.values()), changed | set(again), self.living.settings.jitter
        )
        self.reporter.retarget(list(now))
        self._retarget(list(now))
        log.info(
            "git repositories: %(count)d, new: %(new)s, gone: %(gone)s, changed: %(changed)s",
            {
                "count": len(now),
                "new": ", ".join(sorted(now.keys() - before.keys())) or "none",
                "gone": ", ".join(sorted(before.keys() - now.keys())) or "none",
                "changed": ", ".join(sorted(changed)) or "none",
            },
        )


class _Bases:
    """Satisfies `attempts.Bases`."""

    def __init__(self, living: Living) -> None:
        self._living = living

    def seen(self, key: str) -> str:
        return self._living.built.seen(key)

    def now(self, key: str) -> str:
        with self._living.using() as built:
            return built.now(key)


def plans_of(repositories: Iterable[RepositorySettings]) -> list[TargetPlan]:
    return [TargetPlan(each.name, each.interval) for each in repositories]


def _registry_part(settings: Settings) -> object:
    return (
        settings.registries,
        settings.docker_config,
        settings.credential_helpers,
        settings.cloud_identity,
    )
