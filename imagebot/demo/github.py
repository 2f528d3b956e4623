"""A forge of one's own: the part of GitHub's REST API that pull requests need, over bare git.

For `imagebot demo` and the tests. Heads, commits, differences and mergeability come from the bare
repositories, so a pushed branch is seen as GitHub would see it: a deleted head closes its pull
request, a head that the base contains is merged. Nothing is written to disk.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from imagebot.demo import bare as git
from imagebot.demo import github_answers as answers
from imagebot.demo.github_hosting import Refusal, invalid
from imagebot.demo.github_kept import HostedPull, HostedRepository
from imagebot.demo.github_talk import Talk
from imagebot.demo.json_server import Answer, Request

MAX_TITLE_CHARACTERS = 256
MAX_BODY_CHARACTERS = 65_536


class EmbeddedForge(Talk):
    """Serves from entering to leaving the `with` block; `token` is the one it lets in."""

    @property
    def api_url(self) -> str:
        return self.root

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
            *self._talk_routes(project, number),
        ]

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

    def _open_pull(self, request: Request, login: str, name: str) -> Answer:
        hosted, wanted = self._hosted(name), request.document
        if not isinstance(wanted, dict) or not {"head", "base", "title"} <= wanted.keys():
            raise Refusal(422, 'Invalid request.\n\n"head", "base" or "title" wasn\'t supplied.')
        source, branch = self._head(hosted, str(wanted["head"]))
        head = git.branches(source.bare).get(branch)
        base = git.branches(hosted.bare).get(wanted["base"])
        if head is None:
            raise invalid("head")
        if base is None:
            raise invalid("base")
        for other in hosted.pulls:
            same = (other.head, other.base, other.head_repository) == (
                branch,
                wanted["base"],
                source,
            )
            if same and other.state == "open":
                message = f"A pull request already exists for {source.owner}:{branch}."
                raise invalid("", "custom", message)
        if not git.difference(source.bare, base, head).commits:
            message = f"No commits between {wanted['base']} and {branch}"
            raise invalid("", "custom", message)
        _check_texts(wanted)
        pull = HostedPull(
            number=hosted.next_number(),
            title=wanted["title"],
            body=wanted.get("body") or "",
            head=branch,
            base=wanted["base"],
            author=login,
            head_repository=source,
            created_at=self._now(),
            is_draft=bool(wanted.get("draft")),
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
        raise invalid("head")

    def _show_pull(self, request: Request, login: str, name: str, number: str) -> Answer:
        hosted = self._hosted(name)
        return Answer(200, self._alone(hosted, self._pull(hosted, number)))

    def _change_pull(self, request: Request, login: str, name: str, number: str) -> Answer:
        hosted, wanted = self._hosted(name), request.document or {}
        pull = self._pull(hosted, number)
        _check_texts(wanted)
        base = git.branches(hosted.bare).get(wanted.get("base", pull.base))
        if base is None and "base" in wanted:
            raise invalid("base")
        pull.title = wanted.get("title", pull.title)
        pull.body = wanted.get("body", pull.body) or ""
        pull.base = wanted.get("base", pull.base)
        pull.base_commit = base or pull.base_commit
        if wanted.get("state") == "closed" and pull.state == "open":
            self._close(pull)
        elif wanted.get("state") == "open" and pull.state == "closed" and not pull.merged_at:
            pull.state, pull.closed_at = "open", None
        pull.updated_at = self._now()
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
        pull.updated_at = self._now()
        return Answer(201, answers.pull_in_list(self.root, hosted, pull))

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
            raise invalid(name, "custom", f"{name} is too long (maximum is {most} characters)")
