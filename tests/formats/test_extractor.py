"""What was kept by another extractor is not taken for what this one would find."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import imagebot
from imagebot import formats
from imagebot.formats import extractor

PACKAGE = Path(imagebot.__file__).parent
# They hold no way of finding: an error's words, and policies' rules, which have keys of their own.
NOT_FINDING = {"errors", "policy.fielding", "policy.model"}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return shutil.copytree(PACKAGE, tmp_path / "imagebot")


def test_the_version_is_part_of_every_key() -> None:
    assert extractor.version_of(PACKAGE) == formats.EXTRACTOR_VERSION


@pytest.mark.parametrize("name", ["formats/helm_values.py", "formats/__init__.py", "yaml_spans.py"])
def test_a_changed_source_is_another_extractor(package: Path, name: str) -> None:
    before = extractor.version_of(package)
    (package / name).write_text((package / name).read_text() + "\n")
    assert extractor.version_of(package) != before


def test_a_new_format_is_another_extractor(package: Path) -> None:
    before = extractor.version_of(package)
    (package / "formats" / "new.py").write_text("")
    assert extractor.version_of(package) != before


def test_a_change_elsewhere_is_the_same_extractor(package: Path) -> None:
    before = extractor.version_of(package)
    (package / "store.py").write_text("")
    assert extractor.version_of(package) == before


def test_every_module_that_formats_import_counts() -> None:
    imported = {name for path in (PACKAGE / "formats").glob("*.py") for name in _imports(path)}
    counted = {name.removesuffix(".py") for name in extractor.BESIDE}
    assert imported - NOT_FINDING - counted == set()


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.module == "imagebot":
            yield from (alias.name for alias in node.names)
        elif (node.module or "").startswith("imagebot."):
            name = (node.module or "").removeprefix("imagebot.")
            if not name.startswith("formats"):
                yield name
