"""The read path of the OCI distribution API: tags of a repository, digest and type of a tag.

A listing is whole or an error, never a part; what it holds are tags by the grammar, each once.
The digest of a body is computed, and must be the one the registry claims.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from imagebot.errors import InvalidReference, NotInRegistry, RegistryError
from imagebot.image import Digest, Repository, is_tag
from imagebot.model import ImageFacts, TagList
from imagebot.registries.limits import Budget
from imagebot.registries.rules import Origin, resolved
from imagebot.registries.session import GuardedSession
from imagebot.registries.transport import Answer

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
# All four, always: a registry that may not answer with the index answers 404, or with the
# manifest of one platform, whose digest would be taken for a change.
MANIFEST_TYPES = (OCI_INDEX, DOCKER_INDEX, OCI_MANIFEST, DOCKER_MANIFEST)

_ACCEPT = {"Accept": ", ".join(MANIFEST_TYPES)}
_PAGE_SIZE = 1000
_ETAG = re.compile(r'(?:W/)?"[!#-~]{1,256}"', re.ASCII)
_IDLE_PAGES = 3  # pages in a row that may bring no new tag
_NEXT_LINK = re.compile(r"<([^<>]*)>\s*;[^<>]*?\brel\s*=\s*\"?next\b", re.IGNORECASE)
_SCHEMA_1_TYPES = {
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
}
_HASHES = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest's bytes, with the digest they have."""

    digest: Digest
    media_type: str
    body: bytes


def list_tags(session: GuardedSession, repository: Repository) -> TagList:
    """All tags, in the registry's order."""
    listing = list_changed(session, repository, "")
    if listing is None:
        raise AssertionError("unreachable: nothing was named that it could be the same as")
    return listing


def list_changed(session: GuardedSession, repository: Repository, etag: str) -> TagList | None:
    """All tags; None where they are those of the listing that had this tag of HTTP (RFC 9110).

    Only a listing of one page has one: what tells of a page tells nothing of the others.
    """
    budget = Budget(session.limits, f"listing {repository}")
    tags: dict[str, None] = {}
    dropped_count = 0
    asked: set[str] = set()
    idle = 0
    url: str | None = session.url(f"/v2/{repository.path}/tags/list?n={_PAGE_SIZE}")
    while url is not None:
        _check_paging(session, repository, url, asked, idle)
        asked.add(url)
        headers = {"Accept": "application/json"}
        if etag and len(asked) == 1:
            headers["If-None-Match"] = etag
        answer = session.request("GET", url, budget, repository=repository.path, headers=headers)
        if answer.status == HTTPStatus.NOT_MODIFIED and "If-None-Match" in headers:
            return None
        names = _tags_in(expect_ok(answer, str(repository)), repository)
        known_count = len(tags)
        for name in names:
            if isinstance(name, str) and is_tag(name):
                tags[name] = None
            else:
                dropped_count += 1
        if len(tags) > session.limits.tags:
            raise RegistryError(f"{repository} has more than {session.limits.tags} tags")
        idle = idle + 1 if len(tags) == known_count else 0
        url = _next_page(answer, names, is_new=idle == 0)
    new_etag = answer.header("ETag") if len(asked) == 1 else ""
    if not _ETAG.fullmatch(new_etag):
        new_etag = ""
    return TagList(repository, tuple(tags), dropped_count, new_etag)


def facts(session: GuardedSession, repository: Repository, tag: str) -> ImageFacts:
    """Digest and media type behind a tag, by HEAD; by GET where the head does not say."""
    budget = Budget(session.limits, f"asking {repository}:{tag}")
    url = session.url(f"/v2/{repository.path}/manifests/{tag}")
    answer = session.request("HEAD", url, budget, repository=repository.path, headers=_ACCEPT)
    if answer.status == 200:
        media_type = _media_type(answer)
        digest = _claimed_digest(answer)
        if digest is not None and media_type in MANIFEST_TYPES:
            return ImageFacts(tag, digest, media_type)
    elif answer.status == 404:
        raise NotInRegistry(f"{repository}:{tag} does not exist (any more)")
    manifest = read_manifest(session, repository, tag, budget)
    return ImageFacts(tag, manifest.digest, manifest.media_type)


