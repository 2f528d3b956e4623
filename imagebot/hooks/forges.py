"""Events of GitLab, Gitea, Forgejo, both Bitbuckets and Azure DevOps: what was pushed and said."""

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from imagebot.delivery import Delivery
from imagebot.forge_addresses import guessed_project
from imagebot.hooks.reading import (
    Project,
    Reading,
    asks_us,
    at,
    document,
    hinted,
    host_of,
    ignored,
    image,
    items,
    project,
    text,
)

_NO_COMMAND = "the comment has no command"


def gitlab(delivery: Delivery) -> Reading:
    body = document(delivery)
    kind = text(body, "object_kind") or text(body, "event_name")
    if kind == "note" and not asks_us(at(body, "object_attributes", "note")):
        return ignored(_NO_COMMAND)
    if kind not in ("push", "tag_push", "merge_request", "note"):
        return ignored(f"the event {kind or 'without a name'}")
    path = text(body, "project", "path_with_namespace")
    return hinted(project(path, text(body, "project", "web_url")))


def gitea(delivery: Delivery) -> Reading:
    """Forgejo sends the same, under the header's older name too."""
    body = document(delivery)
    event = delivery.header("x-forgejo-event") or delivery.header("x-gitea-event")
    if event == "package":
        return _gitea_package(body)
    if event in ("issue_comment", "pull_request_comment"):
        if not asks_us(at(body, "comment", "body")):
            return ignored(_NO_COMMAND)
    elif event not in ("push", "create", "delete") and not event.startswith("pull_request"):
        return ignored(f"the event {event or 'without a name'}")
    path = text(body, "repository", "full_name")
    return hinted(project(path, text(body, "repository", "html_url")))


def _gitea_package(body: object) -> Reading:
    """Its registry is at the host of its web pages."""
    if text(body, "action") != "created" or text(body, "package", "type") != "container":
        return ignored("a package that is no new image")
    pages = (("package", "html_url"), ("repository", "html_url"), ("package", "owner", "html_url"))
    host = next((host for keys in pages if (host := host_of(text(body, *keys)))), "")
    owner, name = text(body, "package", "owner", "login"), text(body, "package", "name")
    return hinted(image(host, f"{owner}/{name}") if owner and name else None)


def bitbucket(delivery: Delivery) -> Reading:
    body = document(delivery)
    event = delivery.header("x-event-key")
    if event.startswith("pullrequest:comment_"):
        if not asks_us(at(body, "comment", "content", "raw")):
            return ignored(_NO_COMMAND)
    elif event != "repo:push" and not event.startswith("pullrequest:"):
        return ignored(f"the event {event or 'without a name'}")
    url = text(body, "repository", "links", "html", "href")
    return hinted(project(text(body, "repository", "full_name"), url))


def bitbucket_server(delivery: Delivery) -> Reading:
    event = delivery.header("x-event-key")
    if event == "diagnostics:ping":  # its body is not that of an event
        return ignored("a ping")
    body = document(delivery)
    if event.startswith("pr:comment:") and not asks_us(at(body, "comment", "text")):
        return ignored(_NO_COMMAND)
    if event == "repo:refs_changed":
        where = at(body, "repository")
    elif event.startswith("pr:"):
        where = at(body, "pullRequest", "toRef", "repository")
    else:
        return ignored(f"the event {event or 'without a name'}")
    key, slug = text(where, "project", "key"), text(where, "slug")
    pages = items(where, "links", "self")
    url = text(pages[0], "href") if pages else ""
    return hinted(project(f"{key}/{slug}", url) if key and slug else None)


def azure_devops(delivery: Delivery) -> Reading:
    body = document(delivery)
    event, resource = text(body, "eventType"), at(body, "resource")
    if event == "ms.vss-code.git-pullrequest-comment-event":
        if not asks_us(at(resource, "comment", "content")):
            return ignored(_NO_COMMAND)
        where = at(resource, "pullRequest", "repository")
    elif event.startswith(("git.push", "git.pullrequest.")):
        where = at(resource, "repository")
    else:
        return ignored(f"the event {event or 'without a name'}")
    return hinted(_azure_project(where))


def _azure_project(where: object) -> Project | None:
    """By the address that git uses, else by the API's, which begins with the organisation."""
    for key in ("remoteUrl", "webUrl"):
        url = text(where, key)
        found = _guarded(guessed_project, url) if "/_git/" in url else ""
        if found:
            return project(found, url)
    url = text(where, "url")
    organization = _guarded(_first_part, url)
    parts = (organization, text(where, "project", "name"), text(where, "name"))
    return project("/".join(parts), url) if all(parts) else None


def _guarded(find: Callable[[str, str], str | None], url: str) -> str:
    """What is found in an address that a stranger wrote; "" where it is none."""
    try:
        return find(url, "azure-devops") or ""
    except ValueError:
        return ""


def _first_part(url: str, kind: str) -> str:
    parts = urlsplit(url)
    host, old = parts.hostname or "", ".visualstudio.com"
    if host.endswith(old):
        return host.removesuffix(old)
    return unquote(parts.path.strip("/").partition("/")[0])
