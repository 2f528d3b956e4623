"""Release notes between two versions of a project, read from its forge.

Talks to GitHub, GitLab, Gitea and Forgejo, on hosts that are public or of the settings: which host
is asked is never up to a label alone. A token goes to its own forge alone, and there only for
projects of the same owner as the git repository it was given for, so that a label cannot have it
read what the owner's people may not see. Failures cost the notes and nothing else; what was found
is kept, what was not is asked for again a day later.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from imagebot.details import Release
from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges.transport import ForgeSession, origin_of
from imagebot.interfaces import DigestCache
from imagebot.secret import Secret
from imagebot.sources import Source, SourceHost

TIMEOUT_SECONDS = 10.0
MAX_PAGES = 4
PER_PAGE = 30
MAX_RELEASES = 20  # of one step
MAX_TEXT = 20_000  # characters of one release
ASK_AGAIN_AFTER = timedelta(days=1)  # what was not there, or not complete
REST_AFTER_FAILURE = timedelta(minutes=30)  # of a host
_VERSION = "releases 1:"
_NUMBERS = re.compile(r"(?<![\d.])v?(\d{1,10}(?:\.\d{1,10}){0,3})(?![\d.])")
_PRE = re.compile(r"(?i)^[-.+]?(alpha|beta|rc|pre|dev|snapshot|m\d)")
log = logging.getLogger(__name__)


class Access(NamedTuple):
    """A token for projects of one owner on one forge."""

    api_url: str
    owner: str  # the first part of a project's path
    token: Callable[[], Secret | None]


class _Key(NamedTuple):
    """A version as far as it orders releases."""

    numbers: tuple[int, ...]
    is_release: bool
    pre_release: str = ""


@dataclass(slots=True)
class Releases:
    """Satisfies `describing.ReleaseReader`."""

    cache: DigestCache
    accesses: Sequence[Access] = ()
    _failed_at: dict[str, datetime] = field(default_factory=dict)  # by API's origin

    def between(self, source: Source, old: str, new: str, now: datetime) -> tuple[Release, ...]:
        """Releases after `old` up to `new` (tags of the image), newest first."""
        if source.host.kind not in _ASK or not source.host.api_url:
            return ()
        key = f"{_VERSION}{source.host.api_url} {source.project} {old} {new}"
        kept = _loaded(self.cache.get_many([key]).get(key, b""), now)
        if kept is not None:
            return kept
        wanted = _Wanted.of(old, new)
        if wanted is None or self._rests(source.host, now):
            return ()
        try:
            found, is_complete = self._asked(source, wanted)
        except ForgeError as error:
            log.warning(
                "no release notes of %(project)s: %(error)s",
                {"project": source.name, "error": str(error)},
            )
            if isinstance(error, ForgeUnavailable):
                self._failed_at[origin_of(source.host.api_url)] = now
                return ()
            found, is_complete = (), False  # moved, or no project at all
        self.cache.put_many({key: _dumped(found, None if is_complete else now)})
        return found

    def _rests(self, host: SourceHost, now: datetime) -> bool:
        failed_at = self._failed_at.get(origin_of(host.api_url))
        return failed_at is not None and failed_at <= now < failed_at + REST_AFTER_FAILURE

    def _asked(self, source: Source, wanted: "_Wanted") -> tuple[tuple[Release, ...], bool]:
        """The releases, and whether that of the new version is among them."""
        headers = {"Accept": "application/json", **self._authorization(source)}
        found: list[Release] = []
        with ForgeSession(origin_of(source.host.api_url), TIMEOUT_SECONDS) as session:
            for page in range(1, MAX_PAGES + 1):
                answer = session.get(_ASK[source.host.kind](source, page), headers=headers)
                if answer.status_code in (401, 403, 404):
                    break  # not there, or not for us: no reason to try again soon
                if answer.status_code != 200:
                    raise ForgeError(f"{source.name}: its releases answered {answer.status_code}")
                entries = answer.json()
                if not isinstance(entries, list):
                    raise ForgeError(f"{source.name}: its releases are no list")
                read = [_release(entry, source) for entry in entries]
                found += [release for release in read if release is not None]
                if len(entries) < PER_PAGE or any(wanted.is_older(each.tag) for each in found):
                    break
        return wanted.chosen(found)

    def _authorization(self, source: Source) -> dict[str, str]:
        owner = source.project.partition("/")[0].casefold()
        for access in self.accesses:
            is_same = origin_of(access.api_url) == origin_of(source.host.api_url)
            if is_same and access.owner.casefold() == owner:
                token = access.token()
                if token is not None:
                    scheme = "token" if source.host.kind in ("gitea", "forgejo") else "Bearer"
                    return {"Authorization": f"{scheme} {token.reveal()}"}
        return {}


def _github(source: Source, page: int) -> str:
    base = f"{source.host.api_url.rstrip('/')}/repos/{quote(source.project)}"
    return f"{base}/releases?per_page={PER_PAGE}&page={page}"


def _gitlab(source: Source, page: int) -> str:
    base = f"{source.host.api_url.rstrip('/')}/api/v4/projects/{quote(source.project, safe='')}"
    return f"{base}/releases?per_page={PER_PAGE}&page={page}"


def _gitea(source: Source, page: int) -> str:
    base = f"{source.host.api_url.rstrip('/')}/api/v1/repos/{quote(source.project)}"
    return f"{base}/releases?draft=false&limit={PER_PAGE}&page={page}"


_ASK: Mapping[str, Callable[[Source, int], str]] = {
    "github": _github,
    "gitlab": _gitlab,
    "gitea": _gitea,
    "forgejo": _gitea,
}


def _release(entry: Any, source: Source) -> Release | None:
    """One entry of any of the forges, None for a draft or for what is none."""
    if not isinstance(entry, dict) or entry.get("draft") or entry.get("upcoming_release"):
        return None
    links = entry.get("_links")
    url = entry.get("html_url") or (links.get("self") if isinstance(links, dict) else "")
    tag = entry.get("tag_name")
    if not isinstance(tag, str) or not tag:
        return None
    is_own = isinstance(url, str) and url.startswith(f"{source.host.origin}/")
    published = _text(entry, "published_at") or _text(entry, "released_at")
    day = re.match(r"\d{4}-\d{2}-\d{2}", published)
    return Release(
        tag=tag[:200],
        title=_text(entry, "name")[:200],
        url=str(url) if is_own else "",
        published_on=day[0] if day else "",
        text=(_text(entry, "body") or _text(entry, "description"))[:MAX_TEXT],
    )


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


class _Wanted(NamedTuple):
    """Which releases lie between two tags of an image."""

    old: _Key
    new: _Key

    @classmethod
    def of(cls, old: str, new: str) -> "_Wanted | None":
        """None where one of the tags has no version, or nothing lies between."""
        before, after = _parsed(old), _parsed(new)
        if before is None or after is None or not before[1] < after[1]:
            return None
        return cls(before[1], after[1])

    def is_older(self, tag: str) -> bool:
        parsed = _parsed(tag)
        return parsed is not None and parsed[1] <= self.old

    def chosen(self, releases: Sequence[Release]) -> tuple[tuple[Release, ...], bool]:
        """Those of one name only: `chart-1.2.3` is no release of what `v1.2.3` is one of."""
        parsed = [(found[0], found[1], each) for each in releases
                  if (found := _parsed(each.tag)) is not None]  # fmt: skip
        names = [name for name, key, _ in parsed if key == self.new]
        wanted = min(names, key=lambda name: (len(name), name), default="")
        between = [
            (key, each)
            for name, key, each in parsed
            if name == wanted
            and self.old < key <= self.new
            and (key.is_release or not self.new.is_release)
        ]
        between.sort(key=lambda pair: (pair[0], pair[1].tag), reverse=True)
        return tuple(each for _, each in between[:MAX_RELEASES]), bool(names)


def _parsed(tag: str) -> tuple[str, _Key] | None:
    """What stands before a tag's version, and the version; None where there is none.

    What follows it counts only where it says pre-release: `-alpine` is another image of the same.
    """
    found = _NUMBERS.search(tag[:200])
    if found is None:
        return None
    numbers = tuple(int(number) for number in found[1].split("."))
    rest = tag[found.end() : 200]
    is_release = not _PRE.match(rest)
    key = _Key(numbers + (0,) * (4 - len(numbers)), is_release, "" if is_release else rest)
    return tag[: found.start()].strip("-_/@."), key


def _dumped(releases: Sequence[Release], asked_at: datetime | None) -> bytes:
    rows = [[each.tag, each.title, each.url, each.published_on, each.text] for each in releases]
    return json.dumps([asked_at.isoformat() if asked_at else None, rows]).encode()


def _loaded(kept: bytes, now: datetime) -> tuple[Release, ...] | None:
    """None where nothing is kept, or where it is time to ask again."""
    try:
        asked_at, rows = json.loads(kept)
        if asked_at is not None and not (
            timedelta(0) <= now - datetime.fromisoformat(asked_at) < ASK_AGAIN_AFTER
        ):
            return None
        return tuple(Release(*map(str, row)) for row in rows)
    except (ValueError, TypeError):
        return None
