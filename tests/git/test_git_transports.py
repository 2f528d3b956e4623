"""Over HTTP and SSH: what travels, who is let in, and that secrets stay secret."""

import base64
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from imagebot.errors import GitError, GitUnavailable, PushRejected
from imagebot.git import BareClone, HttpCredentials, Push, Remote, SshCredentials
from imagebot.secret import Secret
from tests.servers.git_http import GitHttpServer, free_port
from tests.servers.git_people import AT, BRANCH, MESSAGE, Person, person_at
from tests.servers.git_ssh import GitSshServer

Clones = Callable[..., BareClone]


@pytest.fixture
def http_person(http_server: GitHttpServer, tmp_path: Path) -> Person:
    person = person_at(tmp_path / "person", http_server.create(tmp_path.name))
    person.commit({"a.yaml": b"image: a:1\n"})
    person.push()
    return person


def http_remote(
    server: GitHttpServer, person: Person, password: str = "", base: str | None = "main"
) -> Remote:
    credentials = HttpCredentials(server.username, Secret(password or server.password))
    return Remote(server.url(person.bare.stem), base, credentials)


@pytest.fixture
def ssh_person(ssh_server: GitSshServer, tmp_path: Path) -> Person:
    person = person_at(tmp_path / "person", ssh_server.create(tmp_path.name))
    person.commit({"a.yaml": b"image: a:1\n"})
    person.push()
    return person


def ssh_remote(server: GitSshServer, person: Person, **other: Path) -> Remote:
    credentials = SshCredentials(
        other.get("key_file", server.key_file),
        other.get("known_hosts_file", server.known_hosts_file),
    )
    return Remote(server.url(person.bare.stem), None, credentials)


def propose(clone: BareClone) -> str:
    base = clone.refresh().base
    commit = clone.commit(base, BRANCH, {"a.yaml": b"image: a:2\n"}, MESSAGE, AT)
    clone.push([Push(BRANCH, commit, None)])
    return commit


def test_a_branch_is_proposed_over_http(
    clones: Clones, http_server: GitHttpServer, http_person: Person
) -> None:
    clone = clones(http_remote(http_server, http_person))
    commit = propose(clone)
    assert http_person.git("ls-remote", str(http_person.bare), BRANCH).startswith(commit)
    assert clone.refresh().branches[BRANCH].commit == commit


def test_a_lease_holds_over_http(
    clones: Clones, http_server: GitHttpServer, http_person: Person
) -> None:
    clone = clones(http_remote(http_server, http_person))
    seen = propose(clone)
    http_person.check_out(BRANCH)
    theirs = http_person.commit({"a.yaml": b"image: a:3\n"})
    http_person.push(f"HEAD:refs/heads/{BRANCH}")
    clone.refresh()
    newer = clone.commit(clone.refresh().base, BRANCH, {"a.yaml": b"image: a:4\n"}, MESSAGE, AT)
    for expected in (seen, None):
        with pytest.raises(PushRejected) as caught:
            clone.push([Push(BRANCH, newer, expected)])
        assert caught.value.branches == (BRANCH,)
    clone.push([Push(BRANCH, newer, theirs)])
    assert clone.refresh().branches[BRANCH].commit == newer


def test_a_hook_declines_over_http(
    clones: Clones, http_server: GitHttpServer, http_person: Person
) -> None:
    hook = http_person.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho main is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match=r"declines .*hook declined.*main is protected"):
        propose(clones(http_remote(http_server, http_person)))


def test_an_unchanged_remote_costs_one_listing(
    clones: Clones, http_server: GitHttpServer, http_person: Person
) -> None:
    clone = clones(http_remote(http_server, http_person))
    propose(clone)
    clone.refresh()
    http_server.new_requests()
    assert not clone.refresh().fetched
    requests = http_server.new_requests()
    # Protocol 2 greets with a GET and lists with a POST, on one connection.
    assert [(each.method, each.target.rpartition("/")[2]) for each in requests] == [
        ("GET", "refs?service=git-upload-pack"),
        ("POST", "git-upload-pack"),
    ]
    assert {each.status for each in requests} == {200}, "the password is sent unasked"


