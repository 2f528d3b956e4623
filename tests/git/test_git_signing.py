"""Signed commits: git verifies them, imagebot knows them as its own, no trace of the key stays."""

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from imagebot.errors import GitError, PushRejected
from imagebot.git import BareClone, Push, SigningKey, signing
from imagebot.git.signing import with_signature
from imagebot.secret import Secret
from tests.git.signing_keys import PHRASE, gpg_home, gpg_key, ssh_key, verified
from tests.servers.git_http import wait_until
from tests.servers.git_people import AT, BRANCH, MESSAGE, Person

Clones = Callable[..., BareClone]
FILES = {"app/api.yaml": b"image: example.org/api:1.1.0\n"}


@pytest.fixture
def home() -> Iterator[dict[str, str]]:
    with gpg_home() as variables:
        yield variables


def pushed(clone: BareClone) -> str:
    state = clone.refresh()
    commit = clone.commit(state.base, BRANCH, FILES, MESSAGE, AT)
    clone.push([Push(BRANCH, commit, None)])
    return commit


@pytest.mark.parametrize(
    "words",
    [("-t", "ed25519"), ("-t", "ecdsa"), ("-t", "rsa", "-b", "2048", "-m", "PEM"),
     ("-t", "ecdsa", "-m", "PKCS8")],
    ids=["ed25519", "ecdsa", "rsa as PEM", "ecdsa as PKCS8"],
)  # fmt: skip
def test_git_verifies_what_an_ssh_key_signed(
    tmp_path: Path, person: Person, clones: Clones, words: tuple[str, ...]
) -> None:
    key = ssh_key(tmp_path, *words)
    commit = pushed(clones(person.bare, signing=key))
    said = verified(person.bare, commit, key, {})
    assert 'Good "git" signature for imagebot@example.org' in said


def test_git_verifies_what_an_openpgp_key_signed(
    tmp_path: Path, person: Person, clones: Clones, home: dict[str, str]
) -> None:
    key = gpg_key(tmp_path, home)
    commit = pushed(clones(person.bare, signing=key))
    assert "GOODSIG" in verified(person.bare, commit, key, home)


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_a_signed_commit_is_ours_for_every_later_run_with_or_without_the_key(
    tmp_path: Path, person: Person, clones: Clones, home: dict[str, str], kind: str
) -> None:
    key = ssh_key(tmp_path) if kind == "ssh" else gpg_key(tmp_path, home)
    commit = pushed(clones(person.bare, signing=key))
    later = clones(person.bare)
    ours = later.our_commit(later.refresh().branches[BRANCH])
    assert ours
    assert (ours.commit, list(ours.changed)) == (commit, list(FILES))


def test_a_signed_commit_that_a_person_amends_is_the_persons(
    tmp_path: Path, person: Person, clones: Clones
) -> None:
    pushed(clones(person.bare, signing=ssh_key(tmp_path)))
    person.git("fetch", "--quiet", str(person.bare), BRANCH)
    person.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    person.write("app/api.yaml", b"image: example.org/api:1.1.0  # checked\n")
    person.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    person.push(f"HEAD:refs/heads/{BRANCH}", "--force")
    clone = clones(person.bare)
    assert clone.our_commit(clone.refresh().branches[BRANCH]) is None


def test_the_signature_is_the_only_difference_to_an_unsigned_commit(
    tmp_path: Path, person: Person, clones: Clones
) -> None:
    commits = []
    for key in (None, ssh_key(tmp_path)):
        clone = clones(person.bare, signing=key)
        commit = clone.commit(clone.refresh().base, BRANCH, FILES, MESSAGE, AT)
        repository = tmp_path / "clones" / f"clone-{len(commits)}"
        commits.append(raw(repository, commit))
    plain, signed = commits
    head, _blank, message = signed.partition(b"\n\n")
    kept, _header, signature = head.partition(b"\ngpgsig ")
    assert kept + b"\n\n" + message == plain
    lines = signature.split(b"\n ")
    assert (lines[0], lines[-1]) == (
        b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----",
    )  # fmt: skip


