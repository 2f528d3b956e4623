"""Which addresses, names and credentials are taken, and what git's complaints mean."""

from pathlib import Path

import pytest

from imagebot.errors import GitError, GitUnavailable
from imagebot.git import BareClone, HttpCredentials, Identity, Remote, SshCredentials
from imagebot.git.complaints import MAX_SHOWN_CHARACTERS, complaint
from imagebot.git.process import printable
from imagebot.git.remote import secrets_of, transport_config, transport_environment
from imagebot.secret import Secret


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/team/config.git",
        "https://git.example.org:8443/team/config",
        "ssh://git@git.example.org:22/team/config.git",
        "git@git.example.org:team/config.git",
        "git.example.org:team/config.git",
        "http://127.0.0.1:8080/config.git",
        "http://[::1]:8080/config.git",
        "http://localhost/config.git",
    ],
)
def test_addresses_of_the_kinds_we_speak_are_taken(url: str) -> None:
    assert Remote(url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-oProxyCommand=id",
        "--upload-pack=id",
        "ext::sh -c id",
        "ext::id",
        "fd::17",
        "git://git.example.org/config.git",
        "ftp://git.example.org/config.git",
        "HTTPS+x://git.example.org/config.git",
        "http://git.example.org/config.git",
        "http://127.0.0.1.example.org/config.git",
        "https://user:canary@git.example.org/config.git",
        "https://canary@git.example.org/config.git",
        "https:///config.git",
        "https://git.example.org/config.git?x=canary",
        "ssh://git:canary@git.example.org/config.git",
        "ssh://-oProxyCommand=id/config.git",
        "ssh://-oProxyCommand=id@git.example.org/config.git",
        "-x@git.example.org:config.git",
        "git@-x:config.git",
        "git@git.example.org:-x",
        "git@git.example.org:config .git",
        "https://git.example.org/a\nb",
        "file:///srv/config.git",
        "/srv/config.git",
        "../config.git",
        "file://host/srv/config.git",
    ],
)
def test_other_addresses_are_refused_without_showing_secrets(url: str) -> None:
    with pytest.raises(GitError) as caught:
        Remote(url)
    assert "canary" not in str(caught.value).replace("x=canary", "")


def test_files_and_plain_http_need_a_word_of_permission() -> None:
    assert Remote("file:///srv/config.git", allow_file=True)
    assert Remote("/srv/config.git", allow_file=True)
    assert Remote("http://git.example.org/config.git", allow_http=True)


@pytest.mark.parametrize(
    "base", ["-x", "--all", "a..b", "a b", "a:b", "a~1", "a.lock", "/a", "a/", "", "@", "a@{1}"]
)
def test_a_base_that_is_no_branch_name_is_refused(base: str) -> None:
    with pytest.raises(GitError, match="not a branch name"):
        Remote("https://git.example.org/config.git", base)


def test_credentials_must_fit_the_address(tmp_path: Path) -> None:
    password = HttpCredentials("u", Secret("p"))
    key = SshCredentials(tmp_path / "key", tmp_path / "known_hosts")
    with pytest.raises(GitError, match="SSH key cannot be used"):
        Remote("https://git.example.org/a.git", None, key)
    with pytest.raises(GitError, match="password cannot be used"):
        Remote("git@git.example.org:a.git", None, password)


def test_only_the_remote_s_own_transport_is_switched_on() -> None:
    config = transport_config(Remote("git@git.example.org:a.git"))
    assert [key for key in config if key.startswith("protocol.")] == ["protocol.ssh.allow"]
    assert transport_environment(Remote("https://git.example.org/a.git")) == {}


def test_a_password_goes_to_its_own_address_only() -> None:
    remote = Remote("https://git.example.org/a.git", None, HttpCredentials("u", Secret("p")))
    config = transport_config(remote)
    assert config["http.https://git.example.org/a.git.extraHeader"] == "Authorization: Basic dTpw"
    assert sum("Authorization" in value for value in config.values()) == 1


