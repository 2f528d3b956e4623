"""`imagebot policy replay FILE`: which pull requests a policy would have opened in the past."""

import argparse
import json
from datetime import UTC, datetime, timedelta

from imagebot import clients, image
from imagebot.cli import (
    common_arguments,
    explain,
    past,
    policy_file,
    replay_output,
    show,
    tags_argument,
)
from imagebot.cli.past import Past
from imagebot.cli.policy_file import PolicyToTry
from imagebot.cli.replay_output import Replay
from imagebot.documents import read_duration
from imagebot.errors import PolicyError, UsageError
from imagebot.given import without_unasked
from imagebot.image import Repository
from imagebot.policy.model import Policy
from imagebot.replay import replay

MAX_MERGE_AFTER = timedelta(days=365)
FIRST_SEEN, CREATED = "first-seen", "created"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "replay",
        help="which pull requests a policy would have opened, as a timeline",
        description="Runs the policy over the image's tags in the order of their times: when "
        "imagebot first saw them, when they were built, or as a list of tags says. Cool-down, "
        "held, skip and suspend count at their dates. Writes nothing.",
    )
    policy_file.add(parser)
    tags_argument.add(parser, more=". Tags without a time are not replayed")
    parser.add_argument(
        "--by",
        choices=(FIRST_SEEN, CREATED),
        help="whose times: imagebot's ledger (default), or the images' own build times",
    )
    parser.add_argument(
        "--merge-after",
        metavar="DURATION",
        default="0s",
        help="merge each request that long after it was opened: 0s (default), 36h, 3d",
    )
    common_arguments.add_settings(parser)
    explain.add_output(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    merge_after = _merge_after(arguments.merge_after)
    if arguments.tags and arguments.by:
        raise UsageError(
            "--by asks ledger or registry, and --tags has times of its own", hint="leave one out"
        )
    tried = policy_file.read(arguments)
    policy_file.tell(tried.problems)
    if tried.policy is None:
        if arguments.output == "json":
            _print_json(None, tried)
        return PolicyError.exit_code
    done = _replayed(arguments, tried.policy, merge_after)
    if arguments.output == "json":
        _print_json(done, tried)
    else:
        replay_output.print_text(done, shows_all=arguments.all)
    return 0


def _replayed(arguments: argparse.Namespace, policy: Policy, merge_after: timedelta) -> Replay:
    repository = policy_file.image_of(arguments, policy, is_needed=not arguments.tags)
    current, digest = image.split_version(arguments.current) if arguments.current else (None, None)
    if digest is not None:
        raise UsageError("a replay starts from a tag, not from a digest", hint="--current TAG")
    now = datetime.now(UTC)
    known = _past(arguments, policy, repository, current, now)
    without, unasked = without_unasked(policy, has_times=True)
    replayed = replay(
        without, repository, known.tags, now, current=current, merge_after=merge_after
    )
    return Replay(policy, repository, known, unasked, merge_after, now, replayed)


def _past(
    arguments: argparse.Namespace,
    policy: Policy,
    repository: Repository,
    current: str | None,
    now: datetime,
) -> Past:
    if arguments.tags:
        return past.listed(
            tags_argument.shown_name(arguments.tags), tags_argument.read(arguments.tags)
        )
    settings = common_arguments.load_settings(arguments)
    with clients.build(settings, reads_home_credentials=True, is_read_only=True) as built:
        if arguments.by == CREATED:
            return past.created(policy, repository, current, built.registry, built.ledger, now)
        return past.first_seen(repository, built.registry, built.ledger, now)


def _merge_after(text: str) -> timedelta:
    try:
        return read_duration(text, timedelta(0), MAX_MERGE_AFTER)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--merge-after: {error}", hint="for example 0s, 36h or 3d") from error


def _print_json(done: Replay | None, tried: PolicyToTry) -> None:
    document = replay_output.as_json(done) if done else {"version": replay_output.JSON_VERSION}
    problems = [show.problem_as_json(problem) for problem in tried.problems]
    print(json.dumps({**document, "problems": problems}, indent=2))
