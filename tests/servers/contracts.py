"""Checks exchanges with a forge against its published description (tests/contracts/).

Knows the gaps of the descriptions: each has its reason beside it, and everything else that does
not fit is a `BrokenContract`.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, build_schema, graphql_sync, parse, validate
from jsonschema import Draft7Validator, Draft202012Validator
from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from imagebot.demo.json_server import Answer, Request

CONTRACTS = Path(__file__).parent.parent / "contracts"


class BrokenContract(AssertionError):
    """A request or an answer is not what the forge's description says."""


@dataclass(frozen=True)
class Gaps:
    """Where a forge does something else than its published description says."""

    forge: str
    # Statuses that any operation may be refused with although the description does not say so.
    statuses: frozenset[int]
    # Requests that it takes although the description says otherwise: method and path.
    requests: frozenset[tuple[str, str]] = frozenset()
    # Successes that it gives although the description does not say so: method, path, status.
    successes: frozenset[tuple[str, str, int]] = frozenset()
    # Places in answers, as JSON paths, that hold more than the description admits.
    answers: tuple[re.Pattern[str], ...] = ()
    # Whether an answer's null stands for what is not there: Swagger 2.0 cannot say so.
    null_is_absent: bool = False


REFUSALS = frozenset({401, 403, 404, 422, 429, 500, 502, 503})
OF_GITHUB = Gaps(
    "GitHub",
    REFUSALS,
    # PyGithub sends a bare list of names; GitHub takes it, the description knows {"labels": []}.
    requests=frozenset({("POST", "/repos/{owner}/{repo}/issues/{issue_number}/labels")}),
    # A deleted fork has no repository any more.
    answers=(re.compile(r"\$(\[\d+\])?\.head\.(repo|user)$"),),
)
OF_GITEA = Gaps(
    "Gitea",
    REFUSALS | {405, 409},
    # A merge that is scheduled; `routers/api/v1/repo/pull.go` of 1.23.
    successes=frozenset({("POST", "/api/v1/repos/{owner}/{repo}/pulls/{index}/merge", 201)}),
    null_is_absent=True,
)


class PublishedContract:
    """An OpenAPI 3.0 description that a forge publishes, cut down to what imagebot uses."""

    def __init__(self, file: str, gaps: Gaps) -> None:
        self._gaps = gaps
        self._description = json.loads((CONTRACTS / file).read_text())
        contents = Resource(contents=self._description, specification=DRAFT4)
        self._registry = Registry().with_resource("urn:forge", contents)
        self._operations = [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), path, item)
            for path, item in self._description["paths"].items()
        ]

    def check(self, request: Request, answer: Answer) -> None:
        path, operation = self._operation(request)
        pointer = f"/paths/{_escaped(path)}/{request.method.lower()}"
        self._check_query(request, operation)
        self._check_request(request, path, pointer, operation)
        self._check_answer(request, answer, pointer, operation)

    def _operation(self, request: Request) -> tuple[str, dict[str, Any]]:
        for pattern, path, item in self._operations:
            if pattern.fullmatch(request.path) and request.method.lower() in item:
                return path, item[request.method.lower()]
        raise BrokenContract(f"{self._gaps.forge} has no operation {request.method} {request.path}")

    def _check_query(self, request: Request, operation: dict[str, Any]) -> None:
        parameters = [self._resolved(each) for each in operation.get("parameters", ())]
        schemas = {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}
        for name, text in request.query.items():
            if name not in schemas:
                raise BrokenContract(f"{request.method} {request.path} takes no {name!r}")
            allowed = schemas[name].get("enum")
            if allowed and text not in allowed:
                raise BrokenContract(f"{name}={text} is none of {allowed}")
            if schemas[name]["type"] == "integer" and not text.isdigit():
                raise BrokenContract(f"{name}={text} is no number")

    def _check_request(
        self, request: Request, path: str, pointer: str, operation: dict[str, Any]
    ) -> None:
        if (request.method, path) in self._gaps.requests:
            return
        if "requestBody" not in operation:
            if request.document is not None:
                raise BrokenContract(f"{request.method} {path} takes no body")
            return
        schema = f"{pointer}/requestBody/content/application~1json/schema"
        self._validate(OAS30WriteValidator, schema, request.document, f"request to {path}")
        properties = self._resolved(
            operation["requestBody"]["content"]["application/json"]["schema"]
        )
        unknown = set(request.document or ()) - set(properties.get("properties", ()))
        if unknown:
            raise BrokenContract(f"{request.method} {path} knows no {sorted(unknown)}")

    def _check_answer(
        self, request: Request, answer: Answer, pointer: str, operation: dict[str, Any]
    ) -> None:
        declared = operation["responses"].get(str(answer.status))
        if declared is None:
            path, _ = self._operation(request)
            is_known = (request.method, path, answer.status) in self._gaps.successes
            if answer.status not in self._gaps.statuses and not is_known:
                raise BrokenContract(f"{request.method} {request.path}: {answer.status}")
            return
        place = declared.get("$ref", f"#{pointer}/responses/{answer.status}").removeprefix("#")
        if "application/json" not in self._resolved(declared).get("content", {}):
            return
        schema = f"{place}/content/application~1json/schema"
        where = f"answer {answer.status} to {request.method} {request.path}"
        document = answer.document
        if self._gaps.null_is_absent:
            if document is None:
                return
            document = without_null(document)
        self._validate(OAS30ReadValidator, schema, document, where)

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            place = node["$ref"].removeprefix("#/").split("/")
            node = self._description
            for step in place:
                node = node[step.replace("~1", "/").replace("~0", "~")]
        return node

    def _validate(self, kind: Any, pointer: str, document: object, where: str) -> None:
        validator = kind({"$ref": f"urn:forge#{pointer}"}, registry=self._registry)
        for error in validator.iter_errors(json.loads(json.dumps(document))):
            if not any(gap.match(error.json_path) for gap in self._gaps.answers):
                raise BrokenContract(f"{where}: {error.json_path}: {error.message[:300]}")


