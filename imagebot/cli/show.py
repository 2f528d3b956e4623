"""Tables, diffs and JSON of plans and outcomes, for people and for programs.

Pure but for writing to the console it is given. Colours and widths are rich's work: none of
either where the output is no terminal or `NO_COLOR` is set.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from imagebot import edits, status, titles
from imagebot.cli import patches
from imagebot.model import Choice, Edit, GateVerdict, Problem
from imagebot.planning import Plan
from imagebot.planning import Progress as Report
from imagebot.proposals import ChangeSet, Outcome, Proposal, PullRequest
from imagebot.selection import newest_by_step
from imagebot.texts import visible, visible_prose
from imagebot.version import Step

ROW_WIDTH = 10_000  # rows stay whole, so that names can be copied; a terminal wraps them


def stdout_console() -> Console:
    return _console(sys.stdout.isatty())


def stderr_console() -> Console:
    return _console(sys.stderr.isatty(), stderr=True)


def _console(is_terminal: bool, stderr: bool = False) -> Console:
    width = None if is_terminal and stderr else ROW_WIDTH
    return _Console(
        stderr=stderr,
        highlight=False,
        soft_wrap=not is_terminal,
        width=width,
        # rich by itself would still print bold
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """`| head` has seen enough: that is for `main` to know, where rich would end with 1."""
        raise BrokenPipeError


@contextmanager
def progress_bar(label: str) -> Iterator[Report | None]:
    """A bar on stderr while registries are asked; nothing where stderr is no terminal."""
    console = stderr_console()
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report


def problems(console: Console, found: Iterable[Problem]) -> None:
    """Like a compiler: `file:line:column: error: message`, a hint below."""
    for problem in found:
        kind = "warning" if problem.is_warning else "error"
        where = f"{visible(problem.where())}: " if problem.where() else ""
        address = f"{visible(problem.address, 200)}: " if problem.address else ""
        console.print(escape(f"{where}{kind}: {address}{visible_prose(problem.message, 500)}"))
        if problem.hint:
            console.print(escape(f"  hint: {visible_prose(problem.hint, 500)}"))


def steps_table(console: Console, choices: Sequence[Choice]) -> None:
    """What a repository without policies could move to: the newest tag for each step."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("IMAGE", "CURRENT", "PATCH", "MINOR", "MAJOR", "WHERE", "NOTE"):
        table.add_column(header, overflow="fold", no_wrap=not console.is_terminal)
    for (image, current, *steps, note), places in _merged(choices, _steps_row).items():
        table.add_row(*map(_cell, (image, current, *steps, _places(places), note)))
    console.print(table)


