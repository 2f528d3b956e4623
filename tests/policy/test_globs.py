"""Globs over image repositories and paths."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.errors import PolicyError
from imagebot.policy.globs import Glob, check_path, whole_image


@pytest.mark.parametrize(
    ("written", "whole"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("library/nginx", "docker.io/library/nginx"),
        ("acme/api", "docker.io/acme/api"),
        ("index.docker.io/acme/api", "docker.io/acme/api"),
        ("ghcr.io/acme/api", "ghcr.io/acme/api"),
        ("localhost/x", "localhost/x"),
        ("[::1]:5000/x", "[::1]:5000/x"),
        ("worker-*", "docker.io/library/worker-*"),
        ("acme/*", "docker.io/acme/*"),
        ("index.docker.io/acme/*", "docker.io/acme/*"),
        ("registry.local:5000/**", "registry.local:5000/**"),
        ("*.example.com/**", "*.example.com/**"),
        ("**", "**"),
        ("**/api", "**/api"),
    ],
)
def test_image_globs_are_made_whole_as_names_are(written: str, whole: str) -> None:
    assert whole_image(written) == whole
    assert whole_image(whole) == whole


@pytest.mark.parametrize(
    "written",
    ["", "*", "a//b", "a**", "nginx:1", "acme/*:1", "a@sha256:0", "ghcr.io/Acme/*", "a b", "a?",
     "!a", "ghcr.io/", "/a", "x" * 300, "acme/" + "x*" * 150],
)  # fmt: skip
def test_what_is_no_image_glob_is_refused(written: str) -> None:
    with pytest.raises(PolicyError):
        whole_image(written)


@pytest.mark.parametrize(
    ("glob", "matches", "others"),
    [
        ("x.io/acme/*", ["x.io/acme/api"], ["x.io/acme/a/b", "x.io/acme/", "x.io/acme"]),
        ("x.io/w-*", ["x.io/w-1", "x.io/w-"], ["x.io/w", "x.io/w-1/x"]),
        ("x.io/acme/**", ["x.io/acme/a", "x.io/acme/a/b"], ["x.io/acme", "x.io/acme2/a"]),
        ("x.io/**/api", ["x.io/api", "x.io/a/b/api"], ["x.io/a/xapi"]),
        ("**", ["a", "a/b/c"], [""]),
        ("**/a.yaml", ["a.yaml", "x/y/a.yaml"], ["ba.yaml", "a.yaml/b"]),
        ("*.yaml", ["a.yaml", ".yaml"], ["x/a.yaml", "a.yml", "aayaml"]),
        ("a+(b).yaml", ["a+(b).yaml"], ["aab.yaml"]),
    ],
)  # fmt: skip
def test_one_star_stays_in_its_part_and_two_cross(
    glob: str, matches: list[str], others: list[str]
) -> None:
    compiled = Glob.compile(glob)
    assert [text for text in matches if not compiled.matches(text)] == []
    assert [text for text in others if compiled.matches(text)] == []


@pytest.mark.parametrize(
    "written",
    ["", "/a/**", "a/", "a//b.yaml", "../a.yaml", "a?.yaml", "{a,b}.yaml", "!a.yaml", "prod",
     "a\\b.yaml"],
)  # fmt: skip
def test_what_is_no_path_glob_is_refused(written: str) -> None:
    with pytest.raises(PolicyError):
        check_path(written)


parts = st.lists(st.sampled_from(["**", "*", "a*", "*-b", "x", "a.b"]), min_size=1, max_size=5)


@given(parts)
def test_a_glob_matches_its_own_sample(written: list[str]) -> None:
    glob = Glob.compile("/".join(written))
    assert glob.matches(glob.sample())


def test_a_hostile_glob_takes_linear_time() -> None:
    glob = Glob.compile("a*" * 120 + "b")
    began = time.process_time()
    assert not glob.matches("a" * 250)
    assert time.process_time() - began < 5  # minutes with a backtracking engine
