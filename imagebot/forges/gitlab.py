"""Merge requests on GitLab, by python-gitlab. GitLab's own words stay in this module.

Network. The same story as `github.py`: found by source branch, a refused duplicate or a lost
answer is looked up again, nothing is retried. GitLab also acts on a line of any text that starts
with `/` (a quick action: `/merge`, `/assign`), so no such line leaves this module alive.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import gitlab
from gitlab.exceptions import GitlabError
from gitlab.v4.objects import Project, ProjectMergeRequest

from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges.texts import as_kept, differing, missing_labels, refuse_long_body, renewed
from imagebot.forges.transport import ForgeSession, RateLimited, Refused, origin_of, shown
from imagebot.model import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_BODY_CHARACTERS = 1_048_576
MAX_LISTED = 10_000
MAX_NOTES_READ = 300
NEEDS = "a token with the scope api and the role Developer"
_DRAFT = re.compile(r"draft:\s*", re.IGNORECASE)
_QUICK_ACTION = re.compile(r"(?m)^([ \t]*)/(?=[A-Za-z])")
_REFUSED_AS_DUPLICATE_OR_INVALID = {400, 409, 422}

log = logging.getLogger(__name__)


class GitLab:
    """One project on GitLab. `project` is its path with all groups: `group/sub/config`."""

    name = "gitlab"
    has_pull_requests = True
    max_body_characters = MAX_BODY_CHARACTERS

    def __init__(
        self,
        project: str,
        token: Secret,
        *,
        url: str = "https://gitlab.com",
        timeout_seconds: float = 30,
        ca_file: Path | None = None,
    ) -> None:
        self._path = project
        self._token = token
        # As a bearer, since that takes personal, project, group and OAuth tokens alike.
        self._api = gitlab.Gitlab(
            url,
            oauth_token=token.reveal(),
            ssl_verify=str(ca_file) if ca_file else True,
            timeout=timeout_seconds,
            per_page=100,
            keep_base_url=True,  # else pages behind a proxy would be asked of another host
            user_agent="imagebot",
            session=ForgeSession(origin_of(url), timeout_seconds),
        )

    def git_credentials(self) -> tuple[str, Secret]:
        """User name and password for HTTPS."""
        return "oauth2", self._token

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        missing, found = set(heads), dict[str, PullRequest]()
        if not missing:
            return found
        with self._asking("list the merge requests"):
            for request in islice(self._requests(state="opened"), MAX_LISTED):
                if request.source_branch in missing and _is_ours(request):
                    missing.discard(request.source_branch)
                    found[request.source_branch] = _told(request)
                if not missing:
                    break
            for head in sorted(missing):
                newest = self._newest(head)
                if newest is not None:
                    found[head] = newest
        return found

    def create(self, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        try:
            with self._asking(f"open a merge request for {changes.branch}"):
                request = self._project().mergerequests.create(
                    {
                        "source_branch": changes.branch,
                        "target_branch": changes.base,
                        "title": changes.title,
                        "description": _inert(changes.body),
                        "labels": ",".join(changes.labels),
                    }
                )
                created = _told(request)
        except RateLimited:
            raise
        except ForgeUnavailable as error:  # it may have acted before its answer was lost
            created = self._open_one(changes.branch, error)
        except Refused as error:
            if error.status not in _REFUSED_AS_DUPLICATE_OR_INVALID:
                raise
            return self.update(self._open_one(changes.branch, error), changes)
        self._request_reviews(created.number, changes.reviewers)
        return self.update(created, changes)

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        draft = _DRAFT.match(pull_request.title)  # a person's mark, which is a part of the title
        texts = differing(
            pull_request,
            title=(draft.group() if draft else "") + changes.title,
            body=_inert(changes.body),
            base=changes.base,
        )
        labels = missing_labels(pull_request, changes.labels)
        words = {"title": "title", "body": "description", "base": "target_branch"}
        wanted = {words[name]: text for name, text in texts.items()}
        if labels:
            wanted["add_labels"] = ",".join(labels)
        if wanted:
            with self._asking(f"update merge request !{pull_request.number}"):
                self._project().mergerequests.update(pull_request.number, wanted)
        return renewed(pull_request, texts, labels)

    def close(self, pull_request: PullRequest, comment: str, *, body: str | None = None) -> None:
        comment = _inert(comment)
        with self._asking(f"close merge request !{pull_request.number}"):
            requests = self._project().mergerequests
            notes = requests.get(pull_request.number, lazy=True).notes
            said = islice(notes.list(iterator=True), MAX_NOTES_READ)
            # An earlier try may have got as far as the comment.
            if not any(as_kept(earlier.body) == as_kept(comment) for earlier in said):
                notes.create({"body": comment})
            texts = {} if body is None else {"description": _inert(body)}
            requests.update(pull_request.number, {"state_event": "close", **texts})

    def _project(self) -> Project:
        return self._api.projects.get(self._path, lazy=True)  # asks nothing

    def _requests(self, **filters: str) -> Iterable[ProjectMergeRequest]:
        return self._project().mergerequests.list(
            iterator=True, order_by="created_at", sort="desc", **filters
        )

    def _newest(self, head: str) -> PullRequest | None:
        """The newest merge request of exactly this branch of ours, an open one before all others.

        The target branch is no filter: one that a person retargeted is still ours.
        """
        first_page = islice(self._requests(source_branch=head), 100)
        ours = [
            _told(request)
            for request in first_page
            if request.source_branch == head and _is_ours(request)
        ]
        is_open = PullRequestState.OPEN
        return min(ours, key=lambda told: (told.state is not is_open, -told.number), default=None)

    def _open_one(self, head: str, otherwise: ForgeError) -> PullRequest:
        """The open merge request of this branch after all; raises `otherwise` if there is none."""
        try:
            with self._asking(f"look for the merge request of {head}"):
                found = self._newest(head)
        except ForgeError as error:
            log.info("%s", error)
            raise otherwise from error
        if found is None or found.state is not PullRequestState.OPEN:
            raise otherwise
        return found

    def _request_reviews(self, number: int, reviewers: Sequence[str]) -> None:
        """GitLab takes ids of users; it drops silently whom it does not want as a reviewer."""
        try:
            with self._asking(f"request reviews of merge request !{number}"):
                ids = {name: self._user_id(name) for name in reviewers}
                known = [user_id for user_id in ids.values() if user_id is not None]
                taken = set[str]()
                if known:
                    answer = self._project().mergerequests.update(number, {"reviewer_ids": known})
                    taken = {user["username"].casefold() for user in answer.get("reviewers", ())}
        except ForgeError as error:
            log.warning("no review by %s: %s", ", ".join(reviewers), error)
            return
        refused = [name for name in reviewers if name.casefold() not in taken]
        if refused:
            log.warning(
                "no review by %s: GitLab knows no such user, or does not let that one review !%d",
                ", ".join(refused),
                number,
            )

    def _user_id(self, name: str) -> int | None:
        if "/" in name:
            return None  # a group cannot be asked by name
        users = self._api.users.list(username=name, get_all=False)
        return next(
            (user.id for user in users if user.username.casefold() == name.casefold()), None
        )

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        """Turn what python-gitlab raises inside the block into our errors."""
        try:
            yield
        except GitlabError as error:
            raise self._translated(error, doing) from error
        except (AttributeError, KeyError, TypeError) as error:
            raise ForgeUnavailable(
                f"cannot {doing} of {self._path}: GitLab's answer has not the shape it should"
            ) from error

    def _translated(self, error: GitlabError, doing: str) -> ForgeError:
        status = error.response_code or 0
        said = shown(error.error_message, self._token.reveal())
        hint = {
            401: "the token is wrong, revoked or expired",
            403: f"imagebot needs {NEEDS}",
            404: f"it does not exist, or the token may not see it: imagebot needs {NEEDS}",
        }.get(status, "")
        return Refused(
            f"cannot {doing} of {self._path}: GitLab answered {status}: {said}",
            status=status,
            hint=hint,
        )


def _is_ours(request: ProjectMergeRequest) -> bool:
    """False for a fork's branch of the same name."""
    return bool(request.source_project_id == request.target_project_id)


def _inert(text: str) -> str:
    """The same text to read, in which no line starts with a quick action."""
    return _QUICK_ACTION.sub(r"\1&#47;", text)


def _told(request: ProjectMergeRequest) -> PullRequest:
    states = {"closed": PullRequestState.CLOSED, "merged": PullRequestState.MERGED}
    return PullRequest(
        number=request.iid,
        url=request.web_url,
        state=states.get(request.state, PullRequestState.OPEN),  # "locked" is on its way to merged
        head=request.source_branch,
        base=request.target_branch,
        title=request.title,
        body=request.description or "",
        labels=tuple(request.labels),
    )