def read_manifest(
    session: GuardedSession, repository: Repository, reference: str, budget: Budget | None = None
) -> Manifest:
    """The manifest behind a tag or digest, its bytes checked against every digest named."""
    name = f"{repository}{'@' if ':' in reference else ':'}{reference}"
    answer = session.request(
        "GET",
        session.url(f"/v2/{repository.path}/manifests/{reference}"),
        budget or Budget(session.limits, f"reading {name}"),
        repository=repository.path,
        headers=_ACCEPT,
    )
    body = expect_ok(answer, name).body
    claimed = _claimed_digest(answer)
    asked = Digest(reference) if ":" in reference else None
    for expected in (claimed, asked):
        if expected is not None and digest_of(body, expected.algorithm) != expected:
            raise RegistryError(
                f"{name}: the bytes are not those of {expected}",
                hint="the registry, or a mirror or proxy in front of it, answers wrongly",
            )
    document = json_in(body, name)
    inner = document.get("mediaType")
    outer = _media_type(answer)
    if outer in _SCHEMA_1_TYPES or document.get("schemaVersion") == 1:
        raise RegistryError(
            f"{name} is in Docker's schema 1, which names no platform and is not supported",
            hint="push the image again with a client of this decade",
        )
    media_type = outer if outer in MANIFEST_TYPES else inner
    if media_type not in MANIFEST_TYPES or inner not in (None, media_type):
        raise RegistryError(f"{name}: neither a manifest nor an index of a kind we know")
    return Manifest(asked or claimed or digest_of(body, "sha256"), media_type, body)


def digest_of(body: bytes, algorithm: str) -> Digest:
    """Raises RegistryError for an algorithm that registries may not use."""
    if algorithm not in _HASHES:
        raise RegistryError(f"digests by {algorithm} are not accepted, only sha256 and sha512")
    return Digest(f"{algorithm}:{_HASHES[algorithm](body).hexdigest()}")


def _check_paging(
    session: GuardedSession, repository: Repository, url: str, asked: set[str], idle: int
) -> None:
    if url in asked or idle >= _IDLE_PAGES:
        raise RegistryError(f"{repository}: the pages of its tag list go round in a circle")
    if len(asked) >= session.limits.pages:
        raise RegistryError(f"{repository}: its tag list has more than {len(asked)} pages")


def _next_page(answer: Answer, names: list[Any], *, is_new: bool) -> str | None:
    """URL of the next page, None on the last (distribution spec, Content Discovery).

    Some registries cut the list at `n` and send no Link: a page exactly that long is followed by
    asking for what comes after its last tag, until that brings nothing new.
    """
    linked = linked_page(answer)
    if linked is not None:
        return linked
    if len(names) == _PAGE_SIZE and is_new and isinstance(names[-1], str):
        query = urlencode({"n": _PAGE_SIZE, "last": names[-1]})
        return f"{answer.url.partition('?')[0]}?{query}"
    return None


def linked_page(answer: Answer) -> str | None:
    """URL that a `Link` names as the next page, on the same host; None without one."""
    for header in answer.headers.get_all("Link") or ():
        found = _NEXT_LINK.search(str(header)[:8192])
        if found:
            url = resolved(answer.url, found[1])
            if Origin.of(url) != answer.origin:
                raise RegistryError(f"{answer.origin} names a next page on another host")
            return url
    return None


def _tags_in(answer: Answer, repository: Repository) -> list[Any]:
    document = json_in(answer.body, str(repository))
    if "tags" in document:
        names = document["tags"]
        if names is None:
            return []
        if isinstance(names, list):
            return names
    raise RegistryError(f"{repository}: {answer.origin} did not answer with a tag list")


def json_in(body: bytes, name: str) -> dict[str, Any]:
    """The JSON object in an answer. Raises RegistryError for anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise RegistryError(f"{name}: the registry did not answer in JSON") from None
    if not isinstance(document, dict):
        raise RegistryError(f"{name}: the registry did not answer with a JSON object")
    return document


def expect_ok(answer: Answer, name: str) -> Answer:
    if answer.status == 200:
        return answer
    if answer.status == 404:
        raise NotInRegistry(
            f"{name} does not exist in the registry", hint="check the spelling of the image name"
        )
    hint = ""
    if answer.status == 400 and answer.origin.scheme == "http":
        hint = "if the registry speaks TLS, remove `insecure: true`"
    raise RegistryError(f"{name}: {answer.origin} answered {answer.status}", hint=hint)


def _media_type(answer: Answer) -> str:
    return answer.header("Content-Type").partition(";")[0].strip().lower()


def _claimed_digest(answer: Answer) -> Digest | None:
    """`Docker-Content-Digest`, None when it is missing. Raises RegistryError when it is none."""
    text = answer.header("Docker-Content-Digest")
    if not text:
        return None
    try:
        digest = Digest(text)
    except InvalidReference:
        raise RegistryError(f"{answer.origin} names a digest that is none") from None
    if digest.algorithm not in _HASHES:
        raise RegistryError(f"{answer.origin} names a digest by {digest.algorithm}")
    return digest
