"""One policy out of a file that somebody is editing, for `policy test` and `policy replay`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from imagebot import image
from imagebot.cli import show
from imagebot.cli.subjects import named_policy
from imagebot.errors import PolicyError, UsageError
from imagebot.image import ImageReference, Repository
from imagebot.model import Problem
from imagebot.policy import reading
from imagebot.policy.model import Policy

MAX_FILE_BYTES = 16 * 1024 * 1024
ANY_IMAGE = Repository("", "the image")  # where tags are given, nobody asks for its name


@dataclass(frozen=True, slots=True)
class PolicyToTry:
    """`policy` None: the file has errors, which `problems` tell."""

    policy: Policy | None
    problems: tuple[Problem, ...]


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a file with policy documents")
    parser.add_argument(
        "--policy", metavar="NAME", help="which policy of the file, where there are several"
    )
    parser.add_argument(
        "--image", metavar="IMAGE", help="an image that the policy is for (default: its only one)"
    )
    parser.add_argument(
        "--current", metavar="TAG", help="the tag (or tag@digest) that is written today"
    )


def read(arguments: argparse.Namespace) -> PolicyToTry:
    """The policy that is meant. Raises PolicyError where there is none, UsageError if unclear."""
    path: Path = arguments.file
    try:
        with path.open("rb") as opened:
            source = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if len(source) > MAX_FILE_BYTES:
        raise UsageError(f"{path} is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
    name = path.as_posix()
    found = reading.find(name, source)
    if any(not problem.is_warning for problem in found.problems):
        return PolicyToTry(None, found.problems)
    if not found.policies:
        raise PolicyError(
            f"{name} holds no policy", hint="a policy is a YAML document of kind ImagePolicy"
        )
    if arguments.policy is None and len(found.policies) > 1:
        names = ", ".join(policy.name for policy in found.policies)
        raise UsageError(f"{name} holds several policies", hint=f"name one: --policy, of {names}")
    policy = named_policy(found.policies, arguments.policy) or found.policies[0]
    return PolicyToTry(policy, found.problems)


def tell(problems: tuple[Problem, ...]) -> None:
    """On stderr, as `check` does."""
    show.problems(show.stderr_console(), problems)


def image_of(arguments: argparse.Namespace, policy: Policy, *, is_needed: bool) -> Repository:
    """The image to try the policy on: the one that is named, else the policy's only one."""
    if arguments.image is not None:
        return _reference(arguments.image).repository
    if len(policy.images) == 1 and "*" not in policy.images[0]:
        return image.parse_name(policy.images[0])
    if is_needed:
        raise UsageError(
            "the policy is not for one image alone", hint="say which one: --image NAME"
        )
    return ANY_IMAGE


def _reference(text: str) -> ImageReference:
    reference = image.parse(text)
    if reference.tag or reference.digest:
        raise UsageError(f"--image {text} has a tag or digest", hint="give that with --current")
    return reference


def shown_name(repository: Repository) -> str:
    return repository.path if repository is ANY_IMAGE else repository.familiar
