"""Law 1 over generated files: documents and images in every style; one of them is edited."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imagebot import edits, formats, image
from imagebot.model import Update
from tests.test_edits import TAGS, loaded

STYLES = ("{}", "'{}'", '"{}"', "&a{n} {}", "!!str {}", "|-\n{i}  {}", ">-\n{i}  {}")
COMMENTS = st.sampled_from(["", " # note", "  # größe 🚀: 'x' \"", " #"])
KINDS = ["pod", "values", "kustomize", "flow", "alias", "merge", "quoted", "commented"]
MARKS = dict(zip(KINDS, "abcdefgh", strict=True))  # how the names of a kind's images begin
DOCUMENTS = st.sampled_from([*KINDS, "none"])
BOM = "\ufeff".encode()
ENDS = st.sampled_from(["\n", "\r\n", "mixed"])


@st.composite
def files(draw: st.DrawFn, first: str) -> bytes:
    """One to four documents, indented by 1 to 5, each with an image or none; the first's kind."""
    kinds = [first, *draw(st.lists(DOCUMENTS, max_size=3))]
    parts = [_document(draw, kind, number) for number, kind in enumerate(kinds)]
    return with_ends(draw, "---\n".join(parts))


def with_ends(draw: Callable[..., Any], text: str, *, may_have_mark: bool = True) -> bytes:
    """A text with the line ends of one system or of two, perhaps without the last, perhaps with
    a byte-order mark."""
    text = text.rstrip("\n") if draw(st.booleans()) else text
    end = draw(ENDS)
    if end == "mixed":
        lines = text.split("\n")
        ends = draw(st.lists(st.sampled_from(["\n", "\r\n"]), min_size=8, max_size=8))
        text = "".join(
            line + (ends[at % 8] if at < len(lines) - 1 else "") for at, line in enumerate(lines)
        )
    else:
        text = text.replace("\n", end)
    return (("\ufeff" if may_have_mark and draw(st.booleans()) else "") + text).encode()


def _document(draw: st.DrawFn, kind: str, number: int) -> str:
    indent, tag = " " * draw(st.integers(1, 5)), draw(TAGS)
    comment, style = draw(COMMENTS), draw(st.sampled_from(STYLES))

    def value(text: str, at: str) -> str:
        first, *rest = style.format(text, n=number, i=at).split("\n")
        return "\n".join([first + comment, *rest])

    if kind == "pod":
        item = f"{indent}- image: {value(f'acme/a{number}:{tag}', indent * 2 + '  ')}\n"
        return f"apiVersion: v1\nkind: Pod\nspec:\n{indent}containers:\n{indent}{item}"
    if kind == "values":
        return (
            f"app:\n{indent}repository: acme/b{number}\n{indent}tag: {value(tag, indent)}\n"
            f"{indent}more: [1, 'x']\n"
        )
    if kind == "kustomize":
        return f"kind: Kustomization\nimages:\n- name: acme/c\n  newTag: {value(tag, '  ')}\n"
    if kind == "flow":
        return f"app: {{repository: acme/d, tag: '{tag}', x: [1.10, ~]}}{comment}\n"
    if kind == "alias":
        return (
            f"tag: &t{number} {tag}{comment}\napp:\n{indent}repository: acme/e\n"
            f"{indent}tag: *t{number}\nagain: [*t{number}, {{x: *t{number}}}]\n"
        )
    if kind == "merge":
        return (
            f"base: &m{number}\n{indent}repository: acme/f\n{indent}tag: '{tag}'{comment}\n"
            f"app:\n{indent}<<: *m{number}\n{indent}more: 1\n"
            f"other: {{<<: *m{number}, repository: acme/f}}\n"
        )
    if kind == "quoted":
        quote, gap = draw(st.sampled_from("\"'")), draw(st.sampled_from(["", "\n"]))
        return (
            f"app:\n{indent}repository: acme/g\n{indent}tag: {quote}\n{gap}{indent}  {tag}\n"
            f"{indent}  {quote}{comment}\n{indent}x: {quote}one\n\n{indent}   two {tag}{quote}\n"
        )
    if kind == "commented":
        return (
            f"app: {{repository: acme/h, # tag: {tag}\n{indent}tag: '{tag}',{comment}\n"
            f"{indent}x: [1.10, # {tag}\n{indent}'{tag}']}}\n"
        )
    return f"text: |\n{indent}image: no/no\n{indent}# x\nn: 1.10{comment}\n"


