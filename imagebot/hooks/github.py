"""GitHub's events: what is pushed and said in a repository, and packages of its registry."""

from imagebot.delivery import Delivery
from imagebot.hooks.reading import (
    Image,
    Reading,
    asks_us,
    at,
    form_or_json,
    hinted,
    ignored,
    image,
    image_of,
    project,
    text,
)

_REGISTRY = "ghcr.io"
_COMMENTS = {
    "issue_comment": "comment",
    "pull_request_review_comment": "comment",
    "pull_request_review": "review",
}
_PACKAGES = ("package", "registry_package")


def read(delivery: Delivery) -> Reading:
    event = delivery.header("x-github-event").lower()
    body = form_or_json(delivery)
    if event in _PACKAGES:
        return _package(at(body, event), text(body, "action"))
    if event in _COMMENTS and not asks_us(at(body, _COMMENTS[event], "body")):
        return ignored("the comment has no command")
    if event in ("push", "pull_request", *_COMMENTS):
        return hinted(project(text(body, "repository", "full_name"), _url(body)))
    return ignored(f"the event {event or 'without a name'}")


def _url(body: object) -> str:
    return text(body, "repository", "html_url")


def _package(package: object, action: str) -> Reading:
    """The address of the package, else its owner and name; either may be in upper case."""
    if action.lower() not in ("published", "updated"):
        return ignored(f"a package was {action or 'touched'}")
    if text(package, "package_type").lower() not in ("container", "docker"):
        return ignored("a package that is no image")
    return hinted(_address(package))


def _address(package: object) -> Image | None:
    url = text(package, "package_version", "package_url")
    if "." in url.partition("/")[0]:
        return image_of(url)
    owner = text(package, "owner", "login") or text(package, "namespace")
    name = text(package, "name")
    return image(_REGISTRY, f"{owner}/{name}") if owner and name else None
