"""Find out what can be told of images that are proposed: their details, and what was released.

Asks registries and projects' forges, but only for images of change sets, and each only once in its
life: what was found is kept, so an unchanged world costs no request. What cannot be found out is
left out and noted in the log; it never stops a proposal.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from imagebot import sources
from imagebot.body.told import NOTHING_TOLD, Step, Told, Version, step_of
from imagebot.details import DetailsKey, ImageDetails, Release
from imagebot.errors import InvalidReference, RegistryError
from imagebot.image import Digest, Platform, Repository
from imagebot.interfaces import DigestCache, ImageReader
from imagebot.model import Choice, ImageFacts
from imagebot.sources import PUBLIC_HOSTS, Source, SourceHost

MAX_STEPS = 40  # of one change set; the others are told of in the table alone
_TAG_VERSION = "tag 1:"
log = logging.getLogger(__name__)

TagKey = tuple[Repository, str]
Facts = Mapping[TagKey, ImageFacts | RegistryError]


class ReleaseReader(Protocol):
    """What projects wrote about their releases. Raises nothing: what fails is not told."""

    def between(self, source: Source, old: str, new: str, now: datetime) -> tuple[Release, ...]: ...


@dataclass(frozen=True, slots=True)
class Describer:
    """Whom to ask, and where what was found is kept."""

    images: ImageReader
    cache: DigestCache
    releases: ReleaseReader | None = None
    hosts: Mapping[str, SourceHost] = field(default_factory=lambda: PUBLIC_HOSTS)

    def tell(self, groups: Iterable[Sequence[Choice]], facts: Facts, now: datetime) -> Told:
        """What there is to tell of the choices of each change set, asked all at once.

        `facts` are those that were asked for anyway.
        """
        steps: dict[Step, tuple[Platform, ...]] = {}
        for choices in groups:
            steps |= _steps(choices)
        if not steps:
            return NOTHING_TOLD
        details = self._details(steps, facts)
        return Told(details, self._releases(steps, details, now), self.hosts)

    def _details(
        self, steps: Mapping[Step, tuple[Platform, ...]], facts: Facts
    ) -> dict[Version, ImageDetails]:
        wanted = {version: platforms for step, platforms in steps.items() for version in step}
        digests = self._digests(wanted, facts)
        keys = {
            version: DetailsKey(version.repository, digests[version], platforms)
            for version, platforms in wanted.items()
            if version in digests
        }
        found = self.images.details_many(list(dict.fromkeys(keys.values())))
        told = {}
        for version, key in keys.items():
            answer = found[key]
            if isinstance(answer, ImageDetails):
                told[version] = answer
            else:
                _note(version, answer)
        return told

    def _digests(self, versions: Iterable[Version], facts: Facts) -> dict[Version, Digest]:
        """What each version points to: as written, as just asked, as once asked, or asked now.

        A tag that is not pinned is asked for once and then told as it was, even if it moves: what
        was proposed is what it held then, and nobody else asks for it again and again.
        """
        found = {version: version.digest for version in versions if version.digest}
        tags = {
            (version.repository, version.tag): version
            for version in versions
            if version.tag and version not in found
        }
        remembered = self._remembered(tags)
        known = remembered | {
            key: fact.digest for key, fact in facts.items() if isinstance(fact, ImageFacts)
        }
        missing = [key for key in tags if key not in known]
        asked = self.images.facts_many(missing) if missing else {}
        for key, answer in asked.items():
            if isinstance(answer, ImageFacts):
                known[key] = answer.digest
            else:
                _note(tags[key], answer)
        now_known = {key: known[key] for key in tags if key in known}
        new = {key: digest for key, digest in now_known.items() if remembered.get(key) != digest}
        if new:
            self.cache.put_many(
                {_tag_key(key): str(digest).encode() for key, digest in new.items()}
            )
        return found | {tags[key]: digest for key, digest in now_known.items()}

    def _remembered(
        self, keys: Iterable[tuple[Repository, str]]
    ) -> dict[tuple[Repository, str], Digest]:
        asked = {_tag_key(key): key for key in keys}
        found = {}
        for cache_key, kept in self.cache.get_many(list(asked)).items():
            try:
                found[asked[cache_key]] = Digest(kept.decode())
            except (InvalidReference, UnicodeDecodeError):
                continue
        return found

    def _releases(
        self, steps: Iterable[Step], details: Mapping[Version, ImageDetails], now: datetime
    ) -> dict[Step, tuple[Release, ...]]:
        found = {}
        for step in steps if self.releases else ():
            new = details.get(step.after)
            source = sources.source_of(new, self.hosts) if new else None
            if source and self.releases and step.before.tag and step.before.tag != step.after.tag:
                notes = self.releases.between(source, step.before.tag, step.after.tag, now)
                if notes:
                    found[step] = notes
        return found


def _steps(choices: Sequence[Choice]) -> dict[Step, tuple[Platform, ...]]:
    """The first steps of a change set, with the platforms that their policies ask for."""
    found = {
        step_of(choice.update): choice.policy.platforms if choice.policy else ()
        for choice in choices
        if choice.update
    }
    return dict(list(found.items())[:MAX_STEPS])


def _tag_key(key: TagKey) -> str:
    return f"{_TAG_VERSION}{key[0]}:{key[1]}"


def _note(version: Version, error: RegistryError) -> None:
    log.warning(
        "%(image)s:%(tag)s cannot be told of: %(error)s",
        {"image": str(version.repository), "tag": version.tag, "error": str(error)},
    )