def test_the_base_and_our_branches_are_fetched_together(
    clones: Clones, http_server: GitHttpServer, http_person: Person
) -> None:
    propose(clones(http_remote(http_server, http_person)))
    http_server.new_requests()
    clones(http_remote(http_server, http_person)).refresh()
    posts = [each for each in http_server.new_requests() if each.method == "POST"]
    assert len(posts) == 3, "ls-remote, then list and fetch"


@pytest.mark.parametrize("credentials", ["wrong", "none"])
def test_a_wrong_password_is_told_and_never_shown(
    clones: Clones, http_server: GitHttpServer, http_person: Person, credentials: str
) -> None:
    remote = http_remote(http_server, http_person, password="canary-4711")
    if credentials == "none":
        remote = Remote(remote.url)
    with pytest.raises(GitError, match="does not take these credentials") as caught:
        clones(remote).refresh()
    assert not caught.value.can_retry
    assert "canary" not in repr(caught.value) + repr(remote) + caught.value.hint


def test_an_unknown_repository_over_http_is_told(
    clones: Clones, http_server: GitHttpServer, http_person: Person
) -> None:
    known = http_remote(http_server, http_person)
    with pytest.raises(GitError, match="no such git repository"):
        clones(Remote(http_server.url("nowhere"), None, known.credentials)).refresh()


def test_a_redirect_is_not_followed(
    clones: Clones, http_server: GitHttpServer, http_person: Person
) -> None:
    known = http_remote(http_server, http_person)
    moved = known.url.replace(f":{http_server.port}/", f":{http_server.port}/moved/")
    http_server.new_requests()
    with pytest.raises(GitError, match="sends on to another address"):
        clones(Remote(moved, None, known.credentials)).refresh()
    assert [each.status for each in http_server.new_requests()] == [301]


def test_a_server_in_trouble_can_be_tried_again(clones: Clones, http_server: GitHttpServer) -> None:
    url = f"http://127.0.0.1:{http_server.port}/broken/a.git"
    with pytest.raises(GitUnavailable, match="503"):
        clones(Remote(url)).refresh()


def test_a_server_that_is_away_can_be_tried_again(clones: Clones) -> None:
    with pytest.raises(GitUnavailable, match="could not be reached"):
        clones(Remote(f"http://127.0.0.1:{free_port()}/a.git")).refresh()


