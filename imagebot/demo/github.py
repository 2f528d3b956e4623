"""A forge of one's own: the part of GitHub's REST API that pull requests need, over bare git.

For `imagebot demo` and the tests. Heads, commits, differences and mergeability come from the bare
repositories, so a pushed branch is seen as GitHub would see it: a deleted head closes its pull
request, a head that the base contains is merged. Nothing is written to disk.
"""

import re
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

from imagebot.demo import bare as git
from imagebot.demo import github_answers as answers
from imagebot.demo.github_answers import Comment, HostedPull, HostedRepository
from imagebot.demo.json_server import Answer, JsonServer, Request

MAX_TITLE_CHARACTERS = 256
MAX_BODY_CHARACTERS = 65_536
_DOCS = "https://docs.github.com/rest"


class Refusal(Exception):
    """Ends a request with GitHub's way of saying no."""

    def __init__(self, status: int, message: str, errors: Sequence[object] = ()) -> None:
        super().__init__(message)
        document = {"message": message, "documentation_url": _DOCS, "status": str(status)}
        self.answer = Answer(status, document | ({"errors": list(errors)} if errors else {}))


def _invalid(field: str, code: str = "invalid", message: str = "") -> Refusal:
    error = {"resource": "PullRequest", "field": field, "code": code, "message": message}
    return Refusal(422, "Validation Failed", [{k: v for k, v in error.items() if v}])


