"""`imagebot run`: the controller, with health, readiness and metrics, until it is told to stop."""

import argparse
import logging
import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from imagebot import __version__, apprising, logs, tracing
from imagebot.cli import common_arguments
from imagebot.cli.stopping import until_stopped
from imagebot.cli.waiting import wait_for_store
from imagebot.errors import ImagebotError
from imagebot.forges.transport import traffic as forge_traffic
from imagebot.owed import Run
from imagebot.proposals import Outcome
from imagebot.service import Service
from imagebot.settings import Listen, Settings
from imagebot.web.metrics import Metrics, Sources
from imagebot.web.pages import Readiness, pages
from imagebot.web.server import serve

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=25)  # Kubernetes kills a pod 30 seconds after SIGTERM
_UNITS = {"": 1, "s": 1, "m": 60}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "run",
        help="reconcile for ever, at each git repository's interval",
        description="Reconciles every git repository of the settings at its interval, and serves "
        "/healthz, /readyz and /metrics. SIGTERM or Ctrl-C ends it when what runs is finished; "
        "a second one at once.",
    )
    common_arguments.add_settings(parser)
    parser.add_argument(
        "--grace",
        type=duration,
        default=GRACE,
        metavar="TIME",
        help="how long what runs may go on after SIGTERM, like 25s or 2m (default: 25s)",
    )
    parser.add_argument(
        "--log-format",
        choices=logs.FORMATS,
        default="auto",
        help="auto: plain on a terminal, JSON lines elsewhere (default: auto)",
    )
    parser.add_argument(
        "--log-level",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        default="INFO",
        help="default: INFO",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    is_json = logs.configure(arguments.log_format, arguments.log_level)
    try:
        return _run(arguments)
    except ImagebotError as error:
        if not is_json:
            raise
        # What ends it is a line like the others, or whoever collects them would miss just this one.
        said = "%(error)s; hint: %(hint)s" if error.hint else "%(error)s"
        log.critical(said, {"error": str(error), "hint": error.hint})
        return error.exit_code


def _run(arguments: argparse.Namespace) -> int:
    settings = _loaded(arguments)
    is_finished = True
    if wait_for_store(settings, listen_text(settings.listen)):
        with tracing.switched_on(os.environ):
            is_finished = _serve(settings, arguments)
    if not is_finished:
        log.error("the grace period is over: what runs is cut off, and is owed at the start")
        logging.shutdown()
        os._exit(1)  # Python would wait for the threads at its end, however long
    log.info("stopped")
    return 0


def _loaded(arguments: argparse.Namespace) -> Settings:
    """The settings. Raises SettingsError also where nobody could be told by them."""
    settings = common_arguments.load_settings(arguments, needs=None)
    for each in settings.notifications:
        apprising.check(each.name, each.url)
    return settings


def _serve(settings: Settings, arguments: argparse.Namespace) -> bool:
    """Run until a signal. False when something still ran at the end of the grace period."""
    started_at = datetime.now(UTC)
    readiness = Readiness(
        (),
        lambda: service.store.last_runs(since=started_at),
        lambda: service.living.built.history.states(),
    )
    metrics = Metrics(
        (),
        Sources(
            history=lambda: service.living.built.history.figures(),
            last_runs=lambda: service.store.last_runs(),
            next_polls=lambda: service.controller.next_polls(),
            registry_traffic=lambda: service.living.built.registry.traffic,
            forge_traffic=lambda: forge_traffic,
            polls=lambda: service.poller.counts(),
            circuits=lambda: service.circuits(),
            notifications=lambda: service.notifiers.counts(),
            given_up=lambda: service.controller.late_total,
            deliveries=lambda: service.hooks.counts(),
            reloads=lambda: {
                "used": service.watch.reload_count,
                "refused": service.watch.failure_count,
            },
            settings_trouble=lambda: service.watch.trouble(),
        ),
    )

    def observe(outcome: Outcome, run: Run) -> None:
        readiness.observe(outcome, run)
        metrics.observe(outcome, run)

    def retarget(names: Sequence[str]) -> None:
        readiness.retarget(names)
        metrics.retarget(names)

    with ExitStack() as closing:
        service = Service(
            settings,
            lambda: _loaded(arguments),
            observe=observe,
            retarget=retarget,
        )
        closing.callback(service.close)
        closing.enter_context(service.store.lock())
        retarget(service.names)
        metrics.remember(service.store.last_successes())
        table = pages(
            sickness=lambda: service.store.lost() or service.controller.sickness(),
            trouble=service.controller.trouble,
            readiness=readiness,
            metrics=metrics,
            warnings=service.warnings,
        )
        server = serve(listen_text(settings.listen), table, receive=service.hooks.receive)
        closing.callback(server.close)
        log.info(
            "imagebot %(version)s: git repositories: %(count)d, listening on %(url)s",
            {"version": __version__, "count": len(service.names), "url": server.url},
        )
        return until_stopped(
            service.start, service.stop, arguments.grace, reload=service.watch.request
        )


def listen_text(listen: Listen) -> str:
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    return f"{host}:{listen.port}"


def duration(text: str) -> timedelta:
    """`25s`, `2m`, or plain seconds."""
    found = re.fullmatch(r"(\d{1,6})(s|m|)", text, re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError(f"not a duration: {text!r}; write 25s or 2m")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
