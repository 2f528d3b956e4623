"""A registry for one reconciliation, which takes what polls know already instead of asking.

Joins a registry and the store. Whatever has to be asked after all is noted, so that it counts as
a poll for everybody, and what was looked at becomes the index of who uses what. Satisfies
`interfaces.Registry`; all but listings and digests is handed through. For one thread.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from imagebot.errors import NotInRegistry, RegistryError, RegistryUnavailable
from imagebot.image import Digest, Repository
from imagebot.interfaces import Registry
from imagebot.kept import utc_now
from imagebot.model import Choice, ImageContent, ImageFacts, TagList
from imagebot.poll_store import Change, PollStore
from imagebot.polls import Answer, Pace, Use, answer_of, with_digests
from imagebot.workers import waiting

MAX_FOLLOWED = 20  # tags of one image repository whose digest is asked at each poll

TagKey = tuple[Repository, str]


class RecentRegistry:
    """Asks `inner` for what no poll knows well enough. `finish` once the choices are made."""

    def __init__(
        self,
        inner: Registry,
        polls: PollStore,
        pace: Pace,
        *,
        clock: Callable[[], datetime] = utc_now,
        roll: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._polls = polls
        self._pace = pace
        self._clock = clock
        self._roll = roll
        self._listed: set[Repository] = set()
        self._news: set[Repository] = set()
        self._known: dict[TagKey, Digest] = {}  # by polls
        self._asked: defaultdict[Repository, dict[str, Digest]] = defaultdict(dict)
        self._gone: defaultdict[Repository, set[str]] = defaultdict(set)

    def finish(self, target: str, choices: Iterable[Choice]) -> list[Repository]:
        """Note what the git repository uses. Gives back what turned out to be news for others."""
        uses = self._uses(choices)
        other = self._polls.note_uses(target, uses.values())
        looked = other | self._asked.keys() | self._gone.keys()
        now = self._clock()

        def change(image: Repository) -> Change:
            answer = Answer(digests=self._asked[image], gone=frozenset(self._gone[image]))
            return lambda known, use: (
                with_digests(known, use, answer, now, self._pace, self._roll()) if known else None
            )

        done = self._polls.change({image: change(image) for image in looked})
        self._news |= {
            image
            for image, (before, after) in done.items()
            if before and before.changed_at != after.changed_at
        }
        return sorted(self._news)

    def _uses(self, choices: Iterable[Choice]) -> dict[Repository, Use]:
        """What was listed, with the shortest interval and the tags that stand or are to stand."""
        intervals: dict[Repository, timedelta] = {}
        written: defaultdict[Repository, set[str]] = defaultdict(set)
        for choice in choices:
            if choice.policy is None or choice.reference is None:
                continue
            image = choice.reference.repository
            if (own := choice.policy.interval) is not None:
                intervals[image] = min(own, intervals.get(image, own))
            tags = (choice.reference.tag, choice.update.tag if choice.update else None)
            written[image] |= {tag for tag in tags if tag}
        return {
            image: Use(image, intervals.get(image), self._followed(image, written[image]))
            for image in self._listed
        }

    def _followed(self, image: Repository, written: Iterable[str]) -> frozenset[str]:
        """Of the tags written, those whose digest had to be known."""
        known = {tag for repository, tag in self._known if repository == image}
        tags = sorted(set(written) & (known | self._asked[image].keys()))
        return frozenset(tags[:MAX_FOLLOWED])

    # As a registry

    def list_many(
        self,
        repositories: Sequence[Repository],
        progress: Callable[[int, int], None] | None = None,
    ) -> Mapping[Repository, TagList | RegistryError]:
        self._listed |= set(repositories)
        found = self._taken(repositories)
        missing = [each for each in repositories if each not in found]
        if missing:
            asked_at = self._clock()
            with waiting():
                asked = self._inner.list_many(missing, progress)
            answers = {image: answer_of(answer) for image, answer in asked.items()}
            self._news |= set(
                self._polls.note(answers, asked_at, self._pace, self._roll, keeps_all=True)
            )
            found |= asked
        return {repository: found[repository] for repository in repositories}

    def _taken(
        self, repositories: Sequence[Repository]
    ) -> dict[Repository, TagList | RegistryError]:
        """What need not be asked: a listing, or a trouble, that is not old."""
        now = self._clock()
        polls = self._polls.read(repositories)
        recent = {image: poll for image, poll in polls.items() if poll.can_be_taken(now)}
        found: dict[Repository, TagList | RegistryError] = {}
        found |= self._polls.listings(poll for poll in recent.values() if not poll.trouble)
        for image in found:
            digests = recent[image].digests
            self._known |= {(image, tag): digest for tag, digest in digests.items()}
        for image, poll in recent.items():
            if poll.trouble:
                found[image] = RegistryUnavailable(poll.trouble)
        return found

    def list_tags(self, repository: Repository) -> TagList:
        found = self.list_many([repository])[repository]
        if isinstance(found, RegistryError):
            raise found
        return found

    def facts_many(
        self, tags: Sequence[tuple[Repository, str]]
    ) -> Mapping[tuple[Repository, str], ImageFacts | RegistryError]:
        found: dict[TagKey, ImageFacts | RegistryError] = {
            key: ImageFacts(key[1], self._known[key], "") for key in tags if key in self._known
        }
        missing = [key for key in tags if key not in found]
        with waiting():
            asked = self._inner.facts_many(missing) if missing else {}
        for (image, tag), answer in asked.items():
            if isinstance(answer, ImageFacts):
                self._asked[image][tag] = answer.digest
            elif isinstance(answer, NotInRegistry):
                self._gone[image].add(tag)
        found |= asked
        return {key: found[key] for key in tags}

    def facts(self, repository: Repository, tag: str) -> ImageFacts:
        found = self.facts_many([(repository, tag)])[repository, tag]
        if isinstance(found, RegistryError):
            raise found
        return found

    def content_many(
        self, images: Sequence[tuple[Repository, Digest]]
    ) -> Mapping[tuple[Repository, Digest], ImageContent | RegistryError]:
        with waiting():
            return self._inner.content_many(images)

    def created_many(
        self, manifests: Sequence[tuple[Repository, Digest]]
    ) -> Mapping[tuple[Repository, Digest], datetime | RegistryError | None]:
        with waiting():
            return self._inner.created_many(manifests)

    def published_many(
        self, tags: Sequence[tuple[Repository, str]]
    ) -> Mapping[tuple[Repository, str], datetime | RegistryError | None]:
        with waiting():
            return self._inner.published_many(tags)
