"""What registries and ledger would answer, as data, and a decision brought to its end with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from imagebot import choosing, image
from imagebot.choosing.cases import Case, Wanted, case_of, choice_of
from imagebot.choosing.declined import Declined
from imagebot.choosing.known import Known, Questions
from imagebot.errors import NotInRegistry, RegistryError, RegistryUnavailable
from imagebot.image import Digest, Platform
from imagebot.model import Choice, ImageContent, ImageFacts, Sighting, TagList, TagRecord
from imagebot.policy.model import Policy
from imagebot.proposals import Proposed
from tests.making import occurrence, policy

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
API = image.parse_name("ghcr.io/acme/api")
DOWN = RegistryUnavailable("ghcr.io answered 503")
GONE = NotInRegistry("ghcr.io has no such tag")
INDEX = "application/vnd.oci.image.index.v1+json"
AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def digest(letter: str) -> Digest:
    return Digest("sha256:" + letter * 64)


def ago(**duration: float) -> datetime:
    return NOW - timedelta(**duration)


def seen(since: datetime, *, seeded: bool = False, moved_from: Digest | None = None) -> Sighting:
    return Sighting(since, seeded, moved_from)


@dataclass
class World:
    """Answers by tag or digest. A tag without a digest has one of its own; one without a sighting
    was there when imagebot first looked, just now."""

    tags: tuple[str, ...] | RegistryError = ()
    digests: Mapping[str, Digest | RegistryError] = field(default_factory=dict)
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    contents: Mapping[Digest, ImageContent | RegistryError] = field(default_factory=dict)
    created: Mapping[Digest, datetime | RegistryError | None] = field(default_factory=dict)
    published: Mapping[str, datetime | RegistryError | None] = field(default_factory=dict)
    records: Mapping[str, TagRecord] = field(default_factory=dict)
    ledger_failure: str = ""
    declined: Sequence[Declined] = ()
    asked: list[Questions] = field(default_factory=list)

    def known(self, proposed: Sequence[Proposed] = ()) -> Known:
        listing = TagList(API, self.tags) if isinstance(self.tags, tuple) else self.tags
        records = {API: self.records}
        known = Known(NOW, {API: listing}, tuple(proposed), records, self.ledger_failure)
        known.declined = {(policy().identity, API): tuple(self.declined)}
        return known

    def digest_of(self, tag: str) -> Digest | RegistryError:
        number = sum(ord(letter) * place**3 for place, letter in enumerate(tag, 1))
        return self.digests.get(tag, Digest(f"sha256:{number:064x}"))

    def answer(self, questions: Questions, known: Known) -> None:
        self.asked.append(questions)
        for repository, tag in questions.facts:
            found = self.digest_of(tag)
            is_known = isinstance(found, Digest)
            known.facts[repository, tag] = ImageFacts(tag, found, INDEX) if is_known else found
            if is_known and not self.ledger_failure:
                sighting = self.sightings.get(tag, Sighting(NOW, is_seeded=True))
                known.sightings[repository, tag] = sighting
        for key in questions.contents:
            known.contents[key] = self.contents.get(key[1], one_platform(key[1]))
        for key in questions.created:
            known.created[key] = self.created.get(key[1])
        for repository, tag in questions.published:
            known.published[repository, tag] = self.published.get(tag)


def one_platform(of: Digest) -> ImageContent:
    return ImageContent(of, {AMD64: of})


def wanted(reference: str, rules: Policy) -> Wanted:
    found = occurrence(reference)
    return Wanted(found, rules, found.reference)


def chosen(
    reference: str,
    world: World | tuple[str, ...] | RegistryError,
    rules: Policy | None = None,
    proposed: Sequence[Proposed] = (),
) -> Choice:
    """The choice for one occurrence, each question answered by the world."""
    world = world if isinstance(world, World) else World(world)
    item = wanted(reference, rules or policy())
    case = case_of(item, NOW.date())
    if not isinstance(case, Case):
        return choice_of(item, case)
    known = world.known(proposed)
    deciding = choosing.decide(case, known)
    while True:
        try:
            world.answer(next(deciding), known)
        except StopIteration as end:
            return choice_of(item, end.value)


def written(choice: Choice) -> tuple[str, Digest | None] | None:
    return (choice.update.tag, choice.update.digest) if choice.update else None
