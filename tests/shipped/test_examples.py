"""The examples of docs/examples, and the commands that the pages on installing tell to type."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from imagebot import settings
from imagebot.checkout import open_checkout
from imagebot.cli.main import parser
from imagebot.policy.governing import Governor
from imagebot.survey import survey
from tests.shipped import kinds, rendered
from tests.shipped.tools import ROOT, run, tool

EXAMPLES = ROOT / "docs" / "examples"
FILES = sorted(EXAMPLES.rglob("*.yaml"))
# Read by kustomize, Docker Compose, SOPS and imagebot: no objects of an API server.
NO_OBJECTS = {"kustomization.yaml", "compose.yaml", "sops.yaml", "settings.yaml", "values.yaml"}
yaml = YAML(typ="safe", pure=True)


def _documents(file: Path) -> list[Any]:
    return list(yaml.load_all(file.read_text()))


def _objects() -> Iterator[dict[str, Any]]:
    for file in FILES:
        if file.name not in NO_OBJECTS:
            yield from _documents(file)


def _object(kind: str) -> dict[str, Any]:
    (found,) = [each for each in _objects() if each["kind"] == kind]
    return found


def test_every_object_fits_the_schema_of_its_kind() -> None:
    found = [each for each in _objects() if not each["apiVersion"].startswith("imagebot.dev/")]
    made = {each["kind"] for each in found}
    assert made == {
        *("Kustomization", "Namespace", "GitRepository", "HelmRelease"),
        *("Application", "AppProject", "ExternalSecret"),
    }
    assert not kinds.problems(found)


def _values() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "flux", _object("HelmRelease")["spec"]["values"]
    yield "argocd", yaml.load(EXAMPLES / "argocd" / "imagebot" / "values.yaml")
    for page in ("docs/install.md", "charts/imagebot/README.md"):
        blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
        assert blocks
        yield from ((page, yaml.load(block)) for block in blocks)


@pytest.mark.parametrize(("where", "values"), list(_values()))
def test_the_chart_takes_the_values(where: str, values: dict[str, Any], tmp_path: Path) -> None:
    documents = rendered.objects(values, tmp_path, "imagebot")
    assert not kinds.problems(documents)
    assert not settings.check(where, rendered.settings_file(documents))[1]


@pytest.mark.parametrize("where", ["flux", "argocd"])
def test_the_secret_that_is_shown_is_the_one_that_is_mounted(where: str, tmp_path: Path) -> None:
    values = dict(_values())[where]
    external = _object("ExternalSecret")["spec"]
    assert external["target"]["name"] == values["secretName"]
    keys = {item["secretKey"] for item in external["data"]}
    files = re.findall(r"/run/secrets/imagebot/([\w-]+)", str(values["settings"]))
    assert set(files) == keys


@pytest.mark.parametrize("folder", ["flux", "argocd"])
def test_imagebot_keeps_itself_up_to_date(folder: str, tmp_path: Path) -> None:
    copied = shutil.copytree(EXAMPLES / folder, tmp_path / "config")
    found = survey(open_checkout(copied))
    assert not found.problems
    governing = Governor(found.policies, found.broken)
    (governed,) = [each for each in found.occurrences if governing.govern(each).policy]
    assert str(governed.reference) == "registry.example.com/platform/imagebot:0.1.0"


def test_paths_that_reconcilers_are_told_exist() -> None:
    assert (ROOT / _object("HelmRelease")["spec"]["chart"]["spec"]["chart"] / "Chart.yaml").exists()
    sources = _object("Application")["spec"]["sources"]
    assert (ROOT / sources[0]["path"] / "Chart.yaml").exists()
    (values,) = sources[0]["helm"]["valueFiles"]
    assert (EXAMPLES / "argocd" / values.removeprefix("$config/")).exists()
    project = _object("AppProject")["spec"]
    assert {source["repoURL"] for source in sources} <= set(project["sourceRepos"])
    assert (EXAMPLES / "flux" / _object("Kustomization")["spec"]["path"]).is_dir()


def test_kustomize_builds_what_flux_applies() -> None:
    done = run(tool("kubectl"), "kustomize", str(EXAMPLES / "flux" / "imagebot"))
    assert done.returncode == 0, done.stderr
    made = [document["kind"] for document in yaml.load_all(done.stdout)]
    assert sorted(made) == ["GitRepository", "HelmRelease", "Namespace"]


def test_the_application_may_touch_what_the_chart_makes(tmp_path: Path) -> None:
    allowed = {item["kind"] for item in _object("AppProject")["spec"]["clusterResourceWhitelist"]}
    documents = rendered.objects(dict(_values())["argocd"], tmp_path, "imagebot")
    cluster = {each["kind"] for each in documents if "namespace" not in each["metadata"]}
    assert cluster <= allowed


# Docker Compose


COMPOSE = EXAMPLES / "compose" / "compose.yaml"


def test_compose_starts_what_the_image_has() -> None:
    (service,) = yaml.load(COMPOSE)["services"].values()
    assert (COMPOSE.parent / service["build"]["context"] / "Dockerfile").resolve() == (
        ROOT / "Dockerfile"
    )
    parser().parse_args(service["command"])
    assert set(service["environment"]) <= settings.VARIABLES.keys()
    volumes = [volume.partition(":")[2] for volume in service["volumes"]]
    assert volumes == re.findall(r"^VOLUME (\S+)", (ROOT / "Dockerfile").read_text(), re.M)
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


def test_what_compose_refers_to_is_there() -> None:
    document = yaml.load(COMPOSE)
    (service,) = document["services"].values()
    assert set(service["secrets"]) == document["secrets"].keys()
    assert {config["source"] for config in service["configs"]} == document["configs"].keys()
    assert (COMPOSE.parent / document["configs"]["settings"]["file"]).exists()
    # The secret is written by whoever tries it, and never committed.
    (secret,) = (item["file"] for item in document["secrets"].values())
    assert secret in (COMPOSE.parent / ".gitignore").read_text().split()


def test_imagebot_takes_the_settings_of_compose() -> None:
    file = COMPOSE.parent / "settings.yaml"
    document, problems = settings.check(str(file), file.read_bytes())
    assert not problems
    assert document is not None
    (repository,) = document.repositories
    secrets = yaml.load(COMPOSE)["secrets"]
    assert repository.forge.token_file in {f"/run/secrets/{name}" for name in secrets}


# Commands

TOLD = [ROOT / "docs" / "install.md", ROOT / "docs" / "operations.md", EXAMPLES / "README.md"]
# Programs that no registry of ours has: which of their commands and options we know.
FOREIGN = {
    "docker": "compose up --build exec run --rm down --volumes buildx build --platform "
    "--build-arg --tag --push --detach --publish",
    "flux": "reconcile kustomization --with-source get helmreleases --namespace",
    "sops": "--encrypt --in-place",
}


def _typed(page: Path) -> Iterator[list[str]]:
    """Commands in blocks and in prose, as words."""
    text = page.read_text()
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    spans = re.findall(r"(?<!`)`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    for line in [*lines, *spans]:
        words = shlex.split(line.removeprefix("$ "), comments=True) if '"$(' not in line else []
        words = words or re.sub(r'"[^"]*"', "X", line.removeprefix("$ ")).split()
        if len(words) > 1 and words[0] in ("helm", "kubectl", *FOREIGN):
            yield words


COMMANDS = [words for page in [*TOLD, ROOT / "charts/imagebot/README.md"] for words in _typed(page)]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_to_type_exists(words: list[str]) -> None:
    # What follows is another program's: in a pod, in a container, or the shell's.
    ends = [words.index(word) for word in ("--", ">") if word in words]
    ends += [words.index("imagebot") for word in ("exec", "run") if words[:3:2] == ["docker", word]]
    own = words[: min(ends, default=len(words))]
    options = [word.partition("=")[0] for word in own if word.startswith("--")]
    if words[0] in FOREIGN:
        known = FOREIGN[words[0]].split()
        assert own[1] in known
        assert set(options) <= set(known)
        return
    program = tool(words[0])
    plain = [word for word in own[1:] if not word.startswith("-")]
    depth = 2 if plain[0] in ("create", "rollout", "get") and words[0] == "kubectl" else 1
    depth = 3 if plain[:2] == ["create", "secret"] else depth
    depth = 1 if plain[0] == "get" else depth
    told = run(program, *plain[:depth], "--help")
    assert told.returncode == 0, told.stderr
    assert " ".join(plain[:depth]) in told.stdout
    everywhere = run(program, *(["options"] if words[0] == "kubectl" else ["--help"])).stdout
    for option in options:
        assert re.search(rf"{option}\b", told.stdout + everywhere), option


def test_files_that_a_command_names_are_there() -> None:
    named = [word for words in COMMANDS for word in words if word.startswith("docs/examples")]
    assert named
    assert all((ROOT / word).exists() for word in named)
    pages = "".join(page.read_text() for page in TOLD)
    for path in re.findall(r"`(docs/examples/[\w./-]+)`", pages):
        assert (ROOT / path).exists(), path
