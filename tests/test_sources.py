"""Labels lead to a project only on known hosts, and to links of checked parts."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.details import ImageDetails
from imagebot.sources import (
    PUBLIC_HOSTS,
    Source,
    SourceHost,
    compare_url,
    revision_of,
    source_of,
)
from tests.making import DIGEST_A

LABEL = "org.opencontainers.image.source"
HOSTS = {
    **PUBLIC_HOSTS,
    "git.example.org:3000": SourceHost("gitea", "https://git.example.org:3000", ""),
    "code.example.org": SourceHost("bitbucket-server", "https://code.example.org", ""),
}
OLD, NEW = "a" * 40, "b" * 40


def image(**labels: str) -> ImageDetails:
    return ImageDetails(DIGEST_A, "linux/amd64", (), labels=labels)


def found(text: str) -> Source | None:
    return source_of(image(**{LABEL: text}), HOSTS)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://github.com/acme/api", "https://github.com/acme/api"),
        ("https://github.com/acme/api.git", "https://github.com/acme/api"),
        ("http://GitHub.com/acme/api/tree/main/cmd", "https://github.com/acme/api"),
        ("git@github.com:acme/api.git", "https://github.com/acme/api"),
        ("ssh://git@github.com:22/acme/api", "https://github.com/acme/api"),
        ("git+https://github.com/acme/api.git#main", "https://github.com/acme/api"),
        ("https://user:secret@github.com/acme/api", "https://github.com/acme/api"),
        ("https://gitlab.com/acme/team/api/-/tree/main", "https://gitlab.com/acme/team/api"),
        ("https://codeberg.org/acme/api/", "https://codeberg.org/acme/api"),
        ("https://git.example.org:3000/acme/api", "https://git.example.org:3000/acme/api"),
        ("https://bitbucket.org/acme/api", "https://bitbucket.org/acme/api"),
        ("https://code.example.org/scm/A/api.git", "https://code.example.org/projects/A/repos/api"),
        ("https://dev.azure.com/acme/shop/_git/api", "https://dev.azure.com/acme/shop/_git/api"),
    ],
)
def test_the_project_is_found_however_it_is_written(text: str, url: str) -> None:
    source = found(text)
    assert source is not None
    assert source.url == url


@pytest.mark.parametrize(
    "text",
    [
        "", "acme/api", "https://github.com", "https://github.com/acme", "file:///etc/passwd",
        "https://evil.example/acme/api", "https://github.com.evil.example/acme/api",
        "https://evil.example@169.254.169.254/a/b", "https://github.com:8443/acme/api",
        "https://github.com/acme/../..", "https://github.com/acme/a b", "https://[::1]/acme/api",
        "https://github.com/acme/a)[x](y", "javascript:alert(1)", "https://github.com:x/acme/api",
        "https://gitlab.com/" + "a/" * 30, "https://github.com/acme/" + "a" * 500,
    ],
)  # fmt: skip
def test_what_names_no_project_on_a_known_host_is_no_source(text: str) -> None:
    assert found(text) is None


def test_other_labels_and_annotations_stand_in_for_a_missing_source() -> None:
    by_url = image(**{"org.opencontainers.image.url": "https://github.com/acme/api"})
    annotated = ImageDetails(DIGEST_A, "", (), annotations={LABEL: "https://github.com/acme/api"})
    for each in (by_url, annotated):
        source = source_of(each, HOSTS)
        assert source is not None
        assert source.name == "github.com/acme/api"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://github.com/a/b", f"https://github.com/a/b/compare/{OLD}...{NEW}"),
        ("https://codeberg.org/a/b", f"https://codeberg.org/a/b/compare/{OLD}...{NEW}"),
        ("https://gitlab.com/a/b", f"https://gitlab.com/a/b/-/compare/{OLD}...{NEW}"),
        ("https://bitbucket.org/a/b", f"https://bitbucket.org/a/b/branches/compare/{NEW}%0D{OLD}"),
        ("https://code.example.org/projects/A/repos/b",
         "https://code.example.org/projects/A/repos/b/compare/commits"
         f"?sourceBranch={NEW}&targetBranch={OLD}"),
        ("https://dev.azure.com/a/b/_git/c",
         "https://dev.azure.com/a/b/_git/c/branchCompare"
         f"?baseVersion=GC{OLD}&targetVersion=GC{NEW}"),
    ],
)  # fmt: skip
def test_each_forge_has_its_own_page_to_compare_commits(text: str, url: str) -> None:
    source = found(text)
    assert source is not None
    assert compare_url(source, OLD, NEW) == url


@pytest.mark.parametrize(("old", "new"), [("", NEW), (OLD, ""), (OLD, OLD), ("main", NEW)])
def test_what_cannot_be_compared_has_no_link(old: str, new: str) -> None:
    source = found("https://github.com/a/b")
    assert source is not None
    assert compare_url(source, old, new) == ""


def test_a_revision_is_a_commit_id_or_nothing() -> None:
    label = "org.opencontainers.image.revision"
    assert revision_of(image(**{label: NEW.upper()})) == NEW
    assert revision_of(image(**{label: "main"})) == ""
    assert revision_of(image(**{label: f"{NEW})[x](https://evil.example"})) == ""


@given(st.text(max_size=60) | st.text("htps:/@.[]()%\\ -_gaeI", max_size=60).map(
    "https://github.com/".__add__))  # fmt: skip
def test_any_label_leads_to_a_plain_address_on_a_known_host_or_nowhere(text: str) -> None:
    source = found(text)
    if source is not None:
        parts = urlsplit(source.url)
        assert parts.scheme == "https"
        assert parts.netloc in HOSTS
        assert not set(source.url) & set(" <>()[]\\\"'`@|#?%")