def _escaped(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1")


def without_null(document: object) -> object:
    if isinstance(document, dict):
        return {key: without_null(each) for key, each in document.items() if each is not None}
    return [without_null(each) for each in document] if isinstance(document, list) else document


@cache
def github() -> PublishedContract:
    return PublishedContract("github-rest.json", OF_GITHUB)


@cache
def gitea() -> PublishedContract:
    return PublishedContract("gitea-rest.json", OF_GITEA)


@cache
def gitlab(kind: str) -> Draft7Validator:
    """Validator of one kind of GitLab's answers: `GLMergeRequest`, `GLNote`."""
    return Draft7Validator(json.loads((CONTRACTS / "gitlab" / f"{kind}.json").read_text()))


def check_gitlab(kind: str, document: object) -> None:
    for error in gitlab(kind).iter_errors(document):
        raise BrokenContract(f"{kind}: {error.json_path}: {error.message[:300]}")


@cache
def _graphql() -> GraphQLSchema:
    return build_schema((CONTRACTS / "github.graphql").read_text())


def check_graphql(request: Request, answer: Answer) -> None:
    """The question must fit GitHub's schema, and the answer be one to just that question."""
    question, variables = request.document["query"], request.document.get("variables")
    data = answer.document.get("data") if isinstance(answer.document, dict) else None
    if data is None:
        problems = validate(_graphql(), parse(question))
        told = None
    else:
        # Executed over the answer itself, which so has to have all that was asked, in its shape.
        done = graphql_sync(
            _graphql(),
            question,
            data,
            variable_values=variables,
            # by the alias, where a field is asked for several times
            field_resolver=lambda source, info, **_: source.get(info.path.key),
        )
        problems, told = done.errors or [], done.data
    for problem in problems:
        raise BrokenContract(f"GraphQL: {problem.message}: {question.split('(')[0]}")
    if told != data:
        raise BrokenContract(f"GraphQL: {data} has more than was asked for")


class ContractByHand:
    """`tests/contracts/<name>.json`: written by us from a forge's documentation.

    Under `operations` each `METHOD /path/{with}/{parts}` has the `query` it takes (a type, or the
    list of allowed words), the schema of its `request`, and a schema for each status of `answers`.
    What is not written there does not exist: an unknown query, field or status is a breach.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._contract = json.loads((CONTRACTS / f"{name}.json").read_text())
        self._operations = [
            (method, re.compile(re.sub(r"\\\{[^}]+\}", "[^/]+", re.escape(path))), operation)
            for (method, path), operation in (
                (key.split(" ", 1), each) for key, each in self._contract["operations"].items()
            )
        ]

    def check(self, request: Request, answer: Answer) -> None:
        where = f"{self._name}: {request.method} {request.path}"
        operation = self._operation(request)
        self._check_query(request, operation.get("query", {}), where)
        self._validate(operation.get("request", {"type": "null"}), request.document, where)
        answers = operation["answers"] | self._contract.get("refusals", {})
        if str(answer.status) not in answers:
            raise BrokenContract(f"{where}: {answer.status} is no answer of it")
        schema = answers[str(answer.status)]
        self._validate(schema, answer.document, f"{where}: answer {answer.status}")

    def _operation(self, request: Request) -> dict[str, Any]:
        for method, pattern, operation in self._operations:
            if method == request.method and pattern.fullmatch(request.path):
                found: dict[str, Any] = operation
                return found
        raise BrokenContract(f"{self._name} has no operation {request.method} {request.path}")

    def _check_query(self, request: Request, known: dict[str, Any], where: str) -> None:
        for name, text in request.pairs:
            if name not in known:
                raise BrokenContract(f"{where} takes no {name!r}")
            allowed = known[name]
            is_fine = (
                text in allowed
                if isinstance(allowed, list)
                else (allowed == "string" or (allowed == "integer" and text.isdigit()))
            )
            if not is_fine:
                raise BrokenContract(f"{where}: {name}={text} is not {allowed}")

    def _validate(self, schema: dict[str, Any], document: object, where: str) -> None:
        whole = {"$defs": self._contract["$defs"], **schema}
        for error in Draft202012Validator(whole).iter_errors(document):
            raise BrokenContract(f"{where}: {error.json_path}: {error.message[:300]}")


@cache
def by_hand(name: str) -> ContractByHand:
    return ContractByHand(name)
