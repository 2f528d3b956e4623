"""What the demo's world holds: images with their tags, and a git repository with manifests.

The manifests under `config/` are shipped as they are; REGISTRY in them stands for the address
that the embedded registry gets when it starts.
"""

import subprocess
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from imagebot.demo.github import EmbeddedForge
from imagebot.demo.github_kept import HostedPull
from imagebot.demo.registry import EmbeddedRegistry
from imagebot.image import Repository
from imagebot.registries import Registries, RegistryRules
from imagebot.registries.artifacts import push_image

PROJECT = "demo/config"
PLACEHOLDER = "REGISTRY"
VERSION_LABEL = "org.opencontainers.image.version"
TAGS: dict[str, tuple[str, ...]] = {
    "demo/podinfo": ("6.1.9", "6.2.0", "6.2.1", "6.2.3", "6.3.0", "6.4.0-rc.1", "latest"),
    "demo/migrations": ("v1.3.9", "v1.4.0", "v1.4.1", "v2.0.0"),
    "demo/proxy": ("1.26", "1.27", "1.27.4", "1.28", "stable"),
    "demo/shop-web": ("2.9.1", "2.9.1-alpine", "2.10.0", "2.10.0-alpine", "3.0.0-alpine"),
    "demo/shop-worker": ("1.8", "1.9", "1.10", "2.0"),
    "demo/reports": ("2024.10.1", "2024.11.0"),
    "demo/renderer": ("0.8.2", "0.8.5", "0.9.0"),
    "demo/redis": ("7.2.1", "7.2.4", "7.4.0"),
}
NEW_TAG = ("demo/podinfo", "6.5.0")  # what the second act pushes


def write_config(folder: Path, registry_host: str) -> None:
    """The manifests and policies, with the registry's address filled in."""
    _copy(resources.files("imagebot.demo") / "config", folder, registry_host)


def _copy(source: Traversable, target: Path, registry_host: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.is_dir():
            _copy(entry, target / entry.name, registry_host)
        else:
            content = entry.read_bytes().replace(PLACEHOLDER.encode(), registry_host.encode())
            (target / entry.name).write_bytes(content)


@dataclass(frozen=True, slots=True)
class Scene:
    """The demo's servers and folders, and how to look at them."""

    name: str  # of the git repository in the settings
    folder: Path
    remote: Path
    checkout: Path
    settings: Path
    registry: EmbeddedRegistry
    forge: EmbeddedForge

    @property
    def registry_host(self) -> str:
        return self.registry.host

    @property
    def api_url(self) -> str:
        return self.forge.api_url

    def pull_requests(self) -> list[HostedPull]:
        """Open pull requests, oldest first, as the forge holds them."""
        return [pull for pull in self.forge.pull_requests(PROJECT) if pull.state == "open"]

    def diff(self, number: int) -> str:
        return self.forge.patch(PROJECT, number)

    def written(self) -> tuple[object, ...]:
        """Changes whenever anything is pushed, or written to the forge."""
        pulls = self.forge.pull_requests(PROJECT)
        seen = [(pull.number, pull.state, pull.updated_at, len(pull.comments)) for pull in pulls]
        return _git(self.remote, "for-each-ref"), seen


def push(registry_host: str, path: str, *tags: str) -> None:
    """Push small two-platform images, as CI would."""
    rules = RegistryRules(registry_host, insecure=True, internal=True)
    repository = Repository(registry_host, path)
    with Registries([rules]) as registries:
        session = registries.session(repository)
        for tag in tags:
            platforms = ("linux/amd64", "linux/arm64")
            push_image(session, repository, tag, labels={VERSION_LABEL: tag}, platforms=platforms)


def set_up(folder: Path, registry: EmbeddedRegistry, forge: EmbeddedForge) -> Scene:
    """Fill the registry, commit the manifests, register the repository, write the settings."""
    for repository, tags in TAGS.items():
        push(registry.host, repository, *tags)
    checkout, remote = folder / "checkout", folder / "config.git"
    write_config(checkout, registry.host)
    _git(folder, "init", "--quiet", "--initial-branch=main", str(checkout))
    _git(checkout, "add", "--all")
    _git(checkout, "commit", "--quiet", "--message", "Describe what the cluster should run")
    _git(folder, "clone", "--quiet", "--bare", str(checkout), str(remote))
    forge.add_repository(PROJECT, remote)
    token = folder / "token"
    token.write_text(forge.token)
    token.chmod(0o600)
    settings = folder / "settings.yaml"
    settings.write_text(_SETTINGS.format(
        folder=folder, remote=remote, project=PROJECT, api_url=forge.api_url, host=registry.host
    ))  # fmt: skip
    return Scene("config", folder, remote, checkout, settings, registry, forge)


_SETTINGS = """\
apiVersion: imagebot.dev/v1alpha1
kind: Settings
dataDir: {folder}/data
interval: 30s
repositories:
  - name: config
    url: file://{remote}
    base: main
    forge: {{type: github, project: {project}, apiUrl: "{api_url}", tokenFile: {folder}/token}}
    git: {{allowFile: true, allowHttp: true}}
registries:
  - {{host: "{host}", insecure: true, internal: true}}
"""


def _git(folder: Path, *arguments: str) -> str:
    """git as a developer would run it, for filling and looking; imagebot's own is git.py."""
    identity = ["-c", "user.name=Demo", "-c", "user.email=demo@localhost"]
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout
