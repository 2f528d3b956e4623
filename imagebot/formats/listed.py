"""Values whose keys stand inside a list: `--tag=1.0` of arguments, `name` and `value` of variables.

Pure. What stands in other items of the list is beside such a value as other keys of a mapping are.
"""

import re
from collections.abc import Iterator

from imagebot.formats.walk import resolved
from imagebot.yaml_nodes import Collection, Node, Scalar

_OPTION = re.compile(r"-{0,2}(?P<key>[A-Za-z][\w.-]*)=(?P<value>\S*)")

_MAX_PAIR_CHILDREN = 20  # keys and values of a mapping that is looked at as a pair


def home_of(parent: Collection, above: Collection | None) -> Collection:
    """What holds a value and those that belong to it: its mapping, or the list of such items."""
    is_pair = parent.is_mapping and above is not None and not above.is_mapping
    return above if is_pair and above is not None and _pair(parent) is not None else parent


def named_items(items: Collection) -> dict[str, Node]:
    """The values of a list by the keys in its items; an item that has none has its number."""
    return dict(_named_items(items))


def key_in(parent: Collection, scalar: Scalar, otherwise: str) -> str:
    """The key of a value of a list: its option's, its variable's, or none."""
    option = _OPTION.fullmatch(scalar.text.strip())
    pair = _pair(parent)
    if option and not parent.is_mapping:
        return option["key"]
    return pair[0] if pair and pair[1] is scalar else otherwise


def _named_items(items: Collection) -> Iterator[tuple[str, Node]]:
    for index, item in enumerate(map(resolved, items.children)):
        if isinstance(item, Scalar):
            option = _OPTION.fullmatch(item.text.strip())
            if option:
                yield option["key"], item._replace(text=option["value"])
            else:
                yield f"[{index}]", item
        elif pair := _pair(item):
            yield pair


def _pair(item: Node) -> tuple[str, Scalar] | None:
    """The name and the value of an item that has these two."""
    if not isinstance(item, Collection) or not item.is_mapping:
        return None
    if len(item.children) > _MAX_PAIR_CHILDREN:
        return None
    texts = {key.text: resolved(value) for key, value in item.pairs() if isinstance(key, Scalar)}
    name, value = texts.get("name"), texts.get("value")
    return (name.text, value) if isinstance(name, Scalar) and isinstance(value, Scalar) else None
