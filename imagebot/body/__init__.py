"""The text of a pull request: what changes where, what is in it, why this tag, a hidden record.

Pure. Built from what was decided and found out, by a template: the one that comes with imagebot or
the user's own. Equal input gives equal text, and time alone changes nothing in it. Every value from
outside is escaped, whatever the template does with it.
"""

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import TemplateError, TemplateSyntaxError

from imagebot import records
from imagebot.body.fitting import fitted as fitted
from imagebot.body.fitting import legible as legible
from imagebot.body.fitting import tidied
from imagebot.body.language import Language
from imagebot.body.markdown import plain
from imagebot.body.told import NOTHING_TOLD, Told
from imagebot.body.values import Value, values
from imagebot.body.values import reasons as reasons
from imagebot.model import Choice, Edit, Problem

MAX_BODY_LENGTH = 60_000  # GitHub refuses bodies over 65,536 characters
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UserTemplate:
    """A template of the user's, and where it stands, for messages."""

    file: str
    text: str


def body(
    choices: Sequence[Choice],
    *,
    before: Mapping[str, bytes] | None = None,
    edits_by_file: Mapping[str, Sequence[Edit]] | None = None,
    told: Told = NOTHING_TOLD,
    left_out: Sequence[Problem] = (),
    template: UserTemplate | None = None,
    has_requests: bool = True,
    has_labels: bool = True,
) -> str:
    """The whole text, fitted to the longest that is ever sent. `before` are the files as they are.

    `left_out` says which references are not in it, since they could not be read or written.
    `has_requests` and `has_labels` say whether the forge has any: else nothing is told of them. A
    user's template that cannot be used gives way to the one that comes with imagebot; the body and
    the log say where it is broken.
    """
    chosen = [choice for choice in choices if choice.update]
    shown = values(
        chosen,
        before or {},
        edits_by_file or {},
        told,
        left_out,
        has_requests=has_requests,
        has_labels=has_labels,
    )
    record = records.record_text([choice.update for choice in chosen if choice.update])
    return fitted(f"{tidied(_text(shown, template))}\n\n{record}\n", MAX_BODY_LENGTH)


def _text(shown: Mapping[str, Value], template: UserTemplate | None) -> str:
    if template is not None:
        try:
            return _without_records(_rendered(template.text, template.file, shown))
        except (TemplateError, TypeError, ValueError, RecursionError, ArithmeticError) as error:
            problem = _problem(template, error)
            log.warning("the template %(problem)s", {"problem": problem})
            warning = f"The template {plain(problem, 300)} So this text is imagebot's own."
            return f"{_text(shown, None).strip()}\n\n{warning}"
    return _rendered(_own(), "pull-request.md.jinja", shown)


def _rendered(text: str, name: str, shown: Mapping[str, Value]) -> str:
    language = Language()
    return language.render(language.read(text, name), shown)


@cache
def _own() -> str:
    file = resources.files("imagebot.body") / "pull-request.md.jinja"
    return file.read_text(encoding="utf-8")


def _without_records(text: str) -> str:
    """A template cannot say what is proposed."""
    while True:
        before, record, after = records.apart(text)
        if not record:
            return text
        text = before + after


def _problem(template: UserTemplate, error: Exception) -> str:
    """`FILE:LINE cannot be used: why.`"""
    if isinstance(error, TemplateSyntaxError):
        line, why = error.lineno, str(error.message)
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(frames)
                     if frame.filename == template.file), None) or 0  # fmt: skip
        is_deep = isinstance(error, RecursionError)
        why = "it is nested too deep" if is_deep else str(error) or type(error).__name__
    return f"{template.file}{f':{line}' if line else ''} cannot be used: {why.rstrip('.')}."
