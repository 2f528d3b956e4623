"""Which of an owner's repositories are looked after, on each forge that can list them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from imagebot.cli.main import main
from imagebot.discovery import MAX_TREES_ASKED, discover
from imagebot.errors import ForgeError, SettingsError
from imagebot.fleet import Finder, listing_for
from imagebot.owned import OwnedRepository, Wanted, own_names, refusal
from imagebot.policy.globs import Glob
from imagebot.secret import Secret
from imagebot.settings_model import AppSettings, ForgeSettings, GitSettings, OwnerSettings, Settings
from imagebot.settings_owned import repository_of_owner
from tests.servers.owners import TOKEN, Owned, OwnersServer

FORGES = ["github", "gitlab", "gitea", "forgejo"]


@pytest.fixture
def server() -> Iterator[OwnersServer]:
    with OwnersServer() as running:
        yield running


class Memory(dict[str, bytes]):
    """What the store remembers."""

    def get_many(self, keys: list[str]) -> dict[str, bytes]:
        return {key: self[key] for key in keys if key in self}

    def put_many(self, entries: dict[str, bytes]) -> None:
        self.update(entries)


def owner(server: OwnersServer, kind: str, name: str = "acme", **more: object) -> OwnerSettings:
    forge = ForgeSettings(type=kind, api_url=server.root, token=Secret(TOKEN))
    git = GitSettings(allow_http=True)
    files = more.pop("files", ("**/imagebot.yaml",))
    return OwnerSettings(name, forge, git, timedelta(minutes=5), files=files, **more)


def fleet(*owners: OwnerSettings, memory: Memory | None = None, data: Path = Path()) -> Finder:
    return Finder(Settings(data, owners=owners), lambda: memory)


@pytest.mark.parametrize("kind", FORGES)
def test_all_repositories_of_an_owner_that_hold_a_policy_file_are_found(
    server: OwnersServer, kind: str
) -> None:
    server.owned["acme"] = [
        Owned("api-config"),
        Owned("deep", files=("README.md", "apps/x.yaml", "apps/web/imagebot.yaml")),
        Owned("website", files=("index.html",)),
        Owned("huge", files=None) if kind != "gitlab" else Owned("huge"),
        Owned("old", is_archived=True),
        Owned("copied", is_fork=True),
        Owned("nothing", is_empty=True),
        Owned("readable", may_push=False),
    ]
    found = fleet(owner(server, kind)).look()
    assert sorted(found.repositories) == ["acme-api-config", "acme-deep", "acme-huge"]
    assert found.left["acme/website"] == "no file is called **/imagebot.yaml"
    assert not found.troubles
    item = found.repositories["acme-deep"]
    assert (item.url, item.base) == (f"{server.root}/acme/deep.git", "main")
    assert (item.forge.type, item.forge.project) == (kind, "acme/deep")


@pytest.mark.parametrize("kind", FORGES)
def test_an_owner_may_be_a_person(server: OwnersServer, kind: str) -> None:
    server.owned["eve"], server.people = [Owned("dotfiles")], {"eve"}
    assert list(fleet(owner(server, kind, "eve")).look().repositories) == ["eve-dotfiles"]


def test_a_group_of_gitlab_has_what_its_subgroups_have(server: OwnersServer) -> None:
    server.owned = {"acme": [Owned("a")], "acme/platform": [Owned("b")], "acme2": [Owned("c")]}
    found = fleet(owner(server, "gitlab")).look()
    assert list(found.repositories) == ["acme-a", "acme-platform-b"]


@pytest.mark.parametrize("kind", FORGES)
def test_what_did_not_change_is_not_looked_into_again(server: OwnersServer, kind: str) -> None:
    server.owned["acme"] = [Owned("one"), Owned("two", files=("x",)), Owned("three")]
    memory = Memory()
    finder = fleet(owner(server, kind), memory=memory)
    first = finder.look()
    server.asked.clear()
    assert finder.look() == first
    assert not [each for each in server.asked if "tree" in each]
    server.owned["acme"][1].pushed_at, server.owned["acme"][1].files = (
        "2026-11-02",
        ("imagebot.yaml",),
    )
    assert "acme-two" in finder.look().repositories


@pytest.mark.parametrize("kind", FORGES)
def test_a_forge_in_trouble_makes_nobody_forgotten(server: OwnersServer, kind: str) -> None:
    server.owned["acme"] = [Owned("one")]
    finder = fleet(owner(server, kind))
    before = finder.look().repositories
    server.fails = 500
    after = finder.look()
    assert after.repositories == before
    assert isinstance(after.troubles["acme"], ForgeError)


@pytest.mark.parametrize("kind", FORGES)
@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_owner_that_cannot_be_listed_is_an_error_that_names_him(
    server: OwnersServer, kind: str, status: int
) -> None:
    server.fails = status
    trouble = fleet(owner(server, kind)).look().troubles["acme"]
    assert "acme" in str(trouble)
    assert TOKEN not in f"{trouble} {trouble.hint}"


def test_filters_by_name_topic_and_fork() -> None:
    found = OwnedRepository(
        "acme/api-config", "https://x", "git@x", "main", topics=("GitOps",), is_fork=True
    )
    assert refusal(found, Wanted()) == "a fork"
    with_forks = {"with_forks": True}
    assert refusal(found, Wanted(**with_forks)) == ""
    assert refusal(found, Wanted(names=("*-config",), topics=("gitops",), **with_forks)) == ""
    assert refusal(found, Wanted(names=("acme/*",), **with_forks)) == ""
    assert refusal(found, Wanted(names=("web*",), **with_forks))
    assert refusal(found, Wanted(not_names=("api-*",), **with_forks)) == "its name is excluded"
    assert refusal(found, Wanted(topics=("infra",), **with_forks)) == "it has no topic infra"


def test_names_are_stable_unique_and_fit() -> None:
    assert own_names(["acme/api", "acme/web"], []) == {
        "acme/api": "acme-api",
        "acme/web": "acme-web",
    }
    clash = own_names(["a-b/c", "a/b-c"], [])
    assert len(set(clash.values())) == 2
    assert own_names(["acme/api"], ["acme-api"])["acme/api"].startswith("acme-api-")
    long = own_names([f"acme/{'x' * 200}"], [])
    assert len(next(iter(long.values()))) <= 63


def test_a_repository_that_the_settings_list_is_not_found_again(server: OwnersServer) -> None:
    server.owned["acme"] = [Owned("fleet"), Owned("apps")]
    ours = owner(server, "github")
    listed = repository_of_owner(
        ours, OwnedRepository("Acme/Fleet", f"{server.root}/acme/fleet.git", "", "main"), "prod"
    )
    found = Finder(Settings(Path(), repositories=(listed,), owners=(ours,)), lambda: None).look()
    assert sorted(found.repositories) == ["acme-apps", "prod"]
    assert "already" in found.left["acme/fleet"]


@pytest.mark.parametrize(
    "url", ["file:///etc", "ext::sh -c id", "-oProxyCommand=x", "http://x/y.git", "/srv/git", ""]
)
def test_an_address_of_the_forge_is_checked_like_one_of_the_settings(url: str) -> None:
    forge = ForgeSettings(type="github", token=Secret("t"))
    ours = OwnerSettings("acme", forge, GitSettings(), timedelta(minutes=5))
    with pytest.raises(SettingsError):
        repository_of_owner(ours, OwnedRepository("acme/x", url, "", "main"), "x")


def test_ssh_is_used_where_the_settings_have_a_key() -> None:
    git = GitSettings(ssh_key_file=Path("key"), known_hosts_file=Path("hosts"))
    ours = OwnerSettings("acme", ForgeSettings(type="github"), git, timedelta(minutes=5))
    found = OwnedRepository("acme/x", "https://github.com/acme/x.git", "git@github.com:acme/x", "")
    assert repository_of_owner(ours, found, "x").url == "git@github.com:acme/x"


@dataclass
class Many:
    """An owner of many repositories, none of which is remembered."""

    count: int
    trees: int = 0

    def repositories(self) -> list[OwnedRepository]:
        return [
            OwnedRepository(f"acme/{number:04}", f"https://x/{number}", "", "main", changed="1")
            for number in range(self.count)
        ]

    def paths(self, repository: OwnedRepository) -> list[str]:
        self.trees += 1
        return ["imagebot.yaml"]


def test_a_first_look_at_many_repositories_is_spread_over_rounds() -> None:
    listing, memory = Many(2 * MAX_TREES_ASKED), Memory()
    wanted = Wanted(files=(Glob.compile("imagebot.yaml"),))
    assert len(discover(listing, wanted, memory).taken) == MAX_TREES_ASKED
    assert len(discover(listing, wanted, memory).taken) == 2 * MAX_TREES_ASKED
    assert listing.trees == 2 * MAX_TREES_ASKED


def test_an_owner_without_a_token_is_told_so() -> None:
    forge = ForgeSettings(type="github")
    with pytest.raises(SettingsError, match="no token"):
        listing_for(OwnerSettings("acme", forge, GitSettings(), timedelta(minutes=5)))


def test_discover_shows_which_are_taken_and_why_not(
    server: OwnersServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.owned["acme"] = [Owned("fleet"), Owned("site", files=("x",)), Owned("mine", topics=())]
    (tmp_path / "token").write_text(TOKEN)
    settings = tmp_path / "settings.yaml"
    forge = f"{{type: gitea, apiUrl: '{server.root}', tokenFile: token}}"
    settings.write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: data\n"
        f"owners: [{{owner: acme, forge: {forge}, git: {{allowHttp: true}}, exclude: [mine]}}]\n"
    )
    assert main(["discover", "--settings", str(settings)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["acme-fleet", "acme/fleet", "yes"] in lines
    assert any(line[:2] == ["acme/site", "no:"] for line in lines)
    assert main(["discover", "--settings", str(settings), "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in told["repositories"]] == ["acme-fleet"]


def test_discover_prints_no_control_characters_of_a_forge(
    server: OwnersServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.owned["acme"] = [Owned("weird\x1b[31mname")]
    (tmp_path / "token").write_text(TOKEN)
    settings = tmp_path / "settings.yaml"
    forge = f"{{type: gitlab, apiUrl: '{server.root}', tokenFile: token}}"
    settings.write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: data\n"
        f"owners: [{{owner: acme, forge: {forge}, git: {{allowHttp: true}}}}]\n"
    )
    assert main(["discover", "--settings", str(settings)]) == 0
    shown = capsys.readouterr()
    assert "name" in shown.out
    assert "\x1b" not in shown.out + shown.err


@pytest.mark.parametrize("kind", ["github", "gitea"])
def test_discover_says_once_why_an_owner_cannot_be_asked(
    server: OwnersServer, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    settings = tmp_path / "settings.yaml"
    forge = f"{{type: {kind}, apiUrl: '{server.root}', tokenFile: token}}"
    settings.write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: data\n"
        f"owners: [{{owner: acme, forge: {forge}, git: {{allowHttp: true}}}}]\n"
    )
    server.fails = 403
    command = [sys.executable, "-m", "imagebot", "discover", "--settings", str(settings)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert done.stderr.count("403") == 1, done.stderr
    assert "owner acme: cannot list the repositories of acme: " in done.stderr
    assert done.stderr.count("cannot") == 1


def test_apply_goes_through_what_was_discovered(
    server: OwnersServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The repository itself is not served here: what matters is that it is tried."""
    server.owned["acme"] = [Owned("fleet")]
    (tmp_path / "token").write_text(TOKEN)
    settings = tmp_path / "settings.yaml"
    forge = f"{{type: gitea, apiUrl: '{server.root}', tokenFile: token}}"
    settings.write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: data\n"
        f"owners: [{{owner: acme, forge: {forge}, git: {{allowHttp: true}}}}]\n"
    )
    assert main(["apply", "--settings", str(settings)]) == 6
    assert capsys.readouterr().out.startswith("acme-fleet: stalled:")


@pytest.mark.parametrize("people", [set(), {"acme"}])
def test_an_app_finds_the_repositories_of_the_owner_that_it_is_installed_on(
    server: OwnersServer, people: set[str]
) -> None:
    server.owned = {"acme": [Owned("one"), Owned("two"), Owned("three")], "other": [Owned("x")]}
    server.people = people
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    app = AppSettings("12345", Secret(pem.decode()), None)
    forge = ForgeSettings(type="github", api_url=server.root, app=app)
    ours = replace(owner(server, "github"), forge=forge)
    found = fleet(ours).look()
    assert not found.troubles
    assert sorted(found.repositories) == ["acme-one", "acme-three", "acme-two"]
