"""What the GitLab-like server keeps, and the documents it makes of that. Pure.

Every merge request and note is checked against the schemas in tests/contracts/gitlab/ by whoever
sends it.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from imagebot.demo.github_answers import number_of
from imagebot.demo.json_server import Answer

START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
NOW = "2026-11-23T12:00:00.000Z"
Document = dict[str, Any]

# What a single merge request tells and a list of them does not.
ONLY_ALONE = """
    subscribed changes_count diff_refs user pipeline head_pipeline first_contribution
    latest_build_started_at latest_build_finished_at first_deployed_to_production_at merge_error
"""


class Refusal(Exception):
    def __init__(self, status: int, message: object, word: str = "message") -> None:
        super().__init__(message)
        self.answer = Answer(status, {word: message})


@dataclass
class Note:
    id: int
    author: str
    body: str
    is_system: bool = False
    awards: list[tuple[str, str]] = field(default_factory=list)  # who, name


@dataclass
class MergeRequest:
    iid: int
    title: str
    description: str
    source_branch: str
    target_branch: str
    author: str
    source: "Project"
    state: str = "opened"
    changed: int = 0  # milliseconds after START
    squash: bool = False
    is_auto: bool = False  # to be merged by GitLab when it can be
    pipeline: str = ""  # of the head: pending, success, failed
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    milestone: str = ""
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


@dataclass
class Issue:
    iid: int
    author: str
    title: str
    description: str
    state: str = "opened"
    labels: list[str] = field(default_factory=list)


@dataclass
class Project:
    path: str
    bare: Path
    members: frozenset[str]
    requests: list[MergeRequest] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    milestones: list[str] = field(default_factory=list)
    access: dict[str, int] = field(default_factory=dict)  # level by user name
    # Name to state, description, address; by commit.
    statuses: dict[str, dict[str, tuple[str, str, str]]] = field(default_factory=dict)
    has_issues: bool = True

    @property
    def id(self) -> int:
        return number_of(self.path)


def user(root: str, name: str) -> Document:
    return {
        "id": number_of(name),
        "username": name,
        "name": name.title(),
        "state": "active",
        "avatar_url": f"{root}/avatars/{name}",
        "web_url": f"{root}/{name}",
    }


def note(root: str, project: Project, made: MergeRequest, kept: Note) -> Document:
    return {
        "id": kept.id,
        "body": kept.body,
        "attachment": None,
        "author": user(root, kept.author),
        "created_at": NOW,
        "updated_at": NOW,
        "system": kept.is_system,
        "noteable_id": number_of(f"{project.path}!{made.iid}"),
        "noteable_iid": made.iid,
        "noteable_type": "MergeRequest",
        "project_id": project.id,
        "resolvable": False,
    }


def milestone(root: str, project: Project, title: str) -> Document:
    number = project.milestones.index(title) + 1
    return {
        "id": number_of(f"{project.path}%{title}"),
        "iid": number,
        "project_id": project.id,
        "title": title,
        "description": "",
        "state": "active",
        "start_date": "2026-11-01",
        "due_date": "2026-12-31",
        "expired": False,
        "created_at": NOW,
        "updated_at": NOW,
        "web_url": f"{root}/{project.path}/-/milestones/{number}",
    }


def issue(root: str, project: Project, kept: Issue) -> Document:
    return {
        "id": number_of(f"{project.path}#{kept.iid}"),
        "iid": kept.iid,
        "project_id": project.id,
        "title": kept.title,
        "description": kept.description,
        "state": kept.state,
        "labels": list(kept.labels),
        "author": user(root, kept.author),
        "web_url": f"{root}/{project.path}/-/issues/{kept.iid}",
        "created_at": NOW,
        "updated_at": NOW,
    }


def merge_request(
    root: str, project: Project, made: MergeRequest, commit: str, target: str, status: str
) -> Document:
    """`commit` and `target` are the heads of the two branches, `status` the merge status."""
    reference = f"!{made.iid}"
    is_draft = made.title.startswith("Draft:")
    assignees = [user(root, name) for name in made.assignees]
    updated = START + timedelta(milliseconds=made.changed)
    return _unused() | {
        "id": number_of(f"{project.path}!{made.iid}"),
        "iid": made.iid,
        "created_at": made.created.isoformat(),
        "project_id": project.id,
        "source_project_id": made.source.id,
        "target_project_id": project.id,
        "title": made.title,
        "description": made.description,
        "state": made.state,
        "source_branch": made.source_branch,
        "target_branch": made.target_branch,
        "labels": list(made.labels),
        "author": user(root, made.author),
        "assignee": assignees[0] if assignees else None,
        "assignees": assignees,
        "reviewers": [user(root, name) for name in made.reviewers],
        "milestone": milestone(root, project, made.milestone) if made.milestone else None,
        "draft": is_draft,
        "work_in_progress": is_draft,
        "sha": commit,
        "diff_refs": {"base_sha": target, "head_sha": commit, "start_sha": target},
        "web_url": f"{root}/{project.path}/-/merge_requests/{made.iid}",
        "reference": reference,
        "references": {
            "short": reference,
            "relative": reference,
            "full": f"{project.path}{reference}",
        },
        "user_notes_count": sum(not each.is_system for each in made.notes),
        "updated_at": updated.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "squash": made.squash,
        "merge_when_pipeline_succeeds": made.is_auto,
        "detailed_merge_status": status,
        "head_pipeline": _pipeline(root, project, made, commit) if made.pipeline else None,
    }


def _pipeline(root: str, project: Project, made: MergeRequest, commit: str) -> Document:
    number = number_of(commit)
    shown = dict.fromkeys(
        ["icon", "text", "label", "group", "tooltip", "details_path", "favicon"], ""
    )
    return {
        "id": number,
        "iid": number,
        "project_id": project.id,
        "ref": made.source_branch,
        "sha": commit,
        "before_sha": "0" * 40,
        "source": "push",
        "status": made.pipeline,
        "tag": False,
        "user": user(root, made.author),
        "web_url": f"{root}/{project.path}/-/pipelines/{number}",
        "detailed_status": shown | {"has_details": False},
        "duration": 1,
    } | dict.fromkeys(("created_at", "updated_at", "started_at", "finished_at"), NOW)


def _unused() -> Document:
    """Fields that imagebot has no use for, as a fresh merge request has them."""
    nothing = (
        "approvals_before_merge closed_at closed_by discussion_locked "
        "first_deployed_to_production_at latest_build_finished_at latest_build_started_at "
        "merge_commit_sha merge_error merged_at merged_by pipeline prepared_at "
        "should_remove_source_branch squash_commit_sha"
    )
    times = {"time_estimate": 0, "total_time_spent": 0}
    return dict.fromkeys(nothing.split()) | {
        "blocking_discussions_resolved": True,
        "changes_count": "1",
        "created_at": NOW,
        "merge_status": "can_be_merged",
        "downvotes": 0,
        "upvotes": 0,
        "first_contribution": False,
        "force_remove_source_branch": False,
        "has_conflicts": False,
        "subscribed": False,
        "task_completion_status": {"count": 0, "completed_count": 0},
        "time_stats": times | {"human_time_estimate": None, "human_total_time_spent": None},
        "user": {"can_merge": True},
    }