def test_a_token_without_a_user_is_sent_as_a_bearer_to_this_remote_alone() -> None:
    remote = Remote("https://git.example.org/a.git", None, HttpCredentials("", Secret("p")))
    config = transport_config(remote)
    assert config["http.https://git.example.org/a.git.extraHeader"] == "Authorization: Bearer p"
    assert [key for key in config if "xtraHeader" in key] == [
        "http.https://git.example.org/a.git.extraHeader"
    ]


def test_every_spelling_of_a_password_is_blanked() -> None:
    remote = Remote("https://h.example/a.git", None, HttpCredentials("u", Secret("p/a:ss")))
    said = b"p/a:ss p%2Fa%3Ass cC9hOnNz dTpwL2E6c3M="
    assert printable(said, secrets_of(remote)) == "**** **** **** ****"


@pytest.mark.parametrize(("name", "email"), [("", "a@b"), ("a\nb", "a@b"), ("a", "a>b"), ("<", "")])
def test_an_identity_that_could_forge_a_header_is_refused(name: str, email: str) -> None:
    with pytest.raises(GitError):
        Identity(name, email)


@pytest.mark.parametrize(
    ("stderr", "meaning"),
    [
        ("fatal: unable to access 'x': Could not resolve host: git.example.org", "reached"),
        ("fatal: unable to access 'x': The requested URL returned error: 502", "reached"),
        ("fatal: unable to access 'x': The requested URL returned error: 429", "reached"),
        ("ssh: connect to host h port 22: Connection refused\nfatal: Could not read from remote"
         " repository.\n\nPlease make sure you have the correct access rights", "reached"),
        ("error: RPC failed; curl 56 Recv failure\nfatal: early EOF", "reached"),
    ],
)  # fmt: skip
def test_trouble_on_the_way_can_be_tried_again(stderr: str, meaning: str) -> None:
    error = complaint("asking", "https://h/a.git", stderr)
    assert isinstance(error, GitUnavailable)
    assert meaning in str(error)


@pytest.mark.parametrize(
    ("stderr", "meaning"),
    [
        ("fatal: unable to access 'x': The requested URL returned error: 403", "may not do this"),
        ("remote: Repository not found.\nfatal: repository 'x' not found", "no such git"),
        ("ERROR: Repository not found.\nfatal: Could not read from remote repository.", "no such"),
        ("remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'x'", "credentials"),
        ("fatal: unable to access 'x': SSL certificate problem: self-signed", "not trusted"),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote", "SSH key"),
        ("fatal: transport 'ext' not allowed", "switched off"),
        ("something new", "git says: something new"),
    ],
)
def test_refusals_are_explained_and_not_tried_again(stderr: str, meaning: str) -> None:
    error = complaint("asking", "https://h/a.git", stderr)
    assert not error.can_retry
    assert meaning in str(error)


def test_a_long_complaint_is_cut() -> None:
    error = complaint("asking", "https://h/a.git", "fatal: " + "x" * 5000)
    assert len(str(error)) < MAX_SHOWN_CHARACTERS + 100


def test_no_value_of_the_edge_prints_a_password(tmp_path: Path) -> None:
    credentials = HttpCredentials("u", Secret("canary"))
    remote = Remote("https://git.example.org/a.git", None, credentials)
    clone = BareClone(remote, tmp_path / "clone", identity=Identity("a", "b@c"))
    printed = repr([remote, credentials, clone, *vars(clone).values()])
    for spelling in ("canary", *secrets_of(remote)):
        assert spelling not in printed


@pytest.mark.parametrize("word", ["repository ", "permission to ", "Load key ", "remote: "])
def test_an_endless_complaint_takes_no_time_by_its_square(word: str) -> None:
    """By the square of this length it would take hours."""
    assert "git says" in str(complaint("asking", "https://h/a.git", word * 300_000))


def test_a_host_whose_key_is_not_known_is_told_as_such() -> None:
    said = (
        "No ED25519 host key is known for git.example.org and you have requested strict checking."
    )
    assert "host key of the git server is not known" in str(complaint("asking", "x", said))
    said = "No ECDSA-CERT-V01 host key is known for git.example.org"
    assert "host key of the git server is not known" in str(complaint("asking", "x", said))
