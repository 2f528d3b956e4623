"""Rows of the history (tables.py) <-> its nouns. Pure; history.py writes and reads them."""

import json
from typing import Any

from sqlalchemy.engine import Row

from imagebot.history_model import Change, Decision, SeenRequest


def decision_row(repository: str, decision: Decision) -> dict[str, Any]:
    shared = ("place", "file", "line", "image", "current", "chosen", "state", "reason", "policy")
    more = ("until", "decided_at", "behind_since")
    return {"repository": repository} | {name: getattr(decision, name) for name in (*shared, *more)}


def decision(row: Row[Any]) -> Decision:
    values = dict(row._mapping)
    values.pop("repository")
    return Decision(**values)


def change_row(repository: str, change: Change) -> dict[str, Any]:
    now = change.decision
    shown = ("place", "image", "current", "chosen", "state", "reason")
    return {"repository": repository, "at": now.decided_at, "before": change.before} | {
        name: getattr(now, name) for name in shown
    }


def change(row: Row[Any]) -> Change:
    made = Decision(
        *(row.place, "", 0, row.image, row.current, row.chosen, row.state, row.reason),
        decided_at=row.at,
    )
    return Change(made, row.before)


def request_row(repository: str, request: SeenRequest) -> dict[str, Any]:
    shared = ("number", "url", "title", "branch", "state", "opened_at", "ended_at")
    return {
        "repository": repository,
        "group_name": request.group,
        "versions": json.dumps(request.versions),
        "first_seen_at": request.first_seen_at,
        **{name: getattr(request, name) for name in shared},
    }


def request(row: Row[Any]) -> SeenRequest:
    values = dict(row._mapping)
    values.pop("repository")
    values["group"] = values.pop("group_name")
    values["versions"] = tuple(json.loads(values["versions"]))
    return SeenRequest(**values)
