"""The documents about comments, statuses and issues, with every field that GitHub's description
requires. Pure, like `github_answers.py`.
"""

from imagebot.demo.github_answers import Document, label, node_id, number_of, user
from imagebot.demo.github_kept import Comment, HostedIssue, HostedPull, HostedRepository, Status


def comment(root: str, hosted: HostedRepository, number: int, said: Comment) -> Document:
    """`number`: of the pull request."""
    url = f"{root}/repos/{hosted.full_name}/issues"
    return {
        "id": said.number,
        "node_id": node_id(f"comment:{said.number}"),
        "url": f"{url}/comments/{said.number}",
        "html_url": f"{root}/{hosted.full_name}/pull/{number}#issuecomment-{said.number}",
        "issue_url": f"{url}/{number}",
        "user": user(root, said.author),
        "body": said.body,
        "created_at": said.created_at,
        "updated_at": said.created_at,
        "author_association": "MEMBER",
    }


def reaction(root: str, said: Comment, login: str, content: str) -> Document:
    name = f"{said.number}:{login}:{content}"
    return {
        "id": number_of(name),
        "node_id": node_id(f"reaction:{name}"),
        "user": user(root, login),
        "content": content,
        "created_at": said.created_at,
    }


def permission(root: str, login: str, word: str) -> Document:
    allowed = {
        "admin": word == "admin",
        "maintain": word == "admin",
        "push": word in ("admin", "write"),
        "triage": word in ("admin", "write"),
        "pull": word != "none",
    }
    account = user(root, login) | {"permissions": allowed, "role_name": word}
    return {"permission": word, "role_name": word, "user": account}


def status(
    root: str, hosted: HostedRepository, commit: str, context: str, login: str, kept: Status
) -> Document:
    return {
        "url": f"{root}/repos/{hosted.full_name}/statuses/{commit}",
        "avatar_url": f"{root}/avatars/{login}",
        "id": number_of(f"{commit}:{context}"),
        "node_id": node_id(f"status:{commit}:{context}"),
        "state": kept.state,
        "description": kept.description,
        "target_url": kept.target_url,
        "context": context,
        "created_at": hosted.created_at,
        "updated_at": hosted.created_at,
        "creator": user(root, login),
    }


def milestone(root: str, hosted: HostedRepository, title: str) -> Document:
    number = hosted.milestones.index(title) + 1
    url = f"{root}/repos/{hosted.full_name}/milestones/{number}"
    return {
        "url": url,
        "html_url": f"{root}/{hosted.full_name}/milestone/{number}",
        "labels_url": f"{url}/labels",
        "id": number_of(url),
        "node_id": node_id(f"milestone:{title}"),
        "number": number,
        "title": title,
        "state": "open",
        "description": None,
        "creator": user(root, hosted.owner, "Organization"),
        "open_issues": 0,
        "closed_issues": 0,
        "created_at": hosted.created_at,
        "updated_at": hosted.created_at,
        "closed_at": None,
        "due_on": None,
    }


def issue(root: str, hosted: HostedRepository, kept: HostedIssue) -> Document:
    repository = f"{root}/repos/{hosted.full_name}"
    url = f"{repository}/issues/{kept.number}"
    return {
        "url": url,
        "repository_url": repository,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{root}/{hosted.full_name}/issues/{kept.number}",
        "id": number_of(url),
        "node_id": node_id(f"issue:{hosted.full_name}:{kept.number}"),
        "number": kept.number,
        "title": kept.title,
        "body": kept.body,
        "user": user(root, kept.author),
        "labels": [label(root, hosted, name) for name in kept.labels],
        "state": kept.state,
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": 0,
        "created_at": kept.created_at,
        "updated_at": kept.updated_at or kept.created_at,
        "closed_at": None if kept.state == "open" else kept.updated_at,
        "author_association": "MEMBER",
    }


def pull_as_issue(root: str, hosted: HostedRepository, pull: HostedPull) -> Document:
    """The same pull request under its other name, as it stands in listings of issues."""
    kept = HostedIssue(
        number=pull.number,
        title=pull.title,
        body=pull.body,
        author=pull.author,
        created_at=pull.created_at,
        state=pull.state,
        updated_at=pull.updated_at or pull.created_at,
        labels=pull.labels,
    )
    url = f"{root}/repos/{hosted.full_name}/pulls/{pull.number}"
    page = f"{root}/{hosted.full_name}/pull/{pull.number}"
    return issue(root, hosted, kept) | {
        "html_url": page,
        "assignees": [user(root, login) for login in pull.assignees],
        "milestone": milestone(root, hosted, pull.milestone) if pull.milestone else None,
        "comments": len(pull.comments),
        "pull_request": {
            "url": url,
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": pull.merged_at,
        },
    }
