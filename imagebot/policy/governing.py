"""Which policy governs an occurrence: the nearest that matches, or the one its marker names.

Pure. Where two policies of one folder match, or the nearest has errors, nothing governs and
the reason is a problem: a farther policy never decides in the place of a broken nearer one.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from imagebot.document_words import near
from imagebot.errors import ImagebotError
from imagebot.image import ImageReference, Repository, join, parse
from imagebot.model import Marker, Occurrence, Problem
from imagebot.policy import conflicts
from imagebot.policy.model import Policy, RepositoryPolicy
from imagebot.policy.rules import Folder, Rule, named, ready, upward


@dataclass(frozen=True, slots=True)
class Governed:
    """What governs an occurrence. All None: nothing does.

    `reference` is the whole reference: the occurrence's own or, where the file has a tag or
    digest only, that of the policy's image with it.
    """

    policy: Policy | None = None
    reference: ImageReference | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class OtherPolicy:
    """A policy that names the image of an occurrence and does not govern it."""

    policy: Policy
    why: str  # it does not


class Governor:
    """The policies of one git repository. `broken` are those of documents with errors.

    Where the repository's own policy is in trouble nothing governs: what it would have forbidden
    is not known.
    """

    def __init__(
        self,
        policies: Sequence[Policy],
        broken: Sequence[Policy] = (),
        repository_policy: RepositoryPolicy | None = None,
    ) -> None:
        self._for_all = repository_policy
        self._folders: dict[str, Folder] = {}
        self._chains: dict[str, tuple[Folder, ...]] = {}
        self._by_name: dict[str, list[Rule]] = {}
        self._by_identity: dict[str, list[Rule]] = {}
        known = Counter((policy.folder, policy.name) for policy in (*policies, *broken))
        unusable = {id(policy) for policy in broken}
        unusable |= {id(each) for each in policies if known[each.folder, each.name] > 1}
        for policy in sorted(
            (*policies, *broken), key=lambda each: (each.file, each.line, each.name)
        ):
            rule = ready(policy, id(policy) in unusable)
            self._folders.setdefault(policy.folder, Folder()).add(rule)
            if policy.name:
                self._by_name.setdefault(policy.name, []).append(rule)
            self._by_identity.setdefault(policy.identity, []).append(rule)
        self.problems: tuple[Problem, ...] = tuple(
            conflicts.found_among(self._folders, self._by_name)
        )

    def govern(self, occurrence: Occurrence) -> Governed:
        """Find the policy of an occurrence, and its whole reference."""
        marker = occurrence.marker
        if occurrence.field_of:
            return self._by_field(occurrence)
        if occurrence.is_ignored:
            return Governed(None, occurrence.reference)
        governed = self._by_marker(occurrence, marker) if marker else self._by_path(occurrence)
        for other in occurrence.other_markers:
            if governed.problem is None:
                governed = self._agreed(occurrence, governed, other)
        return governed

    def _agreed(self, occurrence: Occurrence, governed: Governed, other: Marker) -> Governed:
        """What governs a value with a further marker: one policy, or none.

        The value stands once and is read in several places, so all of them change together.
        """
        by_other = self._by_marker(occurrence, other)
        if by_other.problem or governed.policy is None or governed.policy is by_other.policy:
            return by_other
        here = named(governed.policy)
        line = f" (line {occurrence.marker.line})" if occurrence.marker else ""
        message = (
            f"one value stands under two policies: {here}{line} and, by the marker on line "
            f"{other.line}, {other.policy!r}"
        )
        hint = "let all markers of one value, at its anchor and its aliases, name one policy"
        return _refused(occurrence, message, hint)

    def _by_field(self, occurrence: Occurrence) -> Governed:
        """A value that a policy's `fields` mean is governed by that policy, or by none."""
        rules = self._by_identity.get(occurrence.field_of, [])
        if len(rules) != 1:
            return self._settled(occurrence, rules) if rules else Governed()
        policy = rules[0].policy
        for marker in (occurrence.marker, *occurrence.other_markers):
            if marker is not None and marker.policy != policy.name:
                message = (
                    f"a field of {named(policy)} means this value, and the marker on line "
                    f"{marker.line} says {marker.policy!r}"
                )
                return _refused(occurrence, message, "remove the marker, or narrow the field")
        return self._settled(occurrence, rules)

    def _by_path(self, occurrence: Occurrence) -> Governed:
        if occurrence.reference is None:
            return Governed()
        above = self._above(occurrence.file)
        image = str(occurrence.reference.repository) if above else ""
        for folder in above:
            rules = [each for each in folder.matching(image) if each.matches_path(occurrence.file)]
            if rules:
                return self._settled(occurrence, rules)
        return Governed(None, occurrence.reference)

    def _above(self, file: str) -> tuple[Folder, ...]:
        """The folders with policies around a file, the deepest first; looked for once a folder."""
        chain: tuple[Folder, ...] = ()
        unknown: list[str] = []
        for name in upward(file):
            if name in self._chains:
                chain = self._chains[name]
                break
            unknown.append(name)
        for name in reversed(unknown):
            own = self._folders.get(name)
            chain = (own, *chain) if own is not None else chain
            self._chains[name] = chain
        return chain

    def others(self, occurrence: Occurrence) -> tuple[OtherPolicy, ...]:
        """The other policies that name an occurrence's image, the nearest first."""
        governed = self.govern(occurrence)
        if governed.reference is None:
            return ()
        image = str(governed.reference.repository)
        above = list(upward(occurrence.file))
        beside = sorted(self._folders.keys() - set(above))
        nearest = next((name for name in above if self._matching(name, image, occurrence.file)), "")
        found = []
        for name in (*above, *beside):
            folder = self._folders.get(name)
            for rule in folder.matching(image) if folder else ():
                if rule.policy is not governed.policy:
                    why = _why_not(rule, occurrence, nearest, is_above=name in above)
                    found.append(OtherPolicy(rule.policy, why))
        return tuple(found)

    def naming(self, repository: Repository) -> tuple[Policy, ...]:
        """The usable policies that name an image, wherever they stand."""
        image = str(repository)
        rules = [rule for folder in self._folders.values() for rule in folder.matching(image)]
        usable = [rule.policy for rule in rules if not rule.is_broken]
        return tuple(sorted(usable, key=lambda each: (each.file, each.line)))

    def _matching(self, folder_name: str, image: str, file: str) -> bool:
        folder = self._folders.get(folder_name)
        return folder is not None and any(
            rule.matches_path(file) for rule in folder.matching(image)
        )

    def _settled(self, occurrence: Occurrence, rules: Sequence[Rule]) -> Governed:
        """The one rule of a folder that matches; a problem where it is not one."""
        places = " and ".join(named(rule.policy) for rule in rules)
        if len(rules) > 1:
            message = f"governed by {len(rules)} policies of one folder: {places}"
            hint = "narrow images or paths of one of them, or name one: # imagebot: NAME"
            return _refused(occurrence, message, hint)
        if rules[0].is_broken:
            return _refused(occurrence, f"governed by {places}, which has errors", "mend it first")
        if self._for_all and self._for_all.trouble:
            where = f"{self._for_all.file}:{self._for_all.line}"
            message = f"the RepositoryPolicy ({where}) cannot be used: {self._for_all.trouble}"
            return _refused(occurrence, message, "mend it first")
        return _with_reference(occurrence, rules[0].policy)

    def _by_marker(self, occurrence: Occurrence, marker: Marker) -> Governed:
        name = marker.policy
        rules = self._by_name.get(name, [])
        if not rules:
            if marker.is_sentence:
                return _at_line(_refused_as_prose(occurrence, name), marker.line)
            message = f"the marker names no policy of this git repository: {name!r}"
            problem = _refused(occurrence, message, near(name, self._by_name))
            return _at_line(problem, marker.line)
        for folder in upward(occurrence.file):
            nearest = [rule for rule in rules if rule.policy.folder == folder]
            if nearest:
                return self._settled_by_name(occurrence, nearest)
        return self._settled_by_name(occurrence, rules)

    def _settled_by_name(self, occurrence: Occurrence, rules: Sequence[Rule]) -> Governed:
        if len(rules) > 1:
            places = " and ".join(named(rule.policy) for rule in rules)
            message = f"the marker's name means {len(rules)} policies: {places}"
            return _refused(occurrence, message, "give one of them another name")
        return self._settled(occurrence, rules)


