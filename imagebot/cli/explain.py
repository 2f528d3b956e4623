"""`imagebot explain IMAGE`: for every tag, why it was or was not taken."""

import argparse
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.markup import escape
from rich.table import Table

from imagebot import clients, image, reconcile
from imagebot.cli import common_arguments, show
from imagebot.cli.plan import DEFAULT_POLICY
from imagebot.errors import UsageError
from imagebot.image import ImageReference, Repository
from imagebot.interfaces import FileTree
from imagebot.model import Problem, Selection
from imagebot.policy.model import Policy
from imagebot.selection import select
from imagebot.survey import Survey, survey


@dataclass(frozen=True, slots=True)
class Case:
    """One policy meeting one current tag, and the places where that tag is written."""

    policy: Policy
    current: str | None
    places: tuple[str, ...]
    suspended: str | None = None


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "explain",
        help="say for every tag of an image why it was or was not taken",
        description="Asks the registry for the image's tags and says for each why it is taken "
        "or not: for every place in PATH that the image is written, or for the tag given.",
    )
    parser.add_argument("image", metavar="IMAGE", help="name, or name:tag to start from that tag")
    common_arguments.add_path(parser)
    common_arguments.add_settings(parser)
    parser.add_argument(
        "--policy", metavar="NAME", help="ask this policy, whether or not it governs the image"
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="default: table"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    reference = image.parse(arguments.image)
    settings = common_arguments.load_settings(arguments)
    with (
        clients.build(settings, reads_home_credentials=True) as built,
        built.to_plan(arguments.path, None) as here,
    ):
        cases, problems = cases_of(here.tree, reference, arguments.policy, here.within)
        tags = built.registry.list_tags(reference.repository).tags
    explained = [(case, select(case.policy.tags, case.current, tags)) for case in cases]
    if arguments.output == "json":
        rows = [_as_json(reference.repository, *pair, tags) for pair in explained]
        print(json.dumps(rows, indent=2))
    else:
        for case, selection in explained:
            _print(reference.repository, case, selection, tags)
    show.problems(show.stderr_console(), problems)
    return 3 if any(not problem.is_warning for problem in problems) else 0


def cases_of(
    tree: FileTree, reference: ImageReference, policy_name: str | None, within: str
) -> tuple[list[Case], list[Problem]]:
    """What to explain: each policy and current tag of the image; and what is wrong with policies.

    A tag given with the image takes the place of those in the files.
    """
    found = survey(tree)
    named = _named_policy(found, policy_name)
    places: dict[tuple[str, str | None], tuple[Policy, list[str]]] = {}
    wanted, ungoverned = reconcile.govern(found, DEFAULT_POLICY, within)
    for item in wanted:
        known = item.reference or item.occurrence.reference
        if known is None or known.repository != reference.repository:
            continue
        policy = named or item.policy or DEFAULT_POLICY
        current = reference.tag or item.occurrence.tag
        place = f"{item.occurrence.file}:{item.occurrence.line}"
        places.setdefault((policy.identity, current), (policy, []))[1].append(place)
    today = datetime.now(UTC).date()
    cases = [
        Case(policy, current, tuple(lines), policy.suspended_on(today))
        for (_, current), (policy, lines) in places.items()
    ]
    cases = cases or [Case(named or DEFAULT_POLICY, reference.tag, ())]
    return cases, [*found.policy_problems, *ungoverned]


def _named_policy(found: Survey, name: str | None) -> Policy | None:
    if name is None:
        return None
    matching = [policy for policy in found.policies if name in (policy.name, policy.identity)]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(sorted(policy.identity for policy in matching or found.policies))
    raise UsageError(
        f"{'several policies are' if matching else 'no policy is'} called {name!r}",
        hint=f"name one of: {names}" if names else "there is no policy here",
    )


def verdicts(
    current: str | None, selection: Selection, tags: tuple[str, ...]
) -> list[tuple[str, str, str]]:
    """(tag, verdict, why) of every tag: the chosen, the rest that is allowed, the others."""
    rows = []
    chosen = selection.candidates[0].tag if selection.candidates else None
    for candidate in selection.candidates:
        if candidate.tag == chosen:
            step = f"{candidate.step} step, " if candidate.step else ""
            rows.append((candidate.tag, "chosen", f"{step}highest that the policy allows"))
        else:
            rows.append((candidate.tag, "allowed", f"{chosen} is higher"))
    if current in tags:
        rows.append((str(current), "current", "written in the file today"))
    rows += [(item.tag, "rejected", item.reason) for item in selection.rejections]
    return rows


def _title(repository: Repository, case: Case, selection: Selection) -> str:
    chosen = selection.candidates[0].tag if selection.candidates else "nothing"
    policy = case.policy.identity if case.policy.file else "no policy governs it: by the default"
    return f"{repository.familiar}, current {case.current or '(none)'}, {policy}: chose {chosen}"


def _print(repository: Repository, case: Case, selection: Selection, tags: tuple[str, ...]) -> None:
    console = show.stdout_console()
    console.print(escape(_title(repository, case, selection)), style="bold")
    for note in (f"written in {', '.join(case.places)}" if case.places else "not written here",
                 f"not written now: {case.suspended}" if case.suspended else "",
                 selection.note):  # fmt: skip
        if note:
            console.print(escape(f"  {note}"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("TAG", "VERDICT", "WHY"):
        table.add_column(header, overflow="fold")
    for row in verdicts(case.current, selection, tags):
        table.add_row(*map(escape, row))
    console.print(table)


def _as_json(
    repository: Repository, case: Case, selection: Selection, tags: tuple[str, ...]
) -> dict[str, object]:
    return {
        "image": str(repository),
        "policy": case.policy.identity if case.policy.file else None,
        "current": case.current,
        "chosen": selection.candidates[0].tag if selection.candidates else None,
        "suspended": case.suspended,
        "note": selection.note,
        "places": list(case.places),
        "tags": [
            {"tag": tag, "verdict": verdict, "reason": why}
            for tag, verdict, why in verdicts(case.current, selection, tags)
        ],
    }
