"""When a registry took a tag in, by its own word, where its kind tells.

One function for each kind of registry: it asks for one or more tags of a repository and gives back
what the registry says of each, the digest included. Whoever asked compares that with the digest
that the tag has: what such an API says of an older push must not make a newer one look old.
A registry that does not know the tag, or keeps silent about its time, gives nothing.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from imagebot.errors import InvalidReference, NotInRegistry
from imagebot.image import Digest, Repository
from imagebot.registries import distribution
from imagebot.registries.limits import Budget
from imagebot.registries.moments import moment_after, moment_in, when_pushed
from imagebot.registries.rules import Kind
from imagebot.registries.session import PULL, GuardedSession

ACR_METADATA = "metadata_read"  # the action that Azure wants in a token for its own API
_PAGES = 100
_BELIEVED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Push:
    """A tag was pointed to a digest at that time."""

    digest: Digest
    pushed_at: datetime


TagKey = tuple[Repository, str]


class Recent:
    """What registries told lately, or that they told nothing: asked again after an hour.

    A service that looks every few minutes would else ask as often about each tag that waits.
    Thread-safe.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, max_entries: int = 10_000
    ) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._told: dict[TagKey, tuple[float, Push | None]] = {}

    def get_many(self, keys: Iterable[TagKey]) -> dict[TagKey, Push | None]:
        now = self._clock()
        with self._lock:
            found = {key: self._told[key] for key in keys if key in self._told}
        return {key: push for key, (until, push) in found.items() if until > now}

    def put_many(self, told: Mapping[TagKey, Push | None]) -> None:
        until = self._clock() + _BELIEVED_SECONDS
        with self._lock:
            for key, push in told.items():
                self._told.pop(key, None)
                self._told[key] = (until, push)
            while len(self._told) > self._max_entries:
                del self._told[next(iter(self._told))]


Ask = Callable[[GuardedSession, Repository, Sequence[str]], Mapping[str, Push]]


def docker_hub(
    session: GuardedSession, repository: Repository, tags: Sequence[str]
) -> dict[str, Push]:
    """`tag_last_pushed` (docs.docker.com/reference/api/hub). Private ones are not found."""
    namespace, _, name = repository.path.partition("/")
    found = {}
    for tag in tags:
        path = f"/v2/namespaces/{namespace}/repositories/{quote(name, safe='')}/tags/{tag}"
        answer = _object(session, repository, path)
        images = _objects(answer.get("images"))
        digest = answer.get("digest") or (images[0].get("digest") if len(images) == 1 else None)
        found[tag] = _push(digest, moment_in(answer.get("tag_last_pushed")))
    return _said(found)


def quay(session: GuardedSession, repository: Repository, tags: Sequence[str]) -> dict[str, Push]:
    """`start_ts` of the tag that is alive (docs.quay.io/api, listRepoTags)."""
    found = {}
    for tag in tags:
        query = urlencode({"specificTag": tag, "onlyActiveTags": "true", "limit": 1})
        path = f"/api/v1/repository/{repository.path}/tag/?{query}"
        for entry in _objects(_object(session, repository, path).get("tags")):
            if entry.get("name") == tag:
                pushed_at = moment_after(entry.get("start_ts"), per_second=1)
                found[tag] = _push(entry.get("manifest_digest"), pushed_at)
    return _said(found)


def harbor(session: GuardedSession, repository: Repository, tags: Sequence[str]) -> dict[str, Push]:
    """`push_time` of the tag, not of its artifact, which may be much older (Harbor API 2.0)."""
    project, _, rest = repository.path.partition("/")
    name = quote(quote(rest, safe=""), safe="")  # Harbor wants `a/b` as `a%252Fb`
    found = {}
    for tag in tags:
        path = f"/api/v2.0/projects/{project}/repositories/{name}/artifacts/{tag}?with_tag=true"
        artifact = _object(session, repository, path)
        for entry in _objects(artifact.get("tags")):
            if entry.get("name") == tag:
                found[tag] = _push(artifact.get("digest"), moment_in(entry.get("push_time")))
    return _said(found)


def google(session: GuardedSession, repository: Repository, tags: Sequence[str]) -> dict[str, Push]:
    """`timeUploadedMs` of the manifest, which stands in the tag list (go-containerregistry).

    A tag that is put on an older manifest has the time of the manifest: Google tells no other.
    """
    found: dict[str, Push | None] = {}
    budget = Budget(session.limits, f"asking when {repository} was pushed")
    url: str | None = session.url(f"/v2/{repository.path}/tags/list")
    for _ in range(_PAGES):
        if url is None:
            break
        answer = session.request("GET", url, budget, repository=repository.path)
        document = distribution.json_in(
            distribution.expect_ok(answer, str(repository)).body, str(repository)
        )
        manifests = document.get("manifest")
        for digest, entry in manifests.items() if isinstance(manifests, dict) else ():
            names = entry.get("tag") if isinstance(entry, dict) else None
            for tag in set(tags).intersection(names if isinstance(names, list) else ()):
                uploaded_at = moment_after(entry.get("timeUploadedMs"), per_second=1000)
                found[tag] = _push(digest, uploaded_at)
        url = distribution.linked_page(answer)
    return _said(found)


def acr(session: GuardedSession, repository: Repository, tags: Sequence[str]) -> dict[str, Push]:
    """`lastUpdateTime` of the tag (Azure Container Registry REST API)."""
    found = {}
    for tag in tags:
        path = f"/acr/v1/{repository.path}/_tags/{tag}"
        entry = _object(session, repository, path, actions=ACR_METADATA).get("tag")
        if isinstance(entry, dict):
            found[tag] = _push(entry.get("digest"), moment_in(entry.get("lastUpdateTime")))
    return _said(found)


ASK: Mapping[Kind, Ask] = {
    Kind.DOCKER_HUB: docker_hub,
    Kind.QUAY: quay,
    Kind.HARBOR: harbor,
    Kind.GOOGLE: google,
    Kind.ACR: acr,
}
AT_ONCE = {Kind.GOOGLE}  # one answer tells of all tags of a repository


def _object(
    session: GuardedSession, repository: Repository, path: str, *, actions: str = PULL
) -> dict[str, Any]:
    """The answer to a question about one tag, {} where the registry knows no such tag."""
    name = f"when {repository} was pushed"
    url, budget = session.url(path), Budget(session.limits, f"asking {name}")
    headers = {"Accept": "application/json"}
    answer = session.request(
        "GET", url, budget, repository=repository.path, headers=headers, actions=actions
    )
    try:
        return distribution.json_in(distribution.expect_ok(answer, name).body, name)
    except NotInRegistry:
        return {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _push(digest: object, pushed_at: datetime | None) -> Push | None:
    pushed_at = when_pushed(pushed_at)
    try:
        return Push(Digest(str(digest)), pushed_at) if pushed_at else None
    except InvalidReference:
        return None


def _said(found: Mapping[str, Push | None]) -> dict[str, Push]:
    return {tag: push for tag, push in found.items() if push is not None}