def _why_not(rule: Rule, occurrence: Occurrence, nearest: str, *, is_above: bool) -> str:
    """Why a policy that names the image does not govern it here."""
    folder = rule.policy.folder
    if occurrence.marker:
        return f"the marker on the line names {occurrence.marker.policy!r}"
    if not is_above:
        return f"it governs files below {folder}/ only"
    if not rule.matches_path(occurrence.file):
        return f"its paths do not match this file: {', '.join(rule.policy.paths[:5])}"
    if folder != nearest:
        return f"farther from the file than the policies of {nearest}/ that match, too"
    if rule.is_broken:
        return "it is the nearest and has errors; nothing governs until it is mended"
    return "another policy of its folder matches, too; neither governs"


def _refused(occurrence: Occurrence, message: str, hint: str) -> Governed:
    reference = occurrence.reference
    problem = Problem(
        occurrence.file,
        occurrence.line,
        occurrence.column,
        message,
        hint,
        occurrence.address,
        image=str(reference.repository) if reference else "",
    )
    return Governed(None, reference, problem)


def _refused_as_prose(occurrence: Occurrence, name: str) -> Governed:
    """A warning: words follow a name that no policy has, so it is likely prose about imagebot."""
    message = f"no policy is named {name!r}; the comment may be a marker, so nothing is updated"
    hint = "mend the name where it is one; in prose, write imagebot without the colon"
    governed = _refused(occurrence, message, hint)
    problem = governed.problem
    return replace(governed, problem=replace(problem, is_warning=True) if problem else None)


def _at_line(governed: Governed, line: int) -> Governed:
    """The same refusal, told where the marker stands when that is not the value's line."""
    problem = governed.problem
    if problem is None or problem.line == line:
        return governed
    return replace(governed, problem=replace(problem, line=line, column=1))


def _with_reference(occurrence: Occurrence, policy: Policy) -> Governed:
    if occurrence.reference is not None:
        return Governed(policy, occurrence.reference)
    if len(policy.images) != 1 or "*" in policy.images[0]:
        message = f"only a tag or digest stands here, and policy {named(policy)} names no one image"
        return _refused(occurrence, message, "write exactly one name without * under its images")
    try:
        whole = parse(join(policy.images[0], occurrence.tag, occurrence.digest))
    except ImagebotError as error:
        return _refused(occurrence, str(error), error.hint)
    return Governed(policy, whole)
