"""What the Azure DevOps-like server answers about threads, labels, statuses, people and merging."""

from collections import defaultdict
from typing import Any

from imagebot.demo import bare as git
from imagebot.demo.json_server import Answer, Request
from tests.servers import azure_kept as kept
from tests.servers.azure_kept import AzurePull, Policy, Said, Status, Thread, id_of
from tests.servers.forge import Document, ForgeServer, Refusal, Repository

NOBODY = "00000000-0000-0000-0000-000000000000"
METHODS = {"noFastForward": "merge", "squash": "squash", "rebase": "rebase"}


class AzureTalk(ForgeServer):
    pull_type = AzurePull

    def __init__(self) -> None:
        super().__init__()
        self.policies: dict[str, list[Policy]] = defaultdict(list)  # by path of the repository
        self.statuses: dict[str, dict[str, Status]] = {}  # by commit and context
        # Effective permissions on git repositories by person, groups included.
        self.access = {"imagebot": 16390, "alice": 16390, "bob": 16386, "mallory": 0}
        self.denied: dict[str, int] = {}
        self.has_own_lists = True  # repositories have access control lists beside their project's
        self.completes_late = False
        self._thread_count = 0
        self._status_count = 0

    def refusal(self, status: int, message: str, kind: str) -> Refusal:
        raise NotImplementedError

    # --- What people do, and what the service does by itself -------------------------------------

    def azure_pull(self, path: str, number: int) -> AzurePull:
        found = self.pull(self.repository(path), str(number))
        assert isinstance(found, AzurePull)
        return found

    def start_thread(self, pull: AzurePull, author: str, text: str, status: str) -> Thread:
        self._thread_count += 1
        kind = "text" if status else "system"
        made = Thread(self._thread_count, [Said(1, author, text, kind=kind)], status)
        pull.threads.append(made)
        if kind == "text":
            pull.comments.append((author, text))
        return made

    def say_as(self, path: str, number: int, author: str, text: str) -> None:
        self.start_thread(self.azure_pull(path, number), author, text, "active")

    def reply_as(self, path: str, number: int, thread: int, author: str, text: str) -> None:
        (found,) = (each for each in self.azure_pull(path, number).threads if each.id == thread)
        found.comments.append(Said(len(found.comments) + 1, author, text, 1))

    def see_head(self, pull: AzurePull) -> None:
        """While it is open a pull request follows its branch."""
        bare = pull.source.bare if pull.source else None
        commit = self.commit_of(bare, pull.head) if bare and pull.state == "open" else None
        pull.head_commit = commit or pull.head_commit

    def merge_status(self, repository: Repository, pull: AzurePull) -> str:
        self.see_head(pull)
        base = self.commit_of(repository.bare, pull.base)
        if pull.state != "open" or not base or not pull.head_commit:
            return "succeeded" if pull.state == "merged" else "notSet"
        is_mergeable = git.is_mergeable(repository.bare, base, pull.head_commit)
        return "succeeded" if is_mergeable else "conflicts"

    def is_free(self, repository: Repository, pull: AzurePull) -> bool:
        policies = self.policies[repository.path]
        is_held_up = any(each.is_blocking and each.verdict(pull) != "approved" for each in policies)
        return not is_held_up and self.merge_status(repository, pull) == "succeeded"

    def complete(self, repository: Repository, pull: AzurePull) -> None:
        pull.merge_method = METHODS[pull.strategy]
        git.merge(repository.bare, pull.base, pull.head_commit, pull.merge_method)
        pull.state = "merged"
        self._branches.clear()

    def complete_what_may(self, path: str) -> None:
        """Auto-complete."""
        self._branches.clear()
        repository = self.repository(path)
        for pull in repository.pulls:
            assert isinstance(pull, AzurePull)
            is_waiting = pull.state == "open" and pull.auto_complete_by and not pull.is_draft
            self.see_head(pull)
            verdicts = {each.verdict(pull) for each in self.policies[path]}  # optional ones too
            if is_waiting and verdicts <= {"approved"} and self.is_free(repository, pull):
                self.complete(repository, pull)

    # --- Answers ---------------------------------------------------------------------------------

    def paged(self, request: Request, documents: list[Any], *, most: int = 101) -> Answer:
        top = int(request.query.get("$top", most))
        skip = int(request.query.get("$skip", 0))
        return self.whole(documents[skip : skip + top])

    def whole(self, documents: list[Any]) -> Answer:
        return Answer(200, {"value": documents, "count": len(documents)})

    def pull_of(self, *names: str) -> tuple[Repository, AzurePull]:
        repository = self.repository("/".join(names[:3]))
        found = self.pull(repository, names[3])
        assert isinstance(found, AzurePull)
        return repository, found

    def list_threads(self, request: Request, *names: str) -> Answer:
        _, pull = self.pull_of(*names)
        return self.whole([kept.thread(self.root, each) for each in pull.threads])

    def open_thread(self, request: Request, *names: str) -> Answer:
        _, pull = self.pull_of(*names)
        (said,) = request.document["comments"]
        status = request.document.get("status", "active")
        made = self.start_thread(pull, self.login, said["content"], status)
        return Answer(200, kept.thread(self.root, made))

    def change_thread(self, request: Request, *names: str) -> Answer:
        _, pull = self.pull_of(*names)
        thread = self._thread_of(pull, names[4])
        thread.status = request.document["status"]
        return Answer(200, kept.thread(self.root, thread))

    def _thread_of(self, pull: AzurePull, number: str) -> Thread:
        found = [each for each in pull.threads if each.id == int(number)]
        if not found:
            raise self.refusal(404, "The thread does not exist", "CommentThreadNotFoundException")
        return found[0]

    def reply(self, request: Request, *names: str) -> Answer:
        _, pull = self.pull_of(*names)
        thread, wanted = self._thread_of(pull, names[4]), request.document
        if wanted.get("parentCommentId", 0) not in {0, *(each.id for each in thread.comments)}:
            raise self.refusal(400, "No such parent comment", "ArgumentException")
        parent = wanted.get("parentCommentId", 0)
        said = Said(len(thread.comments) + 1, self.login, wanted["content"], parent)
        thread.comments.append(said)
        pull.comments.append((said.author, said.text))
        return Answer(200, kept.comment(self.root, said))

    def like(self, request: Request, *names: str) -> Answer:
        _, pull = self.pull_of(*names)
        for said in self._thread_of(pull, names[4]).comments:
            if said.id == int(names[5]) and not said.is_deleted:
                said.likes += [] if self.login in said.likes else [self.login]
                return Answer(200)
        raise self.refusal(404, "The comment does not exist", "CommentNotFoundException")

    def list_labels(self, request: Request, *names: str) -> Answer:
        _, pull = self.pull_of(*names)
        return self.whole([kept.label(self.root, name) for name in pull.labels])

    def add_label(self, request: Request, *names: str) -> Answer:
        _, pull = self.pull_of(*names)
        name = request.document["name"]
        pull.labels += [] if name in pull.labels else [name]
        return Answer(200, kept.label(self.root, name))

    def remove_label(self, request: Request, *names: str) -> Answer:
        _, pull = self.pull_of(*names)
        for name in pull.labels:
            if id_of(f"label:{name}") == names[4]:
                pull.labels.remove(name)
                return Answer(200)
        raise self.refusal(404, "The label is not on it", "TagNotFoundException")

    def set_status(self, request: Request, *names: str) -> Answer:
        repository = self.repository("/".join(names[:3]))
        if names[3] not in git.branches(repository.bare).values():
            raise self.refusal(404, "TF401021: no such commit", "GitCommitDoesNotExistException")
        made = self._status(request.document)
        self.statuses.setdefault(names[3], {})[made.context] = made
        return Answer(201, kept.status(self.root, made, self.login))

    def list_statuses(self, request: Request, *names: str) -> Answer:
        shown = self.statuses.get(names[3], {}).values()
        return self.whole([kept.status(self.root, each, self.login) for each in shown])

    def set_pull_status(self, request: Request, *names: str) -> Answer:
        _, pull = self.pull_of(*names)
        pull.statuses.append(self._status(request.document))
        return Answer(200, kept.status(self.root, pull.statuses[-1], self.login))

    def list_pull_statuses(self, request: Request, *names: str) -> Answer:
        """Newest first, the older ones of the same context too."""
        _, pull = self.pull_of(*names)
        shown = [kept.status(self.root, each, self.login) for each in reversed(pull.statuses)]
        return self.whole(shown)

    def _status(self, wanted: Document) -> Status:
        self._status_count += 1
        genre, name = wanted["context"].get("genre", ""), wanted["context"]["name"]
        return Status(
            self._status_count,
            f"{genre}/{name}" if genre else name,
            wanted["state"],
            wanted.get("description", ""),
            wanted.get("targetUrl", ""),
        )

    def list_evaluations(self, request: Request, organization: str, project: str) -> Answer:
        about, _, number = request.query["artifactId"].rpartition("/")
        if about != f"vstfs:///CodeReview/CodeReviewId/{id_of(project)}":
            raise self.refusal(404, "No such artifact", "PolicyArtifactNotFoundException")
        for repository in self._repositories.values():
            if repository.path.startswith(f"{organization}/{project}/"):
                pull = self.azure_pull(repository.path, int(number))
                self.see_head(pull)
                policies = self.policies[repository.path]
                return self.paged(request, [kept.evaluation(each, pull) for each in policies])
        raise self.not_found()

    def show_connection(self, request: Request, organization: str) -> Answer:
        user = {
            "id": id_of(self.login),
            "descriptor": kept.descriptor(self.login),
            "providerDisplayName": self.login.title(),
            "isActive": True,
        }
        return Answer(200, {"authenticatedUser": user, "instanceId": id_of(organization)})

    def find_identities(self, request: Request, organization: str) -> Answer:
        """In the order asked for, null where there is none."""
        known = {id_of(name): name for name in self.people}
        wanted = request.query["identityIds"].split(",")
        found = [
            {
                "id": each,
                "descriptor": kept.descriptor(known[each]),
                "providerDisplayName": known[each].title(),
                "isActive": True,
            }
            if each in known
            else None
            for each in wanted
        ]
        return self.whole(found)

    def show_access(self, request: Request, organization: str, namespace: str) -> Answer:
        """Of a token without a list of its own there is none, and what it inherits is above."""
        token, who = request.query["token"], request.query["descriptors"]
        repositories = self._repositories.values() if self.has_own_lists else ()
        tokens = {
            f"repoV2/{id_of(each.path.split('/')[1])}" for each in self._repositories.values()
        }
        tokens |= {f"repoV2/{id_of(r.path.split('/')[1])}/{id_of(r.path)}" for r in repositories}
        if token not in tokens:
            return self.whole([])
        found = [name for name in self.access if kept.descriptor(name) == who]
        info = {
            "effectiveAllow": sum(self.access[name] for name in found),
            "effectiveDeny": sum(self.denied.get(name, 0) for name in found),
        }
        entry = {"descriptor": who, "allow": 0, "deny": 0, "extendedInfo": info}
        entries = {who: entry} if found else {}
        return self.whole(
            [
                {
                    "inheritPermissions": True,
                    "token": token,
                    "includeExtendedInfo": True,
                    "acesDictionary": entries,
                }
            ]
        )

    # --- Completing ------------------------------------------------------------------------------

    def set_completion(self, repository: Repository, pull: AzurePull, wanted: Document) -> None:
        """What of a change is about merging, before it is merged."""
        pull.strategy = wanted.get("completionOptions", {}).get("mergeStrategy", pull.strategy)
        if "autoCompleteSetBy" in wanted:
            who = wanted["autoCompleteSetBy"]["id"]
            known = {id_of(name): name for name in self.people} | {NOBODY: ""}
            pull.auto_complete_by = known[who]
            self.start_thread(pull, self.login, "changed auto-complete", "")
        if wanted.get("status") == "completed":
            self._check_completion(repository, pull, wanted)

    def _check_completion(self, repository: Repository, pull: AzurePull, wanted: Document) -> None:
        self.see_head(pull)
        commit = wanted.get("lastMergeSourceCommit", {}).get("commitId")
        if commit is None or pull.is_draft:
            kind = "InvalidArgumentValueException"
            raise self.refusal(400, "You must specify a valid LastMergeSourceCommit", kind)
        if commit != pull.head_commit:
            kind = "GitPullRequestStaleException"
            raise self.refusal(409, "TF401192: the source branch has been modified", kind)
        if not self.is_free(repository, pull):
            kind = "GitPullRequestUpdateRejectedByPolicyException"
            raise self.refusal(403, "Required policies are not satisfied", kind)
