"""`imagebot policy test FILE --tags TAGS`: what a policy would choose from a list of tags.

Ends with 0 when something was chosen, 1 when nothing was, 3 when the policy is wrong.
"""

import argparse
import json
from datetime import UTC, datetime

from imagebot import image
from imagebot.choosing.cases import Case, Decision
from imagebot.cli import explain, policy_file, show, tags_argument
from imagebot.cli.explained import Subject, explain_given
from imagebot.cli.explained_json import case_as_json
from imagebot.cli.explained_text import print_one
from imagebot.cli.folding import Lines
from imagebot.cli.policy_file import ANY_IMAGE
from imagebot.errors import PolicyError

NOTHING_CHOSEN = 1
JSON_VERSION = 1


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "test",
        help="what a policy would choose from a list of tags, and why",
        description="Asks nobody. Ends with 0 when a tag was chosen, 1 when none was, 3 when the "
        "policy is wrong.",
    )
    policy_file.add(parser)
    tags_argument.add(parser, required=True)
    explain.add_output(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    tried = policy_file.read(arguments)
    policy_file.tell(tried.problems)
    policy = tried.policy
    if policy is None:
        if arguments.output == "json":
            _print_json([], tried)
        return PolicyError.exit_code
    given = tags_argument.read(arguments.tags)
    repository = policy_file.image_of(arguments, policy, is_needed=False)
    tag, digest = image.split_version(arguments.current) if arguments.current else (None, None)
    now = datetime.now(UTC)
    suspended = policy.suspended_on(now.date())
    hindrance = Decision(suspended, is_suspended=True) if suspended else None
    subject = Subject(Case(policy, repository, tag, digest), hindrance=hindrance)
    (explained,) = explain_given([subject], given, now)
    name = policy_file.shown_name(repository)
    if arguments.output == "json":
        shown = None if repository is ANY_IMAGE else str(repository)
        _print_json([case_as_json(shown, explained)], tried)
    else:
        print_one(Lines(), name, explained, shows_all=arguments.all)
    return 0 if explained.chosen else NOTHING_CHOSEN


def _print_json(cases: list[dict[str, object]], tried: policy_file.PolicyToTry) -> None:
    problems = [show.problem_as_json(problem) for problem in tried.problems]
    document = {"version": JSON_VERSION, "cases": cases, "problems": problems}
    print(json.dumps(document, indent=2))
