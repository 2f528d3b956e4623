"""How log records look: readable lines on a terminal, one JSON object a line elsewhere.

Loggers are called with a constant message and a mapping: `log.info("%(repository)s: done",
{"repository": key})`. A person reads the whole sentence; a machine gets the sentence, its pattern
and each value in a field of its own. Passwords in URLs are masked whoever logs them, and text
from outside cannot start a new line or steer the terminal. What is `bound` (the run, its git
repository) is on every line, also from the threads of a pool (`in_context`).
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from typing import ParamSpec, TextIO, TypeVar
from uuid import uuid4

from imagebot.secret import Secret

Given = ParamSpec("Given")
Made = TypeVar("Made")
FORMATS = ("auto", "plain", "json")
_URL_PASSWORD = re.compile(r"(?<=://)[^/\s@'\"]+@")
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_RESERVED = {"time", "level", "logger", "message", "text", "exception"}
_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET = (
    "alembic",
    "apscheduler",
    "urllib3",
    "git",
    "github",
    "gitlab",
    "oras",
    "docker",
    "botocore",
    "google",
    "azure",
    "msal",
)


def configure(form: str = "auto", level: str = "INFO", stream: TextIO | None = None) -> bool:
    """Send every log record to `stream` (standard error) in one of FORMATS. True for JSON."""
    stream = stream or sys.stderr
    is_json = form == "json" or (form == "auto" and not stream.isatty())
    target = logging.StreamHandler(stream)
    target.setFormatter(JsonLines() if is_json else PlainLines())
    root = logging.getLogger()
    root.handlers[:] = [target]
    root.setLevel(level)
    for name in _QUIET:  # libraries' own talk, and apscheduler's line for each tick
        logging.getLogger(name).setLevel(logging.ERROR)
    return is_json


_BOUND: ContextVar[Mapping[str, str]] = ContextVar("bound")


@contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Put these fields on every line that is logged inside: `run`, `repository`."""
    token = _BOUND.set({**_BOUND.get({}), **fields})
    try:
        yield
    finally:
        _BOUND.reset(token)


def in_context(work: Callable[Given, Made]) -> Callable[Given, Made]:
    """`work` for another thread, whose lines bear the fields that are bound here and now."""
    context = copy_context()

    def run(*args: Given.args, **named: Given.kwargs) -> Made:
        return context.copy().run(work, *args, **named)

    return run


_more_fields: Callable[[], Mapping[str, str]] | None = None


def also_on_json_lines(fields: Callable[[], Mapping[str, str]] | None) -> None:
    """Put what `fields` gives at the moment of each record on its JSON line; None: nothing more."""
    global _more_fields
    _more_fields = fields


def of_bound(name: str) -> str:
    """What is bound here by that name, "" where nothing is."""
    return _BOUND.get({}).get(name, "")


def new_run() -> str:
    """A name for one reconciliation, for its lines and spans."""
    return uuid4().hex[:8]


class PlainLines(logging.Formatter):
    """`12:03:04 INFO    fleet: proposed: 2 pull requests  [fleet 7f3a9c]`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone()
        shown = " ".join(one_line(value) for value in _BOUND.get({}).values())
        ending = f"  [{shown}]" if shown else ""
        line = f"{at:%H:%M:%S} {record.levelname:<7} {one_line(record.getMessage())}{ending}"
        trace = self._trace(record)
        return f"{line}\n{trace}" if trace else line

    def _trace(self, record: logging.LogRecord) -> str:
        if not record.exc_info:
            return ""
        lines = self.formatException(record.exc_info).splitlines()
        return "\n".join(one_line(line) for line in lines)


class JsonLines(logging.Formatter):
    """One object a line: time, level, logger, message (the pattern), text (the whole sentence,
    for viewers that show one field), and the values as fields.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(str(record.msg)),
            "text": one_line(record.getMessage()),
        }
        more = _more_fields() if _more_fields else {}
        for name, value in {**more, **_BOUND.get({}), **_fields(record)}.items():
            line[f"{name}_" if name in _RESERVED else name] = _plain(value)
        if record.exc_info:
            line["exception"] = masked(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def masked(text: str) -> str:
    """`text` without the user and password of any URL in it."""
    return _URL_PASSWORD.sub("****@", text)


def one_line(text: str) -> str:
    """`text` masked, with every control and direction-changing character written out."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], masked(text))


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    """The values of the call: a mapping as it is, positional ones as `args`, and `extra`."""
    extra = {name: value for name, value in vars(record).items() if name not in _ORDINARY}
    if isinstance(record.args, Mapping):
        return {**extra, **record.args}
    return {**extra, "args": list(record.args)} if record.args else extra


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Secret) else masked(str(value))
