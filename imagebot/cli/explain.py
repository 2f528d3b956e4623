"""`imagebot explain IMAGE`: what is chosen, why, and what became of every other tag."""

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from imagebot import clients, image
from imagebot.cli import common_arguments, policy_words, show, subjects, tags_argument
from imagebot.cli.explained import Explained, explain_all, explain_given
from imagebot.cli.explained_json import case_as_json, policy_as_json
from imagebot.cli.explained_text import print_one
from imagebot.cli.folding import Lines
from imagebot.cli.subjects import Subjects
from imagebot.errors import PolicyError, RegistryError
from imagebot.survey import survey

JSON_VERSION = 1


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "explain",
        help="say why an image was or was not updated, and what became of each tag",
        description="Decides as plan and apply do, and tells why: for every place in PATH that "
        "the image is written, or for the tag given. Then every other tag, by reason.",
    )
    parser.add_argument("image", metavar="IMAGE", help="name, or name:tag to start from that tag")
    common_arguments.add_path(parser)
    common_arguments.add_settings(parser)
    parser.add_argument(
        "--repository",
        metavar="NAME",
        help="a git repository by its name in the settings, or by its URL, instead of PATH",
    )
    parser.add_argument(
        "--policy", metavar="NAME", help="ask this policy, whether or not it governs the image"
    )
    tags_argument.add(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--all", action="store_true", help="every tag with its reason, not a few of each reason"
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="default: table"
    )


def run(arguments: argparse.Namespace) -> int:
    reference = image.parse(arguments.image)
    given = tags_argument.read(arguments.tags) if arguments.tags else None
    now = datetime.now(UTC)
    settings = common_arguments.load_settings(arguments)
    with (
        clients.build(settings, reads_home_credentials=True, is_read_only=True) as built,
        built.to_plan(arguments.path, arguments.repository) as here,
    ):
        found = subjects.subjects_of(
            survey(here.tree), reference, arguments.policy, here.within, now.date()
        )
        if given is not None:
            explained = explain_given(found.found, given, now)
        else:
            with show.progress_bar("asking registries") as progress:
                explained = explain_all(
                    found.found,
                    built.registry,
                    built.ledger,
                    now,
                    proposed=here.proposed,
                    progress=progress,
                )
    name = reference.repository.familiar
    if arguments.output == "json":
        print(json.dumps(_as_json(str(reference.repository), found, explained), indent=2))
    else:
        _print(name, found, explained, shows_all=arguments.all)
    show.problems(show.stderr_console(), found.problems)
    return _exit_code(found, explained)


def _exit_code(found: Subjects, explained: Sequence[Explained]) -> int:
    if any(not problem.is_warning for problem in found.problems):
        return PolicyError.exit_code
    if any(each.decision.is_failure for each in explained):
        return RegistryError.exit_code
    return 0


def _print(name: str, found: Subjects, explained: Sequence[Explained], *, shows_all: bool) -> None:
    lines = Lines()
    if not found.is_written:
        lines.heading(f"{name} is written nowhere here")
        for policy in found.would_govern:
            paths = ", ".join(policy.paths)
            where = f"{policy.folder}/" if policy.folder else "the git repository"
            text = f"{policy_words.named(policy)} would govern it in {where} (paths {paths})"
            lines.item("  ", text, 4)
        if not found.would_govern:
            lines.item("  ", "no policy names it", 4)
        lines.blank()
    for index, each in enumerate(explained):
        if index:
            lines.blank()
        print_one(lines, name, each, shows_all=shows_all)
    if found.left_out_count:
        lines.blank()
        lines.item("", f"{found.left_out_count} more tags and policies are left out; give PATH", 2)


def _as_json(name: str, found: Subjects, explained: Sequence[Explained]) -> dict[str, object]:
    return {
        "version": JSON_VERSION,
        "image": name,
        "isWritten": found.is_written,
        "wouldGovern": [policy_as_json(policy) for policy in found.would_govern],
        "cases": [case_as_json(name, each) for each in explained],
        "leftOut": found.left_out_count,
        "problems": [show.problem_as_json(problem) for problem in found.problems],
    }
