"""`imagebot set IMAGE=REFERENCE [PATH]`: edit every occurrence by hand, asking no registry."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from imagebot import edits, formats, image, planning
from imagebot.checkout import Checkout, open_checkout
from imagebot.choosing.cases import Wanted
from imagebot.cli import common_arguments, output, patches, show
from imagebot.errors import ImagebotError, StaleEdit, UsageError
from imagebot.image import ImageReference, Repository
from imagebot.model import Problem, Update
from imagebot.status import counted
from imagebot.survey import Survey, survey
from imagebot.texts import visible

_MAX_PLACES = 5  # of an image that is ignored everywhere


class NothingToSet(ImagebotError):
    """The image is written nowhere in PATH, so a CI job that sets it is surely mistaken."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "set",
        help="edit every occurrence of an image, byte-exactly, asking no registry",
        description="Writes another tag, digest or name wherever IMAGE is written in PATH. "
        "What cannot hold it is reported and left as it is.",
    )
    parser.add_argument(
        "change",
        metavar="IMAGE=REFERENCE",
        help="ghcr.io/acme/api=ghcr.io/acme/api:2.0, or in short ghcr.io/acme/api=:2.0 "
        "or ghcr.io/acme/api=:2.0@sha256:...",
    )
    common_arguments.add_path(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the diff, write nothing")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    target, reference = parse_change(arguments.change)
    checkout = open_checkout(arguments.path)
    found = survey(checkout)
    wanted, _ = planning.govern(found, None, checkout.prefix)
    updates = updates_in(wanted, target, reference)
    unwritable = unwritable_in(found, target, checkout.prefix)
    if not (updates or unwritable):
        raise _nothing(found, wanted, target, arguments.path, checkout.prefix)
    rewritten, refused = _rewritten(checkout, updates, formats.finder(found.policies))
    refused = sorted([*refused, *unwritable], key=lambda each: (each.file, each.line))
    failed = () if arguments.dry_run else _write(checkout, rewritten)
    done = "would be set" if arguments.dry_run else "set"
    summary = (
        f"{counted(len(updates) + len(unwritable), 'occurrence')} of {target.familiar} found, "
        f"{counted(len(rewritten), 'file')} {done}"
    )
    if failed:
        summary += f", {counted(len(failed), 'file')} not"
    try:
        _print_diff(rewritten)
    except BrokenPipeError:  # the reader has seen enough, and the exit code is about the files
        output.drop()
    finally:
        print(summary, file=sys.stderr)
        show.problems(show.stderr_console(), (*refused, *failed))
        for file in rewritten if failed else ():
            print(f"set: {visible(file)}", file=sys.stderr)
    return StaleEdit.exit_code if refused or failed else 0


def _print_diff(rewritten: Mapping[str, tuple[bytes, bytes]]) -> None:
    for file, (before, after) in rewritten.items():
        sys.stdout.buffer.write(patches.file_diff(file, before, after))
    sys.stdout.buffer.flush()


def _write(checkout: Checkout, rewritten: dict[str, tuple[bytes, bytes]]) -> tuple[Problem, ...]:
    """Write each file that can be written. The others leave `rewritten`; their problems come back.

    A disk that is full or a folder without permission for one file says nothing of the others.
    """
    failed = []
    for file, (before, after) in list(rewritten.items()):
        try:
            checkout.write(file, before, after)
        except ImagebotError as error:
            del rewritten[file]
            failed.append(Problem(file, 0, 0, str(error).removeprefix(f"{file} "), error.hint))
    return tuple(failed)


def parse_change(text: str) -> tuple[Repository, ImageReference]:
    """`IMAGE=REFERENCE`; a reference that starts with `:` or `@` keeps the image's name."""
    name, equals, new = text.partition("=")
    if not (name and equals and new):
        raise UsageError(
            f"{text!r} is not IMAGE=REFERENCE", hint="for example ghcr.io/acme/api=:2.0"
        )
    if image.parse(name).tag or image.parse(name).digest:
        raise UsageError(
            f"{name!r} has a tag or digest, and every tag of the image is set",
            hint="leave it out to the left of =",
        )
    reference = image.parse(name + new if new[0] in ":@" else new)
    if reference.tag is None and reference.digest is None:
        raise UsageError(f"{new!r} has neither tag nor digest", hint="for example :2.0")
    return image.parse_name(name), reference


def updates_in(
    wanted: Sequence[Wanted], target: Repository, reference: ImageReference
) -> list[Update]:
    """An update for each occurrence of the image."""
    return [
        _update(item, reference)
        for item in wanted
        if item.reference and item.reference.repository == target
        if not item.occurrence.is_ignored
    ]


def unwritable_in(found: Survey, target: Repository, within: str) -> list[Problem]:
    """The places in `within` where the image is written in bytes that cannot be edited."""
    return [
        replace(problem, is_warning=False)
        for problem in found.problems
        if problem.image == str(target) and planning.is_within(problem.file, within)
    ]


def _nothing(
    found: Survey, wanted: Sequence[Wanted], target: Repository, path: Path, within: str
) -> NothingToSet:
    """Why there is nothing to set, with what may hide the image."""
    ignored = [
        f"{item.occurrence.file}:{item.occurrence.line}"
        for item in wanted
        if item.occurrence.is_ignored and item.reference and item.reference.repository == target
    ]
    if ignored:
        shown = ", ".join(ignored[:_MAX_PLACES]) + (", ..." if len(ignored) > _MAX_PLACES else "")
        return NothingToSet(
            f"{target.familiar} is written only where a marker says to ignore it: {shown}",
            hint="take out # imagebot: ignore where it should be set",
        )
    unread = sum(planning.is_within(problem.file, within) for problem in found.unread)
    rest = f", and what it cannot read: {counted(unread, 'place')}" if unread else ""
    return NothingToSet(
        f"{target.familiar} is not written in any file under {path}",
        hint=f"imagebot inventory lists every image reference it finds{rest}",
    )


def _update(item: Wanted, reference: ImageReference) -> Update:
    old = item.reference
    is_renamed = old is not None and old.repository != reference.repository
    return Update(
        item.occurrence,
        old or reference,
        reference.tag or (old.tag if old else None) or "",
        reference.digest,
        step=None,
        name=reference.name if is_renamed else None,
    )


def _rewritten(
    checkout: Checkout, updates: list[Update], find: edits.Find
) -> tuple[dict[str, tuple[bytes, bytes]], list[Problem]]:
    """Old and new content of each file that changes, and what was refused and why.

    Another image that shares a tag with this one, by a YAML alias, does not change along: nobody
    asked for it.
    """
    by_file: dict[str, list[Update]] = {}
    for update in updates:
        by_file.setdefault(update.occurrence.file, []).append(update)
    made: dict[str, tuple[bytes, bytes]] = {}
    refused: list[Problem] = []
    for file, source in checkout.read(sorted(by_file)):
        own = by_file.pop(file)
        rewritten, errors = edits.rewrite_possible(file, source, own, find)
        refused += (_refused(*each) for each in errors)
        if rewritten is not None and rewritten.content != source:
            made[file] = (source, rewritten.content)
    gone = "cannot be read any more; it was left as it is"
    refused += (Problem(file, 0, 0, gone) for file in by_file)
    return made, refused


def _refused(update: Update, error: ImagebotError) -> Problem:
    place = update.occurrence
    message = str(error).removeprefix(f"{place.file}:{place.line}: ")
    return Problem(place.file, place.line, place.column, message, hint=error.hint)
