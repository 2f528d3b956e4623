"""What the Azure DevOps-like server keeps, and how its API tells it."""

import uuid
from dataclasses import dataclass, field

from tests.servers.forge import Document, Pull, Repository

NOW = "2026-11-23T12:00:00.1234567Z"  # with seven digits, as .NET has them
STATES = {"open": "active", "merged": "completed", "closed": "abandoned"}
LISTED_CHARACTERS = 400
BUILD_POLICY = "0609b952-1397-4640-95ec-e00a01b2c241"
REVIEW_POLICY = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"
STATUS_POLICY = "cbdc66da-9728-4af8-aada-9a5a32e4a226"
MERGE_POLICY = "fa4e907d-c16b-4a4c-9dfa-4916e5d171ab"


def id_of(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


@dataclass
class Said:
    id: int
    author: str
    text: str
    parent: int = 0
    kind: str = "text"
    likes: list[str] = field(default_factory=list)
    is_deleted: bool = False


@dataclass
class Thread:
    id: int
    comments: list[Said]
    status: str = ""  # "" of those that the service makes itself


@dataclass
class AzurePull(Pull):
    threads: list[Thread] = field(default_factory=list)
    head_commit: str = ""  # as last seen while it was open
    strategy: str = ""  # of the completion options
    auto_complete_by: str = ""
    statuses: list["Status"] = field(default_factory=list)  # all that were ever shown


@dataclass
class Policy:
    """`verdicts` by number of the pull request and head commit."""

    name: str
    kind: str = STATUS_POLICY
    is_blocking: bool = True
    settings: Document = field(default_factory=dict)
    verdicts: dict[tuple[int, str], str] = field(default_factory=dict)

    def verdict(self, pull: AzurePull) -> str:
        otherwise = "approved" if self.kind == MERGE_POLICY else "queued"
        return self.verdicts.get((pull.number, pull.head_commit), otherwise)


@dataclass(frozen=True)
class Status:
    id: int
    context: str
    state: str
    description: str
    url: str


def unique_name(name: str) -> str:
    return name if "@" in name else f"{name}@acme.example"


def descriptor(name: str) -> str:
    """What access control lists call a person."""
    return f"Microsoft.IdentityModel.Claims.ClaimsIdentity;tenant\\{unique_name(name)}"


def identity(root: str, name: str) -> Document:
    return {
        "id": id_of(name),
        "displayName": name.title(),
        "uniqueName": unique_name(name),
        "url": f"{root}/identities/{id_of(name)}",
    }


def reviewer(root: str, name: str) -> Document:
    return identity(root, name) | {"vote": 0, "hasDeclined": False, "isRequired": False}


def label(root: str, name: str) -> Document:
    return {"id": id_of(f"label:{name}"), "name": name, "active": True, "url": root}


def comment(root: str, said: Said) -> Document:
    told: Document = {
        "id": said.id,
        "parentCommentId": said.parent,
        "author": identity(root, said.author),
        "publishedDate": NOW,
        "lastUpdatedDate": NOW,
        "lastContentUpdatedDate": NOW,
        "commentType": said.kind,
        "usersLiked": [identity(root, who) for who in said.likes],
    }
    return told | ({"isDeleted": True} if said.is_deleted else {"content": said.text})


def thread(root: str, kept: Thread) -> Document:
    told: Document = {
        "id": kept.id,
        "publishedDate": NOW,
        "lastUpdatedDate": NOW,
        "comments": [comment(root, said) for said in kept.comments],
        "threadContext": None,
        "isDeleted": all(said.is_deleted for said in kept.comments),
    }
    return told | ({"status": kept.status} if kept.status else {})


def status(root: str, shown: Status, author: str) -> Document:
    genre, _, name = shown.context.rpartition("/")
    return {
        "id": shown.id,
        "state": shown.state,
        "description": shown.description,
        "context": {"name": name, "genre": genre},
        "creationDate": NOW,
        "createdBy": identity(root, author),
        "targetUrl": shown.url or None,
    }


def evaluation(policy: Policy, pull: AzurePull) -> Document:
    return {
        "evaluationId": id_of(f"evaluation:{policy.name}:{pull.number}"),
        "status": policy.verdict(pull),
        "configuration": {
            "id": 1,
            "isEnabled": True,
            "isBlocking": policy.is_blocking,
            "isDeleted": False,
            "type": {"id": policy.kind, "displayName": policy.name},
            "settings": policy.settings,
        },
    }


def repository_document(root: str, repository: Repository) -> Document:
    organization, project, name = repository.path.split("/")
    return {
        "id": id_of(repository.path),
        "name": name,
        "project": {"id": id_of(project), "name": project, "state": "wellFormed"},
        "url": f"{root}/{organization}/_apis/git/repositories/{id_of(repository.path)}",
    }


def pull_document(
    root: str, repository: Repository, pull: AzurePull, *, merge_status: str
) -> Document:
    """One alone; see `listed` for one of a list."""
    about = repository_document(root, repository)
    document: Document = {
        "repository": about,
        "pullRequestId": pull.number,
        "codeReviewId": pull.number,
        "status": STATES[pull.state],
        "createdBy": identity(root, pull.author),
        "creationDate": f"{pull.created:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "title": pull.title,
        "sourceRefName": f"refs/heads/{pull.head}",
        "targetRefName": f"refs/heads/{pull.base}",
        "mergeStatus": merge_status,
        "isDraft": pull.is_draft,
        "reviewers": [reviewer(root, who) for who in pull.reviewers],
        "url": f"{about['url']}/pullRequests/{pull.number}",
        "supportsIterations": True,
    }
    if pull.head_commit:
        commit = {"commitId": pull.head_commit, "url": f"{about['url']}/commits/{pull.head_commit}"}
        document["lastMergeSourceCommit"] = commit
    if pull.body:  # an empty one is left out
        document["description"] = pull.body
    if pull.auto_complete_by:
        document["autoCompleteSetBy"] = identity(root, pull.auto_complete_by)
    if pull.strategy:
        document["completionOptions"] = {
            "mergeStrategy": pull.strategy,
            "deleteSourceBranch": False,
        }
    if pull.source is not repository:
        fork = {"id": id_of("fork"), "name": "fork", "url": root}
        document["forkSource"] = {"name": document["sourceRefName"], "repository": fork}
    return document


def listed(root: str, document: Document, labels: list[str]) -> Document:
    """With its labels, and the description cut, as .NET counts characters."""
    told = dict(document)
    if "description" in told:
        units = told["description"].encode("utf-16-le")[: 2 * LISTED_CHARACTERS]
        told["description"] = units.decode("utf-16-le", "surrogatepass")
    if labels:
        told["labels"] = [label(root, name) for name in labels]
    return told
