"""Settings: a file, the environment and secret files; everything wrong is told at once."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from imagebot import settings
from imagebot.errors import SettingsError
from imagebot.settings import Author, Listen, Reconciling, RegistrySettings, Settings
from imagebot.store_address import in_file

HEAD = "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\n"
HOME = {"HOME": "/home/nobody"}
CANARY = "canary-secret-4711"
SSH_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n"


def load(folder: Path, text: str, **environ: str) -> Settings:
    file = folder / "settings.yaml"
    file.write_text(HEAD + text)
    return settings.load(file, {**HOME, **environ})


def refusal(folder: Path, text: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as raised:
        load(folder, text, **environ)
    assert CANARY not in str(raised.value) + raised.value.hint + repr(raised.value.__cause__)
    return str(raised.value).replace(str(folder), "FOLDER")


SERVER = "postgresql://imagebot:{}@db.acme.example:5433/updates?sslmode=verify-full"


def test_the_store_is_where_a_file_or_a_variable_says(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(SERVER.format(CANARY) + "\n")
    for loaded in (
        load(tmp_path, "store: {urlFile: url}"),
        load(tmp_path, "store: {urlEnv: DB}", DB=SERVER.format(CANARY)),
        load(tmp_path, "store: {url: sqlite://}", IMAGEBOT_STORE_URL=SERVER.format(CANARY)),
        load(tmp_path, "", IMAGEBOT_STORE_URL=SERVER.format(CANARY).replace("ql", "", 1)),
    ):
        assert loaded.store
        assert loaded.store.server
        driven = SERVER.format(CANARY).replace("postgresql", "postgresql+psycopg")
        assert loaded.store.server.reveal() == driven
        assert loaded.store.name == "postgresql://db.acme.example:5433/updates"
        assert CANARY not in repr(loaded)
    loaded = load(tmp_path, "store: {url: postgresql://imagebot@db.acme.example/updates}")
    assert loaded.store
    assert loaded.store.name == "postgresql://db.acme.example/updates"
    assert load(tmp_path, "store: {url: sqlite:///a.db}").store == in_file(tmp_path / "a.db")
    assert load(tmp_path, "store: {url: sqlite:////a.db}").store == in_file(Path("/a.db"))
    assert load(tmp_path, "").store is None


def test_a_wrong_url_of_the_store_in_a_variable_is_told_without_the_url(tmp_path: Path) -> None:
    found = refusal(tmp_path, "", IMAGEBOT_STORE_URL=f"mysql://root:{CANARY}@db/updates")
    assert "IMAGEBOT_STORE_URL: the store cannot live in 'mysql'" in found
    found = refusal(tmp_path, "", IMAGEBOT_STORE_URL=f"postgresql://root:{CANARY}@db:port/x")
    assert "the store's URL cannot be read" in found
    found = refusal(tmp_path, "store: {urlEnv: DB}", DB=CANARY)
    assert "settings.yaml:3:8: store: the store's URL is no URL" in found


def test_without_file_and_variables_there_are_defaults() -> None:
    loaded = settings.load(None, HOME)
    assert loaded == Settings(data_dir=Path("/home/nobody/.cache/imagebot"))
    assert loaded.interval == timedelta(minutes=5)
    assert loaded.listen == Listen("127.0.0.1", 8080)
    cached = settings.load(None, {**HOME, "XDG_CACHE_HOME": "/c"})
    assert cached.data_dir == Path("/c/imagebot")


def test_every_key_of_the_file_is_read(tmp_path: Path) -> None:
    for name in ("token", "key.pem", "password", "ssh", "hosts", "ca.pem", "config.json"):
        (tmp_path / name).write_text(f"{name} {CANARY}\n")
    (tmp_path / "signer").write_text(f"{SSH_KEY}{CANARY}\n")
    loaded = load(
        tmp_path,
        """
dataDir: data
interval: 1h30m
jitter: 0.2
listen: "[::]:9000"
author:
  name: bot
  email: bot@acme.example
  signing: {format: ssh, keyFile: signer}
