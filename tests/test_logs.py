"""Log lines: a sentence for people, fields for machines, and no secret for either."""

import io
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from imagebot import logs
from imagebot.secret import Secret

log = logging.getLogger("imagebot.tests")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def root_logger_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def test_a_terminal_gets_a_sentence() -> None:
    stream = Terminal()
    logs.configure(stream=stream)
    log.info("%(repository)s: %(outcome)s", {"repository": "fleet", "outcome": "proposed"})
    assert stream.getvalue()[8:] == " INFO    fleet: proposed\n"


def test_anything_else_gets_json_with_sentence_pattern_and_values() -> None:
    stream = io.StringIO()
    logs.configure(stream=stream)
    log.warning("%(repository)s took %(seconds)s", {"repository": "fleet", "seconds": 1.5})
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "imagebot.tests",
        "message": "%(repository)s took %(seconds)s",
        "text": "fleet took 1.5",
        "repository": "fleet",
        "seconds": 1.5,
    }


def test_the_positional_values_of_libraries_are_fields_too() -> None:
    stream = io.StringIO()
    logs.configure("json", stream=stream)
    log.info("asked %s, got %d", "ghcr.io", 200)
    line = json.loads(stream.getvalue())
    assert line["args"] == ["ghcr.io", 200]
    assert line["text"] == "asked ghcr.io, got 200"


def test_a_value_cannot_take_the_place_of_a_field_of_ours() -> None:
    stream = io.StringIO()
    logs.configure("json", stream=stream)
    log.info("hello", {"level": "critical", "message": "forged", "text": "forged"})
    line = json.loads(stream.getvalue())
    assert (line["level"], line["message"], line["text"]) == ("info", "hello", "hello")
    assert (line["level_"], line["message_"], line["text_"]) == ("critical", "forged", "forged")


@pytest.mark.parametrize("form", ["plain", "json"])
def test_secrets_and_passwords_in_urls_are_masked(form: str) -> None:
    stream = io.StringIO()
    logs.configure(form, stream=stream)
    try:
        raise ValueError("https://bot:hunter2@forge.example/fleet.git")
    except ValueError:
        log.exception(
            "%(url)s %(token)s",
            {"url": "https://bot:hunter2@forge.example", "token": Secret("hunter3")},
        )
    assert "hunter" not in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert "****@forge.example" in stream.getvalue()


@pytest.mark.parametrize("form", ["plain", "json"])
def test_text_from_outside_cannot_forge_a_line_or_steer_the_terminal(form: str) -> None:
    stream = io.StringIO()
    logs.configure(form, stream=stream)
    log.info("%(tag)s", {"tag": "1.0\n12:00:00 INFO forged\x1b[2J"})
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_what_is_bound_is_on_every_line_also_from_the_threads_of_a_pool() -> None:
    stream = io.StringIO()
    logs.configure("json", stream=stream)
    log = logging.getLogger("imagebot.example")
    with ThreadPoolExecutor(2) as pool, logs.bound(repository="fleet", run="7f3a"):
        log.info("here")
        pool.submit(logs.in_context(lambda: log.info("there"))).result()
        pool.submit(lambda: log.info("another's")).result()
    log.info("after")
    lines = {line["message"]: line for line in map(json.loads, stream.getvalue().splitlines())}
    assert {(lines[name]["repository"], lines[name]["run"]) for name in ("here", "there")} == {
        ("fleet", "7f3a")
    }
    assert not {"repository", "run"} & (lines["another's"].keys() | lines["after"].keys())


def test_a_field_of_the_call_wins_over_one_that_is_bound() -> None:
    stream = io.StringIO()
    logs.configure("json", stream=stream)
    with logs.bound(repository="fleet"):
        logging.getLogger("x").info("%(repository)s", {"repository": "apps"})
    assert json.loads(stream.getvalue())["repository"] == "apps"


def test_on_a_terminal_what_is_bound_stands_behind_the_sentence() -> None:
    stream = io.StringIO()
    logs.configure("plain", stream=stream)
    with logs.bound(repository="fleet", run="7f3a"):
        logging.getLogger("x").info("proposed")
    assert stream.getvalue().endswith("proposed  [fleet 7f3a]\n")
