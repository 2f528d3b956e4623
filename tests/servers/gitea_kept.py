"""What the server of Gitea and Forgejo keeps, and the documents it makes of that. Pure.

`url` is where the instance believes to be. Requests and issues are numbered together, times are
told in whole seconds, and texts that an instance does not have are "" and never null.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from imagebot.demo.github_answers import number_of
from tests.servers.forge import NOW, Document, Pull, Repository

START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
DRAFT_MARKS = ("WIP:", "[WIP]")


@dataclass
class Said:
    id: int
    author: str
    body: str
    original_author: str = ""  # where a migration brought it along
    reactions: list[tuple[str, str]] = field(default_factory=list)  # who, content


@dataclass
class GiteaPull(Pull):
    said: list[Said] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    milestone: str = ""
    changed: int = 0  # seconds after START
    last_head: str = ""  # refs/pull/N/head, which outlives the branch
    scheduled: str = ""  # how it is to be merged when the checks succeed
    merged_how: str = ""

    @property
    def is_marked(self) -> bool:
        return self.title.upper().startswith(DRAFT_MARKS)


@dataclass
class HostedIssue:
    number: int
    author: str
    title: str
    body: str
    state: str = "open"
    labels: list[str] = field(default_factory=list)


@dataclass
class Status:
    number: int
    state: str
    context: str
    description: str
    target_url: str


@dataclass
class GiteaRepository(Repository):
    issues: list[HostedIssue] = field(default_factory=list)
    milestones: list[str] = field(default_factory=list)
    permissions: dict[str, str] = field(default_factory=dict)  # by login
    statuses: dict[str, list[Status]] = field(default_factory=dict)  # all ever made, by commit
    required: set[str] = field(default_factory=set)  # contexts, by the base branch's protection
    merge_styles: list[str] = field(default_factory=lambda: ["merge", "rebase", "squash"])
    has_issues: bool = True
    external_tracker: str = ""

    def next_number(self) -> int:
        return len(self.pulls) + len(self.issues) + 1

    def latest(self, commit: str) -> dict[str, Status]:
        """The last status of each context; for the newest first, turn it around."""
        return {each.context: each for each in self.statuses.get(commit, ())}

    def passes(self, commit: str) -> bool:
        latest = self.latest(commit)
        return all(each in latest and latest[each].state == "success" for each in self.required)


def label_id(owner: str, name: str) -> int:
    return number_of(f"{owner}:{name}")


def milestone_id(repository: GiteaRepository, title: str) -> int:
    return number_of(f"{repository.path}%{title}")


def user(url: str, login: str) -> Document:
    return {
        "id": number_of(login),
        "login": login,
        "full_name": login.title(),
        "email": f"{login}@noreply.example",
        "html_url": f"{url}/{login}",
    }


def label(url: str, owner: str, name: str) -> Document:
    return {
        "id": label_id(owner, name),
        "name": name,
        "exclusive": False,
        "is_archived": False,
        "color": "ededed",
        "description": "",
        "url": f"{url}/api/v1/labels/{label_id(owner, name)}",
    }


def milestone(repository: GiteaRepository, title: str) -> Document:
    return {
        "id": milestone_id(repository, title),
        "title": title,
        "description": "",
        "state": "open",
        "open_issues": 0,
        "closed_issues": 0,
        "created_at": NOW,
        "updated_at": NOW,
        "closed_at": None,
        "due_on": None,
    }


def comment(url: str, said: Said) -> Document:
    return {
        "id": said.id,
        "body": said.body,
        "user": user(url, said.author),
        "original_author": said.original_author,
        "original_author_id": number_of(said.original_author) if said.original_author else 0,
        "created_at": NOW,
        "updated_at": NOW,
    }


def branch(repository: GiteaRepository, name: str, commit: str) -> Document:
    return {
        "name": name,
        "commit": {"id": commit},
        "protected": bool(repository.required),
        "required_approvals": 0,
        "enable_status_check": bool(repository.required),
        "status_check_contexts": sorted(repository.required),
        "user_can_push": True,
        "user_can_merge": True,
        "effective_branch_protection_name": name if repository.required else "",
    }


def review(url: str, reviewer: str) -> Document:
    is_team = "/" in reviewer
    return {
        "id": number_of(f"review:{reviewer}"),
        "user": None if is_team else user(url, reviewer),
        "team": {"id": 1, "name": reviewer.partition("/")[2]} if is_team else None,
        "state": "REQUEST_REVIEW",
        "body": "",
    }


def commit_status(url: str, kept: Status, creator: str) -> Document:
    return {
        "id": kept.number,
        "status": kept.state,
        "target_url": kept.target_url,
        "description": kept.description,
        "url": f"{url}/api/v1/statuses/{kept.number}",
        "context": kept.context,
        "creator": user(url, creator),
        "created_at": NOW,
        "updated_at": NOW,
    }


def issue(url: str, repository: GiteaRepository, kept: HostedIssue) -> Document:
    address = f"{url}/{repository.path}/issues/{kept.number}"
    return {
        "id": number_of(address),
        "url": address,
        "html_url": address,
        "number": kept.number,
        "user": user(url, kept.author),
        "original_author": "",
        "original_author_id": 0,
        "title": kept.title,
        "body": kept.body,
        "labels": [label(url, repository.owner, name) for name in kept.labels],
        "state": kept.state,
        "is_locked": False,
        "comments": 0,
        "created_at": NOW,
        "updated_at": NOW,
        "closed_at": None if kept.state == "open" else NOW,
        "pull_request": None,
    }


def pull_as_issue(url: str, repository: GiteaRepository, pull: GiteaPull) -> Document:
    """Among issues, where they are listed with requests."""
    state = "open" if pull.state == "open" else "closed"
    kept = HostedIssue(pull.number, pull.author, pull.title, pull.body, state, pull.labels)
    more = {"merged": pull.state == "merged", "merged_at": None, "draft": pull.is_marked}
    return issue(url, repository, kept) | {"pull_request": more}


def repository_document(url: str, repository: GiteaRepository) -> Document:
    outside = {"external_tracker_url": repository.external_tracker}
    return {
        "id": repository.id,
        "name": repository.name,
        "full_name": repository.path,
        "owner": user(url, repository.owner),
        "default_branch": "main",
        "html_url": f"{url}/{repository.path}",
        "clone_url": f"{url}/{repository.path}.git",
        # Theirs is true for an issue tracker elsewhere too.
        "has_issues": repository.has_issues or bool(repository.external_tracker),
        **({"external_tracker": outside} if repository.external_tracker else {}),
    }


def pull_request(
    url: str,
    repository: GiteaRepository,
    pull: GiteaPull,
    *,
    head: str | None,
    base: str | None,
    is_mergeable: bool,
) -> Document:
    """`head` and `base` are the commits of the branches, None where the branch is gone."""
    source: Any = pull.source
    head_document = {
        "label": pull.head,
        "ref": pull.head if head else f"refs/pull/{pull.number}/head",
        "sha": head or pull.last_head,
        "repo_id": source.id if source else -1,
        "repo": repository_document(url, source) if source else None,
    }
    base_document = {
        "label": pull.base,
        "ref": pull.base,
        "sha": base or "",
        "repo_id": repository.id,
        "repo": repository_document(url, repository),
    }
    address = f"{url}/{repository.path}/pulls/{pull.number}"
    reviewers = [user(url, name) for name in pull.reviewers if "/" not in name]
    updated = START + timedelta(seconds=pull.changed)
    return {
        "id": number_of(address),
        "url": address,
        "number": pull.number,
        "user": user(url, pull.author),
        "title": pull.title,
        "body": pull.body,
        "labels": [label(url, repository.owner, name) for name in pull.labels],
        "assignees": [user(url, name) for name in pull.assignees] or None,
        "milestone": milestone(repository, pull.milestone) if pull.milestone else None,
        "state": "open" if pull.state == "open" else "closed",
        "draft": pull.is_marked,
        "is_locked": False,
        "comments": len(pull.said),
        "html_url": address,
        "diff_url": f"{address}.diff",
        "patch_url": f"{address}.patch",
        "mergeable": is_mergeable,
        "merged": pull.state == "merged",
        "merged_at": NOW if pull.state == "merged" else None,
        "closed_at": None if pull.state == "open" else NOW,
        "created_at": pull.created.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "updated_at": updated.isoformat().replace("+00:00", "Z"),
        "requested_reviewers": reviewers or None,
        "head": head_document,
        "base": base_document,
    }