repositories:
  - name: podinfo
    url: https://github.com/acme/config.git
    base: main
    mode: direct
    interval: 90s
    forge: {type: github, project: x/y, apiUrl: "https://ghe.example/api/v3", tokenFile: token}
    git: {username: me, passwordFile: password, caFile: ca.pem, allowFile: true, allowHttp: true}
  - name: app
    url: git@github.com:acme/app.git
    forge: {app: {id: 12, privateKeyFile: key.pem, installationId: 34}}
    git: {sshKeyFile: ssh, knownHostsFile: hosts}
  - name: plain
    url: https://git.example/a.git
    forge: {type: plain, pushOptions: [merge_request.create, "t={title}"], agit: true}
registries:
  - host: registry.local:5000
    insecure: true
    internal: true
    caFile: ca.pem
    tokenServers: [auth.local]
    concurrency: 3
    username: me
    passwordEnv: REGISTRY_PASSWORD
    kind: harbor
dockerConfig: config.json
credentialHelpers: {"123.dkr.ecr.eu-west-1.amazonaws.com": ecr-login}
""",
        REGISTRY_PASSWORD=CANARY,
    )
    assert loaded.data_dir == tmp_path / "data"
    assert (loaded.interval, loaded.jitter) == (timedelta(hours=1, minutes=30), 0.2)
    assert loaded.listen == Listen("::", 9000)
    signing = loaded.author.signing
    assert loaded.author == Author("bot", "bot@acme.example", signing)
    assert signing
    assert (signing.format, signing.file) == ("ssh", tmp_path / "signer")
    assert signing.key.reveal() == f"{SSH_KEY}{CANARY}"
    first, second, third = loaded.repositories
    assert third.forge.agit
    assert third.forge.push_options == ("merge_request.create", "t={title}")
    assert (first.name, first.base, first.mode) == ("podinfo", "main", "direct")
    assert (first.interval, second.interval) == (timedelta(seconds=90), timedelta(minutes=90))
    assert first.forge.token
    assert first.forge.token.reveal() == f"token {CANARY}"
    assert (first.forge.project, first.forge.api_url) == (
        "x/y",
        "https://ghe.example/api/v3",
    )
    assert first.git.password
    assert (first.git.username, first.git.ca_file) == ("me", tmp_path / "ca.pem")
    assert (first.git.allow_file, first.git.allow_http) == (True, True)
    assert second.forge.app
    assert (second.forge.app.id, second.forge.app.installation_id) == ("12", 34)
    assert (second.forge.type, second.forge.project) == ("github", "acme/app")
    assert second.git.ssh_key_file == tmp_path / "ssh"
    (registry,) = loaded.registries
    assert registry.password
    assert registry == RegistrySettings(
        "registry.local:5000", True, True, tmp_path / "ca.pem", ("auth.local",), 3, "me",
        registry.password, "harbor",
    )  # fmt: skip
    assert loaded.docker_config == tmp_path / "config.json"
    assert loaded.credential_helpers == {"123.dkr.ecr.eu-west-1.amazonaws.com": "ecr-login"}
    assert CANARY not in repr(loaded) + str(loaded)


def test_variables_overrule_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    loaded = load(
        tmp_path,
        "interval: 1h\nauthor: {name: a, email: a@b}\ndataDir: /x\n",
        IMAGEBOT_INTERVAL="10s",
        IMAGEBOT_AUTHOR_NAME="b",
        IMAGEBOT_DATA_DIR="/y",
        IMAGEBOT_LISTEN="0.0.0.0:1",
        IMAGEBOT_JITTER="0.5",
        IMAGEBOT_DOCKER_CONFIG=str(tmp_path / "config.json"),
    )
    assert loaded.interval == timedelta(seconds=10)
    assert loaded.author == Author("b", "a@b")
    assert loaded.data_dir == Path("/y")
    assert loaded.listen == Listen("0.0.0.0", 1)
    assert loaded.jitter == 0.5
    assert loaded.docker_config == tmp_path / "config.json"


def test_a_variable_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(HEAD + "interval: 7s\n")
    named = settings.load(None, {**HOME, "IMAGEBOT_SETTINGS": str(file)})
    assert named.interval == timedelta(seconds=7)
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.load(tmp_path / "none.yaml", HOME)


def test_general_tokens_go_to_repositories_that_name_none(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("own")
    loaded = load(
        tmp_path,
        """
