"""The image, built for real by Debian's buildah, and run with a read-only root.

No image registry can be reached in CI, so the base of the Dockerfile's FROM lines is made here:
Debian's own files by mmdebstrap, with Python where the official image has it. What differs is who
compiled Python. Packages come from where apt and pip of this machine get them.

Needs root, for chroots and mounts, and Debian 12: elsewhere the tests are skipped by name.
"""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from imagebot import __version__
from tests.forges.conftest import own_certificate
from tests.shipped import rendered
from tests.shipped.tools import ROOT, tool

NAME = "localhost/imagebot:test"
BASE = "docker.io/library/python:3.11-slim-bookworm"

# What a shell in the container sees: no proc of the host's processes, nothing writable but the
# volume. It reads its commands from $1.
_INSIDE = """
set -e
mount --bind "$ROOTFS" "$ROOTFS"
mount -t tmpfs -o mode=0750,uid=10001,gid=10001 tmpfs "$ROOTFS/var/lib/imagebot"
mount -t proc proc "$ROOTFS/proc"
mount --bind /dev "$ROOTFS/dev"
if [ -n "$CERTIFICATES" ]; then
  mount --bind "$CERTIFICATES" "$ROOTFS/etc/ssl/certs/ca-certificates.crt"
fi
mount -o remount,bind,ro "$ROOTFS"
exec env -i $ENVIRONMENT chroot --userspec=10001:10001 "$ROOTFS" \
  /bin/sh -c 'cd "$HOME" && eval "$1"' sh "$1"
"""


HOW = "on Debian: apt-get install buildah mmdebstrap"