@contextlib.contextmanager
def watched_arguments() -> Iterator[set[str]]:
    """Argument lists of all processes below this one, as /proc shows them meanwhile."""
    seen: set[str] = set()
    is_over = threading.Event()

    def watch() -> None:
        me = psutil.Process()
        while not is_over.is_set():
            for process in me.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    seen.add(" ".join(process.cmdline()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        watcher.join()


def test_a_password_is_in_no_argument_list_and_no_file(
    clones: Clones, http_server: GitHttpServer, http_person: Person, tmp_path: Path
) -> None:
    with watched_arguments() as arguments:
        clone = clones(http_remote(http_server, http_person))
        propose(clone)
        clone.refresh()
    assert any("git-remote-http" in each or "remote-http" in each for each in arguments)
    password = http_server.password
    pair = f"{http_server.username}:{password}".encode()
    spellings = [password.encode(), base64.b64encode(pair), base64.b64encode(password.encode())]
    files = [path for path in (tmp_path / "clones").rglob("*") if path.is_file()]
    for spelling in spellings:
        assert not any(spelling.decode() in each for each in arguments)
        assert not any(spelling in path.read_bytes() for path in files)


def test_inherited_git_variables_do_not_reach_git(
    clones: Clones, http_server: GitHttpServer, http_person: Person, tmp_path: Path
) -> None:
    """Run in a process of its own, whose environment is full of traps."""
    trace = tmp_path / "trace"
    remote = http_remote(http_server, http_person)
    script = (
        "import sys; from pathlib import Path; from imagebot.git import *;"
        "from imagebot.secret import Secret;"
        "c = HttpCredentials(sys.argv[2], Secret(sys.stdin.read()));"
        "clone = BareClone(Remote(sys.argv[1], None, c), Path(sys.argv[3]),"
        " identity=Identity('a', 'b@c'));"
        "print(clone.refresh().base.commit)"
    )
    traps = {
        "GIT_TRACE_CURL": str(trace),
        "GIT_TRACE": str(trace),
        "GIT_DIR": "/nowhere",
        "GIT_INDEX_FILE": "/nowhere",
        "GIT_OBJECT_DIRECTORY": "/nowhere",
        "GIT_CONFIG_PARAMETERS": "'http.proxy=http://127.0.0.1:1'",
        "GIT_PROXY_COMMAND": "/bin/false",
        "GIT_EXEC_PATH": "/nowhere",
    }
    assert isinstance(remote.credentials, HttpCredentials)
    done = subprocess.run(
        [sys.executable, "-c", script, remote.url, http_server.username, str(tmp_path / "clone")],
        input=http_server.password,
        env=os.environ | traps | {"GIT_PYTHON_REFRESH": "quiet"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == http_person.git("rev-parse", "HEAD"), done.stderr
    # GitPython asks for git's version when it is imported; that much may be traced.
    traced = trace.read_text() if trace.exists() else ""
    assert not [line for line in traced.splitlines() if "git version" not in line]


def test_a_branch_is_proposed_over_ssh(
    clones: Clones, ssh_server: GitSshServer, ssh_person: Person
) -> None:
    clone = clones(ssh_remote(ssh_server, ssh_person))
    commit = propose(clone)
    assert clone.refresh().branches[BRANCH].commit == commit


def test_key_and_known_hosts_may_have_odd_names(
    clones: Clones, ssh_server: GitSshServer, ssh_person: Person, tmp_path: Path
) -> None:
    odd = tmp_path / "it's a $(folder) %h"
    odd.mkdir()
    for name in ("key_file", "known_hosts_file"):
        (odd / name).write_bytes(getattr(ssh_server, name).read_bytes())
        (odd / name).chmod(0o600)
    remote = ssh_remote(
        ssh_server, ssh_person, key_file=odd / "key_file", known_hosts_file=odd / "known_hosts_file"
    )
    assert clones(remote).refresh().base.branch == "main"


def test_a_wrong_key_is_told(clones: Clones, ssh_server: GitSshServer, ssh_person: Person) -> None:
    remote = ssh_remote(ssh_server, ssh_person, key_file=ssh_server.wrong_key_file)
    with pytest.raises(GitError, match="does not take this SSH key") as caught:
        clones(remote).refresh()
    assert not caught.value.can_retry


def test_a_changed_host_key_is_told(
    clones: Clones, ssh_server: GitSshServer, ssh_person: Person
) -> None:
    known_hosts = ssh_server.changed_known_hosts_file
    remote = ssh_remote(ssh_server, ssh_person, known_hosts_file=known_hosts)
    with pytest.raises(GitError, match="host key of the git server has changed") as caught:
        clones(remote).refresh()
    assert not caught.value.can_retry


def test_an_unknown_host_key_is_refused(
    clones: Clones, ssh_server: GitSshServer, ssh_person: Person
) -> None:
    known_hosts = ssh_server.empty_known_hosts_file
    remote = ssh_remote(ssh_server, ssh_person, known_hosts_file=known_hosts)
    with pytest.raises(GitError, match="host key of the git server is not known"):
        clones(remote).refresh()
    assert known_hosts.read_text() == "", "nothing is learnt"


def test_a_key_that_others_may_read_is_told(
    clones: Clones, ssh_server: GitSshServer, ssh_person: Person, tmp_path: Path
) -> None:
    key = tmp_path / "open_key"
    key.write_bytes(ssh_server.key_file.read_bytes())
    key.chmod(0o644)
    with pytest.raises(GitError, match="others may read it"):
        clones(ssh_remote(ssh_server, ssh_person, key_file=key)).refresh()


def test_an_unknown_repository_over_ssh_is_told(
    clones: Clones, ssh_server: GitSshServer, ssh_person: Person
) -> None:
    known = ssh_remote(ssh_server, ssh_person)
    with pytest.raises(GitError, match="no such git repository"):
        clones(Remote(ssh_server.url("nowhere"), None, known.credentials)).refresh()


def test_a_certificate_is_believed_only_when_its_authority_is_named(
    clones: Clones, http_server: GitHttpServer, http_person: Person
) -> None:
    known = http_remote(http_server, http_person)
    url = http_server.https_url(http_person.bare.stem)
    with pytest.raises(GitError, match="certificate of the git server is not trusted"):
        clones(Remote(url, "main", known.credentials)).refresh()
    trusted = Remote(url, "main", known.credentials, ca_file=http_server.ca_file)
    assert clones(trusted).refresh().base.commit == http_person.git("rev-parse", "HEAD")