class EmbeddedForge(JsonServer):
    """Serves from entering to leaving the `with` block; `token` is the one it lets in."""

    def __init__(self, *, login: str = "imagebot") -> None:
        super().__init__()
        self.token = f"ghp_{secrets.token_hex(18)}"
        self.logins_by_token = {self.token: login}
        self._repositories: dict[str, HostedRepository] = {}
        self._comment_count = 0

    @property
    def api_url(self) -> str:
        return self.root

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
            full_name, bare, frozenset(collaborators), _now(), fork_of, default_branch
        )

    def pull_requests(self, full_name: str) -> tuple[HostedPull, ...]:
        """Every pull request, oldest first, as of now."""
        with self.turn:
            return tuple(self._seen(self._repositories[full_name.lower()]).pulls)

    def patch(self, full_name: str, number: int) -> str:
        """What a pull request changes, as a unified diff."""
        with self.turn:
            pull = self._pull(self._repositories[full_name.lower()], str(number))
            return git.patch(pull.head_repository.bare, pull.base_commit, pull.head_commit)

    def answer(self, request: Request) -> Answer:
        try:
            page = re.fullmatch(r"/([^/]+/[^/]+)/pull/(\d+)", request.path)
            if page and request.method == "GET" and not request.path.startswith("/repos/"):
                return self._page(page[1], page[2])
            login = self._login(request)
            for method, pattern, act in self._routes():
                found = re.fullmatch(pattern, request.path)
                if found and method == request.method:
                    return act(request, login, *map(unquote, found.groups()))
            raise Refusal(404, "Not Found")
        except Refusal as refusal:
            return refusal.answer

    def _routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        project, number = r"/repos/([^/]+/[^/]+)", r"(\d+)"
        return [
            ("GET", project, self._show_repository),
            ("GET", f"{project}/pulls", self._list_pulls),
            ("POST", f"{project}/pulls", self._open_pull),
            ("GET", f"{project}/pulls/{number}", self._show_pull),
            ("PATCH", f"{project}/pulls/{number}", self._change_pull),
            ("POST", f"{project}/pulls/{number}/requested_reviewers", self._request_reviews),
            ("GET", f"{project}/issues/{number}/comments", self._list_comments),
            ("POST", f"{project}/issues/{number}/comments", self._say),
            ("POST", f"{project}/issues/{number}/labels", self._add_labels),
        ]

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
        if not 0 < int(number) <= len(hosted.pulls):
            raise Refusal(404, "Not Found")
        return hosted.pulls[int(number) - 1]

    def _seen(self, hosted: HostedRepository) -> HostedRepository:
        """The repository after a look at what was pushed since."""
        bases = git.branches(hosted.bare)
        for pull in hosted.pulls:
            if pull.state == "closed":
                continue
            heads = bases
            if pull.head_repository is not hosted:
                heads = git.branches(pull.head_repository.bare)
            head, base = heads.get(pull.head), bases.get(pull.base)
            if head is None or base is None:
                _close(pull)
                continue
            pull.head_commit, pull.base_commit = head, base
            if not git.difference(pull.head_repository.bare, base, head).commits:
                _close(pull)
                pull.merged_at = pull.closed_at
        return hosted

    def _show_repository(self, request: Request, login: str, name: str) -> Answer:
        return Answer(200, answers.repository(self.root, self._hosted(name)))

    def _list_pulls(self, request: Request, login: str, name: str) -> Answer:
        hosted = self._hosted(name)
        pulls = [pull for pull in hosted.pulls if _is_listed(pull, request.query)]
        if request.query.get("direction", "desc") == "desc":
            pulls.reverse()
        return self._paged(
            request, pulls, lambda pull: answers.pull_in_list(self.root, hosted, pull)
        )

    def _paged(
        self, request: Request, found: Sequence[Any], document: Callable[[Any], object]
    ) -> Answer:
        per_page = min(int(request.query.get("per_page", 30)), 100)
        page = int(request.query.get("page", 1))
        last = max(1, -(-len(found) // per_page))
        links = [
            f"<{self.root}{request.path}?{urlencode({**request.query, 'page': number})}>; "
            f'rel="{rel}"'
            for rel, number in (("next", page + 1), ("last", last))
            if page < last
        ]
        shown = found[(page - 1) * per_page : page * per_page]
        headers = {"Link": ", ".join(links)} if links else {}
        return Answer(200, [document(entry) for entry in shown], headers)

    def _open_pull(self, request: Request, login: str, name: str) -> Answer:
        hosted, wanted = self._hosted(name), request.document
        if not isinstance(wanted, dict) or not {"head", "base", "title"} <= wanted.keys():
            raise Refusal(422, 'Invalid request.\n\n"head", "base" or "title" wasn\'t supplied.')
        source, branch = self._head(hosted, str(wanted["head"]))
        head = git.branches(source.bare).get(branch)
        base = git.branches(hosted.bare).get(wanted["base"])
        if head is None:
            raise _invalid("head")
        if base is None:
            raise _invalid("base")
        for other in hosted.pulls:
            same = (other.head, other.base, other.head_repository) == (
                branch,
                wanted["base"],
                source,
            )
            if same and other.state == "open":
                message = f"A pull request already exists for {source.owner}:{branch}."
                raise _invalid("", "custom", message)
        if not git.difference(source.bare, base, head).commits:
            message = f"No commits between {wanted['base']} and {branch}"
            raise _invalid("", "custom", message)
        _check_texts(wanted)
        pull = HostedPull(
            number=len(hosted.pulls) + 1,
            title=wanted["title"],
            body=wanted.get("body") or "",
            head=branch,
            base=wanted["base"],
            author=login,
            head_repository=source,
            created_at=_now(),
            head_commit=head,
            base_commit=base,
        )
        hosted.pulls.append(pull)
        return Answer(201, self._alone(hosted, pull))

    def _head(self, hosted: HostedRepository, written: str) -> tuple[HostedRepository, str]:
        """The repository and branch of `branch` or `owner:branch`, where owner may have a fork."""
        owner, _, branch = written.rpartition(":")
        if not owner or owner.lower() == hosted.owner.lower():
            return hosted, branch
        for other in self._repositories.values():
            if other.owner == owner and other.fork_of == hosted.full_name:
                return other, branch
        raise _invalid("head")

    def _alone(self, hosted: HostedRepository, pull: HostedPull) -> answers.Document:
        between = (pull.head_repository.bare, pull.base_commit, pull.head_commit)
        is_mergeable = git.is_mergeable(*between) if pull.state == "open" else None
        return answers.pull_alone(self.root, hosted, pull, git.difference(*between), is_mergeable)

    def _show_pull(self, request: Request, login: str, name: str, number: str) -> Answer:
        hosted = self._hosted(name)
        return Answer(200, self._alone(hosted, self._pull(hosted, number)))

    def _change_pull(self, request: Request, login: str, name: str, number: str) -> Answer:
        hosted, wanted = self._hosted(name), request.document or {}
        pull = self._pull(hosted, number)
        _check_texts(wanted)
        base = git.branches(hosted.bare).get(wanted.get("base", pull.base))
        if base is None and "base" in wanted:
            raise _invalid("base")
        pull.title = wanted.get("title", pull.title)
        pull.body = wanted.get("body", pull.body) or ""
        pull.base = wanted.get("base", pull.base)
        pull.base_commit = base or pull.base_commit
        if wanted.get("state") == "closed" and pull.state == "open":
            _close(pull)
        elif wanted.get("state") == "open" and pull.state == "closed" and not pull.merged_at:
            pull.state, pull.closed_at = "open", None
        pull.updated_at = _now()
        return Answer(200, self._alone(hosted, pull))

    def _request_reviews(self, request: Request, login: str, name: str, number: str) -> Answer:
        hosted, wanted = self._hosted(name), request.document or {}
        pull = self._pull(hosted, number)
        users, teams = wanted.get("reviewers", []), wanted.get("team_reviewers", [])
        if pull.author in users:
            raise Refusal(422, "Review cannot be requested from pull request author.")
        names = {*users, *(f"{hosted.owner}/{team}" for team in teams)}
        if not names <= hosted.collaborators:
            raise Refusal(
                422,
                "Reviews may only be requested from collaborators. One or more of the users or "
                f"teams you specified is not a collaborator of the {hosted.full_name} repository.",
            )
        pull.reviewers += [user for user in users if user not in pull.reviewers]
        pull.teams += [team for team in teams if team not in pull.teams]
        return Answer(201, answers.pull_in_list(self.root, hosted, pull))

    def _list_comments(self, request: Request, login: str, name: str, number: str) -> Answer:
        hosted = self._hosted(name)
        pull = self._pull(hosted, number)
        return self._paged(
            request,
            pull.comments,
            lambda said: answers.comment(self.root, hosted, pull, said),
        )

    def _say(self, request: Request, login: str, name: str, number: str) -> Answer:
        hosted = self._hosted(name)
        pull = self._pull(hosted, number)
        self._comment_count += 1
        said = Comment(self._comment_count, login, str(request.document["body"]), _now())
        pull.comments.append(said)
        return Answer(201, answers.comment(self.root, hosted, pull, said))

    def _add_labels(self, request: Request, login: str, name: str, number: str) -> Answer:
        """Labels that the repository does not know are made, as GitHub does."""
        hosted = self._hosted(name)
        pull = self._pull(hosted, number)
        wanted = request.document
        for label in wanted["labels"] if isinstance(wanted, dict) else wanted:
            for known in (hosted.labels, pull.labels):
                if label.lower() not in {other.lower() for other in known}:
                    known.append(label)
        return Answer(200, [answers.label(self.root, hosted, label) for label in pull.labels])

    def _page(self, name: str, number: str) -> Answer:
        """A pull request for a person's browser, without a token: it is on loopback only."""
        pull = self._pull(self._hosted(name), number)
        between = (pull.head_repository.bare, pull.base_commit, pull.head_commit)
        return Answer(
            200,
            f"#{pull.number} {pull.title} ({pull.state})\n\n{pull.body}\n\n{git.patch(*between)}",
        )


def _is_listed(pull: HostedPull, query: Any) -> bool:
    if query.get("state", "open") not in ("all", pull.state):
        return False
    if query.get("base", pull.base) != pull.base:
        return False
    owner, _, branch = query.get("head", "").partition(":")
    if not branch:  # GitHub ignores a head without its owner, and lists everything
        return True
    return (owner.lower(), branch) == (pull.head_repository.owner.lower(), pull.head)


def _check_texts(wanted: Any) -> None:
    limits = (("title", MAX_TITLE_CHARACTERS), ("body", MAX_BODY_CHARACTERS))
    for name, most in limits:
        if len(wanted.get(name) or "") > most:
            raise _invalid(name, "custom", f"{name} is too long (maximum is {most} characters)")


def _close(pull: HostedPull) -> None:
    pull.state, pull.closed_at = "closed", _now()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
