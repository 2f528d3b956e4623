"""Addresses of git repositories, and what they say of the forge behind them."""

import pytest

from imagebot.forge_addresses import guessed_api_url, guessed_kind, guessed_project, is_hosted_by

ADDRESSES = [
    # URL, kind, project, API
    ("https://github.com/acme/config.git", "github", "acme/config", None),
    ("git@github.com:acme/config.git", "github", "acme/config", None),
    ("https://gitlab.com/acme/group/config", "gitlab", "acme/group/config", None),
    ("https://codeberg.org/acme/config", "forgejo", "acme/config", "https://codeberg.org"),
    ("https://bitbucket.org/acme/config.git", "bitbucket", "acme/config", None),
    ("git@bitbucket.org:acme/config.git", "bitbucket", "acme/config", None),
    ("https://dev.azure.com/org/My%20Team/_git/conf", "azure-devops", "org/My Team/conf", None),
    ("https://dev.azure.com/org/_git/conf", "azure-devops", "org/conf/conf", None),
    ("git@ssh.dev.azure.com:v3/org/team/conf", "azure-devops", "org/team/conf", None),
    ("https://org.visualstudio.com/team/_git/conf", "azure-devops", "org/team/conf", None),
    (
        "https://org.visualstudio.com/DefaultCollection/team/_git/conf",
        "azure-devops",
        "org/team/conf",
        None,
    ),
    ("org@vs-ssh.visualstudio.com:v3/org/team/conf", "azure-devops", "org/team/conf", None),
    ("https://gitea.com/acme/config.git", "gitea", "acme/config", "https://gitea.com"),
    ("https://git.example/acme/config", "plain", "acme/config", None),
]
OWN = [
    ("github", "https://git.example/a/b", "a/b", "https://git.example/api/v3"),
    ("gitlab", "git@git.example:x/y/b.git", "x/y/b", "https://git.example"),
    ("gitea", "https://git.example:3000/a/b.git", "a/b", "https://git.example:3000"),
    ("bitbucket-server", "https://b.example/scm/key/b.git", "key/b", "https://b.example"),
    ("bitbucket-server", "https://b.example/x/scm/~me/b.git", "~me/b", "https://b.example/x"),
    ("bitbucket-server", "ssh://git@b.example:7999/key/b.git", "key/b", "https://b.example"),
    (
        "azure-devops",
        "https://tfs.example/tfs/Coll/team/_git/conf",
        "Coll/team/conf",
        "https://tfs.example/tfs",
    ),
    (
        "azure-devops",
        "https://tfs.example:8443/Coll/team/_git/conf",
        "Coll/team/conf",
        "https://tfs.example:8443",
    ),
    ("forgejo", "ssh://git@git.example:2222/a/b.git", "a/b", "https://git.example"),
]


@pytest.mark.parametrize(("url", "kind", "project", "api_url"), ADDRESSES)
def test_an_address_of_a_public_forge_says_all(
    url: str, kind: str, project: str, api_url: str | None
) -> None:
    assert guessed_kind(url) == kind
    assert guessed_project(url, kind) == project
    assert guessed_api_url(url, kind) == api_url


@pytest.mark.parametrize(("kind", "url", "project", "api_url"), OWN)
def test_an_address_of_ones_own_forge_says_all_but_its_kind(
    kind: str, url: str, project: str, api_url: str
) -> None:
    assert guessed_project(url, kind) == project
    assert guessed_api_url(url, kind) == api_url


@pytest.mark.parametrize("url", ["file:///srv/config.git", "https://git.example/config"])
def test_an_address_without_an_owner_names_no_project(url: str) -> None:
    assert guessed_kind(url) == "plain"
    assert guessed_project(url, "gitea") in (None, "srv/config")


@pytest.mark.parametrize("path", ["../config", "acme/..", "acme/./config", "acme//config"])
def test_a_project_does_not_climb(path: str) -> None:
    assert guessed_project(f"https://git.example/{path}", "gitea") is None


@pytest.mark.parametrize(
    ("url", "kind", "api_url", "is_own"),
    [
        ("https://github.com/a/b", "github", "https://api.github.com", True),
        ("https://api.github.com/a/b", "github", None, True),
        ("https://git.example/a/b", "gitea", "https://git.example", True),
        ("https://git.example.evil/a/b", "gitea", "https://git.example", False),
        ("ssh://git@git.example/a/b", "gitea", "https://git.example", False),
        ("git@git.example:a/b", "gitea", "https://git.example", False),
        ("file:///a/b", "gitea", "https://git.example", False),
        ("https://git.example/a/b", "plain", None, False),
        ("https:///a/b", "plain", None, False),
        ("https://dev.azure.com/o/p/_git/r", "azure-devops", None, True),
        ("https://o.visualstudio.com/p/_git/r", "azure-devops", None, True),
        ("https://o.visualstudio.com.evil/p/_git/r", "azure-devops", None, False),
        ("https://o.visualstudio.com/p/_git/r", "azure-devops", "https://tfs.example", False),
        ("https://bitbucket.org/a/b", "bitbucket", None, True),
        ("https://b.example/scm/a/b.git", "bitbucket-server", "https://b.example/x", True),
    ],
)
def test_only_the_forges_own_host_is_its_own(
    url: str, kind: str, api_url: str | None, is_own: bool
) -> None:
    assert is_hosted_by(url, kind, api_url) is is_own
