"""Settings -> clients: above all, which secret may go where."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imagebot.clients import build
from imagebot.errors import SettingsError, StoreError
from imagebot.forge_clients import forge_for
from imagebot.forges import FORGES
from imagebot.git_clients import git_credentials
from imagebot.image import Repository
from imagebot.interfaces import Ledger, Registry
from imagebot.model import TagRecord
from imagebot.owed import Run
from imagebot.proposals import OutcomeKind
from imagebot.secret import Secret
from imagebot.settings import ForgeSettings, GitSettings, RepositorySettings, Settings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def repository(
    url: str, forge: ForgeSettings, git: GitSettings | None = None
) -> RepositorySettings:
    return RepositorySettings("x", url, timedelta(minutes=5), forge=forge, git=git or GitSettings())


def github(api_url: str | None = None) -> ForgeSettings:
    return ForgeSettings("github", "acme/config", api_url, Secret("ghp_canary"))


def gitlab(api_url: str | None = None) -> ForgeSettings:
    return ForgeSettings("gitlab", "acme/config", api_url, Secret("glpat-canary"))


def gitea(api_url: str | None = None) -> ForgeSettings:
    return ForgeSettings("gitea", "acme/config", api_url, Secret("gitea-canary"))


def azure(api_url: str | None = None) -> ForgeSettings:
    return ForgeSettings("azure-devops", "org/team/config", api_url, Secret("azure-canary"))


def bitbucket(api_url: str | None = None) -> ForgeSettings:
    return ForgeSettings("bitbucket", "acme/config", api_url, Secret("bitbucket-canary"))


@pytest.mark.parametrize(
    ("url", "forge", "is_sent"),
    [
        ("https://github.com/acme/config.git", github(), True),
        ("https://github.com/acme/config.git", github("https://api.github.com"), True),
        ("https://ghe.example/acme/config.git", github("https://ghe.example/api/v3"), True),
        ("https://gitlab.com/acme/config.git", gitlab(), True),
        ("https://git.example/acme/config.git", gitlab("https://git.example"), True),
        ("https://git.example/acme/config.git", gitea("https://git.example"), True),
        ("https://evil.example/acme/config.git", gitea("https://git.example"), False),
        ("https://api.git.example/acme/config.git", gitea("https://git.example"), False),
        ("https://bitbucket.org/acme/config.git", bitbucket(), True),
        ("https://evil.example/acme/config.git", bitbucket(), False),
        ("https://dev.azure.com/org/team/_git/config", azure(), True),
        ("https://org.visualstudio.com/team/_git/config", azure(), True),
        ("https://evil.example/org/team/_git/config", azure(), False),
        ("https://evil.example/acme/config.git", github(), False),
        ("https://evil.example/acme/config.git", gitlab("https://git.example"), False),
        ("https://github.com.evil.example/acme/config.git", github(), False),
        ("ssh://git@github.com/acme/config.git", github(), False),
    ],
)
def test_the_forges_token_goes_to_the_forges_own_host_only(
    url: str, forge: ForgeSettings, is_sent: bool
) -> None:
    settings = repository(url, forge)
    assert (git_credentials(settings, forge_for(settings)) is not None) is is_sent


def test_what_is_set_for_git_comes_before_the_forges_token() -> None:
    git = GitSettings(username="bot", password=Secret("own"))
    settings = repository("https://github.com/acme/config.git", github(), git)
    credentials = git_credentials(settings, forge_for(settings))
    assert getattr(credentials, "username", None) == "bot"


def test_a_forge_without_a_token_is_refused_with_the_way_out() -> None:
    settings = repository("https://github.com/a/b", ForgeSettings("github", "a/b"))
    with pytest.raises(SettingsError) as caught:
        forge_for(settings)
    assert "IMAGEBOT_GITHUB_TOKEN" in caught.value.hint


def test_a_forge_without_a_public_place_is_refused_until_its_address_is_known() -> None:
    settings = repository("file:///srv/config.git", gitea())
    with pytest.raises(SettingsError, match="where its gitea is") as caught:
        forge_for(settings)
    assert "apiUrl" in caught.value.hint


@pytest.mark.parametrize("kind", list(FORGES))
def test_every_kind_of_forge_is_built(kind: Any) -> None:
    forge = ForgeSettings(kind, "acme/team/config", "https://git.example", Secret("canary"))
    built = forge_for(repository("https://git.example/acme/config", forge))
    assert (built.name, type(built)) == (kind, FORGES[kind])


# The store


@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_ledger_and_a_registry_are_made_once(tmp_path: Path, is_read_only: bool) -> None:
    with build(Settings(tmp_path / "data"), is_read_only=is_read_only) as built:
        ledger: Ledger = built.ledger
        registry: Registry = built.registry
        assert ledger is built.ledger
        assert registry is built.registry
        ledger.note_listings({Repository("ghcr.io", "acme/api"): ["1.0"]}, NOW)
    assert (tmp_path / "data" / "imagebot.sqlite").exists() is not is_read_only


def test_what_one_command_noted_the_next_one_knows(tmp_path: Path) -> None:
    api = Repository("ghcr.io", "acme/api")
    with build(Settings(tmp_path)) as built:
        built.ledger.note_listings({api: ["1.0"]}, NOW)
    with build(Settings(tmp_path), is_read_only=True) as built:
        built.ledger.note_listings({api: ["1.0", "1.1"]}, NOW + HOUR)
        assert built.ledger.records(api)["1.0"] == TagRecord(NOW, True)
        assert built.ledger.records(api)["1.1"] == TagRecord(NOW + HOUR, False)
    with build(Settings(tmp_path)) as built:
        built.ledger.note_listings({api: ["1.0", "1.1"]}, NOW + 2 * HOUR)
        assert built.ledger.records(api)["1.1"] == TagRecord(NOW + 2 * HOUR, False)


def test_a_folder_that_may_not_be_entered_is_the_ledgers_trouble_and_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    with build(Settings(tmp_path), is_read_only=True) as built:
        monkeypatch.setattr(Path, "is_file", refused)
        assert built.registry.list_many([]) == {}
        with pytest.raises(StoreError, match="Permission denied"):
            built.ledger.records(Repository("ghcr.io", "acme/api"))


def test_a_run_that_cannot_be_remembered_is_told_of_and_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with build(Settings(tmp_path)) as built:
        with built.store.database.writing() as connection:
            connection.exec_driver_sql("DROP TABLE run")
        built.record(Run("config", OutcomeKind.UP_TO_DATE, "", NOW, NOW))
    assert "remembering the run" in caplog.text
