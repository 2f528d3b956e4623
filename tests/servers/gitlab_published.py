"""Which published schema an answer of GitLab's has to fit, by the operation that was asked.

The server gives what imagebot reads and little else. So no field is required here, but each has to
be one that the schema knows, and to hold what the schema says.
"""

import re
from functools import cache
from typing import Any

from jsonschema import Draft7Validator

from imagebot.demo.json_server import Answer, Request
from tests.servers import contracts

_PROJECT = "/api/v4/projects/[^/]+"
_KINDS = {
    ("GET", "/api/v4/user"): "GLUser",
    ("GET", "/api/v4/users"): "GLSimpleUser",
    ("GET", f"{_PROJECT}/members/all/[^/]+"): "GLMember",
    ("POST", f"{_PROJECT}/labels"): "GLLabel",
    ("GET", f"{_PROJECT}/milestones"): "GLMilestone",
    ("POST", f"{_PROJECT}/merge_requests/[^/]+/notes/[^/]+/award_emoji"): "GLAwardEmoji",
    ("POST", f"{_PROJECT}/statuses/[^/]+"): "GLCommitStatus",
    ("GET", f"{_PROJECT}/issues"): "GLIssue",
    ("POST", f"{_PROJECT}/issues"): "GLIssue",
    ("PUT", f"{_PROJECT}/issues/[^/]+"): "GLIssue",
    ("GET", f"{_PROJECT}/releases"): "GLRelease",
    ("GET", f"{_PROJECT}/repository/tree"): "GLTree",
}


# Of a member that stays, and of a status without an address: GitLab's documentation shows null.
_CAN_BE_NULL = {"expires_at", "target_url"}


def check(request: Request, answer: Answer) -> None:
    """Raises BrokenContract. Refusals have no schema."""
    if answer.status >= 300:
        return
    for (method, path), kind in _KINDS.items():
        if method == request.method and re.fullmatch(path, request.path):
            documents = answer.document if isinstance(answer.document, list) else [answer.document]
            for document in documents:
                _check(kind, document)


def _check(kind: str, document: object) -> None:
    for error in _validator(kind).iter_errors(document):
        is_null = error.validator == "type" and error.instance is None
        if not (is_null and error.path and error.path[-1] in _CAN_BE_NULL):
            raise contracts.BrokenContract(f"{kind}: {error.json_path}: {error.message[:300]}")


@cache
def _validator(kind: str) -> Draft7Validator:
    return Draft7Validator(_known_fields_only(contracts.gitlab(kind).schema))


def _known_fields_only(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_known_fields_only(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    known = {name: _known_fields_only(each) for name, each in schema.items() if name != "required"}
    # A field of some object may be called "properties", too, and is then a schema of its own.
    return known | ({"additionalProperties": False} if schema.get("type") == "object" else {})
