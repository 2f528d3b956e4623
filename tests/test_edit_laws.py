"""Law 1 over generated files: documents and images in every style; one of them is edited."""

from hypothesis import given
from hypothesis import strategies as st

from imagebot import edits, formats, image
from imagebot.model import Update
from tests.test_edits import TAGS, loaded

STYLES = ("{}", "'{}'", '"{}"', "&a{n} {}", "!!str {}", "|-\n{i}  {}", ">-\n{i}  {}")
COMMENTS = st.sampled_from(["", " # note", "  # größe 🚀: 'x' \"", " #"])
DOCUMENTS = st.sampled_from(["pod", "values", "kustomize", "flow", "none"])
ENDS = st.sampled_from(["\n", "\r\n", "mixed"])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """One to four documents, indented by 1 to 5, each with an image or none."""
    parts = [_document(draw, number) for number in range(draw(st.integers(1, 4)))]
    text = "---\n".join(parts)
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
    return (("\ufeff" if draw(st.booleans()) else "") + text).encode()


def _document(draw: st.DrawFn, number: int) -> str:
    indent, kind, tag = " " * draw(st.integers(1, 5)), draw(DOCUMENTS), draw(TAGS)
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
    return f"text: |\n{indent}image: no/no\n{indent}# x\nn: 1.10{comment}\n"


def leaves(node: object) -> list[object]:
    """Every value of loaded documents, in order."""
    if isinstance(node, dict):
        return [leaf for pair in node.items() for each in pair for leaf in leaves(each)]
    return [leaf for item in node for leaf in leaves(item)] if isinstance(node, list) else [node]


@given(files(), st.integers(0, 3), TAGS)
def test_one_edit_among_many_images_changes_one_value_and_no_other_byte(
    source: bytes, pick: int, tag: str
) -> None:
    found = formats.find("app.yaml", source).occurrences
    if not found:
        return
    chosen = found[pick % len(found)]
    reference = chosen.reference or image.parse("acme/policy")
    if chosen.tag == tag:
        return
    wanted = Update(chosen, reference, tag, chosen.digest, None)
    made = edits.rewrite("app.yaml", source, [wanted], formats.find)
    (edit,) = made.edits
    end = len(source) - edit.span.end
    assert made.content[: edit.span.start] == source[: edit.span.start]
    assert made.content[len(made.content) - end :] == source[edit.span.end :]
    before, after = leaves(loaded(source)), leaves(loaded(made.content))
    assert len(before) == len(after)
    changed = [new for old, new in zip(before, after, strict=True) if repr(old) != repr(new)]
    assert len(changed) == 1
    value = str(changed[0]).strip()
    assert value == tag or f":{tag}" in value  # alone, in a reference, or in YAML within a text