repositories:
  - {name: a, url: "https://github.com/acme/a"}
  - {name: b, url: "https://github.com/acme/b", forge: {tokenFile: token}}
  - {name: c, url: "https://gitlab.com/acme/group/c.git"}
  - {name: d, url: "https://git.example/acme/d"}
""",
        IMAGEBOT_GITHUB_TOKEN="hub\n",
        IMAGEBOT_GITLAB_TOKEN="lab",
    )
    tokens = [
        each.forge.token.reveal() if each.forge.token else None for each in loaded.repositories
    ]
    assert tokens == ["hub", "own", "lab", None]
    assert [each.forge.type for each in loaded.repositories] == [
        "github",
        "github",
        "gitlab",
        "plain",
    ]
    assert loaded.repositories[2].forge.project == "acme/group/c"


def test_the_address_of_an_own_forge_is_guessed_from_the_repository(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """
repositories:
  - {name: a, url: "https://git.acme.example/x/a", forge: {type: github}}
  - {name: b, url: "git@git.acme.example:x/b.git", forge: {type: gitlab}}
""",
    )
    assert [each.forge.api_url for each in loaded.repositories] == [
        "https://git.acme.example/api/v3",
        "https://git.acme.example",
    ]


def test_unknown_variables_are_refused_with_the_nearest_known_name(tmp_path: Path) -> None:
    words = refusal(tmp_path, "", IMAGEBOT_INTERVALL="5m")
    assert "unknown environment variable IMAGEBOT_INTERVALL" in words
    assert "did you mean 'IMAGEBOT_INTERVAL'?" in words


def test_variables_that_kubernetes_adds_for_a_service_of_our_name_are_no_mistake() -> None:
    names = [
        "IMAGEBOT_SERVICE_HOST", "IMAGEBOT_SERVICE_PORT", "IMAGEBOT_SERVICE_PORT_HTTP",
        "IMAGEBOT_PORT", "IMAGEBOT_PORT_8080_TCP", "IMAGEBOT_PORT_8080_TCP_ADDR",
        "IMAGEBOT_METRICS_SERVICE_HOST", "IMAGEBOT_METRICS_PORT_80_TCP_PROTO",
    ]  # fmt: skip
    assert settings.load(None, {**HOME, **dict.fromkeys(names, "x")}) == settings.load(None, HOME)


def test_a_variable_that_the_file_names_is_known(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        'repositories: [{name: a, url: "https://h/a/b", forge: {tokenEnv: IMAGEBOT_MINE}}]',
        IMAGEBOT_MINE=CANARY,
    )
    token = loaded.repositories[0].forge.token
    assert token
    assert token.reveal() == CANARY


def test_wrong_variables_and_wrong_keys_are_told_together(tmp_path: Path) -> None:
    words = refusal(
        tmp_path,
        "intervall: 5m\nlisten: 80\n",
        IMAGEBOT_INTERVAL="soon",
        IMAGEBOT_JITTER="7",
        IMAGEBOT_DOCKER_CONFIG="/no/such",
    )
    assert "FOLDER/settings.yaml:3:1: intervall: unknown key" in words
    assert "FOLDER/settings.yaml:4:9: listen: found the number 80, allowed: a text" in words
    assert "IMAGEBOT_INTERVAL: found the text 'soon'" in words
    assert "IMAGEBOT_JITTER: " in words
    assert "/no/such cannot be read" in words
    assert words.startswith("the settings have 5 problems:")


REPOSITORY = 'repositories: [{name: a, url: "https://github.com/a/b", %s}]'


def test_the_forge_can_be_asked_to_sign(tmp_path: Path) -> None:
    loaded = load(tmp_path, "author: {signing: {by: forge}}")
    assert loaded.author == Author(signing="forge")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (REPOSITORY % f"forge: {{token: {CANARY}}}", "write tokenFile"),
        (REPOSITORY % f"git: {{password: {CANARY}}}", "write passwordFile"),
        (REPOSITORY % f"git: {{passwordFile: [{CANARY}]}}", "allowed: a text"),
        (REPOSITORY % f"forge: {{tokenEnv: {CANARY}}}", "the name of an environment variable"),
        (REPOSITORY % f"forge: {{tokenFile: {CANARY}}}", "tokenFile: the file that it names"),
        (REPOSITORY % "forge: {tokenFile: a, tokenEnv: B}", "both tokenFile and tokenEnv"),
        (REPOSITORY % "forge: {tokenEnv: NOT_SET}", "tokenEnv: the environment variable that it"),
        (REPOSITORY % "forge: {tokenFile: empty}", "empty or too large"),
        (REPOSITORY % "forge: {type: gitlab, app: {id: 1, privateKeyFile: x}}", "does not fit"),
        (REPOSITORY % "forge: {type: gitea, username: x}", "a username does not fit"),
        (REPOSITORY % "forge: {type: azure-devops, project: a/b}", "not three parts"),
        (REPOSITORY % "forge: {app: {id: 1, privateKeyFile: x}, tokenEnv: B}", "keep one"),
        (REPOSITORY % f"forge: {{app: {{id: 1, privateKey: {CANARY}}}}}", "privateKeyFile"),
        (REPOSITORY % "forge: {apiUrl: 'http://x'}", "http:// sends secrets in the clear"),
        (REPOSITORY % f"forge: {{apiUrl: 'https://u:{CANARY}@x'}}", "holds credentials"),
        (REPOSITORY % "git: {sshKeyFile: x}", "without the host keys"),
        (REPOSITORY % "git: {knownHostsFile: none}", "none cannot be read"),
        (REPOSITORY % "base: --upload-pack", "the name of a branch"),
        (REPOSITORY % "mode: push", "allowed: 'pull-request' or 'direct'"),
        (REPOSITORY % "interval: 0s", "allowed: 1s to 30d"),
        (REPOSITORY % "branch: main", "unknown key 'branch'"),
        (f'repositories: [{{name: a, url: "https://x:{CANARY}@h/a"}}]', "holds credentials"),
        (f'repositories: [{{name: a, url: "https://{CANARY}@h/a"}}]', "holds credentials"),
        (f'repositories: [{{name: a, url: "ssh://x:{CANARY}@h/a"}}]', "holds credentials"),
        ('repositories: [{name: a, url: "http://h/a/b"}]', "allowHttp"),
        ('repositories: [{name: a, url: "file:///a"}]', "allowFile"),
        ("repositories: [{name: a, url: /a}]", "write file:///"),
        ('repositories: [{name: a, url: "ext::sh -c x"}]', "no address that git may be given"),
        ("repositories: [{name: a, url: -oProxyCommand=x}]", "no address that git may be given"),
        ('repositories: [{name: a, url: "git://h/a"}]', "no address of a git repository"),
        ('repositories: [{name: a, url: "ssh://-oX=y/a"}]', "has no host"),
        ('repositories: [{name: a, url: "-oX=y:a/b"}]', "no address that git may be given"),
        ('repositories: [{name: a, url: "https://h/"}, {name: a, url: "https://g/"}]',
         "two git repositories are called 'a'"),
        ('repositories: [{name: a, url: "https://h/x", forge: {type: gitlab}}]', "project"),
        ("registries: [{host: 'https://ghcr.io'}]", "the host of a registry"),
        ("registries: [{host: registry-1.docker.io}]", "write docker.io"),
        ("registries: [{host: a.b}, {host: a.b}]", "listed twice"),
        ("registries: [{host: a.b, username: x}]", "belong together"),
        ("registries: [{host: a.b, concurrency: 0}]", "allowed: at least 1"),
        ("listen: ':80'", "the address before the port"),
        ("listen: 'example.com:80'", "no IP address"),
        ("interval: 5", "write 5s for seconds"),
        ("dockerConfig: none", "cannot be read"),
        (REPOSITORY % "forge: {type: gitlab, pushOptions: [ci.skip]}", "pushOptions is for branch"),
        (REPOSITORY % "forge: {type: gitea, agit: true}", "agit is for branches of plain Git"),
        (REPOSITORY % 'forge: {type: plain, pushOptions: ["a\\nb"]}', "one line"),
        (REPOSITORY % 'forge: {type: plain, pushOptions: [""]}', "no push option"),
        (REPOSITORY % 'forge: {type: plain, pushOptions: ["t={body}"]}', "allowed: {title}"),
        (REPOSITORY % 'forge: {type: plain, pushOptions: ["t={title"]}', "allowed: {title}"),
        *((REPOSITORY % f"forge: {{type: plain, agit: true, pushOptions: ['{option}']}}", words)
          for option, words in (
              ("force-push=true", "over people's commits (leave it out"), ("force-push", "over"),
              ("force-push=false", "over"), ("Force_Push=1", "over"), (" force-push =1", "over"),
              ("topic=all", "forge.pushOptions: found the text 'topic=all', which is imagebot's"),
              ("{branch}=x", "is imagebot's to tell"))),
        ("repositories: [{name: a, url: https://h/a.git, mode: direct, "
         "forge: {pushOptions: [ci.skip]}}]", "mode: pull-request"),
        (f"author: {{signing: {{format: ssh, key: {CANARY}}}}}", "write keyFile"),
        (f"author: {{signing: {{format: ssh, keyFile: key, passphrase: {CANARY}}}}}",
         "a key without one"),
        ("author: {signing: {format: x509, keyFile: key}}", "author.signing.format"),
        ("author: {signing: {keyFile: key}}", "format and keyFile belong together"),
        ("author: {signing: {format: ssh}}", "format and keyFile belong together"),
        ("author: {signing: {}}", "or by: forge"),
        *((f"author: {{signing: {{by: forge}}}}\n{REPOSITORY % forge}",
           "repositories[0].forge: this forge signs no commits of imagebot (author.signing by")
          for forge in ("forge: {type: plain}", "forge: {tokenFile: key}",
                        "forge: {type: gitlab, tokenFile: key}")),
        ("author: {signing: {by: forge}}\nowners: [{owner: a, forge: {type: gitlab}}]",
         "owners[0].forge: this forge signs no commits"),
        ("author: {signing: {by: me}}", "author.signing.by"),
        ("author: {signing: {by: forge, format: ssh, keyFile: key}}",
         "both the forge and a key are to sign"),
        ("author: {signing: {format: ssh, keyFile: none}}", "FOLDER/none cannot be read: No such"),
        ("author: {signing: {format: ssh, keyFile: key.pub}}",
         "FOLDER/key.pub is no private key of format ssh; name what `ssh-keygen"),
        ("author: {signing: {format: openpgp, keyFile: key}}",
         "FOLDER/key is no private key of format openpgp; name what `gpg --armor"),
        ("author: {signing: {format: openpgp, keyFile: key.asc}}", "FOLDER/key.asc is no private"),
        ("author: {signing: {format: openpgp, keyFile: key.gpg}}",
         "FOLDER/key.gpg is no private key of format openpgp; name what `gpg --armor"),
        ("author: {signing: {format: ssh, keyFile: empty}}", "author.signing.keyFile: "),
        (f"store: {{url: 'postgresql://root:{CANARY}@db/x'}}", "store.url: a password does not"),
        (f"store: {{url: 'postgresql://db/x?password={CANARY}'}}", "store.url: a password does"),
        ("store: {url: 'mysql://db/x'}", "store.url: the store cannot live in 'mysql'"),
        ("store: {url: 'postgresql://db'}", "store.url: the store's URL names no database"),
        ("store: {url: 'sqlite://', urlEnv: A}", "exactly one of url, urlFile and urlEnv"),
        ("store: {}", "exactly one of url, urlFile and urlEnv"),
        (f"store: {{password: {CANARY}}}", "store.password"),
        ("a: 1\na: 2", "written twice"),
        ("a: [", "not YAML"),
        ("---\na: 1", "a second document"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_with_its_place_and_without_any_secret(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "key.pub").write_text(f"ssh-ed25519 {CANARY} me@here\n")
    (tmp_path / "key").write_text(f"{SSH_KEY}{CANARY}\n")
    (tmp_path / "key.asc").write_text(f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n{CANARY}\n")
    (tmp_path / "key.gpg").write_bytes(b"\x95\xff" + CANARY.encode())
    found = refusal(tmp_path, text)
    assert words in found
    assert "FOLDER/settings.yaml:" in found


@pytest.mark.parametrize(
    "url",
    ["https://github.com/a/b", "ssh://git@h:22/a/b", "git@h.example:a/b.git", "h.example:a/b",
     "git@h.example:/srv/a.git", "https://[::1]:8443/a/b"],
)  # fmt: skip
def test_these_addresses_may_be_given_to_git(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, f'repositories: [{{name: a, url: "{url}"}}]').repositories[0].url == url


def test_a_repository_on_the_command_line_is_guessed_from_its_url() -> None:
    environ = {**HOME, "IMAGEBOT_GITHUB_TOKEN": "t"}
    guessed = settings.repository_from_url("https://github.com/acme/config.git/", environ)
    assert (guessed.name, guessed.forge.type) == ("config", "github")
    assert guessed.forge.project == "acme/config"
    assert guessed.forge.token
    local = settings.repository_from_url("file:///srv/git/apps.git", HOME)
    assert (local.name, local.forge.type, local.git.allow_file) == ("apps", "plain", True)
    with pytest.raises(SettingsError, match="credentials"):
        settings.repository_from_url("https://a:b@h/x", HOME)


def test_the_example_of_the_documentation_is_valid_and_has_every_key(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()
    example = page.split("```yaml\n")[1].split("```")[0]
    document, problems = settings.check("settings.yaml", example.encode())
    assert problems == ()
    assert document
    plain = YAML(typ="safe", pure=True).load(example)
    schema = settings.json_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(plain)
    written = set(re.findall(r"[A-Za-z]+(?=:)|[A-Za-z]+(?=`)", page))
    assert _keys(schema) - written == set()


def test_every_variable_is_documented() -> None:
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()
    assert [name for name in settings.VARIABLES if f"`{name}`" not in page] == []


def _keys(schema: dict[str, object]) -> set[str]:
    found: set[str] = set()
    for part in [schema, *schema["$defs"].values()]:  # type: ignore[attr-defined]
        found |= set(part["properties"])
    return found


EVERYBODYS_SECRETS = """\
repositories:
  - name: config
    url: https://github.com/acme/config.git
    forge: {tokenEnv: UNSET_TOKEN}
