"""What README and docs name exists: files, links, commands, options, settings, make targets.

Examples are run through the production checks: a policy or settings file shown to a user is
one that `imagebot check` and `imagebot run` take.
"""

import argparse
import re
import shlex
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from imagebot import lifecycle, settings, standings
from imagebot.cli.main import parser
from imagebot.policy import published_schema, reading

ROOT = Path(__file__).parents[1]
_PAGE_PLACES = ("*.md", "docs/**/*.md", "charts/*/README.md", "policies/**/*.md")
PAGES = sorted(page for place in _PAGE_PLACES for page in ROOT.glob(place))
every_page = pytest.mark.parametrize(
    "page", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES]
)

_FENCE = re.compile(
    r"^(?P<tick>```+|~~~+)(?P<language>[^\n`]*)\n(?P<body>.*?)^(?P=tick)", re.M | re.S
)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *#*$", re.M)
_OUR_FOLDERS = ("imagebot/", "docs/", "tests/", "policies/", "charts/", "benchmarks/", ".ci/")
_PATH = re.compile(r"[\w.*/-]+")
_VARIABLE = re.compile(r"\bIMAGEBOT_[A-Z0-9_]+\b")
_OPTIONS_OF_GIT = {"--force-with-lease", "--depth"}
_PLACEHOLDER = re.compile(r"[<\[(]?[A-Z]{2,}")  # PATH, [PATH], IMAGE=REFERENCE


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Language and body of each fenced block."""
    for found in _FENCE.finditer(_text(page)):
        yield found["language"].strip(), found["body"]


def _prose(page: Path) -> str:
    return _FENCE.sub("", _text(page))


def _spans(page: Path) -> set[str]:
    """Inline code."""
    return {" ".join(found[2].split()) for found in _SPAN.finditer(_prose(page))}


# Files and links

# Labels and commit statuses, which look like files.
_SAID_ON_FORGES = {
    *(lifecycle.HOLD_LABEL, lifecycle.REBUILD_LABEL),
    *(standings.COOLDOWN, standings.PLATFORMS, standings.WINDOW, standings.HOLD),
}


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = _SPAN.sub("", _prose(page))
    for target in _LINK.findall(prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        reached = (page.parent / path).resolve() if path else page
        assert reached.exists(), f"{page.name} links to {target}"
        assert reached.is_relative_to(ROOT), f"{page.name} links out of the project: {target}"
        if anchor and reached.suffix == ".md":
            assert anchor in _anchors(reached), f"{page.name}: {target} has no such heading"


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = _HEADING.findall(_prose(page))
    kept = [re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in kept}


@every_page
def test_every_file_that_is_named_exists(page: Path) -> None:
    for span in _spans(page):
        path = span.partition("::")[0].rstrip("/")
        if not _PATH.fullmatch(path) or span in _SAID_ON_FORGES:
            continue
        if span.startswith(_OUR_FOLDERS):
            assert list(ROOT.glob(path)), f"{page.name} names {span}"
        elif re.fullmatch(r"\w+\.py", path):
            found = [file for folder in _OUR_FOLDERS for file in (ROOT / folder).rglob(path)]
            assert found, f"{page.name} names {span}"


@every_page
def test_every_test_that_is_named_exists(page: Path) -> None:
    for span in _spans(page):
        file, separator, name = span.partition("::")
        if separator and file.endswith(".py"):
            assert f"def {name}(" in _text(ROOT / file), f"{page.name} names {span}"


def test_the_index_lists_every_page() -> None:
    index = _text(ROOT / "docs" / "README.md")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")]
    missing = [path for path in pages if path != "README.md" and f"]({path}" not in index]
    assert not missing


# Commands


@cache
def _options() -> dict[str, frozenset[str]]:
    """Options of each command, of `policy test` too; those of `imagebot` itself under ""."""
    found: dict[str, frozenset[str]] = {}

    def visit(name: str, command: argparse.ArgumentParser) -> None:
        found[name] = frozenset(command._option_string_actions)
        for action in command._actions:
            if isinstance(action, argparse._SubParsersAction):
                for word, inner in action.choices.items():
                    visit(f"{name} {word}".strip(), inner)

    visit("", parser())
    return found


def _calls(page: Path) -> Iterator[str]:
    """Every `imagebot ...` that the page tells somebody to type, in blocks and in prose."""
    for language, body in _blocks(page):
        if language in ("console", "shell", "sh", "bash"):
            joined = body.replace("\\\n", " ")
            lines = [line.strip().removeprefix("$ ") for line in joined.splitlines()]
            yield from (line for line in lines if line.startswith("imagebot "))
        elif language in ("yaml", "yml", "ini", "crontab"):
            steps = re.findall(r"^\s*(?:- )?run: (imagebot .+)$", body, re.M)
            yield from (step.strip() for step in steps)
    yield from (span for span in _spans(page) if span.startswith("imagebot "))


@every_page
def test_every_command_that_is_named_exists(page: Path) -> None:
    options = _options()
    for call in _calls(page):
        words = _words(call)
        # `imagebot --print-completion bash`: no command follows an option of imagebot itself.
        command = "" if not words or words[0].startswith("-") else words[0]
        if _PLACEHOLDER.match(command) or not command.isascii():
            command = ""
        inner = " ".join(words[:2])
        command = inner if inner in options else command
        assert command in options, f"{page.name}: there is no `imagebot {command}`: {call}"
        for word in words:
            if word.startswith("-") and word.strip("-"):
                option = word.partition("=")[0]
                known = options[command] | options[""]
                assert option in known, f"{page.name}: {command} has no {option}: {call}"


def _words(call: str) -> list[str]:
    """Words of one call, without brackets of a synopsis, comment, pipe or redirection."""
    lexer = shlex.shlex(call, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words = []
    for word in list(lexer)[1:]:
        if set(word) <= set("|&;<>"):
            if set(word) <= set("|&;"):
                if words and words[-1].startswith("--") and "|" in word:
                    continue
                break
            continue
        words.append(word.strip("[]()"))
    return [word for word in words if word and word != "..."]


@every_page
def test_every_option_that_is_named_alone_exists(page: Path) -> None:
    """`--output json` in prose. An option of another program is named with its program."""
    known = frozenset().union(*_options().values(), _OPTIONS_OF_GIT)
    for span in _spans(page):
        if span.startswith("--"):
            option = re.split(r"[ =\[]", span)[0]
            assert option in known, f"{page.name}: no command has {option}"


@every_page
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", _text(ROOT / "Makefile"), re.M))
    typed = [line for _, body in _blocks(page) for line in body.splitlines()]
    for line in [*typed, *_spans(page)]:
        found = re.match(r"(?:\$ )?make ([a-z]+)\b", line.strip())
        if found:
            assert found[1] in targets, f"{page.name} names make {found[1]}"


def test_every_command_is_told() -> None:
    page = _text(ROOT / "docs" / "cli.md")
    missing = [f"imagebot {name}" for name in _options() if f"imagebot {name}" not in page]
    assert not missing


# Settings and policies


@every_page
def test_every_variable_that_is_named_is_read(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        return
    unknown = set(_VARIABLE.findall(_text(page))) - settings.VARIABLES.keys()
    named_by_settings = set(re.findall(r"(?:token|password)Env: *(\w+)", _text(page)))
    assert not unknown - named_by_settings


def test_every_variable_is_told() -> None:
    page = _text(ROOT / "docs" / "settings.md")
    assert not [name for name in settings.VARIABLES if name not in page]


def _keys(node: Any) -> set[str]:
    """Property names anywhere in a JSON Schema."""
    if isinstance(node, list):
        return set().union(*map(_keys, node))
    if not isinstance(node, dict):
        return set()
    own = set(node["properties"]) if isinstance(node.get("properties"), dict) else set()
    return own.union(*map(_keys, node.values()))


@pytest.mark.parametrize(
    ("page", "described"),
    [("settings.md", settings.json_schema), ("policy-reference.md", published_schema.json_schema)],
)
def test_every_key_of_the_schema_is_told(
    page: str, described: Callable[[], dict[str, Any]]
) -> None:
    words = set(re.findall(r"\w+", _text(ROOT / "docs" / page)))
    assert not sorted(_keys(described()) - words)


@every_page
def test_every_settings_file_that_is_shown_is_valid(page: Path) -> None:
    for source in _documents(page, "Settings"):
        _, problems = settings.check(page.name, source)
        assert not problems, f"{page.name}:\n{source.decode()}"


@every_page
def test_every_policy_that_is_shown_is_valid(page: Path) -> None:
    for source in _documents(page, "ImagePolicy"):
        problems = reading.find(page.name, source).problems
        assert not problems, f"{page.name}:\n{source.decode()}"


def _documents(page: Path, kind: str) -> Iterator[bytes]:
    """Whole YAML documents of that kind; a block that shows only a part has no `kind`."""
    for language, body in _blocks(page):
        if language in ("yaml", "yml"):
            for document in re.split(r"^---.*$", body, flags=re.M):
                if re.search(rf"^kind: *{kind}\b", document, re.M):
                    yield document.encode()
