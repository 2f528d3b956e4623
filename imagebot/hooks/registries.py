"""Events of registries that people run: distribution, Docker Hub, Quay, Harbor, Nexus, Artifactory.

Of a push they tell tags and digests too. Nothing is made of those: the registry itself is asked.
"""

from imagebot.delivery import Delivery
from imagebot.hooks.reading import (
    Image,
    Reading,
    at,
    document,
    hinted,
    host_of,
    ignored,
    image,
    image_of,
    items,
    text,
)

_HARBOR_PUSHES = ("PUSH_ARTIFACT", "pushImage", "harbor.artifact.pushed")


def docker_hub(delivery: Delivery) -> Reading:
    """Its `callback_url` is never called."""
    body = document(delivery)
    if at(body, "push_data") is None:
        return ignored("it tells of no push")
    return hinted(image("docker.io", text(body, "repository", "repo_name")))


def distribution(delivery: Delivery) -> Reading:
    """An envelope of events, of layers and pulls too (distribution docs, notifications)."""
    pushed = [
        event
        for event in items(document(delivery), "events")
        if text(event, "action") == "push" and _is_manifest(at(event, "target"))
    ]
    return (
        hinted(*map(_distribution_image, pushed)) if pushed else ignored("no manifest was pushed")
    )


def _is_manifest(target: object) -> bool:
    kind = text(target, "mediaType")
    return ".manifest." in kind or ".index." in kind or (not kind and bool(text(target, "tag")))


def _distribution_image(event: object) -> Image | None:
    host = text(event, "request", "host") or host_of(text(event, "target", "url"))
    return image(host, text(event, "target", "repository"))


def quay(delivery: Delivery) -> Reading:
    body = document(delivery)
    url = text(body, "docker_url")
    return hinted(image_of(url) if url else image("quay.io", text(body, "repository")))


def harbor(delivery: Delivery) -> Reading:
    """In its own format, or as a CloudEvent."""
    body = document(delivery)
    kind = text(body, "type")
    if kind not in _HARBOR_PUSHES:
        return ignored(f"the event {kind or 'without a name'}")
    told = at(body, "data") if "." in kind else at(body, "event_data")
    return hinted(harbor_image(told))


def harbor_image(told: object) -> Image | None:
    """`resource_url` is HOST/NAME:TAG, or with a digest, or a digest where a tag belongs."""
    name = text(told, "repository", "repo_full_name")
    for resource in items(told, "resources"):
        url = text(resource, "resource_url")
        host, found, _ = (url.partition("://")[2] or url).partition(f"/{name}")
        if name and found and host:
            return image(host, name)
    return image("", name)


def nexus(delivery: Delivery) -> Reading:
    """It tells no host, and a connector may or may not have the repository's name in its paths."""
    body = document(delivery)
    if not delivery.header("x-nexus-webhook-id").endswith("component"):
        return ignored("an event of something else than components")
    if text(body, "action") not in ("CREATED", "UPDATED"):
        return ignored("a component was neither created nor updated")
    if text(body, "component", "format") != "docker":
        return ignored("a component that is no image")
    name, group = text(body, "component", "name"), text(body, "component", "group")
    path = f"{group}/{name}" if group and name else name
    within = text(body, "repositoryName")
    return hinted(image("", path), image("", f"{within}/{path}") if within and path else None)


def artifactory(delivery: Delivery) -> Reading:
    """Its repository may stand in the path, in the host's name, or in neither (a port)."""
    body = document(delivery)
    if (text(body, "domain"), text(body, "event_type")) != ("docker", "pushed"):
        return ignored("no image was pushed")
    host = host_of(text(body, "jpd_origin"))
    key, name = text(body, "data", "repo_key"), text(body, "data", "image_name")
    if not key or not name:
        return ignored("it names no image")
    below = image(f"{key}.{host}", name) if host else None
    return hinted(image(host, f"{key}/{name}"), below, image(host, name))