owners: [{owner: acme, forge: {type: github, tokenEnv: UNSET_OWNER}}]
registries: [{host: ghcr.io, username: bot, passwordFile: missing}]
hooks: [{sender: github, name: org, secretEnv: UNSET_SECRET}]
notifications: [{name: team, urlEnv: UNSET_URL}]
author: {signing: {format: ssh, keyFile: missing}}
dockerConfig: missing
"""


@pytest.mark.parametrize("store", ["", "store: {urlEnv: UNSET_STORE}\n"])
@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ([], set()),
        (["notifications"], {"notifications"}),
        (["hooks"], {"hooks"}),
        (["repositories", "author"], {"repositories", "author"}),
        (["store"], {"store"}),
    ],
)
def test_a_secret_that_is_not_needed_may_be_missing(
    tmp_path: Path, needs: list[str], told: set[str], store: str
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(HEAD + EVERYBODYS_SECRETS + store)
    told = told if store else told - {"store"}
    if not told:
        loaded = settings.load(file, HOME, needs=needs)
        assert [each.name for each in loaded.hooks] == ["org"]
        assert not loaded.hooks[0].secrets
        assert loaded.files == (file,)
        return
    with pytest.raises(SettingsError) as raised:
        settings.load(file, HOME, needs=needs)
    said = str(raised.value)
    assert {key for key in (*EVERYBODYS_KEYS, "store") if f" {key}" in said} == told
    whole = refusal(tmp_path, EVERYBODYS_SECRETS + store)
    assert all(f" {key}" in whole for key in EVERYBODYS_KEYS)


EVERYBODYS_KEYS = (
    *("repositories", "owners", "registries", "hooks", "notifications", "author"),
    "dockerConfig",
)


def test_how_many_are_reconciled_at_a_time_and_for_how_long_is_set_within_bounds(
    tmp_path: Path,
) -> None:
    loaded = load(tmp_path, "reconciling: {workers: 12, deadline: 1h30m}")
    assert loaded.reconciling == Reconciling(12, timedelta(minutes=90))
    assert load(tmp_path, "").reconciling == Reconciling(4, timedelta(minutes=15))


@pytest.mark.parametrize(
    "wrong", ["workers: 0", "workers: 33", "workers: many", "deadline: 59s", "deadline: 25h"]
)
def test_senseless_numbers_of_workers_and_deadlines_are_refused(tmp_path: Path, wrong: str) -> None:
    key = wrong.partition(":")[0]
    found = refusal(tmp_path, f"reconciling: {{{wrong}}}")
    assert "settings.yaml:3:" in found
    assert f": reconciling.{key}: " in found
