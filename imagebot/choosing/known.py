"""What is known of the world while choices are made, and what has to be asked.

Pure. A decision is a generator: it yields `Questions`, the story asks them of registries and
ledger, many decisions' at once, writes the answers into `Known` and goes on with each decision.
"""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from imagebot.choosing.declined import Declined
from imagebot.errors import RegistryError
from imagebot.image import Digest, Repository
from imagebot.model import ImageContent, ImageFacts, Sighting, TagList, TagRecord
from imagebot.proposals import Proposed

TagKey = tuple[Repository, str]
DigestKey = tuple[Repository, Digest]

Decided = TypeVar("Decided")
Asking = Generator["Questions", None, Decided]
"""Yields what it has to know next, and returns what it decided."""


@dataclass(frozen=True, slots=True)
class Questions:
    """Facts of tags, content and build time of digests, the registry's times of tags."""

    facts: frozenset[TagKey] = frozenset()
    contents: frozenset[DigestKey] = frozenset()
    created: frozenset[DigestKey] = frozenset()
    published: frozenset[TagKey] = frozenset()

    @classmethod
    def together(cls, several: Iterable["Questions"]) -> "Questions":
        """Each question once."""
        lists = list(several)
        return cls(
            frozenset().union(*(each.facts for each in lists)),
            frozenset().union(*(each.contents for each in lists)),
            frozenset().union(*(each.created for each in lists)),
            frozenset().union(*(each.published for each in lists)),
        )

    def __bool__(self) -> bool:
        return bool(self.facts or self.contents or self.created or self.published)


@dataclass(slots=True)
class Known:
    """Grows while one plan is made; never forgets within it, so that no answer is asked twice."""

    now: datetime
    listings: Mapping[Repository, TagList | RegistryError]
    proposed: tuple[Proposed, ...] = ()  # by existing branches, and not surely gone
    records: Mapping[Repository, Mapping[str, TagRecord]] = field(default_factory=dict)
    ledger_failure: str = ""  # why there is no telling how old anything is
    facts: dict[TagKey, ImageFacts | RegistryError] = field(default_factory=dict)
    sightings: dict[TagKey, Sighting] = field(default_factory=dict)
    contents: dict[DigestKey, ImageContent | RegistryError] = field(default_factory=dict)
    created: dict[DigestKey, datetime | RegistryError | None] = field(default_factory=dict)
    published: dict[TagKey, datetime | RegistryError | None] = field(default_factory=dict)
    declined: Mapping[tuple[str, Repository], tuple[Declined, ...]] = field(default_factory=dict)

    def ask_facts(self, keys: Iterable[TagKey]) -> Asking[None]:
        """Ask for what is not known yet of these tags."""
        missing = frozenset(keys) - self.facts.keys()
        if missing:
            yield Questions(facts=missing)

    def ask_contents(self, keys: Iterable[DigestKey]) -> Asking[None]:
        """Ask for the platforms behind these digests, as far as they are not known yet."""
        missing = frozenset(keys) - self.contents.keys()
        if missing:
            yield Questions(contents=missing)

    def ask_created(self, keys: Iterable[DigestKey]) -> Asking[None]:
        """Ask when these manifests' images were built."""
        missing = frozenset(keys) - self.created.keys()
        if missing:
            yield Questions(created=missing)

    def ask_published(self, keys: Iterable[TagKey]) -> Asking[None]:
        """Ask when the registry took these tags in."""
        missing = frozenset(keys) - self.published.keys()
        if missing:
            yield Questions(published=missing)

    def offer(self, policy: str, repository: Repository, tag: str) -> Proposed | None:
        """What a branch proposes already for this image and tag under this policy."""
        wanted = (policy, repository, tag)
        offers = (
            each for each in self.proposed if (each.policy, each.repository, each.tag) == wanted
        )
        return next(offers, None)
