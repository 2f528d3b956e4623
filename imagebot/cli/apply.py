"""`imagebot apply`: reconcile once and stop. Pushes branches, opens and updates pull requests."""

import argparse
import json
import os
from datetime import UTC, datetime

from rich.markup import escape

from imagebot import body, clients, logs, status, tracing
from imagebot.cli import common_arguments, show
from imagebot.clients import Built
from imagebot.errors import ImagebotError
from imagebot.owed import Run
from imagebot.proposals import Outcome, OutcomeKind
from imagebot.retrying import outcome_of
from imagebot.texts import visible_prose


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "apply",
        help="reconcile once: push branches, open and update pull requests",
        description="Reconciles git repositories once and stops. A second run in an unchanged "
        "world writes nothing.",
    )
    parser.add_argument(
        "repositories",
        nargs="*",
        metavar="REPOSITORY",
        help="names in the settings, or URLs (default: all of the settings)",
    )
    common_arguments.add_settings(parser)
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="default: table"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    settings = common_arguments.load_settings(arguments)
    worst: ImagebotError | None = None
    outcomes: list[Outcome] = []
    with (
        tracing.switched_on(os.environ),
        clients.build(settings, reads_home_credentials=True) as built,
    ):
        for name in built.names(arguments.repositories):
            outcome, error = _reconciled(built, name)
            worst = worst or error
            outcomes.append(outcome)
            if arguments.output == "table":
                _print(outcome)
    if arguments.output == "json":
        print(json.dumps([show.outcome_as_json(outcome) for outcome in outcomes], indent=2))
    return worst.exit_code if worst else _exit_code(outcomes)


def _reconciled(built: Built, name: str) -> tuple[Outcome, ImagebotError | None]:
    """One run, which is remembered; an error is an outcome too: the others go on (law 6)."""
    error, started_at = None, datetime.now(UTC)
    with logs.bound(repository=name, run=logs.new_run()), tracing.reconciling(name) as span:
        try:
            outcome = built.reconcile(name, started_at)
        except ImagebotError as raised:
            error = raised
            outcome = outcome_of(name, raised)
        span.came_to(outcome.kind.value, outcome.message, error)
        built.record(Run(name, outcome.kind, outcome.message, started_at, datetime.now(UTC)))
    return outcome, error


def _exit_code(outcomes: list[Outcome]) -> int:
    actions = {proposal.action for outcome in outcomes for proposal in outcome.proposals}
    if "failed" in actions:
        return 5
    kinds = {outcome.kind for outcome in outcomes}
    if OutcomeKind.FAILED in kinds:
        return 4
    return 3 if OutcomeKind.STALLED in kinds else 0


def _print(outcome: Outcome) -> None:
    console = show.stdout_console()
    console.print(escape(visible_prose(f"{outcome.repository}: {outcome.kind}: {outcome.message}")))
    for proposal in outcome.proposals:
        console.print(
            escape(f"  {proposal.action}: {proposal.changes.title}{show.where(proposal)}")
        )
        if proposal.action == "pushed" and proposal.pull_request is None:
            console.print(escape(f"\n{body.legible(proposal.changes.body)}"))
    for request in outcome.closed:
        console.print(f"  {escape(visible_prose(f'closed: {request.title} {request.url}'))}")
    unanswered = status.unanswered(outcome.choices).values()
    show.problems(show.stderr_console(), [*outcome.problems, *unanswered])