def _run(*words: str, environ: dict[str, str] | None = None, seconds: int = 600) -> str:
    done = subprocess.run(
        words,
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@dataclass(frozen=True)
class _Builder:
    """buildah with a store of its own, which is gone afterwards."""

    folder: Path
    driver: str

    def __call__(self, *words: str) -> str:
        store = [f"--root={self.folder}/store", f"--runroot={self.folder}/run"]
        (self.folder / "registries.conf").write_text(
            "unqualified-search-registries = ['docker.io']"
        )
        # chroot needs nothing of the kernel that a container of CI might lack.
        return _run(
            *(tool("buildah", HOW), *store, f"--storage-driver={self.driver}", *words),
            environ={
                "BUILDAH_ISOLATION": "chroot",
                "CONTAINERS_REGISTRIES_CONF": f"{self.folder}/registries.conf",
            },
        ).strip()


def _builder(folder: Path) -> _Builder:
    """With overlays, or copies of everything where the file system lends itself to none."""
    try:
        overlay = _Builder(folder, "overlay")
        overlay("rm", overlay("from", "scratch"))
        return overlay
    except AssertionError:
        shutil.rmtree(folder / "store", ignore_errors=True)
        return _Builder(folder, "vfs")


@dataclass(frozen=True)
class Image:
    """The image's files, and what it says of itself."""

    rootfs: Path
    config: dict[str, Any]

    def run(self, script: str, *, certificates: Path | None = None) -> str:
        """Output of a shell's commands. `certificates` stand where the system's did."""
        environ = {
            "ROOTFS": str(self.rootfs),
            "ENVIRONMENT": " ".join(self.config["Env"]),
            "CERTIFICATES": str(certificates or ""),
        }
        return _run(
            "unshare", "--mount", "sh", "-c", _INSIDE, "sh", script, environ=environ, seconds=120
        )


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    if os.geteuid() != 0:
        pytest.skip("building an image needs root")
    if "VERSION_CODENAME=bookworm" not in Path("/etc/os-release").read_text():
        pytest.skip("the image's base is made of the packages of Debian 12, which this is not")
    tool("mmdebstrap", HOW)
    with tempfile.TemporaryDirectory(prefix="imagebot-build-", dir="/var/tmp") as name:
        folder = Path(name)
        buildah = _builder(folder)
        apt = folder / "apt.conf"
        apt.write_text(_run("apt-config", "dump", "Acquire"))
        _make_base(buildah, apt)
        buildah("build", *_build_options(folder, apt), f"--tag={NAME}", ".")
        container = buildah("from", "--pull-never", NAME)
        rootfs = Path(buildah("mount", container))
        yield Image(rootfs, json.loads(buildah("inspect", container))["OCIv1"]["config"])
        buildah("rm", "--all")


def _make_base(buildah: _Builder, apt: Path) -> None:
    """What the FROM lines name."""
    container = buildah("from", "scratch")
    rootfs = buildah("mount", container)
    _run(
        *("mmdebstrap", "--mode=root", "--variant=minbase", "--include=python3-venv"),
        *("--skip=check/empty", f"--aptopt={apt}", "bookworm", rootfs, *_sources()),
    )
    # Where the official image has its Python: /usr/local, with a pip.
    _run("chroot", rootfs, "python3", "-m", "venv", "/usr/local")
    buildah("commit", "--quiet", container, BASE)
    buildah("rm", container)


def _sources() -> list[str]:
    places = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    files = [path for path in places if path.is_file() and path.suffix in (".list", ".sources")]
    return [str(path) for path in files if "bookworm" in path.read_text()]


def _build_options(folder: Path, apt: Path) -> list[str]:
    """This machine's way to packages, lent to the build; nothing of it stays in the image."""
    settings = {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name.startswith("PIP_") and name != "PIP_FIND_LINKS"
    }
    # Under a name of its own, since installing ca-certificates writes the usual file anew.
    settings["cert"] = "/run/machine.crt"
    pip = folder / "pip.conf"
    pip.write_text("".join(["[global]\n", *(f"{k} = {v}\n" for k, v in settings.items())]))
    lent = {
        str(pip): "/etc/pip.conf",
        str(apt): "/etc/apt/apt.conf.d/99-machine",
        "/etc/ssl/certs/ca-certificates.crt": settings["cert"],
    }
    volumes = [f"--volume={source}:{target}:ro" for source, target in lent.items()]
    return ["--pull-never", "--network=host", *volumes]


def test_the_program_runs_as_nobody_special_with_nothing_writable_but_its_volume(
    image: Image,
) -> None:
    said = image.run(
        "id -u; imagebot --version; touch $TMPDIR/here && echo written; "
        "touch /opt/imagebot/here /tmp/here /etc/here 2>&1 || true"
    )
    lines = said.splitlines()
    assert lines[:3] == ["10001", f"imagebot {__version__}", "written"]
    assert len(re.findall("Read-only file system", said)) == 3


def test_git_ssh_and_the_signers_are_there(image: Image) -> None:
    said = image.run("git --version; ssh -V 2>&1; ssh-keygen -Y sign 2>&1 || true; gpg --version")
    assert "git version 2." in said
    assert "OpenSSH_" in said
    assert "gpg (GnuPG) 2." in said


@pytest.mark.parametrize(
    "script",
    [
        "ssh-keygen -q -t ed25519 -N '' -f key && git config user.signingkey $HOME/key && "
        "git config gpg.format ssh",
        "gpg -q --batch --passphrase '' --quick-gen-key 'bot <bot@example.com>' ed25519 sign never",
    ],
    ids=["ssh", "openpgp"],
)
def test_a_commit_is_signed_in_the_image(image: Image, script: str) -> None:
    said = image.run(
        "export GNUPGHOME=$HOME/.gnupg GIT_AUTHOR_NAME=bot GIT_AUTHOR_EMAIL=bot@example.com "
        "GIT_COMMITTER_NAME=bot GIT_COMMITTER_EMAIL=bot@example.com && "
        f"mkdir -m 0700 $GNUPGHOME && git init -q . && {script} && "
        "git commit -q -S --allow-empty -m signed && git cat-file commit HEAD; "
        "gpgconf --kill all"
    )
    assert "gpgsig -----BEGIN" in said


def test_no_build_tool_is_in_the_image(image: Image) -> None:
    tools = "pip pip3 gcc cc make g++ ld curl wget"
    assert image.run(f"for tool in {tools}; do command -v $tool || true; done") == ""


def test_the_demo_runs_from_registry_to_pull_request_in_the_image(image: Image) -> None:
    assert "pull request" in image.run("imagebot demo 2>&1")


def test_the_image_runs_what_the_chart_tells_it_until_it_is_stopped(
    image: Image, tmp_path: Path
) -> None:
    """With a git repository that cannot be reached: it says so, and stays up."""
    repository = {"name": "none", "url": "file:///nowhere", "git": {"allowFile": True}}
    values = {"settings": {"repositories": [repository]}, "logs": {"format": "plain"}}
    documents = rendered.objects(values, tmp_path)
    arguments = " ".join(rendered.pod(documents)["containers"][0]["args"])
    said = image.run(
        f"cat > settings.yaml <<'END'\n{rendered.settings_file(documents).decode()}\nEND\n"
        # Another port than the chart's, which may be taken here.
        "export IMAGEBOT_LISTEN=127.0.0.1:0 IMAGEBOT_SETTINGS=settings.yaml\n"
        f"imagebot {arguments} 2>log & "
        "while ! grep -q 'none: stalled' log; do sleep 0.1; done; "
        "python -c '\n"
        "import re, urllib.request\n"
        'url = re.search(r"http://127[0-9.:]+", open("log").read())[0]\n'
        'print(urllib.request.urlopen(f"{url}/healthz").read().decode())\n'
        "'; kill $!; wait $!; echo stopped with $?; ls; cat log >&2"
    )
    health, _, rest = said.partition("\n\n")
    assert health == "ok"
    assert rest.splitlines()[0] == "stopped with 0"
    assert "imagebot.sqlite" in rest


def test_what_the_chart_mounts_as_extra_ca_is_trusted_by_git_and_python(
    image: Image, tmp_path: Path
) -> None:
    certificate = own_certificate(tmp_path)
    values = {"extraCA": {"configMapName": "ca"}}
    (container,) = rendered.pod(rendered.objects(values, tmp_path))["containers"]
    given = {each["name"]: each["value"] for each in container["env"]}
    mounts = [mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "ca"]
    assert mounts == ["/etc/ssl/certs/ca-certificates.crt"]
    assert set(mounts) == {given["SSL_CERT_FILE"], given["REQUESTS_CA_BUNDLE"]}
    with _https(certificate) as url:
        script = (
            f"export SSL_CERT_FILE={mounts[0]} REQUESTS_CA_BUNDLE={mounts[0]}; "
            f"git ls-remote {url}/config.git 2>&1 | grep -c 'not found'; "
            "python -c 'import requests, ssl, urllib.request as u\n"
            f'print(requests.get("{url}").status_code)\n'
            f'print(u.urlopen("{url}", context=ssl.create_default_context()).status)\n'
            "' 2>&1 | grep -E '^200$|verify failed' | sort -u || true"
        )
        assert image.run(script, certificates=certificate).split() == ["1", "200"]
        assert "verify failed" in image.run(script)


@contextmanager
def _https(certificate: Path) -> Iterator[str]:
    """A server that has nothing but its front page."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ThreadingHTTPServer(("127.0.0.1", 0), _FrontPage) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _FrontPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the parent's name
        """Say nothing."""


def test_nothing_needs_a_compiler_on_the_other_processor(tmp_path: Path) -> None:
    """Every pinned dependency has a wheel for arm64: the image is built for it without one."""
    if os.environ.get("CI") != "true":
        pytest.skip("this asks the package index, which CI does")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [each for name in extras.keys() - {"dev", "deploy"} for each in extras[name]]
    _run(
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed"),
        *("--disable-pip-version-check", "--target", str(tmp_path), "--only-binary", ":all:"),
        *(f"--platform=manylinux_2_{glibc}_aarch64" for glibc in (17, 26, 28, 34, 36)),
        *("--platform=manylinux2014_aarch64", "--python-version=3.11", "-c", "constraints.txt"),
        *project["dependencies"],
        *asked,
    )


def test_the_image_says_what_it_is(image: Image) -> None:
    labels = {name.rpartition(".opencontainers.image.")[2] for name in image.config["Labels"]}
    assert {"title", "description", "licenses", "revision", "created", "source"} <= labels
    assert image.config["Labels"]["org.opencontainers.image.version"] == __version__
    assert image.config["User"] == "10001:10001"
