"""CloudEvents 1.0 over HTTP, the CDEvents among them, and the plain JSON of a script.

A structured event is one JSON object, a batch a list of them, a binary one has its attributes in
`ce-` headers and its data in the body (CloudEvents HTTP binding, 3).
"""

from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from imagebot.delivery import Delivery
from imagebot.hooks.clouds import AZURE_PUSH, azure_image
from imagebot.hooks.reading import (
    Image,
    Project,
    Reading,
    Unreadable,
    at,
    document,
    hinted,
    ignored,
    image,
    image_of,
    items,
    project,
    text,
)
from imagebot.hooks.registries import harbor_image

_STRUCTURED = "application/cloudevents"
_BATCH = "application/cloudevents-batch"
_ARTIFACTS = ("dev.cdevents.artifact.packaged.", "dev.cdevents.artifact.published.")
_MAX_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class _Event:
    kind: str
    source: str
    data: object


def cloudevents(delivery: Delivery) -> Reading:
    events = _events(delivery)
    hints = [hint for event in events for hint in _hints(event)]
    if not hints:
        kinds = {event.kind for event in events} - {""}
        return ignored(f"nothing for us in {', '.join(sorted(kinds)[:3]) or 'it'}")
    return hinted(*hints)


def generic(delivery: Delivery) -> Reading:
    return hinted(*_named(document(delivery)))


def _events(delivery: Delivery) -> list[_Event]:
    body = document(delivery)
    kind = delivery.header("content-type").partition(";")[0].strip().lower()
    if kind.startswith(_BATCH):
        if not isinstance(body, list):
            raise Unreadable("a batch is a list of events")
        return [_event(each) for each in body[:_MAX_EVENTS]]
    if kind.startswith(_STRUCTURED) or not delivery.header("ce-type"):
        return [_event(body)]
    return [_Event(delivery.header("ce-type"), delivery.header("ce-source"), body)]


def _event(body: object) -> _Event:
    return _Event(text(body, "type"), text(body, "source"), at(body, "data"))


def _hints(event: _Event) -> list[Image | Project | None]:
    if event.kind == "harbor.artifact.pushed":
        return [harbor_image(event.data)]
    if event.kind == AZURE_PUSH:
        return [azure_image(event.data, event.source)]
    if event.kind.startswith(_ARTIFACTS):
        return list(_package(text(event.data, "subject", "id", limit=2048)))
    return _named(event.data)


def _named(data: object) -> list[Image | Project | None]:
    """What a script or a template names: images by whole references, projects by their paths."""
    references = [text(data, "image"), *(text(each) for each in items(data, "images"))]
    projects = [text(data, "project"), *(text(each) for each in items(data, "projects"))]
    found: list[Image | Project | None] = [image_of(each) for each in references if each]
    name, registry = text(data, "repositoryName"), text(data, "registryUrl")
    if name:
        found.append(image(registry.partition("://")[2] or registry, name))
    return found + [project(each) for each in projects if each]


def _package(purl: str) -> tuple[Image | None, ...]:
    """An image by its package URL: `pkg:oci/api@sha256%3A...?repository_url=ghcr.io/acme/api`."""
    kind, _, rest = purl.partition("/")
    path, _, query = rest.partition("#")[0].partition("?")
    try:
        told = parse_qs(query, max_num_fields=20)
    except ValueError:
        return ()
    place = "".join(told.get("repository_url", [])[:1]).strip("/").lower()
    place = place.partition("://")[2] or place
    name = unquote(path.partition("@")[0]).strip("/").lower()
    if kind == "pkg:docker":
        return (image(place or "docker.io", name),)
    if kind != "pkg:oci" or not place:
        return ()
    # The address ends in the name, but for those who leave that out.
    return image_of(place), image_of(f"{place}/{name}") if not place.endswith(f"/{name}") else None
