"""The few questions that imagebot asks of GitHub's GraphQL API, told apart by their names.

What they ask for is not parsed: a test compares questions and answers with GitHub's schema.
"""

import re
from collections.abc import Callable

from imagebot.demo.github_answers import Document, node_id
from imagebot.demo.github_hosting import Hosting
from imagebot.demo.github_kept import HostedPull, HostedRepository
from imagebot.demo.json_server import Answer, Request


class _Unwilling(Exception):
    """Ends a question with an error, which GraphQL sends with 200."""

    def __init__(self, message: str, kind: str = "UNPROCESSABLE") -> None:
        super().__init__(message)
        self.document = {"data": None, "errors": [{"type": kind, "message": message}]}


class GraphQL(Hosting):
    def _graphql(self, request: Request, login: str) -> Answer:
        named = re.match(r"\s*(?:query|mutation) (\w+)", request.document["query"])
        variables = request.document.get("variables") or {}
        acts: dict[str, Callable[[], Document]] = {
            "Viewer": lambda: {"viewer": {"login": login}},
            "Heads": lambda: self._heads(variables),
            "Checks": lambda: self._checks(variables),
            "Merging": lambda: self._merging(variables),
            "EnableAutoMerge": lambda: self._enable_auto_merge(variables["input"]),
            "DisableAutoMerge": lambda: self._disable_auto_merge(variables["input"]),
            "Dequeue": lambda: self._dequeue(variables["input"]),
            "Enqueue": lambda: self._enqueue(variables["input"]),
        }
        try:
            return Answer(200, {"data": acts[named[1] if named else ""]()})
        except _Unwilling as unwilling:
            return Answer(200, unwilling.document)

    def _heads(self, variables: Document) -> Document:
        hosted = self._seen(self._hosted(f"{variables['owner']}/{variables['name']}"))
        asked = {name: head for name, head in variables.items() if name not in ("owner", "name")}
        return {
            "repository": {
                alias: {
                    "nodes": [
                        _told_pull(pull, f"{self.root}/{hosted.full_name}/pull/{pull.number}")
                        for pull in reversed(hosted.pulls)
                        if pull.head == head
                    ][:10]
                }
                for alias, head in asked.items()
            }
        }

    def _checks(self, variables: Document) -> Document:
        hosted = self._hosted(f"{variables['owner']}/{variables['name']}")
        pull = self._pull(hosted, str(variables["number"]))
        shown = [
            {"__typename": "StatusContext", "context": context}
            for context in hosted.statuses.get(pull.head_commit, {})
        ]
        rollup = {"contexts": {"nodes": shown[:20]}} if shown else None
        return {"repository": {"pullRequest": {"statusCheckRollup": rollup}}}

    def _merging(self, variables: Document) -> Document:
        hosted = self._hosted(f"{variables['owner']}/{variables['name']}")
        pull = self._pull(hosted, str(variables["number"]))
        state = "MERGED" if pull.merged_at else pull.state.upper()
        entry = {"id": node_id(f"entry:{pull.number}")} if pull.is_queued else None
        asked = {"mergeMethod": pull.auto_merge.upper()} if pull.auto_merge else None
        queue = {"id": node_id(f"queue:{pull.base}")} if hosted.has_merge_queue else None
        told = {
            "id": _id_of(hosted, pull),
            "state": state,
            "headRefOid": pull.head_commit,
            "mergeStateStatus": self._mergeable_state(hosted, pull).upper(),
            "autoMergeRequest": asked,
            "mergeQueueEntry": entry,
        }
        return {"repository": {"mergeQueue": queue, "pullRequest": told}}

    def _enable_auto_merge(self, wanted: Document) -> Document:
        hosted, pull = self._expected(wanted)
        state = self._mergeable_state(hosted, pull)
        if not hosted.allows_auto_merge:
            raise _Unwilling("Auto merge is not allowed for this repository")
        if state in ("clean", "unstable"):
            raise _Unwilling(f"Pull request Pull request is in {state} status")
        pull.auto_merge = wanted["mergeMethod"].lower()
        return {"enablePullRequestAutoMerge": {"pullRequest": {"id": wanted["pullRequestId"]}}}

    def _disable_auto_merge(self, wanted: Document) -> Document:
        _, pull = self._named(wanted["pullRequestId"])
        if not pull.auto_merge:
            raise _Unwilling("Can't disable auto-merge for this pull request")
        pull.auto_merge = ""
        return {"disablePullRequestAutoMerge": {"pullRequest": {"id": wanted["pullRequestId"]}}}

    def _dequeue(self, wanted: Document) -> Document:
        _, pull = self._named(wanted["id"])
        pull.is_queued = False
        return {"dequeuePullRequest": {"mergeQueueEntry": {"id": node_id(f"entry:{pull.number}")}}}

    def _enqueue(self, wanted: Document) -> Document:
        _, pull = self._expected(wanted)
        pull.is_queued = True
        return {"enqueuePullRequest": {"mergeQueueEntry": {"id": node_id(f"entry:{pull.number}")}}}

    def _expected(self, wanted: Document) -> tuple[HostedRepository, HostedPull]:
        hosted, pull = self._named(wanted["pullRequestId"])
        if wanted["expectedHeadOid"] != pull.head_commit:
            raise _Unwilling("Head sha didn't match expected head oid")
        return hosted, pull

    def _named(self, node: str) -> tuple[HostedRepository, HostedPull]:
        for hosted in self._repositories.values():
            for pull in self._seen(hosted).pulls:
                if _id_of(hosted, pull) == node:
                    return hosted, pull
        raise _Unwilling("Could not resolve to a node", "NOT_FOUND")


def _told_pull(pull: HostedPull, url: str) -> Document:
    """The fields that `github_heads.py` asks for."""
    full_name = pull.head_repository.full_name
    return {
        "number": pull.number,
        "url": url,
        "state": "MERGED" if pull.merged_at else pull.state.upper(),
        "title": pull.title,
        "body": pull.body,
        "isDraft": pull.is_draft,
        "createdAt": pull.created_at,
        "headRefName": pull.head,
        "headRefOid": pull.head_commit,
        "baseRefName": pull.base,
        "headRepository": {"nameWithOwner": full_name},
        "labels": {"nodes": [{"name": label} for label in pull.labels]},
    }


def _id_of(hosted: HostedRepository, pull: HostedPull) -> str:
    return node_id(f"pull:{hosted.full_name}:{pull.number}")
