"""The published JSON Schema agrees with what `imagebot check` takes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from imagebot.policy import published_schema, reading

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "policies").rglob("imagebot.yaml"))
VALIDATOR = Draft202012Validator(
    published_schema.json_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER
)


def document(spec: Any) -> dict[str, Any]:
    annotations = {"config.kubernetes.io/local-config": "true"}
    return {
        "apiVersion": "imagebot.dev/v1alpha1",
        "kind": "ImagePolicy",
        "metadata": {"name": "api", "annotations": annotations},
        "spec": spec,
    }


def for_all(spec: Any) -> dict[str, Any]:
    return {**document(spec), "kind": "RepositoryPolicy"}


def is_read(whole: dict[str, Any]) -> bool:
    found = reading.find("x.yaml", json.dumps(whole).encode())
    usable = [each for each in found.repository_policies if not each.trouble]
    assert bool(found.policies or usable) is not bool(found.problems)
    return bool(found.policies or usable)


def test_the_schema_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(published_schema.json_schema())


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.parent.name)
def test_every_example_is_valid_by_the_schema(file: Path) -> None:
    for plain in YAML(typ="safe", pure=True).load_all(file):
        VALIDATOR.validate(json.loads(json.dumps(plain, default=str)))


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"images": ["nginx"], "paths": ["a/**"], "pin": "digest"},
        {"suspend": True},
        {"tags": {"order": "numeric", "filter": "(.)", "extract": "$1", "allow": "major"}},
        {"tags": {"order": "date", "layout": "%Y%m%d"}},
        {"tags": {"order": "newest-build", "time": "first-seen", "exclude": ["-debug$"]}},
        {"tags": {"filter": "(.)(.)", "extract": ["$1", "$2"], "coerce": True}},
        {"tags": {"order": "digest", "coerce": False}},
        {"cooldown": "3d", "held": "wait", "platforms": ["linux/amd64"]},
        {"cooldown": {"major": "14d", "unknownAge": "admit"}},
        {"skip": [{"tag": "2.4.0", "reason": "x", "until": "2026-12-01"}]},
        {"suspend": {"reason": "x", "until": "2026-12-01"}},
        {"tags": {"order": "semver", "range": "1.x", "allow": "patch", "exclude": ["a"]}},
        {"pullRequest": {"group": "g", "labels": ["l"], "reviewers": ["a/b"]}},
        {"pullRequest": {"reviewers": ["a@b.example", "Ann B", "{0-a}", "557058:0-a"]}},
        {"pullRequest": {"by": "team", "autoMerge": True, "limits": {"newPerHour": 1}}},
        {"pullRequest": {"by": ["team", "step"], "group": "{team} x", "places": {"team": "(a)"}}},
        {"pullRequest": {"autoMerge": {"steps": ["patch"], "by": "imagebot"}, "template": "a/b"}},
        {"windows": {"allow": ["Mon-Fri"], "deny": ["* * 1 * *"]}},
        {"freezes": [{"from": "2026-12-20", "until": "2026-12-21T10:00+01:00", "zone": "UTC"}]},
    ],
)
def test_what_is_read_is_valid_by_the_schema(spec: dict[str, Any]) -> None:
    assert is_read(document(spec))
    assert VALIDATOR.is_valid(document(spec))


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {"image": ["nginx"]},
        {"images": "nginx"},
        {"images": []},
        {"images": ["a", "a"]},
        {"pin": "tags"},
        {"suspend": "yes"},
        {"suspend": {"until": "tomorrow"}},
        {"tags": {"order": "number"}},
        {"tags": {"allow": "digest"}},
        {"tags": {"order": "numeric", "range": "1"}},
        {"tags": {"order": "numeric", "allow": "minor"}},
        {"tags": {"layout": "%Y"}},
        {"tags": {"order": "semver", "time": "first-seen"}},
        {"tags": {"order": "digest", "exclude": ["a"]}},
        {"tags": {"order": "newest-build", "filter": "(.)", "extract": "$1"}},
        {"cooldown": 3},
        {"cooldown": "3 days"},
        {"cooldown": {"weekly": "1d"}},
        {"held": "skip"},
        {"skip": [{"reason": "x"}]},
        {"pullRequest": {"group": "-"}},
        {"pullRequest": {"reviewers": ["@me"]}},
        {"pullRequest": {"labels": ["a,b"]}},
    ],
)
def test_what_the_schema_refuses_is_refused(spec: Any) -> None:
    assert not VALIDATOR.is_valid(document(spec))
    assert not is_read(document(spec))


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"limits": {"open": 3, "newPerHour": 1}, "dashboard": True, "base": "release/1.x"},
        {"dashboard": {"title": "x", "labels": ["a"]}, "tags": {"allow": "patch"}, "pin": "digest"},
    ],
)
def test_what_is_read_of_a_whole_repository_is_valid_by_the_schema(spec: Any) -> None:
    assert is_read(for_all(spec))
    assert VALIDATOR.is_valid(for_all(spec))


@pytest.mark.parametrize(
    "spec",
    [
        {"images": ["a"]},
        {"fields": []},
        {"tags": {"range": "1"}},
        {"limits": {"open": 0}},
        {"base": "a b"},
        {"dashboard": "yes"},
        {"pullRequest": {"group": "{tema}"}},
        {"pullRequest": {"by": []}},
        {"pullRequest": {"autoMerge": {"steps": []}}},
        {"freezes": [{"from": "2026-12-20"}]},
    ],
)
def test_what_the_schema_refuses_of_a_whole_repository_is_refused(spec: Any) -> None:
    assert not VALIDATOR.is_valid(for_all(spec))
    assert not is_read(for_all(spec))


@pytest.mark.parametrize("name", ["A", "-a", "a" * 64, "", "a_b"])
def test_a_wrong_name_is_refused_by_both(name: str) -> None:
    whole = document({})
    whole["metadata"]["name"] = name
    assert not VALIDATOR.is_valid(whole)
    assert not is_read(whole)


def test_the_reference_names_every_key() -> None:
    page = (ROOT / "docs" / "policy-reference.md").read_text()
    published = published_schema.json_schema()
    keys: set[str] = set()
    for part in published["$defs"].values():
        keys |= set(part["properties"])
    assert (
        keys - set(re.findall(r"[A-Za-z]+", " ".join(re.findall(r"`([A-Za-z.\[\]]+)`", page))))
        == set()
    )
