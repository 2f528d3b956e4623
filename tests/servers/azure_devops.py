"""The part of Azure DevOps' REST API (7.1) that pull requests need, over bare git.

Written from its published description (tests/contracts/azure-devops.json) and from what it does
beyond it: a list cuts descriptions after 400 characters, one pull request alone has no labels, a
wrong token is shown a page to sign in at.
"""

from base64 import b64encode
from collections.abc import Callable

from imagebot.demo.json_server import Answer, Request
from tests.servers import azure_kept as kept
from tests.servers.azure_kept import STATES, AzurePull, id_of
from tests.servers.azure_talk import AzureTalk
from tests.servers.forge import Document, Pull, Refusal, Repository

__all__ = ["AzureServer", "id_of"]


class AzureServer(AzureTalk):
    """Repositories are added as `organization/project/name`."""

    contract = "azure-devops"

    def __init__(self) -> None:
        super().__init__()
        self.teams = {"platform": ["alice"], "everybody": ["alice", "bob", "mallory"]}
        self.shows_sign_in = False  # instead of a 401

    def authorise(self, request: Request) -> None:
        basic = b64encode(f":{self.token}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            if self.shows_sign_in:
                raise Refusal(203, "<html><title>Azure DevOps Services | Sign In</title></html>")
            raise self.refusal(401, "TF400813: The user is not authorized", "Unauthorized")
        if request.query.get("api-version") not in ("7.1", "7.1-preview.1"):
            raise self.refusal(400, "No api-version was supplied", "VssVersionNotSpecified")

    def not_found(self) -> Refusal:
        return self.refusal(
            404, "TF401019: The Git repository does not exist", "GitRepositoryNotFoundException"
        )

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        place = r"/([^/]+)/([^/]+)/_apis/git/repositories/([^/]+)"
        pull, teams = rf"{place}/pullrequests/(\d+)", "/([^/]+)/_apis/projects/([^/]+)/teams"
        comments = rf"{pull}/threads/(\d+)/comments"
        return [
            ("GET", place, self._show_repository),
            ("GET", f"{place}/pullrequests", self._list),
            ("POST", f"{place}/pullrequests", self._open),
            ("GET", pull, self._show),
            ("PATCH", pull, self._change),
            ("PUT", f"{pull}/reviewers/([^/]+)", self._ask_review),
            ("GET", f"{pull}/threads", self.list_threads),
            ("POST", f"{pull}/threads", self.open_thread),
            ("PATCH", rf"{pull}/threads/(\d+)", self.change_thread),
            ("POST", comments, self.reply),
            ("POST", rf"{comments}/(\d+)/likes", self.like),
            ("GET", f"{pull}/statuses", self.list_pull_statuses),
            ("POST", f"{pull}/statuses", self.set_pull_status),
            ("GET", f"{pull}/labels", self.list_labels),
            ("POST", f"{pull}/labels", self.add_label),
            ("DELETE", f"{pull}/labels/([^/]+)", self.remove_label),
            ("GET", f"{place}/commits/([0-9a-f]+)/statuses", self.list_statuses),
            ("POST", f"{place}/commits/([0-9a-f]+)/statuses", self.set_status),
            ("GET", "/([^/]+)/([^/]+)/_apis/policy/evaluations", self.list_evaluations),
            ("GET", "/([^/]+)/_apis/connectionData", self.show_connection),
            ("GET", "/([^/]+)/_apis/identities", self.find_identities),
            ("GET", "/([^/]+)/_apis/accesscontrollists/([^/]+)", self.show_access),
            ("GET", teams, self._list_teams),
            ("GET", f"{teams}/([^/]+)/members", self._list_members),
        ]

    def refusal(self, status: int, message: str, kind: str) -> Refusal:
        document = {
            "$id": "1",
            "innerException": None,
            "message": message,
            "typeName": f"Microsoft.TeamFoundation.Git.Server.{kind}",
            "typeKey": kind,
            "errorCode": 0,
            "eventId": 3000,
        }
        return Refusal(status, document)

    def _show_repository(self, request: Request, *names: str) -> Answer:
        return Answer(200, kept.repository_document(self.root, self.repository("/".join(names))))

    def _list(self, request: Request, *names: str) -> Answer:
        repository, query = self.repository("/".join(names)), request.query
        status = query.get("searchCriteria.status", "active")
        found = []
        for pull in reversed(repository.pulls):
            head = f"refs/heads/{pull.head}"
            if (
                status in ("all", STATES[pull.state])
                and query.get("searchCriteria.sourceRefName", head) == head
            ):
                document = self._document(repository, pull)
                found.append(kept.listed(self.root, document, pull.labels))
        return self.paged(request, found)

    def _open(self, request: Request, *names: str) -> Answer:
        repository, wanted = self.repository("/".join(names)), request.document
        head = wanted["sourceRefName"].removeprefix("refs/heads/")
        base = wanted["targetRefName"].removeprefix("refs/heads/")
        self._check_branches(repository, head, base)
        if self.open_twin(repository, head, base):
            raise self.refusal(
                409,
                "TF401179: An active pull request for the source and target branch already exists.",
                "GitPullRequestExistsException",
            )
        made = self.add_pull(repository, wanted["title"], wanted.get("description", ""), head, base)
        assert isinstance(made, AzurePull)
        made.is_draft = wanted.get("isDraft", False)
        return Answer(201, self._document(repository, made))

    def _check_branches(self, repository: Repository, *branches: str) -> None:
        if any(self.commit_of(repository.bare, branch) is None for branch in branches):
            raise self.refusal(
                400,
                "TF401398: The pull request cannot be activated because the source and/or the "
                f"target branch no longer exists: {', '.join(branches)}",
                "GitPullRequestCannotBeActivated",
            )

    def _show(self, request: Request, *names: str) -> Answer:
        return Answer(200, self._document(*self.pull_of(*names)))

    def _change(self, request: Request, *names: str) -> Answer:
        (repository, pull), wanted = self.pull_of(*names), request.document
        if "targetRefName" in wanted:
            if len(wanted) > 1:
                raise self.refusal(400, "Retarget alone", "InvalidArgumentValueException")
            base = wanted["targetRefName"].removeprefix("refs/heads/")
            self._check_branches(repository, base)
            pull.base = base
        if pull.state == "merged":
            raise self.refusal(400, "Not active", "GitPullRequestNotEditableException")
        pull.title = wanted.get("title", pull.title)
        pull.body = wanted.get("description", pull.body)
        if wanted.get("status") == "abandoned":
            pull.state = "closed"
        self.set_completion(repository, pull, wanted)
        before = self._document(repository, pull) | {"mergeStatus": "queued"}
        if wanted.get("status") == "completed":
            self.complete(repository, pull)
        told = before if self.completes_late else self._document(repository, pull)
        return Answer(200, told)

    def _ask_review(self, request: Request, *names: str) -> Answer:
        repository = self.repository("/".join(names[:3]))
        pull = self.pull(repository, names[3])
        known = {id_of(name): name for name in self.people}
        known |= {id_of(f"team:{name}"): f"acme/{name}" for name in self.teams}
        who = known.get(names[4])
        if who not in repository.members:
            raise self.refusal(400, f"{who} cannot review this", "InvalidReviewerException")
        pull.reviewers += [] if who in pull.reviewers else [who]
        return Answer(200, kept.reviewer(self.root, who))

    def _list_teams(self, request: Request, organization: str, project: str) -> Answer:
        teams = [
            {"id": id_of(f"team:{name}"), "name": name, "projectName": project, "url": self.root}
            for name in self.teams
        ]
        return self.paged(request, teams)

    def _list_members(self, request: Request, organization: str, project: str, team: str) -> Answer:
        names = next(
            (names for name, names in self.teams.items() if id_of(f"team:{name}") == team), None
        )
        if names is None:
            raise self.refusal(404, "The team does not exist", "TeamNotFoundException")
        members = [
            {"identity": kept.identity(self.root, name), "isTeamAdmin": False} for name in names
        ]
        return self.paged(request, members)

    def _document(self, repository: Repository, pull: Pull) -> Document:
        assert isinstance(pull, AzurePull)
        merge_status = self.merge_status(repository, pull)
        return kept.pull_document(self.root, repository, pull, merge_status=merge_status)