def choices_table(console: Console, choices: Sequence[Choice]) -> None:
    """What the policies make of each image reference."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("IMAGE", "CURRENT", "NEW", "STEP", "POLICY", "WHERE", "WHY"):
        table.add_column(header, overflow="fold", no_wrap=not console.is_terminal)
    for (*cells, why), places in _merged(choices, _choice_row).items():
        table.add_row(*map(_cell, (*cells, _places(places), why)))
    console.print(table)


def _cell(text: str) -> str:
    return escape(visible_prose(text))


Cells = tuple[str, ...]


def _merged(choices: Iterable[Choice], row: Callable[[Choice], Cells]) -> dict[Cells, list[str]]:
    """Places by row, so that an image that stands in forty files takes one line."""
    rows: dict[Cells, list[str]] = {}
    for choice in choices:
        rows.setdefault(row(choice), []).append(titles.place_of(choice.occurrence))
    return rows


def _places(places: Sequence[str]) -> str:
    return places[0] + (f" (+{len(places) - 1})" if len(places) > 1 else "")


def image_of(choice: Choice) -> str:
    return choice.reference.repository.familiar if choice.reference else "(by policy)"


def current_of(choice: Choice) -> str:
    tag, digest = choice.occurrence.tag, choice.occurrence.digest
    return (tag or "-") + (f"@{digest.short}" if digest else "")


def newest_tags(choice: Choice) -> dict[Step, str]:
    """The newest tag for each kind of step that there is."""
    newest = newest_by_step(choice.selection) if choice.selection else {}
    return {step: candidate.tag for step, candidate in newest.items()}


def _steps_row(choice: Choice) -> Cells:
    newest = newest_tags(choice)
    steps = (newest.get(step, "-") for step in (Step.PATCH, Step.MINOR, Step.MAJOR))
    return (image_of(choice), current_of(choice), *steps, "" if newest else choice.reason)


def _choice_row(choice: Choice) -> Cells:
    new, step = "-", ""
    if choice.update:
        digest = f"@{choice.update.digest.short}" if choice.update.digest else ""
        new, step = choice.update.tag + digest, str(choice.update.step or "")
    policy = choice.policy.name if choice.policy else "-"
    is_plain = choice.update and not choice.is_failure and not choice.passed_over
    why = "" if is_plain else status.why(choice)
    return (image_of(choice), current_of(choice), new, step, policy, why)


def diff(sources: Mapping[str, bytes], change_sets: Iterable[ChangeSet]) -> bytes:
    """One unified diff of all change sets together."""
    edits_by_file: dict[str, list[Edit]] = {}
    for changes in change_sets:
        for file, made in changes.edits_by_file.items():
            edits_by_file.setdefault(file, []).extend(made)
    return b"".join(
        patches.file_diff(file, sources[file], edits.apply(sources[file], made))
        for file, made in sorted(edits_by_file.items())
    )


def where(proposal: Proposal) -> str:
    """Branch, address and reason, behind a title."""
    parts = [f"branch {proposal.changes.branch}"]
    if proposal.pull_request and proposal.pull_request.url:
        parts.append(proposal.pull_request.url)
    if proposal.reason:
        parts.append(proposal.reason)
    return " (" + ", ".join(parts) + ")"


def plan_as_json(wanted: Plan) -> dict[str, object]:
    """The documented shape (docs/cli.md, `plan --output json`), but for what is ahead."""
    return {
        "version": 1,
        "files": wanted.survey.file_count,
        "policies": [policy.identity for policy in wanted.survey.policies],
        "images": [choice_as_json(choice) for choice in wanted.choices],
        "problems": [problem_as_json(problem) for problem in wanted.problems],
        "ignored": ignored_as_json(wanted.survey.ignored),
    }


def ignored_as_json(ignored: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"file": file, "reason": reason} for file, reason in ignored]


def choice_as_json(choice: Choice) -> dict[str, object]:
    occurrence, update = choice.occurrence, choice.update
    return {
        "file": occurrence.file,
        "line": occurrence.line,
        "column": occurrence.column,
        "address": occurrence.address,
        "format": occurrence.format,
        "image": str(choice.reference.repository) if choice.reference else None,
        "tag": occurrence.tag,
        "digest": str(occurrence.digest) if occurrence.digest else None,
        "policy": choice.policy.identity if choice.policy and choice.policy.file else None,
        "state": status.state(choice),
        "reason": status.why(choice),
        "newest": {str(step): tag for step, tag in newest_tags(choice).items()},
        "update": None
        if update is None
        else {
            "tag": update.tag,
            "digest": str(update.digest) if update.digest else None,
            "step": str(update.step) if update.step else None,
        },
        "held": [verdict_as_json(verdict) for verdict in choice.held],
        "keptOut": [
            {"tag": each.tag, "reason": each.reason}
            for each in (choice.selection.kept_out if choice.selection else ())
        ],
        "alsoChanges": list(occurrence.aliases),
    }


def verdict_as_json(verdict: GateVerdict) -> dict[str, object]:
    return {
        "tag": verdict.tag,
        "gate": verdict.gate,
        "verdict": str(verdict.verdict),
        "reason": verdict.reason,
        "until": verdict.until.isoformat() if verdict.until else None,
    }


def problem_as_json(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "severity": "warning" if problem.is_warning else "error",
        "address": problem.address,
        "message": problem.message,
        "hint": problem.hint,
    }


def change_set_as_json(changes: ChangeSet) -> dict[str, object]:
    return {
        "group": changes.group,
        "branch": changes.branch,
        "base": changes.base,
        "title": changes.title,
        "body": changes.body,
        "labels": list(changes.labels),
        "reviewers": list(changes.reviewers),
        "files": sorted(changes.files),
    }


def outcome_as_json(outcome: Outcome) -> dict[str, object]:
    """The documented shape (docs/cli.md, `apply --output json`)."""
    return {
        "repository": outcome.repository,
        "outcome": str(outcome.kind),
        "message": outcome.message,
        "images": [choice_as_json(choice) for choice in outcome.choices],
        "problems": [problem_as_json(problem) for problem in outcome.problems],
        "proposals": [
            {
                "action": proposal.action,
                "reason": proposal.reason,
                "pullRequest": pull_request_as_json(proposal.pull_request),
                **change_set_as_json(proposal.changes),
            }
            for proposal in outcome.proposals
        ],
        "closed": [pull_request_as_json(request) for request in outcome.closed],
    }


def pull_request_as_json(request: PullRequest | None) -> dict[str, object] | None:
    if request is None or not request.url:
        return None
    return {"number": request.number, "url": request.url, "state": str(request.state)}
