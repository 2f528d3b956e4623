"""A list of tags that was given, in the place of a registry and a ledger.

Pure: nothing is asked of anybody. Satisfies `interfaces.Registry` and `interfaces.Ledger` by
shape, so that decisions without a network, and replays of the past, run through the very code
that decides over real ones. A tag without a digest gets one that no image has, so that no two
tags look alike; `without_unasked` takes out of a policy what nothing given can answer.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from imagebot.errors import NotInRegistry, RegistryError
from imagebot.gates import COOLDOWN, PLATFORMS
from imagebot.image import Digest, Platform, Repository
from imagebot.model import ImageContent, ImageFacts, Sighting, TagList, TagRecord
from imagebot.policy.model import Cooldown, Policy, TagTime
from imagebot.tag_lists import GivenTag
from imagebot.times import shown_duration

_SOME_PLATFORM = Platform("linux", "amd64")
_UNKNOWN_SINCE = datetime(1970, 1, 1, tzinfo=UTC)


class Given:
    """What was given of one repository, up to a moment."""

    def __init__(
        self,
        repository: Repository,
        tags: Iterable[GivenTag],
        until: datetime | None = None,
        *,
        unlisted: str = "",
    ) -> None:
        """`unlisted` is a tag that exists, although the list lacks it: the one that is written."""
        self._unlisted = unlisted
        self._repository = repository
        self._coming = sorted(
            tags, key=lambda each: (each.at or _UNKNOWN_SINCE, each.tag), reverse=True
        )
        self._latest: dict[str, GivenTag] = {}
        self._before: dict[str, Digest] = {}  # where a tag that moved pointed last
        self._created: dict[Digest, datetime] = {}
        self.advance(until)

    def advance(self, until: datetime | None) -> list[str]:
        """Take in what came up to a moment, None for everything. Gives the tags back."""
        came = []
        while self._coming:
            at = self._coming[-1].at
            if until is not None and at is not None and at > until:
                break
            given = self._coming.pop()
            self._add(given)
            came.append(given.tag)
        return came

    def _add(self, given: GivenTag) -> None:
        was = self._latest.get(given.tag)
        if was is not None:
            if digest_of(was) == digest_of(given):
                return
            self._before[given.tag] = digest_of(was)
        self._latest[given.tag] = given
        if given.at is not None:
            self._created.setdefault(digest_of(given), given.at)

    @property
    def times(self) -> Mapping[str, datetime]:
        """Since when each tag is what it is now, where that was given."""
        return {tag: given.at for tag, given in self._latest.items() if given.at is not None}

    def digest(self, tag: str) -> Digest | None:
        """Where a tag points now."""
        latest = self._latest.get(tag)
        return digest_of(latest) if latest else None

    # As a registry

    def list_tags(self, repository: Repository) -> TagList:
        return TagList(repository, tuple(self._latest))

    def list_many(
        self,
        repositories: Sequence[Repository],
        progress: Callable[[int, int], None] | None = None,
    ) -> Mapping[Repository, TagList | RegistryError]:
        return {repository: self.list_tags(repository) for repository in repositories}

    def facts(self, repository: Repository, tag: str) -> ImageFacts:
        digest = self.digest(tag)
        if digest is None and tag == self._unlisted:
            digest = digest_of(GivenTag(tag))
        if digest is None:
            raise NotInRegistry(f"{tag} is not among the tags given")
        return ImageFacts(tag, digest, "")

    def facts_many(
        self, tags: Sequence[tuple[Repository, str]]
    ) -> Mapping[tuple[Repository, str], ImageFacts | RegistryError]:
        found: dict[tuple[Repository, str], ImageFacts | RegistryError] = {}
        for repository, tag in tags:
            try:
                found[repository, tag] = self.facts(repository, tag)
            except NotInRegistry as error:
                found[repository, tag] = error
        return found

    def content_many(
        self, images: Sequence[tuple[Repository, Digest]]
    ) -> Mapping[tuple[Repository, Digest], ImageContent | RegistryError]:
        return {image: ImageContent(image[1], {_SOME_PLATFORM: image[1]}) for image in images}

    def created_many(
        self, manifests: Sequence[tuple[Repository, Digest]]
    ) -> Mapping[tuple[Repository, Digest], datetime | RegistryError | None]:
        return {
            manifest: self._created.get(manifest[1], RegistryError("no time was given for it"))
            for manifest in manifests
        }

    def published_many(
        self, tags: Sequence[tuple[Repository, str]]
    ) -> Mapping[tuple[Repository, str], datetime | RegistryError | None]:
        return dict.fromkeys(tags)

    # As a ledger

    def note_listings(self, tags: Mapping[Repository, Sequence[str]], now: datetime) -> None:
        """All is known already."""

    def note_digests(
        self, digests: Mapping[tuple[Repository, str], Digest], now: datetime
    ) -> Mapping[tuple[Repository, str], Sighting]:
        """Tags without a time are left out: it is not known since when they exist."""
        found = {}
        for repository, tag in digests:
            latest = self._latest.get(tag)
            if latest is not None and latest.at is not None:
                found[repository, tag] = Sighting(latest.at, False, self._before.get(tag))
        return found

    def records(self, repository: Repository) -> Mapping[str, TagRecord]:
        return {
            tag: TagRecord(given.at or _UNKNOWN_SINCE, given.at is None, digest_of(given))
            for tag, given in self._latest.items()
        }


def digest_of(given: GivenTag) -> Digest:
    """The digest that was given, or one that stands for "the image behind this tag"."""
    return given.digest or Digest(f"sha256:{hashlib.sha256(given.tag.encode()).hexdigest()}")


def without_unasked(
    policy: Policy, *, has_times: bool
) -> tuple[Policy, tuple[tuple[str, str], ...]]:
    """The policy without the gates that nothing given can answer; what these would ask, by gate."""
    unasked = []
    if policy.platforms:
        names = ", ".join(map(str, policy.platforms))
        unasked.append((PLATFORMS, f"whether it has an image for {names}"))
    longest = policy.cooldown.for_step(None)
    if longest and not has_times:
        unasked.append((COOLDOWN, f"how old it is (cool-down up to {shown_duration(longest)})"))
    cooldown = policy.cooldown if has_times else Cooldown()
    tags = replace(policy.tags, time=TagTime.CREATED)  # whatever is given as time, it is the time
    return replace(policy, tags=tags, platforms=(), cooldown=cooldown), tuple(unasked)
