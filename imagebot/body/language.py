"""The part of Jinja that templates may use: loops, conditions, values and a few filters.

Pure. What is not listed here is refused with its line before anything is rendered: no calls, no
includes, no macros, nothing that joins text without bounds. So no template reaches into Python,
and how long one takes is bounded by steps that are counted, not by a clock.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from imagebot.body.markdown import Markdown, cell, code
from imagebot.texts import prose

MAX_TEMPLATE_LENGTH = 32_000  # characters
MAX_STEPS = 50_000  # values shown, turns of loops and filters used, in one rendering
MAX_RENDERED_LENGTH = 400_000  # characters
MAX_JOINED_LENGTH = 10_000  # characters of one value that a template puts together
_MAX_NUMBER = 10**12
_MAX_DEPTH = 30  # of conditions, loops and expressions in each other
_ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Assign),
    *(nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter),
    *(nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.CondExpr, nodes.Add, nodes.Sub, nodes.Neg, nodes.Tuple, nodes.Keyword),
)
_FILTERS = {"default", "first", "join", "last", "length", "lower", "trim", "upper", "code", "cell"}
_TESTS = {"defined", "undefined", "none", "even", "odd", "divisibleby", "in", "eq", "ne", "lt",
          "le", "gt", "ge", "number", "string"}  # fmt: skip
_LOOP_WORDS = {"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth"}
_Scalar = str | int | Markdown


class Refused(TemplateRuntimeError):
    """A template went past a bound, or wants to show what cannot be shown."""


class Language(ImmutableSandboxedEnvironment):
    """Jinja with the above bounds. One for each rendering, since it counts."""

    intercepted_binops = frozenset({"+", "-"})

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
            finalize=self._shown,
        )
        self._steps_left = MAX_STEPS
        self.globals.clear()
        own = {name: self.filters[name] for name in ("default", "first", "last", "length")}
        self.filters = own | {
            "code": self._counted(code),
            "cell": self._counted(cell),
            "join": self._join,
            "lower": self._counted(str.lower),
            "upper": self._counted(str.upper),
            "trim": self._counted(str.strip),
            "_turns": self._turns,
        }
        self.tests = {name: test for name, test in self.tests.items() if name in _TESTS}

    def read(self, text: str, name: str) -> Template:
        """The template, ready to be rendered. Raises TemplateSyntaxError with its line."""
        if len(text) > MAX_TEMPLATE_LENGTH:
            raise TemplateSyntaxError(
                f"a template of more than {MAX_TEMPLATE_LENGTH} characters", 1, name, name
            )
        tree = self.parse(text, name, name)
        _refuse_foreign(tree, name)
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(
                loop.iter, "_turns", [], [], None, None, lineno=loop.lineno, environment=self
            )
        return Template.from_code(self, self.compile(tree, name, name), self.globals)

    def render(self, template: Template, values: Mapping[str, object]) -> str:
        """Raises jinja2's errors; `Refused` past a bound."""
        pieces: list[str] = []
        length = 0
        for piece in template.generate(values):
            length += len(piece)
            if length > MAX_RENDERED_LENGTH:
                raise Refused(f"it renders to more than {MAX_RENDERED_LENGTH} characters")
            pieces.append(piece)
        return "".join(pieces)

    # What a template may reach

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, LoopContext) and attribute in _LOOP_WORDS:
            return super().getattr(obj, attribute)
        if isinstance(obj, Undefined):
            return obj  # what is missing is the first name, not the last
        return self.undefined(obj=None if obj is None else obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping) and isinstance(argument, str):
            return self.getattr(obj, argument)
        if isinstance(obj, str | Sequence) and isinstance(argument, int | slice):
            try:
                return obj[argument]
            except IndexError:
                pass
        return self.undefined(obj=obj, name=str(argument))

    def call(*arguments: Any, **named: Any) -> Any:
        raise SecurityError("templates call nothing")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, int) and isinstance(right, int):
            return _bounded(left + right if operator == "+" else left - right)
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return _bounded(left + right)
        raise Refused(f"{operator} is for two numbers or two texts")

    # Counting

    def _step(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise Refused(f"it takes more than {MAX_STEPS} steps")

    def _turns(self, values: Any) -> Iterator[Any]:
        if isinstance(values, Undefined | str) or not isinstance(values, Sequence):
            raise Refused("a loop is over a list")
        for value in values:
            self._step()
            yield value

    def _shown(self, value: Any) -> str:
        self._step()
        if isinstance(value, Undefined):
            return str(value)  # raises, naming what is not there
        if isinstance(value, Markdown):
            return str(value)
        return prose(_text(value), MAX_JOINED_LENGTH)

    def _counted(self, change: Any) -> Any:
        def changed(value: Any) -> Any:
            self._step()
            return change(_text(value))

        return changed

    def _join(self, values: Any, between: str = "") -> str:
        if isinstance(values, str) or not isinstance(values, Sequence):
            raise Refused("only a list can be joined")
        pieces = []
        for value in values:
            self._step()
            pieces.append(_text(value))
        return str(_bounded(_text(between).join(pieces)))


def _text(value: Any) -> str:
    if isinstance(value, Undefined):
        return str(value)  # raises, naming what is not there
    if not isinstance(value, _Scalar):
        raise Refused(f"a {'list' if isinstance(value, Sequence) else 'group of values'} "
                      "cannot be shown; name one of its values")  # fmt: skip
    return str(value)


def _bounded(value: _Scalar) -> _Scalar:
    if isinstance(value, str) and len(value) > MAX_JOINED_LENGTH:
        raise Refused(f"it puts together a text of more than {MAX_JOINED_LENGTH} characters")
    if isinstance(value, int) and abs(value) > _MAX_NUMBER:
        raise Refused("a number is too large")
    return value


def _refuse_foreign(tree: nodes.Template, name: str) -> None:
    def refuse(node: nodes.Node, what: str) -> None:
        raise TemplateSyntaxError(f"templates have no {what}", node.lineno, name, name)

    def visit(node: nodes.Node, depth: int) -> None:
        kind = type(node).__name__.lower()
        if depth > _MAX_DEPTH:
            refuse(node, f"more than {_MAX_DEPTH} levels")
        if not isinstance(node, _ALLOWED):
            refuse(node, _NAMES.get(kind, kind))
        if isinstance(node, nodes.For) and node.recursive:
            refuse(node, "recursive loops")
        if isinstance(node, nodes.Assign) and not isinstance(node.target, nodes.Name):
            refuse(node, "assignments but to one name")
        if isinstance(node, nodes.Filter) and (node.name not in _FILTERS or node.node is None):
            refuse(node, f"filter {node.name!r}")
        if isinstance(node, nodes.Test) and node.name not in _TESTS:
            refuse(node, f"test {node.name!r}")
        is_list = isinstance(node, nodes.Tuple) and node.ctx == "load"
        if is_list and not all(isinstance(item, nodes.Const) for item in node.iter_child_nodes()):
            refuse(node, "lists of values")
        for child in node.iter_child_nodes():
            visit(child, depth + 1)

    visit(tree, 0)


_NAMES = {"call": "calls", "concat": "`~`; write the values side by side", "mul": "`*`",
          "mod": "`%`", "pow": "`**`", "assignblock": "set blocks", "filterblock": "filter blocks",
          "list": "lists of their own", "dict": "groups of values of their own",
          "include": "includes", "import": "imports", "fromimport": "imports",
          "extends": "extending", "macro": "macros"}  # fmt: skip
