"""From choices to change sets: files are edited, group by group, and each change is described.

Reads files of the tree, no others; what is told of images is asked by `describing`. A bad edit
never costs its group.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from imagebot import (
    changeset,
    edits,
    formats,
    grouping,
    request_rules,
)
from imagebot.asked_owners import CodeOwners
from imagebot.bad_references import BadReferences
from imagebot.body import UserTemplate
from imagebot.body.told import NOTHING_TOLD
from imagebot.describing import Describer, Facts
from imagebot.edits import RewrittenFile
from imagebot.errors import ImagebotError
from imagebot.grouping import Group
from imagebot.interfaces import FileTree
from imagebot.model import Choice, Edit, Occurrence, Problem
from imagebot.policy.model import Policy
from imagebot.proposals import NO_FORGE, ChangeSet, ForgeTraits


@dataclass(frozen=True, slots=True)
class Frame:
    """What bears on the presentation besides the choices."""

    now: datetime
    base: str
    everything_together: bool = False
    forge: ForgeTraits = NO_FORGE
    unread: Sequence[Problem] = ()  # what could not be read or governed, in whatever file

    @property
    def has_requests(self) -> bool:
        return self.forge.has_requests and not self.everything_together


def present(
    tree: FileTree,
    choices: Sequence[Choice],
    facts: Facts,
    frame: Frame,
    describer: Describer | None,
) -> tuple[tuple[ChangeSet, ...], list[Problem]]:
    """Edit the files of each group and describe the change. A bad edit never costs its group."""
    groups = grouping.group_choices(choices, everything_together=frame.everything_together)
    files = {choice.occurrence.file for group in groups for choice in group.choices}
    sources = dict(tree.read(sorted(files)))
    templates, problems = read_templates(tree, groups)
    ungoverned: dict[str, list[Occurrence]] = {}
    for choice in choices:
        if choice.policy is None:
            ungoverned.setdefault(choice.occurrence.file, []).append(choice.occurrence)
    edited = [(group, edit_group(group, sources, ungoverned)) for group in groups]
    problems += [problem for _, each in edited for problem in each.problems]
    remaining = [
        (replace(group, choices=each.choices), each) for group, each in edited if each.files
    ]
    told = NOTHING_TOLD
    if describer and not frame.everything_together:  # a direct commit has no body
        proposed = [group.choices for group, _ in remaining]
        told = describer.tell(proposed, facts, frame.now)
    asked = CodeOwners(tree, frame.forge.name)
    bad = BadReferences(frame.unread)
    change_sets = [
        changeset.build(
            group,
            each.files,
            each.edits_by_file,
            base=frame.base,
            branch=frame.base if frame.everything_together else None,
            before=sources,
            told=told,
            left_out=bad.of(group, each.problems),
            template=templates.get(template_of(group)),
            has_requests=frame.has_requests,
            has_labels=frame.forge.has_labels,
            owners=() if frame.everything_together else asked.of(group, sorted(each.files)),
        )
        for group, each in remaining
    ]
    return tuple(change_sets), [*problems, *asked.problems]


def template_of(group: Group) -> str:
    """Path of the file with the template of the group's body, "" for imagebot's own."""
    rules = [policy.pull_request for policy in request_rules.policies_of(group)]
    return request_rules.first(rules, lambda each: each.template)


def read_templates(
    tree: FileTree, groups: Iterable[Group]
) -> tuple[dict[str, UserTemplate], list[Problem]]:
    """The templates that the groups' policies name, by path, and why some are not taken."""
    policies = {
        policy.pull_request.template: policy
        for group in groups
        for policy in request_rules.policies_of(group)
        if policy.pull_request.template
    }
    contents = dict(tree.read(sorted(policies)))
    found: dict[str, UserTemplate] = {}
    problems: list[Problem] = []
    for path, policy in policies.items():
        if path not in contents:
            hint = "the path is from the root of the git repository"
            problems.append(_not_taken(policy, f"there is no file {path!r}", hint))
            continue
        try:
            found[path] = UserTemplate(path, contents[path].decode())
        except UnicodeDecodeError as error:
            wrong = f"{path!r} is no UTF-8 text at byte {error.start + 1}"
            problems.append(_not_taken(policy, wrong, "save the file as UTF-8"))
    return found, problems


def _not_taken(policy: Policy, why: str, hint: str) -> Problem:
    told = f"pullRequest.template: {why}, so imagebot's own is taken"
    return Problem(policy.file, policy.line, 0, told, hint=hint, is_warning=True)


@dataclass(frozen=True, slots=True)
class EditedGroup:
    files: Mapping[str, bytes]
    edits_by_file: Mapping[str, tuple[Edit, ...]]
    choices: tuple[Choice, ...]  # those whose edits went in
    problems: tuple[Problem, ...]


def edit_group(
    group: Group, sources: Mapping[str, bytes], ungoverned: Mapping[str, Sequence[Occurrence]]
) -> EditedGroup:
    """New content of each file of the group; an edit that cannot be made becomes a problem.

    `ungoverned` are the images, by file, that may change along where they share a tag.
    """
    files: dict[str, bytes] = {}
    edits_by_file: dict[str, tuple[Edit, ...]] = {}
    kept: list[Choice] = []
    problems: list[Problem] = []
    for file in sorted({choice.occurrence.file for choice in group.choices}):
        choices = [choice for choice in group.choices if choice.occurrence.file == file]
        made, good, refused = rewritten(file, sources[file], choices, ungoverned.get(file, ()))
        problems += refused
        if made and made.content != sources[file]:
            files[file], edits_by_file[file] = made.content, made.edits
            kept += good
    return EditedGroup(files, edits_by_file, tuple(kept), tuple(problems))


def rewritten(
    file: str, source: bytes, choices: Sequence[Choice], ungoverned: Sequence[Occurrence]
) -> tuple[RewrittenFile | None, list[Choice], list[Problem]]:
    """The file with all edits that can be made together, and a problem for each of the others."""
    find = formats.finder(choice.policy for choice in choices if choice.policy)
    updates = [choice.update for choice in choices if choice.update]
    made, refused = edits.rewrite_possible(file, source, updates, find, ungoverned)
    errors = {id(update): error for update, error in refused}
    good = [choice for choice in choices if id(choice.update) not in errors]
    return made, good, [_refused(update.occurrence, error) for update, error in refused]


def _refused(occurrence: Occurrence, error: ImagebotError) -> Problem:
    return Problem(
        occurrence.file,
        occurrence.line,
        occurrence.column,
        f"cannot be edited safely: {error}",
        hint=error.hint,
        address=occurrence.address,
    )
