"""The documents GitHub's REST API answers with, with every field that its description requires.

Pure: from what `github.py` keeps to JSON. Fields that a demo has no use for get the value a fresh
repository has.
"""

import base64
import zlib
from typing import Any

from imagebot.demo.bare import Difference
from imagebot.demo.github_kept import HostedPull, HostedRepository

Document = dict[str, Any]

# What is written here without `_url` behind it has an address under the user's, or the
# repository's, own.
_USER_ADDRESSES = """
    events followers following gists organizations received_events repos starred subscriptions
"""
_REPOSITORY_ADDRESSES = """
    archive assignees blobs branches collaborators comments commits compare contents contributors
    deployments downloads events forks git_commits git_refs git_tags hooks issue_comment
    issue_events issues keys labels languages merges milestones notifications pulls releases
    stargazers statuses subscribers subscription tags teams trees
"""
_COUNTS = """
    forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count
    network_count subscribers_count
"""
_NEVER = "has_wiki has_pages has_discussions has_projects archived disabled"


def number_of(name: str) -> int:
    """A stable id for anything with a name."""
    return zlib.crc32(name.encode()) + 1


def node_id(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def user(root: str, login: str, kind: str = "User") -> Document:
    url = f"{root}/users/{login}"
    return {
        "login": login,
        "id": number_of(login),
        "node_id": node_id(f"user:{login}"),
        "avatar_url": f"{root}/avatars/{login}",
        "gravatar_id": "",
        "html_url": f"{root}/{login}",
        "site_admin": False,
        "type": "Bot" if login.endswith("[bot]") else kind,
        "url": url,
    } | {f"{name}_url": f"{url}/{name}" for name in _USER_ADDRESSES.split()}


def repository(root: str, hosted: HostedRepository) -> Document:
    url, html_url = f"{root}/repos/{hosted.full_name}", f"{root}/{hosted.full_name}"
    return (
        {
            "id": number_of(hosted.full_name),
            "node_id": node_id(f"repository:{hosted.full_name}"),
            "name": hosted.full_name.partition("/")[2],
            "full_name": hosted.full_name,
            "owner": user(root, hosted.owner, "Organization"),
            "private": True,
            "fork": bool(hosted.fork_of),
            "description": None,
            "html_url": html_url,
            "url": url,
            "clone_url": hosted.bare.as_uri(),
            "git_url": hosted.bare.as_uri(),
            "ssh_url": hosted.bare.as_uri(),
            "svn_url": html_url,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "license": None,
            "default_branch": hosted.default_branch,
            "has_issues": hosted.has_issues,
            "has_downloads": True,
            "created_at": hosted.created_at,
            "updated_at": hosted.created_at,
            "pushed_at": hosted.created_at,
        }
        | {f"{name}_url": f"{url}/{name}" for name in _REPOSITORY_ADDRESSES.split()}
        | dict.fromkeys(_COUNTS.split(), 0)
        | dict.fromkeys(_NEVER.split(), False)
    )


def label(root: str, hosted: HostedRepository, name: str) -> Document:
    return {
        "id": number_of(f"{hosted.full_name}:{name}"),
        "node_id": node_id(f"label:{name}"),
        "url": f"{root}/repos/{hosted.full_name}/labels/{name}",
        "name": name,
        "description": "",
        "color": "ededed",
        "default": False,
    }


def pull_in_list(root: str, hosted: HostedRepository, pull: HostedPull) -> Document:
    url = f"{root}/repos/{hosted.full_name}/pulls/{pull.number}"
    issue = f"{root}/repos/{hosted.full_name}/issues/{pull.number}"
    addresses = {
        "html_url": f"{root}/{hosted.full_name}/pull/{pull.number}",
        "issue_url": issue,
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{root}/repos/{hosted.full_name}/pulls/comments{{/number}}",
        "comments_url": f"{issue}/comments",
        "statuses_url": f"{root}/repos/{hosted.full_name}/statuses/{pull.head_commit}",
    }
    links = {name.removesuffix("_url"): {"href": address} for name, address in addresses.items()}
    return addresses | {
        "url": url,
        "id": number_of(url),
        "node_id": node_id(f"pull:{hosted.full_name}:{pull.number}"),
        "diff_url": f"{root}/{hosted.full_name}/pull/{pull.number}.diff",
        "patch_url": f"{root}/{hosted.full_name}/pull/{pull.number}.patch",
        "_links": links | {"self": {"href": url}},
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": user(root, pull.author),
        "body": pull.body or None,
        "labels": [label(root, hosted, name) for name in pull.labels],
        "milestone": None,
        "created_at": pull.created_at,
        "updated_at": pull.updated_at or pull.created_at,
        "closed_at": pull.closed_at,
        "merged_at": pull.merged_at,
        "merge_commit_sha": None,
        "assignee": None,
        "assignees": [user(root, login) for login in pull.assignees],
        "requested_reviewers": [user(root, login) for login in pull.reviewers],
        "requested_teams": [],
        "head": _side(root, pull.head_repository, pull.head, pull.head_commit),
        "base": _side(root, hosted, pull.base, pull.base_commit),
        "author_association": "CONTRIBUTOR",
        "auto_merge": None,
        "draft": pull.is_draft,
    }


def pull_alone(
    root: str,
    hosted: HostedRepository,
    pull: HostedPull,
    difference: Difference,
    is_mergeable: bool | None,
) -> Document:
    return pull_in_list(root, hosted, pull) | {
        "merged": pull.merged_at is not None,
        "mergeable": is_mergeable,
        "mergeable_state": hosted.mergeable_state(pull, is_mergeable),
        "merged_by": None,
        "comments": len(pull.comments),
        "review_comments": 0,
        "maintainer_can_modify": False,
        **difference._asdict(),
    }


def _side(root: str, hosted: HostedRepository, branch: str, commit: str) -> Document:
    return {
        "label": f"{hosted.owner}:{branch}",
        "ref": branch,
        "sha": commit,
        "user": user(root, hosted.owner, "Organization"),
        "repo": repository(root, hosted),
    }
