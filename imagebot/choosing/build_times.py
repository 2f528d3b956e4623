"""When the tags of an image were built or first seen, for the order newest-build.

Pure: yields `Questions` (known.py). Only tags that the ledger has no digest of are asked for one,
a bounded number of them at a time; what a digest holds is asked once ever, by the registry's
memory. Tags without a time that can be trusted get the reason instead.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from imagebot.choosing.known import Asking, Known
from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.gates import manifest_for
from imagebot.image import Digest, Platform, Repository
from imagebot.model import ImageContent, ImageFacts
from imagebot.policy.model import Policy, TagTime
from imagebot.times import shown_time

MAX_UNSEEN = 200  # tags of one image that are asked for the first time in one run
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before it a build wrote a fixed date, often 1970
_CLOCK_SKEW = timedelta(days=1)
_USUAL = Platform("linux", "amd64")


@dataclass(frozen=True, slots=True)
class Times:
    """Time, or why there is none, by tag. `failure`: not all could be asked; try again."""

    by_tag: Mapping[str, datetime | str] = field(default_factory=dict)
    failure: str = ""


def times_of(
    policy: Policy, repository: Repository, tags: Sequence[str], known: Known, current: str | None
) -> Asking[Times]:
    """The times of `tags`, which stand in the order in which they are to be asked."""
    if policy.tags.time is TagTime.FIRST_SEEN:
        return _first_seen(repository, tags, known, current)
    return (yield from _created(policy, repository, tags, known))


def _first_seen(
    repository: Repository, tags: Sequence[str], known: Known, current: str | None
) -> Times:
    """Which of the tags at the first look is newer nobody knows; but all that came later are newer
    than the current one, which was there.
    """
    if known.ledger_failure:
        return Times(failure=known.ledger_failure)
    records = known.records.get(repository, {})
    by_tag: dict[str, datetime | str] = {}
    for tag in tags:
        record = records.get(tag)
        if record is None:
            by_tag[tag] = "never listed, so nothing is known of its age"
        elif record.is_seeded and tag != current:
            since = shown_time(record.first_seen_at)
            by_tag[tag] = f"there at the first look ({since}), so its age is not known"
        else:
            by_tag[tag] = record.first_seen_at
    return Times(by_tag)


def _created(
    policy: Policy, repository: Repository, tags: Sequence[str], known: Known
) -> Asking[Times]:
    unseen = [tag for tag in tags if not _is_seen(repository, tag, known)]
    yield from known.ask_facts((repository, tag) for tag in unseen[:MAX_UNSEEN])
    if len(unseen) > MAX_UNSEEN:
        left = len(unseen) - MAX_UNSEEN
        return Times(
            failure=f"{left} of {len(tags)} tags are still to be asked when they were built"
        )
    digests = dict(_digests(repository, tags, known))
    failure = _first_failure(known.facts[repository, tag] for tag in unseen)
    found = {digest for digest in digests.values() if isinstance(digest, Digest)}
    yield from known.ask_contents((repository, digest) for digest in found)
    manifests = {
        digest: _used_manifests(policy, known.contents[repository, digest]) for digest in found
    }
    yield from known.ask_created(
        (repository, manifest) for several in manifests.values() for manifest in several
    )
    failure = failure or _first_failure(known.contents[repository, digest] for digest in found)
    by_tag: dict[str, datetime | str] = {}
    for tag, digest in digests.items():
        if isinstance(digest, str):
            by_tag[tag] = digest
            continue
        answers = [known.created[repository, manifest] for manifest in manifests[digest]]
        failure = failure or _first_failure(answers)
        by_tag[tag] = _newest(answers, known.now)
    return Times(by_tag, failure)


def _is_seen(repository: Repository, tag: str, known: Known) -> bool:
    record = known.records.get(repository, {}).get(tag)
    return (repository, tag) in known.facts or (record is not None and record.digest is not None)


def _digests(
    repository: Repository, tags: Sequence[str], known: Known
) -> Iterator[tuple[str, Digest | str]]:
    """Digest by tag, or why there is none. What was asked just now counts more than the ledger."""
    for tag in tags:
        answer = known.facts.get((repository, tag))
        record = known.records.get(repository, {}).get(tag)
        if isinstance(answer, ImageFacts):
            yield tag, answer.digest
        elif answer is None and record and record.digest:
            yield tag, record.digest
        else:
            yield tag, str(answer)


def _used_manifests(policy: Policy, content: ImageContent | RegistryError) -> list[Digest]:
    """The manifests that run: of the policy's platforms, else of the usual one, else the first."""
    if not isinstance(content, ImageContent):
        return []
    wanted = policy.platforms or (_USUAL,)
    found = [manifest_for(platform, content) for platform in wanted]
    used = [manifest for manifest in found if manifest is not None]
    if used or policy.platforms:
        return used
    return [content.manifests[min(content.manifests)]] if content.manifests else []


def _newest(answers: Sequence[datetime | RegistryError | None], now: datetime) -> datetime | str:
    built = [answer for answer in answers if isinstance(answer, datetime)]
    if not built:
        denied = next((answer for answer in answers if isinstance(answer, RegistryError)), None)
        return str(denied or "the image does not say when it was built")
    newest = max(built)
    if newest < _EARLIEST:
        return f"says it was built {newest:%Y-%m-%d}, a fixed date that tells nothing"
    if newest > now + _CLOCK_SKEW:
        return f"says it was built in the future ({newest:%Y-%m-%d})"
    return newest


def _first_failure(answers: Iterable[object]) -> str:
    """What a later try may change. A tag that is gone, or content of no image, is an answer."""
    for answer in answers:
        if isinstance(answer, RegistryUnavailable):
            return str(answer)
    return ""
