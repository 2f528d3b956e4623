"""The part of the API (v1) of Gitea and Forgejo that pull requests need, over bare git.

Written from their published Swagger description (tests/contracts/gitea-rest.json, and stricter in
gitea.json) and from what they do beyond it: a PATCH is answered with 201, a head whose branch is
gone keeps its name in `label` only, pages never hold more than `max_items`, addresses in answers
are those of `public_url`, all that stands against a merge is a 405, and a merge that is scheduled
outlives later pushes.
"""

from imagebot.demo import bare as git
from imagebot.demo.json_server import Answer, Request
from tests.servers import contracts
from tests.servers import gitea_kept as kept
from tests.servers.forge import Document, Refusal
from tests.servers.gitea_kept import GiteaPull, GiteaRepository
from tests.servers.gitea_talk import Route, Talk


class GiteaServer(Talk):
    contract = "gitea"
    published = contracts.gitea()

    def authorise(self, request: Request) -> None:
        if request.headers.get("authorization") != f"token {self.token}":
            raise self.refusal(401, "token is required")

    def not_found(self) -> Refusal:
        return self.refusal(404, "The target couldn't be found.")

    def routes(self) -> list[Route]:
        project, number = "/api/v1/repos/([^/]+)/([^/]+)", r"(\d+)"
        return [
            ("GET", f"{project}/pulls", self._list),
            ("POST", f"{project}/pulls", self._open),
            ("GET", f"{project}/pulls/{number}", self._show),
            ("PATCH", f"{project}/pulls/{number}", self._change),
            ("POST", f"{project}/pulls/{number}/merge", self._merge),
            ("DELETE", f"{project}/pulls/{number}/merge", self._cancel),
            ("POST", f"{project}/pulls/{number}/requested_reviewers", self._request_reviews),
            *self.talk_routes(project),
        ]

    def merge_what_may(self, repository: GiteaRepository) -> None:
        """What is scheduled, whatever its head is by now."""
        self._branches.clear()
        for pull in repository.pulls:
            head = self._head(pull)
            may = pull.state == "open" and not pull.is_marked and repository.passes(head or "")
            if pull.scheduled and may:
                self._carry_out(repository, pull, pull.scheduled)

    def check(self, path: str, number: int, context: str, state: str) -> None:
        """A check has run on the head as it is now."""
        self._branches.clear()
        repository = self.repository(path)
        head = self._head(self.pull(repository, str(number))) or ""
        texts = {"context": context, "description": "", "target_url": ""}
        self.set_status_as(repository, head, state=state, **texts)
        self.merge_what_may(repository)

    def _list(self, request: Request, owner: str, name: str) -> Answer:
        repository, state = self.repository(f"{owner}/{name}"), request.query.get("state", "open")
        found = [
            self._document(repository, pull)
            for pull in reversed(repository.pulls)
            if state in ("all", "open" if pull.state == "open" else "closed")
        ]
        return self.paged(request, found)

    def _show(self, request: Request, owner: str, name: str, number: str) -> Answer:
        repository = self.repository(f"{owner}/{name}")
        return Answer(200, self._document(repository, self.pull(repository, number)))

    def _open(self, request: Request, owner: str, name: str) -> Answer:
        repository, wanted = self.repository(f"{owner}/{name}"), request.document
        head, base = wanted["head"], wanted["base"]
        if head == base:
            raise self.refusal(422, "Invalid PullRequest: There are no changes")
        for branch in (head, base):
            if self.commit_of(repository.bare, branch) is None:
                raise self.not_found()
        twin = self.open_twin(repository, head, base)
        if twin:
            raise self.refusal(
                409,
                f"pull request already exists for these targets [id: {twin.number}, head_branch: "
                f"{head}, base_branch: {base}]",
            )
        number, body = repository.next_number(), wanted.get("body", "")
        made = GiteaPull(number, wanted["title"], body, head, base, self.login, repository)
        repository.pulls.append(made)
        self.touch(made)
        return Answer(201, self._document(repository, made))

    def _change(self, request: Request, owner: str, name: str, number: str) -> Answer:
        repository, wanted = self.repository(f"{owner}/{name}"), request.document
        pull = self.pull(repository, number)
        if "base" in wanted and self.commit_of(repository.bare, wanted["base"]) is None:
            raise self.refusal(404, f"branch '{wanted['base']}' does not exist")
        for name in wanted.get("assignees", ()):
            if name not in self.people:
                raise self.refusal(422, f"Assignee does not exist: [name: {name}]")
        pull.title = wanted.get("title") or pull.title
        pull.body = wanted.get("body", pull.body)
        pull.assignees = wanted.get("assignees", pull.assignees)
        for title in repository.milestones:
            if wanted.get("milestone") == kept.milestone_id(repository, title):
                pull.milestone = title
        if "state" in wanted and pull.state == "merged":
            raise self.refusal(
                412, "cannot change state of this pull request, it was already merged"
            )
        pull.state = wanted.get("state", pull.state)
        pull.base = wanted.get("base") or pull.base
        self.touch(pull)
        return Answer(201, self._document(repository, pull))

    def _request_reviews(self, request: Request, owner: str, name: str, number: str) -> Answer:
        repository, wanted = self.repository(f"{owner}/{name}"), request.document
        pull, asked = self.pull(repository, number), []
        for login in wanted.get("reviewers", ()):
            if login not in self.people:
                raise self.refusal(404, f"user does not exist [name: {login}]")
            asked.append(login)
        asked += [f"{owner}/{team}" for team in wanted.get("team_reviewers", ())]
        for reviewer in asked:
            if reviewer not in repository.members:
                raise self.refusal(422, f"{reviewer} is not allowed to be requested to review")
        pull.reviewers += [each for each in asked if each not in pull.reviewers]
        return Answer(201, [kept.review(self.public(), each) for each in asked])

    def _merge(self, request: Request, owner: str, name: str, number: str) -> Answer:
        repository, wanted = self.repository(f"{owner}/{name}"), request.document
        pull = self.pull(repository, number)
        is_scheduling = wanted.get("merge_when_checks_succeed", False)
        self._refuse_merge(repository, pull, is_scheduling)
        if is_scheduling:
            if pull.scheduled:
                raise self.refusal(
                    409,
                    "pull request is already scheduled to auto merge when checks succeed "
                    f"[pull_id: {pull.number}]",
                )
            pull.scheduled = wanted["Do"]
            self.touch(pull)
            self.merge_what_may(repository)  # theirs does it a moment later
            return Answer(201)
        if wanted["Do"] not in repository.merge_styles:
            raise self.refusal(
                405, f"{wanted['Do']} is not allowed an allowed merge style for this repository"
            )
        if wanted.get("head_commit_id") not in (None, "", self._head(pull)):
            raise self.refusal(409, "head out of date")
        self._carry_out(repository, pull, wanted["Do"])
        return Answer(200)

    def _cancel(self, request: Request, owner: str, name: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{owner}/{name}"), number)
        if not pull.scheduled:
            raise self.not_found()
        pull.scheduled = ""
        self.touch(pull)
        return Answer(204)

    def _refuse_merge(
        self, repository: GiteaRepository, pull: GiteaPull, is_scheduling: bool
    ) -> None:
        """In their order and their words."""
        if pull.state == "merged":
            raise self.refusal(405, "")
        if pull.state == "closed":
            raise self.not_found()
        if repository.permissions.get(self.login, "write") not in ("write", "admin"):
            raise self.refusal(405, "User not allowed to merge PR")
        if pull.is_marked:
            raise self.refusal(405, "Work in progress PRs cannot be merged")
        if not self._is_mergeable(repository, pull):
            raise self.refusal(405, "Please try again later")
        if not is_scheduling and not repository.passes(self._head(pull) or ""):
            reason = "Not all required status checks successful"
            raise self.refusal(405, f"not allowed to merge [reason: {reason}]")

    def _carry_out(self, repository: GiteaRepository, pull: GiteaPull, how: str) -> None:
        git.merge(repository.bare, pull.base, self._head(pull) or "", how)
        self._branches.clear()
        pull.state, pull.scheduled, pull.merged_how = "merged", "", how
        self.touch(pull)

    def _head(self, pull: GiteaPull) -> str | None:
        commit = self.commit_of(pull.source.bare, pull.head) if pull.source else None
        pull.last_head = commit or pull.last_head
        return commit

    def _is_mergeable(self, repository: GiteaRepository, pull: GiteaPull) -> bool:
        head, base = self._head(pull), self.commit_of(repository.bare, pull.base)
        may = pull.state == "open" and not pull.is_marked and head and base
        return bool(may) and git.is_mergeable(repository.bare, base, head) is not False

    def _document(self, repository: GiteaRepository, pull: GiteaPull) -> Document:
        return kept.pull_request(
            self.public(),
            repository,
            pull,
            head=self._head(pull),
            base=self.commit_of(repository.bare, pull.base),
            is_mergeable=self._is_mergeable(repository, pull),
        )
