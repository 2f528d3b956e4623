"""What is said of a value that a schema does not allow: what was found, and what is allowed.

Pure. A secret's value is never shown.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from imagebot.image import shortened
from imagebot.yaml_tree import Node


def near(word: str, known: Iterable[str]) -> str:
    """A hint: the nearest known word, or all of them."""
    known = sorted(known)
    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    if found:
        return f"did you mean {by_lower[found[0]]!r}?"
    return f"allowed here: {', '.join(known)}" if known else ""


_BOUNDS = {"greater_than_equal": ("at least", "ge"), "less_than_equal": ("at most", "le")}
_ALLOWED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list",
    "model_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
}


def message_of(detail: ErrorDetails, node: Node | None, is_secret: bool) -> tuple[str, str]:
    """What was found and what is allowed, and what to do."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "imagebot":
        return str(context["message"]), str(context["hint"])
    value = node.plain() if node else None
    found = "another kind of value" if is_secret else found_in(node)
    if kind in _ALLOWED:
        return f"found {found}, allowed: {_ALLOWED[kind]}", _type_hint(kind, value, is_secret)
    if kind == "literal_error":
        allowed = str(context["expected"])
        words = [word.strip("' ") for word in allowed.replace(" or ", ", ").split(",")]
        hint = near(value, words) if isinstance(value, str) else ""
        return f"found {found}, allowed: {allowed}", hint if "mean" in hint else ""
    if kind == "too_short":
        return "found an empty list", "leave the key out, or list something"
    if kind == "too_long":
        return f"found a list of {context['actual_length']}, allowed: {context['max_length']}", ""
    if kind in _BOUNDS:
        bound, limit = _BOUNDS[kind]
        return f"found {found}, allowed: {bound} {context[limit]}", ""
    return f"found {found}: {detail['msg'][:1].lower()}{detail['msg'][1:]}", ""


def found_in(node: Node | None) -> str:
    if node is None:
        return "nothing"
    is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return f"the number {shortened(node.written, 30)}" if is_number else found_words(node.plain())


def _type_hint(kind: str, value: Any, is_secret: bool) -> str:
    if is_secret:
        return ""
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "put it in quotes"
    if kind == "tuple_type" and isinstance(value, str):
        return f"write [{shortened(value)}]"
    if kind == "bool_type" and isinstance(value, str) and value.lower() in ("yes", "no"):
        return "YAML 1.2 reads yes and no as texts"
    if kind == "bool_type" and value in ("true", "false"):
        return "remove the quotes"
    return ""


def found_words(value: Any) -> str:
    """A value in words, short enough for a message."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {shortened(str(value), 30)}"
    if isinstance(value, str):
        return f"the text {shortened(value, 40)!r}"
    return "a mapping" if isinstance(value, dict) else "a list"