def raw(repository: Path, commit: str) -> bytes:
    command = ["git", "-C", str(repository), "cat-file", "commit", commit]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def test_a_repository_of_sha256_ids_gets_the_header_that_git_gives_it() -> None:
    signed = with_signature(b"tree " + b"0" * 64 + b"\nauthor a\n\nhi\n", b"one\n\ntwo")
    assert signed == b"tree " + b"0" * 64 + b"\nauthor a\ngpgsig-sha256 one\n \n two\n\nhi\n"


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
@pytest.mark.parametrize("place", ["memory", "TMPDIR"])
def test_nothing_of_the_key_stays_when_the_clone_is_closed(
    tmp_path: Path,
    person: Person,
    clones: Clones,
    home: dict[str, str],
    kind: str,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = ssh_key(tmp_path) if kind == "ssh" else gpg_key(tmp_path, home)
    folder = Path(home["GNUPGHOME"]) / "tmp"  # short: gpg's socket lies in it
    folder.mkdir()
    if place == "memory":
        monkeypatch.setattr(signing, "_IN_MEMORY", folder)
    else:
        monkeypatch.setattr(signing, "_IN_MEMORY", folder / "none")
        monkeypatch.setattr("tempfile.tempdir", str(folder))
    clone = clones(person.bare, signing=key)
    pushed(clone)
    (kept,) = folder.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o700
    files = [each for each in kept.rglob("*") if each.is_file()]
    assert files
    assert not [each for each in files if each.stat().st_mode & 0o077 and holds(each, key)]
    agents = agents_of(kept)
    assert bool(agents) == (kind == "openpgp")
    clone.close()
    assert list(folder.iterdir()) == []
    wait_until(lambda: not any(map(is_alive, agents)), "the end of the agent")


def holds(file: Path, key: SigningKey) -> bool:
    """Whether a file has a part of the private key, as far as its text shows."""
    return key.key.reveal().splitlines()[2].encode() in file.read_bytes()


def agents_of(folder: Path) -> list[str]:
    """Numbers of the processes whose command line names a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def is_alive(number: str) -> bool:
    try:
        return Path("/proc", number, "stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def refusal(clone: BareClone) -> GitError:
    with pytest.raises(GitError) as refused:
        clone.commit(clone.refresh().base, BRANCH, FILES, MESSAGE, AT)
    return refused.value


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_a_key_with_a_passphrase_is_refused_by_the_name_of_its_file(
    tmp_path: Path, person: Person, clones: Clones, home: dict[str, str], kind: str
) -> None:
    is_ssh = kind == "ssh"
    key = ssh_key(tmp_path, phrase=PHRASE) if is_ssh else gpg_key(tmp_path, home, phrase=PHRASE)
    error = refusal(clones(person.bare, signing=key))
    assert str(error) == f"the signing key {key.file} cannot be used: " + (
        "it is protected by a passphrase"
    )
    assert "without a passphrase" in error.hint


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_a_damaged_key_is_refused_by_the_name_of_its_file_and_not_shown(
    tmp_path: Path, person: Person, clones: Clones, home: dict[str, str], kind: str
) -> None:
    good = ssh_key(tmp_path) if kind == "ssh" else gpg_key(tmp_path, home)
    text = good.key.reveal()
    middle = len(text) // 2
    bad = SigningKey(good.format, Secret(text[: middle - 40] + text[middle:]), good.file)
    error = refusal(clones(person.bare, signing=bad))
    assert f"the signing key {good.file}" in str(error)
    assert error.hint
    assert not any(line in str(error) + error.hint for line in text.splitlines()[2:-1])


def test_lines_of_the_key_that_gpg_quotes_are_not_shown(
    tmp_path: Path, person: Person, clones: Clones, home: dict[str, str]
) -> None:
    """Without the empty line behind BEGIN, gpg takes the key for headers and prints them."""
    good = gpg_key(tmp_path, home)
    lines = good.key.reveal().splitlines()
    text = "\n".join(line for line in lines if line)
    bad = SigningKey("openpgp", Secret(text.replace(lines[0], lines[0] * 2)), good.file)
    begun = SigningKey("openpgp", Secret(text[: len(text) // 2]), good.file)
    for each in (bad, begun):
        error = refusal(clones(person.bare, signing=each))
        assert f"the signing key {good.file}" in str(error)
        assert not any(line[:8] in str(error) + error.hint for line in lines[2:-1])


def test_an_ssh_key_with_line_ends_of_windows_signs(
    tmp_path: Path, person: Person, clones: Clones
) -> None:
    key = ssh_key(tmp_path)
    other = SigningKey("ssh", Secret(key.key.reveal().replace("\n", "\r\n")), key.file)
    verified(person.bare, pushed(clones(person.bare, signing=other)), key, {})


def test_a_path_too_long_for_the_agent_of_gpg_is_told(
    tmp_path: Path,
    person: Person,
    clones: Clones,
    home: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / ("x" * 110)
    folder.mkdir()
    monkeypatch.setattr(signing, "_IN_MEMORY", folder)
    error = refusal(clones(person.bare, signing=gpg_key(tmp_path, home)))
    assert "shorter folder in the environment variable TMPDIR" in error.hint


def test_a_bot_commit_that_a_person_signs_again_is_the_persons(
    tmp_path: Path, person: Person, clones: Clones
) -> None:
    key = ssh_key(tmp_path)
    pushed(clones(person.bare, signing=key))
    person.git("fetch", "--quiet", str(person.bare), BRANCH)
    person.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    signed = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={key.file}"]
    person.git(*signed, "commit", "--quiet", "--amend", "--no-edit", "-S")
    person.push(f"HEAD:refs/heads/{BRANCH}", "--force")
    clone = clones(person.bare)
    assert clone.our_commit(clone.refresh().branches[BRANCH]) is None


def test_of_two_processes_that_sign_at_once_the_second_finds_its_content_there(
    tmp_path: Path, person: Person, clones: Clones, home: dict[str, str]
) -> None:
    """Two OpenPGP signatures of one content differ, so the second push loses its lease."""
    key = gpg_key(tmp_path, home)
    first, second = clones(person.bare, signing=key), clones(person.bare, signing=key)
    commits = []
    for at, clone in ((AT, first), (AT + timedelta(seconds=1), second)):
        base = clone.refresh().base
        commits.append(clone.commit(base, BRANCH, FILES, MESSAGE, at))
    first.push([Push(BRANCH, commits[0], None)])
    with pytest.raises(PushRejected):
        second.push([Push(BRANCH, commits[1], None)])
    head = second.refresh().branches[BRANCH]
    ours = second.our_commit(head)
    assert ours
    assert (head.commit, list(ours.changed)) == (commits[0], list(FILES))


def test_a_file_of_two_openpgp_keys_is_refused(
    tmp_path: Path, person: Person, clones: Clones, home: dict[str, str]
) -> None:
    key = gpg_key(tmp_path, home, names=("first", "second"))
    error = refusal(clones(person.bare, signing=key))
    assert str(error) == f"the signing key {key.file} holds 2 secret keys"
    assert "--export-secret-keys FINGERPRINT" in error.hint


def test_an_openpgp_key_that_has_expired_is_refused(
    tmp_path: Path, person: Person, clones: Clones, home: dict[str, str]
) -> None:
    key = gpg_key(tmp_path, home, is_expired=True)
    error = refusal(clones(person.bare, signing=key))
    assert f"the signing key {key.file} cannot be used" in str(error)
    assert "expired" in error.hint


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_a_missing_program_is_named_with_its_package(
    tmp_path: Path, person: Person, clones: Clones, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    clone = clones(person.bare, signing=SigningKey(kind, Secret("x"), tmp_path / "k"))  # type: ignore[arg-type]
    state = clone.refresh()
    only_git = tmp_path / "bin"
    only_git.mkdir()
    search = os.environ["PATH"]
    for name in ("git", "env"):
        found = next(p for p in map(Path, search.split(":")) if (p / name).exists())
        (only_git / name).symlink_to(found / name)
    monkeypatch.setenv("PATH", str(only_git))
    with pytest.raises(GitError, match="could not be started") as refused:
        clone.commit(state.base, BRANCH, FILES, MESSAGE, AT)
    assert ("openssh-client" if kind == "ssh" else "gnupg") in refused.value.hint


def test_the_users_own_agent_takes_no_part(
    tmp_path: Path, person: Person, clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nobody"))
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "nowhere"))
    key = ssh_key(tmp_path)
    assert "Good" in verified(person.bare, pushed(clones(person.bare, signing=key)), key, {})
