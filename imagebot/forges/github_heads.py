"""The newest pull requests of many head branches on GitHub, by one GraphQL question for fifty.

Pure: the question, and what its answer says. REST would be asked once for each head.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from imagebot.proposals import PullRequest, PullRequestState

HEADS_AT_ONCE = 50
SHOWN = 10  # of each head; forks have branches of the same names, so the newest may not be ours
_TOLD = """
fragment Told on PullRequest {
  number url state title body isDraft createdAt
  headRefName headRefOid baseRefName
  headRepository { nameWithOwner }
  labels(first: 50) { nodes { name } }
}
"""
_STATES = {
    "OPEN": PullRequestState.OPEN,
    "CLOSED": PullRequestState.CLOSED,
    "MERGED": PullRequestState.MERGED,
}


def question(count: int) -> str:
    """For the variables `owner`, `name` and `h0` to `h<count - 1>`, the names of branches."""
    names = [f"h{index}" for index in range(count)]
    declared = "".join(f", ${name}: String!" for name in names)
    asked = "\n".join(
        f"    {name}: pullRequests(headRefName: ${name}, first: {SHOWN}, "
        "orderBy: {field: CREATED_AT, direction: DESC}) { nodes { ...Told } }"
        for name in names
    )
    return (
        f"query Heads($owner: String!, $name: String!{declared}) {{\n"
        f"  repository(owner: $owner, name: $name) {{\n{asked}\n  }}\n}}\n{_TOLD}"
    )


def variables(project: str, heads: Sequence[str]) -> dict[str, str]:
    owner, _, name = project.partition("/")
    return {"owner": owner, "name": name} | {f"h{index}": head for index, head in enumerate(heads)}


def newest_of(answer: dict[str, Any], project: str, heads: Sequence[str]) -> list[PullRequest]:
    """The newest of each head that has one, an open one before all others; no fork's."""
    found = []
    for index, head in enumerate(heads):
        nodes = answer["repository"][f"h{index}"]["nodes"]
        ours = [_told(node) for node in nodes if _is_of(node, project, head)]
        if ours:
            found.append(_best(ours))
    return found


def crowded(answer: dict[str, Any], project: str, heads: Sequence[str]) -> list[str]:
    """Heads of which more was not shown, and no open request of ours was: one may be behind."""
    found = []
    for index, head in enumerate(heads):
        nodes = answer["repository"][f"h{index}"]["nodes"]
        is_shown = any(node["state"] == "OPEN" and _is_of(node, project, head) for node in nodes)
        if len(nodes) >= SHOWN and not is_shown:
            found.append(head)
    return found


def _best(pulls: Iterable[PullRequest]) -> PullRequest:
    return min(pulls, key=lambda pull: (pull.state is not PullRequestState.OPEN, -pull.number))


def _is_of(node: dict[str, Any], project: str, head: str) -> bool:
    repository = node["headRepository"]  # null where a fork was deleted
    is_here = repository and repository["nameWithOwner"].casefold() == project.casefold()
    return bool(is_here and node["headRefName"] == head)


def _told(node: dict[str, Any]) -> PullRequest:
    """`version` is not told: GraphQL does not say how old its answer is."""
    labels = node["labels"] or {"nodes": ()}
    return PullRequest(
        number=node["number"],
        url=node["url"],
        state=_STATES[node["state"]],
        head=node["headRefName"],
        base=node["baseRefName"],
        title=node["title"],
        body=node["body"],
        labels=tuple(label["name"] for label in labels["nodes"]),
        created=datetime.fromisoformat(node["createdAt"]),
        head_commit=node["headRefOid"],
        is_draft=node["isDraft"],
    )
