"""The dashboard's issue on Gitea and Forgejo.

Network. Where issues are switched off they list pull requests in their place, which are left out.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal

from imagebot.forges import steps
from imagebot.forges.gitea_api import GiteaApi, User
from imagebot.forges.rest import Nothing, Told
from imagebot.forges.texts import as_kept
from imagebot.forges.transport import Refused
from imagebot.talk import Issue

MAX_ISSUES_READ = 300

log = logging.getLogger(__name__)


class _Issue(Told):
    number: int
    html_url: str
    title: str
    body: str | None = None
    state: Literal["open", "closed"]
    user: User
    pull_request: Nothing | None = None


class _Features(Told):
    has_issues: bool
    external_tracker: Nothing | None = None


class GiteaIssues(GiteaApi):
    def find_issue(self, marker: str) -> Issue | None:
        with self._api.asking("look for an issue"):
            for state in ("open", "closed"):
                for issue in self._own_issues(state):
                    if marker in (issue.body or ""):
                        return _told(issue)
            repository = self._api.ask("GET", self._repository, _Features)
        if not repository.has_issues or repository.external_tracker is not None:
            raise Refused(
                f"{self._project} has no issues",
                status=403,
                hint="switch issues on in the repository's settings, or the dashboard off in "
                "imagebot's",
            )
        return None

    def open_issue(self, title: str, body: str, labels: Sequence[str]) -> Issue:
        ids = self._labels_of_issue(labels)
        wanted = {"title": title, "body": body, "labels": ids}

        def open_it() -> Issue:
            with self._api.asking("open an issue"):
                path = f"{self._repository}/issues"
                return _told(self._api.ask("POST", path, _Issue, document=wanted))

        def look() -> Iterable[Issue]:
            with self._api.asking("look for the issue that was opened"):
                yield from map(_told, self._own_issues("open"))

        return steps.open_issue(open_it, look, title=title, body=body)

    def update_issue(self, issue: Issue, *, title: str, body: str) -> Issue:
        is_same = (issue.title, as_kept(issue.body)) == (title, as_kept(body))
        if is_same and issue.is_open:
            return issue
        wanted = {"title": title, "body": body, **({} if issue.is_open else {"state": "open"})}
        with self._api.asking(f"update issue #{issue.number}"):
            path = f"{self._repository}/issues/{issue.number}"
            self._api.ask("PATCH", path, _Issue, document=wanted)
        return replace(issue, title=title, body=body, is_open=True)

    def _labels_of_issue(self, names: Sequence[str]) -> list[int]:
        try:
            with self._api.asking("look for the labels of an issue"):
                return self._ids_of_labels(names)
        except Refused as error:
            log.warning("no label %s: %s (%s)", ", ".join(names), error, error.hint)
            return []

    def _own_issues(self, state: str) -> Iterator[_Issue]:
        """Newest first, which is their order where no other is asked for."""
        own = self._login()
        listed = self._pages(
            f"{self._repository}/issues",
            list[_Issue],
            state=state,
            type="issues",
            created_by=own,
        )
        for issue in islice(listed, MAX_ISSUES_READ):
            if issue.user.login == own and issue.pull_request is None:
                yield issue


def _told(issue: _Issue) -> Issue:
    return Issue(
        number=issue.number,
        url=issue.html_url,
        title=issue.title,
        body=issue.body or "",
        is_open=issue.state == "open",
    )
