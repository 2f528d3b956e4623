"""`imagebot plan`: what would change, and why the rest would not. Writes nothing."""

import argparse
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime

from imagebot import clients, planning, status
from imagebot.carrying import Carried
from imagebot.cli import common_arguments, foresight, show
from imagebot.cli.foresight import Foresight, look_ahead
from imagebot.interfaces import FileTree
from imagebot.planning import Circumstances, Plan
from imagebot.policy.model import Policy
from imagebot.survey import survey

CHANGES_PENDING = 10
DEFAULT_POLICY = Policy(name="default", file="", line=0)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "plan",
        help="show what would change, and why the rest would not",
        description="Looks at every image reference of a checkout (or of a git repository), "
        "asks the registries and shows what apply would do. Without any policy it shows the "
        "newest tag of the same family for each step.",
    )
    common_arguments.add_path(parser)
    common_arguments.add_settings(parser)
    parser.add_argument(
        "--repository",
        metavar="NAME",
        help="a git repository by its name in the settings, or by its URL, instead of PATH",
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "json", "diff"), default="table", help="default: table"
    )
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help=f"end with {CHANGES_PENDING} when changes are pending",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    settings = common_arguments.load_settings(arguments)
    with (
        clients.build(settings, reads_home_credentials=True, is_read_only=True) as built,
        built.to_plan(arguments.path, arguments.repository) as to_plan,
    ):
        circumstances = Circumstances(
            datetime.now(UTC),
            to_plan.base,
            to_plan.proposed,
            within=to_plan.within,
            everything_together=to_plan.is_direct,
            default_policy=DEFAULT_POLICY,
            forge=to_plan.forge,
        )
        with show.progress_bar("asking registries") as progress:
            found = survey(to_plan.tree, built.occurrences if arguments.repository else None)
            asked = (built.registry, built.ledger, circumstances)
            looked = planning.look(to_plan.tree, found, *asked, progress)
            describer = built.describer if arguments.output == "json" else None  # others: no bodies
            wanted = planning.settle(looked, *asked, describer)
        ahead = Foresight(replace(wanted, change_sets=()), Carried(()))
        if has_policies(wanted):
            ahead = look_ahead(to_plan, looked, wanted, circumstances, describer)
            wanted = ahead.plan
        _print(wanted, ahead, to_plan.tree, arguments.output)
    is_pending = bool(wanted.change_sets) and has_policies(wanted)
    return CHANGES_PENDING if arguments.exit_code and is_pending else _exit_code(wanted)


def has_policies(wanted: Plan) -> bool:
    """Without any, the default policy shows what could be done, and apply does nothing."""
    return bool(wanted.survey.policies or wanted.survey.broken)


def _exit_code(wanted: Plan) -> int:
    """3 when a policy or marker is wrong, 4 when a registry could not tell of an image, else 0."""
    if any(not problem.is_warning for problem in wanted.policy_problems):
        return 3
    return 4 if any(choice.is_failure for choice in wanted.choices) else 0


def _print(wanted: Plan, ahead: Foresight, tree: FileTree, output: str) -> None:
    if output == "json":
        document = show.plan_as_json(wanted) | foresight.as_json(ahead)
        print(json.dumps(document, indent=2))
        return
    talk = show.stderr_console()
    if output == "diff":
        files = {file for changes in wanted.change_sets for file in changes.files}
        sys.stdout.buffer.write(show.diff(dict(tree.read(sorted(files))), wanted.change_sets))
        sys.stdout.buffer.flush()
    elif has_policies(wanted):
        show.choices_table(show.stdout_console(), wanted.choices)
        foresight.tell(ahead)
    else:
        show.steps_table(show.stdout_console(), wanted.choices)
    show.problems(talk, wanted.problems)
    if not has_policies(wanted):
        talk.print("there is no policy here, so apply would change nothing (docs/policies.md)")
    summary = status.summary(wanted.choices, wanted.problems, ())
    ignored = f", {len(wanted.survey.ignored)} ignored" if wanted.survey.ignored else ""
    talk.print(f"{status.counted(wanted.survey.file_count, 'file')}{ignored}: {summary}")
