"""JSON Schemas of ours, said in the smaller languages of Kubernetes and Helm.

Pure. Both compile patterns with Go's regexp and take no references, so these are put in place and
patterns that look ahead are left out: what they forbid is refused by imagebot itself. Defaults
are left out too: an API server would write them into the object, and a reconciler would find it
changed.
"""

from collections.abc import Mapping
from typing import Any

import re2

Schema = dict[str, Any]

# What says nothing about a document, or what only one of our tools reads.
_DROPPED = {"$defs", "$id", "$schema", "title", "discriminator", "examples"}
# What keys must not stand together: a structural schema takes none of these but in other forms.
_RULES = ("allOf", "not", "if", "then", "else")
# Where names of keys stand, which may be called like a keyword.
_NAMES = ("properties", "patternProperties")


def resolved(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema with what it refers to in place, and without titles."""
    if isinstance(schema, list):
        return [resolved(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return resolved({**target, **beside}, definitions)
    made = {}
    for key, value in schema.items():
        if key in _NAMES:
            made[key] = {name: resolved(each, definitions) for name, each in value.items()}
        elif key not in _DROPPED:
            made[key] = resolved(value, definitions)
    return made


def shippable(schema: Any) -> Any:
    """A resolved schema without defaults and without patterns that Go's regexp does not take."""
    if isinstance(schema, list):
        return [shippable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {}
    for key, value in schema.items():
        if key in _NAMES:
            made[key] = {name: shippable(each) for name, each in value.items()}
        elif key != "default" and not (key == "pattern" and not _is_re2(value)):
            made[key] = shippable(value)
    return made


def _is_re2(pattern: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        return False
    return True


def structural(schema: Schema) -> Schema:
    """A shippable schema as a CustomResourceDefinition takes it ("structural schema").

    `additionalProperties: false` is what Kubernetes does anyhow. What may be one of several types
    is let through as it is.
    """
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return _of_branches(schema, [branch for branch in branches if branch != {"type": "null"}])
    made: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            made[key] = {name: structural(each) for name, each in value.items()}
        elif key == "items":
            made[key] = structural(value)
        elif key == "additionalProperties":
            if isinstance(value, dict):
                made[key] = structural(value)
        elif key == "const":
            made["enum"] = [value]
        elif key == "uniqueItems":
            if schema["items"].get("type") == "string":
                made["x-kubernetes-list-type"] = "set"
        elif key not in _RULES:
            made[key] = value
    return made


def _of_branches(schema: Schema, branches: list[Schema]) -> Schema:
    described = {key: schema[key] for key in ("description",) if key in schema}
    if len(branches) == 1:
        return structural({**branches[0], **described})
    return {"x-kubernetes-preserve-unknown-fields": True, **described}
