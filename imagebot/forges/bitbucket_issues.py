"""The issues of a repository on Bitbucket Cloud, where it still has an issue tracker.

Network. Atlassian is removing the tracker; a repository without one answers 404 or 410. Issues
have no labels.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from imagebot.forges import steps
from imagebot.forges.bitbucket_api import Account, BitbucketApi, Links, Page, Text, quoted
from imagebot.forges.bitbucket_texts import read, written
from imagebot.forges.rest import Nothing, Told
from imagebot.forges.texts import as_kept
from imagebot.forges.transport import Refused
from imagebot.talk import Issue

MAX_ISSUES_READ = 300
NEEDS_ISSUES = "a person's API token with the scopes account and issue:write"
_OPEN = {"submitted", "new", "open", "on hold"}
_SWITCHED_OFF = {404, 410}


class _Issue(Told):
    id: int
    title: str
    state: str
    content: Text
    links: Links
    reporter: Account | None = None


class BitbucketIssues(BitbucketApi):
    def find_issue(self, marker: str) -> Issue | None:
        own = self._own_account()
        if not own:
            raise Refused(
                f"cannot tell which issues of {self._project} are imagebot's",
                status=403,
                hint=f"imagebot needs {NEEDS_ISSUES}",
            )
        closed = None
        for issue in self._told_issues(f"content.raw ~ {quoted(_core(marker))}", own):
            if marker in issue.body:
                if issue.is_open:
                    return issue
                closed = closed or issue
        return closed

    def open_issue(self, title: str, body: str, labels: Sequence[str]) -> Issue:
        document = {"title": title, "content": {"raw": written(body)}, "kind": "task"}

        def open_it() -> Issue:
            with self._api.asking("open an issue", NEEDS_ISSUES):
                path = f"{self._repository}/issues"
                return _told_issue(self._api.ask("POST", path, _Issue, document=document))

        def look() -> Iterable[Issue]:
            return self._told_issues(f"title = {quoted(title)}", self._own_account())

        return steps.open_issue(open_it, look, title=title, body=read(written(body)))

    def update_issue(self, issue: Issue, *, title: str, body: str) -> Issue:
        body = read(written(body))
        if (issue.title, as_kept(issue.body)) != (title, as_kept(body)):
            document = {"title": title, "content": {"raw": written(body)}}
            with self._api.asking(f"update issue #{issue.number}", NEEDS_ISSUES):
                path = f"{self._repository}/issues/{issue.number}"
                told = self._api.ask("PUT", path, _Issue, document=document)
            issue = _told_issue(told)
        if not issue.is_open:
            return self._reopened(issue)
        return issue

    def _reopened(self, issue: Issue) -> Issue:
        change = {"changes": {"state": {"new": "open"}}}
        with self._api.asking(f"reopen issue #{issue.number}", NEEDS_ISSUES):
            path = f"{self._repository}/issues/{issue.number}/changes"
            self._api.ask("POST", path, Nothing, document=change)
        return Issue(issue.number, issue.url, issue.title, issue.body)

    def _told_issues(self, query: str, own: str) -> Iterator[Issue]:
        """Newest first, only ours."""
        try:
            with self._api.asking("look for an issue", NEEDS_ISSUES):
                wanted = {"q": query, "sort": "-created_on"}
                listed = self._pages(f"{self._repository}/issues", Page[_Issue], wanted)
                for issue in islice(listed, MAX_ISSUES_READ):
                    if issue.reporter and issue.reporter.uuid == own:
                        yield _told_issue(issue)
        except Refused as error:
            if error.status in _SWITCHED_OFF:
                raise _no_issues(self._project) from error
            raise


def _core(marker: str) -> str:
    """What is left of an HTML comment when Bitbucket keeps it, as `bitbucket_texts` says."""
    return marker.removeprefix("<!-- ").removesuffix(" -->")


def _no_issues(project: str) -> Refused:
    return Refused(
        f"{project} has no issues",
        status=404,
        hint="switch issues on in the repository's settings where Bitbucket still has them, or "
        "the dashboard off in imagebot's",
    )


def _told_issue(issue: _Issue) -> Issue:
    return Issue(
        number=issue.id,
        url=issue.links.html.href,
        title=issue.title,
        body=read(issue.content.raw or ""),
        is_open=issue.state in _OPEN,
    )
