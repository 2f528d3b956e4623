"""The story of a pull request against a GitHub that is not ours (see tests/servers/emulate.py)."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from imagebot.errors import ForgeError
from imagebot.forges.credentials import AppCredentials, TokenCredentials
from imagebot.forges.github import GitHub
from imagebot.proposals import PullRequestState
from imagebot.secret import Secret
from tests.forges.conftest import private_pem
from tests.forges.world import changes, opened_by
from tests.servers import emulate
from tests.servers.emulate import Emulated


@pytest.fixture(scope="module")
def emulated(
    app_key: RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Emulated]:
    folder: Path = tmp_path_factory.mktemp("emulate")
    try:
        with emulate.running(private_pem(app_key), folder) as server:
            yield server
    except emulate.NotAvailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture(params=["token", "app", "app-without-installation"])
def forge(request: pytest.FixtureRequest, emulated: Emulated, app_key: RSAPrivateKey) -> GitHub:
    app = AppCredentials(
        str(emulate.APP_ID),
        Secret(private_pem(app_key)),
        emulate.INSTALLATION_ID if request.param == "app" else None,
    )
    token = TokenCredentials(Secret(emulate.TOKEN))
    credentials = token if request.param == "token" else app
    return GitHub(emulate.PROJECT, credentials, api_url=emulated.api_url)


def test_a_pull_request_is_created_found_updated_and_closed(
    forge: GitHub, emulated: Emulated, request: pytest.FixtureRequest
) -> None:
    branch = f"imagebot/{request.node.callspec.id}"
    emulated.push(branch, f"image: api:1.1.0 # {branch}\n")
    wanted = changes(branch, labels=("images",), reviewers=("alice",))

    made = opened_by(forge, wanted)
    found = forge.find([branch, "imagebot/other"])
    assert found == {branch: made}
    assert (made.title, made.body, made.labels) == (wanted.title, wanted.body, ("images",))

    assert forge.update(made, wanted) == made
    changed = changes(branch, title="Update api to 1.2.0", body="More.", labels=("images", "dev"))
    forge.update(made, changed)
    after = forge.find([branch])[branch]
    assert (after.title, after.body, set(after.labels)) == (
        "Update api to 1.2.0",
        "More.",
        {"images", "dev"},
    )

    forge.close(after, "Nothing is behind any more.")
    assert forge.find([branch])[branch].state is PullRequestState.CLOSED
    comments = emulated.ask("GET", f"issues/{after.number}/comments")
    assert [said["body"] for said in comments] == ["Nothing is behind any more."]


def test_a_key_that_is_not_the_apps_is_refused(
    emulated: Emulated, other_key: RSAPrivateKey
) -> None:
    wrong = AppCredentials(str(emulate.APP_ID), Secret(private_pem(other_key)))
    with pytest.raises(ForgeError, match="401"):
        GitHub(emulate.PROJECT, wrong, api_url=emulated.api_url).find(["imagebot/api"])


def test_git_gets_an_installation_token(emulated: Emulated, app_key: RSAPrivateKey) -> None:
    app = AppCredentials(str(emulate.APP_ID), Secret(private_pem(app_key)))
    user, token = GitHub(emulate.PROJECT, app, api_url=emulated.api_url).git_credentials()
    assert user == "x-access-token"
    assert token.reveal().startswith("ghs_")
