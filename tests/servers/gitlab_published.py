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
    ("GET", _PROJECT): "GLProject",
    ("GET", "/api/v4/(?:groups|users)/[^/]+/projects"): "GLProject",
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


# Of a member that stays, a status without an address, a project without a commit: GitLab's
# documentation shows null.
_CAN_BE_NULL = {"expires_at", "target_url", "default_branch"}
# What its documentation shows of a project, too.
_ALSO_OF_PROJECTS = {"issues_access_level", "forked_from_project"}


def check(request: Request, answer: Answer) -> None:
    """Raises BrokenContract. Refusals have no schema."""
    if answer.status >= 300:
        return
    for (method, path), kind in _KINDS.items():
        if method == request.method and re.fullmatch(path, request.path):
            documents = answer.document if isinstance(answer.document, list) else [answer.document]
            for document in documents:
                _check(kind, _declared(document) if kind == "GLProject" else document)


def _declared(project: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in project.items() if name not in _ALSO_OF_PROJECTS}


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
