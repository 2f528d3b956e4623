"""What is shipped beside the code: pins, the Dockerfile, the scripts of make and CI.

hadolint comes with the extra `deploy`, which CI installs. The chart's tests are in tests/shipped.
"""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from imagebot import __version__
from tests.shipped.tools import ROOT, run, tool

CHART = ROOT / "charts" / "imagebot"


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
    done = run(tool("hadolint"), "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_image_runs_as_a_numeric_user_that_is_not_root() -> None:
    users = re.findall(r"^USER (.+)$", (ROOT / "Dockerfile").read_text(), re.M)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


def test_the_image_and_the_chart_agree_on_user_and_data_folder() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    pod = (CHART / "templates" / "_pod.tpl").read_text()
    user = re.findall(r"^USER (\d+)", dockerfile, re.M)[-1]
    volume = re.findall(r"^VOLUME (\S+)", dockerfile, re.M)[-1]
    assert f"runAsUser: {user}" in pod
    assert f"mountPath: {volume}\n" in pod


def test_what_the_image_copies_is_let_in_by_dockerignore() -> None:
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M))
    for names in re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.M):
        for name in names.split():
            assert name in let_in
            assert (ROOT / name).exists()


def test_image_chart_package_and_changelog_tell_one_version() -> None:
    chart = YAML(typ="safe", pure=True).load(CHART / "Chart.yaml")
    assert chart["version"] == chart["appVersion"] == __version__
    assert f"ARG VERSION={__version__}\n" in (ROOT / "Dockerfile").read_text()
    assert __version__ in (ROOT / "CHANGELOG.md").read_text()


# Scripts


def test_the_ci_script_is_executable_and_parses() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert run("bash", "-n", str(script)).returncode == 0


@pytest.mark.parametrize("target", ["demo", "test", "lint", "format", "bench", "clean", "help"])
def test_make_knows_the_target(target: str) -> None:
    done = run(tool("make"), "-n", target)
    assert done.returncode == 0, done.stderr


def test_make_says_what_is_missing_without_a_python(tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    done = subprocess.run(
        [tool("make"), "SHELL=/bin/sh", f"VENV={tmp_path}/venv", f"{tmp_path}/venv/bin/python"],
        cwd=ROOT,
        env={"PATH": str(empty)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
