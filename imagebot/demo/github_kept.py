"""What the demo's forge keeps: repositories, pull requests, comments, statuses, issues.

Pure. What git knows (commits, differences, mergeability) is looked up, not kept.
"""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Comment:
    number: int
    author: str
    body: str
    created_at: str
    reactions: list[tuple[str, str]] = field(default_factory=list)  # who, what


@dataclass(slots=True)
class Status:
    state: str
    description: str | None
    target_url: str | None


@dataclass(slots=True)
class HostedIssue:
    number: int
    title: str
    body: str
    author: str
    created_at: str
    state: str = "open"
    updated_at: str = ""
    labels: list[str] = field(default_factory=list)


@dataclass(slots=True)
class HostedPull:
    """A pull request as the forge keeps it."""

    number: int
    title: str
    body: str
    head: str
    base: str
    author: str
    head_repository: "HostedRepository"
    created_at: str
    head_commit: str
    base_commit: str
    state: str = "open"
    updated_at: str = ""
    closed_at: str | None = None
    merged_at: str | None = None
    merged_by: str = ""  # the method
    is_draft: bool = False
    milestone: str = ""
    auto_merge: str = ""  # the method, where GitHub is to merge it by itself
    is_queued: bool = False  # in the merge queue
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)


@dataclass(slots=True)
class HostedRepository:
    full_name: str
    bare: Path
    collaborators: frozenset[str]  # who may be asked for a review; org/team for teams
    created_at: str
    fork_of: str = ""
    default_branch: str = "main"
    pulls: list[HostedPull] = field(default_factory=list)
    issues: list[HostedIssue] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    milestones: list[str] = field(default_factory=list)
    statuses: dict[str, dict[str, Status]] = field(default_factory=dict)  # by commit, context
    required: set[str] = field(default_factory=set)  # contexts that must be green
    permissions: dict[str, str] = field(default_factory=dict)  # admin, write, read by login
    methods: set[str] = field(default_factory=lambda: {"merge", "squash", "rebase"})
    has_issues: bool = True
    allows_auto_merge: bool = True
    has_merge_queue: bool = False

    @property
    def owner(self) -> str:
        return self.full_name.partition("/")[0]

    def next_number(self) -> int:
        """Pull requests and issues are counted together."""
        return 1 + len(self.pulls) + len(self.issues)

    def mergeable_state(self, pull: HostedPull, is_mergeable: bool | None) -> str:
        """In the words of `mergeable_state`; `is_mergeable` is what git says."""
        if is_mergeable is None:
            return "unknown"
        if not is_mergeable:
            return "dirty"
        if pull.is_draft:
            return "draft"
        states = {
            context: status.state
            for context, status in self.statuses.get(pull.head_commit, {}).items()
        }
        if any(states.get(context) != "success" for context in self.required):
            return "blocked"
        return "unstable" if set(states.values()) - {"success"} else "clean"
