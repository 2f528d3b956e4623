"""What is shipped beside the code: pins, image, chart, the scripts of make and CI.

hadolint, helm and kubernetes-validate come with the extra `deploy`, which CI installs; without
them their tests are skipped by name, and with CI=true they fail.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from imagebot import __version__, settings

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts" / "imagebot"


def _tool(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found:
        return found
    reason = f"{name} is not installed; it comes with `make test EXTRAS=dev,deploy`"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _run(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, input=text, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


# Pins


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in pins}


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line


def test_every_dependency_is_pinned_inside_its_range() -> None:
    project, pins = _project(), _pins()
    asked = [*project["dependencies"]]
    asked += [item for items in project["optional-dependencies"].values() for item in items]
    for text in asked:
        requirement = Requirement(text)
        if requirement.name == "imagebot":  # an extra that takes in others
            continue
        version = pins.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in constraints.txt: run `make constraints`"
        assert requirement.specifier.contains(version, prereleases=True), text


# The image


def test_the_dockerfile_passes_hadolint() -> None:
    done = _run(_tool("hadolint"), "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_image_runs_as_a_numeric_user_that_is_not_root() -> None:
    users = re.findall(r"^USER (.+)$", (ROOT / "Dockerfile").read_text(), re.M)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


def test_the_image_and_the_chart_agree_on_user_and_data_folder() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    deployment = (CHART / "templates" / "deployment.yaml").read_text()
    user = re.findall(r"^USER (\d+)", dockerfile, re.M)[-1]
    volume = re.findall(r"^VOLUME (\S+)", dockerfile, re.M)[-1]
    assert f"runAsUser: {user}" in deployment
    assert f"mountPath: {volume}\n" in deployment


def test_what_the_image_copies_is_let_in_by_dockerignore() -> None:
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M))
    for names in re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.M):
        for name in names.split():
            assert name in let_in
            assert (ROOT / name).exists()


# The chart


FULL = {
    "image": {"repository": "registry.example.com/imagebot", "digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "pull"}],
    "settings": {
        "interval": "10m",
        "repositories": [
            {
                "name": "config",
                "url": "https://github.com/acme/config.git",
                "forge": {"type": "github", "project": "acme/config"},
            }
        ],
        "registries": [{"host": "registry.example.com"}],
    },
    "secretName": "imagebot",
    "persistence": {"enabled": True, "size": "1Gi", "storageClassName": "fast"},
    "serviceAccount": {"annotations": {"example.com/role": "none"}},
    "podAnnotations": {"example.com/team": "platform"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}
every_value = pytest.mark.parametrize("values", [{}, FULL], ids=["defaults", "everything set"])


def _template(values: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "values.json"
    file.write_text(json.dumps(values))
    return _run(_tool("helm"), "template", "test", str(CHART), "--values", str(file))


def _objects(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What the chart makes, by kind."""
    done = _template(values, folder)
    assert done.returncode == 0, done.stderr
    loaded = YAML(typ="safe", pure=True).load_all(done.stdout)
    return {document["kind"]: document for document in loaded if document}


def test_the_chart_passes_helm_lint() -> None:
    done = _run(_tool("helm"), "lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr


@every_value
def test_the_chart_makes_valid_kubernetes_objects(values: dict[str, Any], tmp_path: Path) -> None:
    done = _template(values, tmp_path)
    assert done.returncode == 0, done.stderr
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(done.stdout)
    checked = _run(_tool("kubernetes-validate"), "--strict", str(manifests))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@every_value
def test_the_pod_meets_the_restricted_standard(values: dict[str, Any], tmp_path: Path) -> None:
    pod = _objects(values, tmp_path)["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


@every_value
def test_the_chart_writes_settings_that_imagebot_takes(
    values: dict[str, Any], tmp_path: Path
) -> None:
    source = _objects(values, tmp_path)["ConfigMap"]["data"]["settings.yaml"]
    _, problems = settings.check("settings.yaml", source.encode())
    assert not problems


def test_secrets_come_by_reference_only(tmp_path: Path) -> None:
    objects = _objects(FULL, tmp_path)
    assert "Secret" not in objects
    volumes = objects["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert "imagebot" in [volume.get("secret", {}).get("secretName") for volume in volumes]


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": 2},
        {"image": {"repository": "imagebot", "digest": "latest"}},
        {"settings": {"repositories": [{"url": "https://example.com/config.git"}]}},
        {"settings": {"listen": "0.0.0.0:9"}},
        {"service": {"port": 0}},
    ],
    ids=["unknown key", "no digest", "git repository without a name", "the chart's key", "port"],
)
def test_the_chart_refuses_wrong_values(values: dict[str, Any], tmp_path: Path) -> None:
    done = _template(values, tmp_path)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr


def test_image_chart_package_and_changelog_tell_one_version() -> None:
    chart = YAML(typ="safe", pure=True).load(CHART / "Chart.yaml")
    assert chart["version"] == chart["appVersion"] == __version__
    assert f"ARG VERSION={__version__}\n" in (ROOT / "Dockerfile").read_text()
    assert __version__ in (ROOT / "CHANGELOG.md").read_text()


# Scripts


def test_the_ci_script_is_executable_and_parses() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert _run("bash", "-n", str(script)).returncode == 0


@pytest.mark.parametrize("target", ["demo", "test", "lint", "format", "bench", "clean", "help"])
def test_make_knows_the_target(target: str) -> None:
    done = _run(_tool("make"), "-n", target)
    assert done.returncode == 0, done.stderr


def test_make_says_what_is_missing_without_a_python(tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    done = subprocess.run(
        [_tool("make"), "SHELL=/bin/sh", f"VENV={tmp_path}/venv", f"{tmp_path}/venv/bin/python"],
        cwd=ROOT,
        env={"PATH": str(empty)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