Path = tuple[object, ...]


def leaves(node: object, path: Path = ()) -> dict[Path, object]:
    """Every value of loaded documents by its path."""
    if isinstance(node, dict):
        pairs = node.items()
    elif isinstance(node, list):
        pairs = enumerate(node)
    else:
        return {path: node}
    return {at: leaf for key, each in pairs for at, leaf in leaves(each, (*path, key)).items()}


def served(source: bytes, offset: int) -> set[Path]:
    """The paths of all values that the bytes at `offset` serve, through aliases and merge keys."""
    text = source.removeprefix(BOM).decode()
    at = len(source[:offset].removeprefix(BOM).decode())
    documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    return {path for number, each in enumerate(documents) for path in _served(each, at, (number,))}


def _served(node: yaml.Node | None, at: int, path: Path) -> set[Path]:
    if isinstance(node, yaml.MappingNode):
        pairs = _pairs(node)
    elif isinstance(node, yaml.SequenceNode):
        pairs = dict(enumerate(node.value))
    else:
        is_here = node is not None and node.start_mark.index <= at < node.end_mark.index
        return {path} if is_here else set()
    return {found for key, each in pairs.items() for found in _served(each, at, (*path, key))}


def _pairs(node: yaml.MappingNode) -> dict[object, yaml.Node]:
    """What a mapping holds with what it merges; its own keys count more."""
    own = {key.value: each for key, each in node.value if key.value != "<<"}
    merged: dict[object, yaml.Node] = {}
    for key, each in node.value:
        if key.value == "<<":
            merged |= _pairs(each)
    return merged | own


@pytest.mark.parametrize("kind", KINDS)
@given(st.data(), TAGS)
@settings(max_examples=40)
def test_one_edit_among_many_images_changes_one_value_and_no_other_byte(
    kind: str, data: st.DataObject, tag: str
) -> None:
    source = data.draw(files(kind))
    found = formats.find("app.yaml", source).occurrences
    of_kind = [each for each in found if f"acme/{MARKS[kind]}" in str(each.reference)]
    assume(of_kind)  # a kind that is never found fails the health check
    chosen = data.draw(st.sampled_from(of_kind))
    assume(chosen.tag not in (None, tag))
    reference = chosen.reference or image.parse("acme/policy")
    wanted = Update(chosen, reference, tag, chosen.digest, None)
    made = edits.rewrite("app.yaml", source, [wanted], formats.find)
    (edit,) = made.edits
    end = len(source) - edit.span.end
    assert made.content[: edit.span.start] == source[: edit.span.start]
    assert made.content[len(made.content) - end :] == source[edit.span.end :]
    expected = leaves(loaded(source))
    paths = served(source, edit.span.start)
    assert paths
    for path in paths:
        expected[path] = with_tag(expected[path], str(chosen.tag), tag)
    after = leaves(loaded(made.content))
    assert {path: repr(each) for path, each in after.items()} == {
        path: repr(each) for path, each in expected.items()
    }


def with_tag(value: object, old: str, new: str) -> str:
    """The same value with the other tag: alone, at the end of a reference, or inside a text."""
    if not isinstance(value, str):
        return new  # a tag that reads as a number: 00
    if value.strip() == old:
        return value.replace(old, new)
    before, colon, behind = value.rpartition(f":{old}")
    return f"{before}:{new}{behind}" if colon else value
