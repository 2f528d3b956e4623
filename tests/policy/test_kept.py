"""Policies that are kept come back equal, each with the path of the file it is taken for."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from imagebot.policy import kept, reading
from imagebot.policy.model import Policy, Suspension
from imagebot.policy.reading import PolicyFile

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("policies/**/imagebot.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.parent.name for path in EXAMPLES])
def test_every_example_comes_back_equal(path: Path) -> None:
    found = reading.find("apps/imagebot.yaml", path.read_bytes())
    assert found.policies or found.repository_policies
    assert kept.load("apps/imagebot.yaml", kept.dump(found)) == found
    moved = kept.load("b/x.yaml", kept.dump(found))
    assert moved == reading.find("b/x.yaml", path.read_bytes())


def test_a_policy_comes_back_able_to_work() -> None:
    source = b"""apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata: {name: a}
spec: {tags: {range: ">=1.2 <2", filter: "^v(.*)$", extract: $1}, suspend: {until: 2026-12-01}}
"""
    (policy,) = kept.load("a.yaml", kept.dump(reading.find("a.yaml", source))).policies
    assert policy.tags.filter is not None
    assert policy.tags.filter.is_in("v1.3")
    assert policy.suspend == Suspension("", date(2026, 12, 1))


def test_documents_with_errors_come_back_with_their_problems() -> None:
    source = b"apiVersion: imagebot.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {nam: x}\n"
    found = reading.find("a.yaml", source)
    assert found.broken
    assert found.problems
    assert kept.load("a.yaml", kept.dump(found)) == found


def test_what_is_kept_is_one_line() -> None:
    policy = Policy(name="a\nb\r\u2028", file="a.yaml", line=1)
    assert b"\n" not in kept.dump(PolicyFile(policies=(policy,)))


def test_a_value_of_an_unknown_class_is_refused_by_its_name() -> None:
    policy = replace(Policy(name="a", file="", line=1), images=(object(),))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="object"):
        kept.dump(PolicyFile(policies=(policy,)))
