"""What stands behind the demo's forge: repositories, who may come in, pull requests, pages.

Heads, commits and merges are looked up in bare git repositories. Times tick by a second with each
change, from ten minutes ago on, so that no two changes look like one: a forge that says only the
second leaves its clients to guess.
"""

import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from imagebot.demo import bare as git
from imagebot.demo.github_answers import Document, pull_alone
from imagebot.demo.github_kept import HostedPull, HostedRepository
from imagebot.demo.json_server import Answer, JsonServer, Request

_DOCS = "https://docs.github.com/rest"
_START_AGO = timedelta(minutes=10)


class Refusal(Exception):
    """Ends a request with GitHub's way of saying no."""

    def __init__(self, status: int, message: str, errors: Sequence[object] = ()) -> None:
        super().__init__(message)
        document = {"message": message, "documentation_url": _DOCS, "status": str(status)}
        self.answer = Answer(status, document | ({"errors": list(errors)} if errors else {}))


def invalid(field: str, code: str = "invalid", message: str = "") -> Refusal:
    error = {"resource": "PullRequest", "field": field, "code": code, "message": message}
    return Refusal(422, "Validation Failed", [{k: v for k, v in error.items() if v}])


class Hosting(JsonServer):
    """Keeps and looks up; what is answered to which request is the affair of its subclasses."""

    def __init__(self, *, login: str = "imagebot") -> None:
        super().__init__()
        self.token = f"ghp_{secrets.token_hex(18)}"
        self.logins_by_token = {self.token: login}
        self._repositories: dict[str, HostedRepository] = {}
        self._last_change = datetime.now(UTC) - _START_AGO
        self._comment_count = 0

    def add_repository(
        self,
        full_name: str,
        bare: Path,
        *,
        default_branch: str = "main",
        collaborators: Collection[str] = (),
        fork_of: str = "",
    ) -> None:
        """Host a bare repository. Only `collaborators` (users, org/team) can be asked to review."""
        self._repositories[full_name.lower()] = HostedRepository(
            full_name, bare, frozenset(collaborators), self._now(), fork_of, default_branch
        )

    def pull_requests(self, full_name: str) -> tuple[HostedPull, ...]:
        """Every pull request, oldest first, as of now."""
        with self.turn:
            return tuple(self._seen(self._repositories[full_name.lower()]).pulls)

    def repository(self, full_name: str) -> HostedRepository:
        """All that is kept of one repository, to be looked at and changed as people would."""
        return self._repositories[full_name.lower()]

    def patch(self, full_name: str, number: int) -> str:
        """What a pull request changes, as a unified diff."""
        with self.turn:
            pull = self._pull(self._repositories[full_name.lower()], str(number))
            return git.patch(pull.head_repository.bare, pull.base_commit, pull.head_commit)

    def _now(self) -> str:
        self._last_change += timedelta(seconds=1)
        return self._last_change.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _login(self, request: Request) -> str:
        token = request.headers.get("authorization", "").partition(" ")[2]
        login = self.logins_by_token.get(token)
        if login is None:
            raise Refusal(401, "Bad credentials")
        return login

    def _hosted(self, full_name: str) -> HostedRepository:
        hosted = self._repositories.get(full_name.lower())
        if hosted is None:
            raise Refusal(404, "Not Found")
        return self._seen(hosted)

    def _pull(self, hosted: HostedRepository, number: str) -> HostedPull:
        for pull in hosted.pulls:
            if pull.number == int(number):
                return pull
        raise Refusal(404, "Not Found")

    def _seen(self, hosted: HostedRepository) -> HostedRepository:
        """The repository after a look at what was pushed since, and at what may be merged now."""
        bases = git.branches(hosted.bare)
        for pull in hosted.pulls:
            if pull.state == "closed":
                continue
            heads = bases
            if pull.head_repository is not hosted:
                heads = git.branches(pull.head_repository.bare)
            head, base = heads.get(pull.head), bases.get(pull.base)
            if head is None or base is None:
                self._close(pull)
                continue
            if head != pull.head_commit:
                pull.updated_at = self._now()
            pull.head_commit, pull.base_commit = head, base
            if not git.difference(pull.head_repository.bare, base, head).commits:
                self._close(pull)
                pull.merged_at = pull.closed_at
            elif self._merges_by_itself(hosted, pull):
                self._merge(hosted, pull, pull.auto_merge)
                bases = git.branches(hosted.bare)
        return hosted

    def _merges_by_itself(self, hosted: HostedRepository, pull: HostedPull) -> bool:
        """What waits for its turn in a queue is left there: nobody works it off here."""
        if not pull.auto_merge or hosted.has_merge_queue:
            return False
        return self._mergeable_state(hosted, pull) == "clean"

    def _mergeable_state(self, hosted: HostedRepository, pull: HostedPull) -> str:
        between = (pull.head_repository.bare, pull.base_commit, pull.head_commit)
        is_mergeable = git.is_mergeable(*between) if pull.state == "open" else None
        return hosted.mergeable_state(pull, is_mergeable)

    def _merge(self, hosted: HostedRepository, pull: HostedPull, method: str) -> str:
        commit = git.merge(hosted.bare, pull.base, pull.head_commit, method)
        self._close(pull)
        pull.merged_at, pull.merged_by = pull.closed_at, method
        return commit

    def _close(self, pull: HostedPull) -> None:
        pull.state, pull.closed_at = "closed", self._now()
        pull.updated_at = pull.closed_at

    def _alone(self, hosted: HostedRepository, pull: HostedPull) -> Document:
        between = (pull.head_repository.bare, pull.base_commit, pull.head_commit)
        is_mergeable = git.is_mergeable(*between) if pull.state == "open" else None
        return pull_alone(self.root, hosted, pull, git.difference(*between), is_mergeable)

    def _paged(
        self, request: Request, found: Sequence[Any], document: Callable[[Any], object]
    ) -> Answer:
        per_page = min(int(request.query.get("per_page", 30)), 100)
        page = int(request.query.get("page", 1))
        last = max(1, -(-len(found) // per_page))
        links = [
            f"<{self.root}{request.path}?{urlencode({**request.query, 'page': number})}>; "
            f'rel="{rel}"'
            for rel, number, is_there in (
                ("prev", page - 1, page > 1),
                ("next", page + 1, page < last),
                ("last", last, page < last),
                ("first", 1, page > 1),
            )
            if is_there
        ]
        shown = found[(page - 1) * per_page : page * per_page]
        headers = {"Link": ", ".join(links)} if links else {}
        return Answer(200, [document(entry) for entry in shown], headers)
