"""Pull requests on Azure DevOps Services and Server (REST API 7.1), over plain REST.

Network. The same story as `github.py`. A list tells labels but only the first 400 characters of a
description, and one alone tells the whole description but no labels: so each pull request of ours
that has a longer text costs one more request. Names of people are looked up in the project's
teams, since the service that knows all identities is on another host.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from imagebot.errors import ForgeError
from imagebot.forges import steps
from imagebot.forges.rest import Basic, Nothing, RestApi, Told
from imagebot.forges.texts import differing, missing_labels, refuse_long_body, renewed
from imagebot.forges.transport import Refused
from imagebot.model import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_BODY_CHARACTERS = 4_000
ROOM_FOR_EMOJI = 100  # it counts in UTF-16
LISTED_BODY_CHARACTERS = 400
PAGE = 100
MAX_TEAMS_READ = 100
MAX_MEMBERS_READ = 2_000
NEEDS = "a token with the scope Code (read & write)"
_API = {"api-version": "7.1"}
_BRANCH = "refs/heads/"
_DUPLICATE = frozenset({400, 409})
_IDENTITY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

log = logging.getLogger(__name__)

Item = TypeVar("Item")


class _Listed(Told, Generic[Item]):
    value: list[Item]


class _Label(Told):
    name: str
    active: bool = True


class _Pull(Told):
    pullRequestId: int
    status: str
    title: str
    description: str | None = None
    sourceRefName: str
    targetRefName: str
    forkSource: Nothing | None = None
    labels: list[_Label] | None = None


class _Comment(Told):
    content: str | None = None


class _Thread(Told):
    comments: list[_Comment] | None = None


class _Team(Told):
    id: str
    name: str


class _Identity(Told):
    id: str
    displayName: str | None = None
    uniqueName: str | None = None


class _Member(Told):
    identity: _Identity


class AzureDevOps:
    """One repository. `project` is `organization/project/name`, on a server `collection/...`."""

    name = "azure-devops"
    has_pull_requests = True
    max_body_characters = MAX_BODY_CHARACTERS - ROOM_FOR_EMOJI

    def __init__(
        self,
        project: str,
        token: Secret,
        *,
        url: str = "https://dev.azure.com",
        timeout_seconds: float = 30,
        ca_file: Path | None = None,
    ) -> None:
        organization, _, rest = project.partition("/")
        team_project, _, repository = rest.partition("/")
        self._token = token
        self._team_project = quote(team_project, safe="")
        place = f"{self._team_project}/_apis/git/repositories/{quote(repository, safe='')}"
        self._pulls = f"{place}/pullrequests"
        root = f"{url.rstrip('/')}/{quote(organization, safe='')}"
        self._page = f"{root}/{self._team_project}/_git/{quote(repository, safe='')}/pullrequest"
        self._api = RestApi(
            "Azure DevOps",
            root,
            Basic("", token),
            project=project,
            needs=NEEDS,
            secret=token,
            timeout_seconds=timeout_seconds,
            ca_file=ca_file,
        )

    def git_credentials(self) -> tuple[str, Secret]:
        """User name and password for HTTPS; the name does not count beside a token."""
        return "imagebot", self._token

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        with self._api.asking("list the pull requests"):
            found = steps.find(heads, (self._open_ones, self._closed_ones))
            return {head: self._whole(pull) for head, pull in found.items()}

    def create(self, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        created, is_new = steps.open_or_adopt(
            lambda: self._open(changes),
            lambda: self._open_one(changes.branch),
            duplicate=_DUPLICATE,
        )
        if is_new and changes.reviewers:
            self._ask_reviews(created.number, changes.reviewers)
        return self.update(created, changes)

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        """The target is changed apart from the texts, which a retargeting does not take along."""
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        number = pull_request.number
        texts = differing(pull_request, title=changes.title, body=changes.body, base=changes.base)
        words = {"title": "title", "body": "description"}
        wanted = {words[name]: text for name, text in texts.items() if name in words}
        with self._api.asking(f"update pull request !{number}"):
            if wanted:
                self._change(number, wanted)
            if "base" in texts:
                self._change(number, {"targetRefName": _BRANCH + texts["base"]})
        labels = missing_labels(pull_request, changes.labels)
        return renewed(pull_request, texts, self._labelled(number, labels))

    def close(self, pull_request: PullRequest, comment: str, *, body: str | None = None) -> None:
        threads = f"{self._pulls}/{pull_request.number}/threads"
        with self._api.asking(f"close pull request !{pull_request.number}"):
            listed = self._api.ask("GET", threads, _Listed[_Thread], query=_API)
            said = (each.content or "" for one in listed.value for each in one.comments or ())
            if not steps.is_said(comment, said):
                words = {"parentCommentId": 0, "content": comment, "commentType": "text"}
                thread = {"comments": [words], "status": "closed"}
                self._api.ask("POST", threads, Nothing, query=_API, document=thread)
            if body is not None and body != pull_request.body:
                self._change(pull_request.number, {"description": body})
            self._change(pull_request.number, {"status": "abandoned"})

    def _open(self, changes: ChangeSet) -> PullRequest:
        wanted = {
            "sourceRefName": _BRANCH + changes.branch,
            "targetRefName": _BRANCH + changes.base,
            "title": changes.title,
            "description": changes.body,
        }
        with self._api.asking(f"open a pull request for {changes.branch}"):
            return self._told(
                self._api.ask("POST", self._pulls, _Pull, query=_API, document=wanted)
            )

    def _open_one(self, head: str) -> PullRequest | None:
        with self._api.asking(f"look for the pull request of {head}"):
            found = next(self._listed("active", PAGE, head), None)
            return self._whole(found) if found else None

    def _open_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        return self._listed("active", steps.MAX_OPEN_LISTED)

    def _closed_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        """Each head is asked for alone, open ones again included: they come first."""
        for head in sorted(heads):
            yield from steps.newest_first(self._listed("all", PAGE, head))

    def _listed(self, status: str, limit: int, head: str = "") -> Iterator[PullRequest]:
        """Newest first; those from forks are left out."""
        wanted = {"searchCriteria.status": status}
        if head:
            wanted["searchCriteria.sourceRefName"] = _BRANCH + head
        for pull in islice(self._pages(self._pulls, _Listed[_Pull], wanted), limit):
            told = self._told(pull)
            if pull.forkSource is None and (not head or told.head == head):
                yield told

    def _pages(
        self, path: str, shape: type[_Listed[Item]], query: Mapping[str, str]
    ) -> Iterator[Item]:
        skipped, count = 0, PAGE
        while count == PAGE:
            counted = {**_API, **query, "$top": PAGE, "$skip": skipped}
            page = self._api.ask("GET", path, shape, query=counted)
            yield from page.value
            count = len(page.value)
            skipped += count

    def _whole(self, pull: PullRequest) -> PullRequest:
        """With all of its text, where the list may have cut it."""
        if len(pull.body) < LISTED_BODY_CHARACTERS:
            return pull
        alone = self._api.ask("GET", f"{self._pulls}/{pull.number}", _Pull, query=_API)
        return renewed(pull, {"body": alone.description or ""}, ())

    def _change(self, number: int, wanted: Mapping[str, Any]) -> None:
        path = f"{self._pulls}/{number}"
        self._api.ask("PATCH", path, _Pull, query=_API, document=dict(wanted))

    def _labelled(self, number: int, names: Sequence[str]) -> tuple[str, ...]:
        """Those that were put on; a label that does not exist yet is made by that."""
        done = []
        for name in names:
            try:
                with self._api.asking(f"label pull request !{number}"):
                    path = f"{self._pulls}/{number}/labels"
                    self._api.ask("POST", path, _Label, query=_API, document={"name": name})
            except Refused as error:
                log.warning("no label %s: %s (%s)", name, error, error.hint)
            else:
                done.append(name)
        return tuple(done)

    def _ask_reviews(self, number: int, names: Sequence[str]) -> None:
        """People by e-mail address, name or id, teams by name; all but ids are looked up."""
        try:
            with self._api.asking("list the teams of the project"):
                identities = self._identities(names)
        except ForgeError as error:
            log.warning("no review by %s: %s", ", ".join(names), error)
            return

        def ask(name: str) -> None:
            if name not in identities:
                raise ForgeError("no team of the project has such a name or member")
            with self._api.asking(f"request a review of pull request !{number}"):
                path = f"{self._pulls}/{number}/reviewers/{quote(identities[name])}"
                self._api.ask("PUT", path, Nothing, query=_API, document={"vote": 0})

        steps.ask_each(names, ask)

    def _identities(self, names: Sequence[str]) -> dict[str, str]:
        """Id by name. Teams first, then their members, until all names are known."""
        found = {name: name for name in names if _IDENTITY.fullmatch(name)}
        wanted = {name.rpartition("/")[2].casefold(): name for name in names if name not in found}
        if not wanted:
            return found
        path = f"_apis/projects/{self._team_project}/teams"
        teams = list(islice(self._pages(path, _Listed[_Team], {}), MAX_TEAMS_READ))
        for team in teams:
            if name := wanted.pop(team.name.casefold(), None):
                found[name] = team.id
        for team in teams:
            if not wanted:
                break
            members = self._pages(f"{path}/{quote(team.id)}/members", _Listed[_Member], {})
            for member in islice(members, MAX_MEMBERS_READ):
                for known_as in (member.identity.uniqueName, member.identity.displayName):
                    if name := wanted.pop((known_as or "").casefold(), None):
                        found[name] = member.identity.id
        return found

    def _told(self, pull: _Pull) -> PullRequest:
        states = {
            "abandoned": PullRequestState.CLOSED,
            "completed": PullRequestState.MERGED,
        }
        return PullRequest(
            number=pull.pullRequestId,
            url=f"{self._page}/{pull.pullRequestId}",
            state=states.get(pull.status, PullRequestState.OPEN),
            head=pull.sourceRefName.removeprefix(_BRANCH),
            base=pull.targetRefName.removeprefix(_BRANCH),
            title=pull.title,
            body=pull.description or "",
            labels=tuple(label.name for label in pull.labels or () if label.active),
        )
