"""Edits: the bytes of the value, quotes exactly where needed, and refusals."""

import io

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from imagebot import edits, formats
from imagebot.errors import InvalidReference, StaleEdit
from imagebot.image import Digest, parse
from imagebot.model import Edit, Occurrence, Span, Update

D1 = Digest("sha256:" + "1a" * 32)
D2 = Digest("sha256:" + "2b" * 32)


def occurrences(source: bytes, file: str = "app.yaml") -> tuple[Occurrence, ...]:
    return formats.find(file, source).occurrences


def update(
    occurrence: Occurrence, tag: str, digest: Digest | None = None, name: str | None = None
) -> Update:
    return Update(occurrence, occurrence.reference or parse("acme/policy"), tag, digest, None, name)


def changed(text: str, tag: str, digest: Digest | None = None, file: str = "app.yaml") -> str:
    source = text.encode()
    (occurrence,) = occurrences(source, file)
    wanted = update(occurrence, tag, digest)
    return edits.rewrite(file, source, [wanted], formats.find).content.decode()


def test_a_comment_after_the_tag_survives_the_edit() -> None:
    before = b"image: api:1.0  # pinned by ops\r\n"
    assert edits.apply(before, [Edit(Span(11, 14, b"1.0"), b"1.1")]) == before.replace(
        b"1.0", b"1.1"
    )


def test_an_edit_is_refused_when_the_file_has_changed_meanwhile() -> None:
    with pytest.raises(StaleEdit):
        edits.apply(b"image: api:2.0\n", [Edit(Span(11, 14, b"1.0"), b"1.1")])


@pytest.mark.parametrize("span", [Span(12, 14, b".0"), Span(11, 12, b"1"), Span(10, 15, b":1.0\n")])
def test_edits_that_overlap_are_refused(span: Span) -> None:
    with pytest.raises(StaleEdit):
        edits.apply(b"image: api:1.0\n", [Edit(Span(11, 14, b"1.0"), b"2"), Edit(span, b"3")])


def test_two_insertions_at_one_place_are_refused() -> None:
    with pytest.raises(StaleEdit):
        edits.apply(b"tag:\n", [Edit(Span(4, 4, b""), b" 1"), Edit(Span(4, 4, b""), b" 2")])


def test_the_same_edit_twice_is_made_once_and_order_does_not_matter() -> None:
    first, second = Edit(Span(0, 1, b"a"), b"xx"), Edit(Span(2, 3, b"c"), b"")
    assert edits.apply(b"abc", [second, first, second]) == b"xxb"


def test_a_span_beyond_the_end_is_refused() -> None:
    with pytest.raises(StaleEdit):
        edits.apply(b"abc", [Edit(Span(2, 9, b"c"), b"x")])


@pytest.mark.parametrize(
    ("value", "tag", "expected"),
    [
        ("1.9", "1.10", '"1.10"'),
        ("1.9", "1.10.0", "1.10.0"),
        ("v1", "20240101", '"20240101"'),
        ("v1", "1e3", '"1e3"'),
        ("v1", "yes", '"yes"'),
        ("v1", "0x1f", '"0x1f"'),
        ("v1", "1_000", '"1_000"'),
        ("v1", "null", '"null"'),
        ("v1", "2024-01-01", '"2024-01-01"'),
        ("v1", "v2", "v2"),
        ("'1.9'", "1.10", "'1.10'"),
        ('"1.9"', "v2", '"v2"'),
        ('""', "1.10", '"1.10"'),
        ("", "v2", "v2"),
        ("~", "2", '"2"'),
        ("&t v1", "2", '&t "2"'),
        ("!!str v1", "v2", "!!str v2"),
        ("! 1.9", "2.0.0", "! 2.0.0"),
    ],
)
def test_quotes_come_exactly_where_the_new_tag_needs_them(
    value: str, tag: str, expected: str
) -> None:
    text = "image:\n  repository: acme/a\n  tag:{} # c\n"
    after = changed(text.format(f" {value}" if value else ""), tag)
    assert after == text.format(f" {expected}")
    assert YAML(typ="safe", pure=True).load(after)["image"]["tag"] == tag


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("image: >-\n\n  acme/a:1\n\n\nx: y\n", "image: >-\n\n  acme/a:22\n\n\nx: y\n"),
        ("image: |2\n\n    acme/a:1 \n", "image: |2\n\n    acme/a:22 \n"),
        ('image: "\n  acme/a:1\n  "\n', 'image: "\n  acme/a:22\n  "\n'),
        ('image: "\\\n   acme/a:1\\\n  "\n', 'image: "\\\n   acme/a:22\\\n  "\n'),
        ("image: '\n\n  acme/a:1'\n", "image: '\n\n  acme/a:22'\n"),
        ("image:\n\n   # why\n   acme/a:1\n", "image:\n\n   # why\n   acme/a:22\n"),
        ("image: &a # why\n   acme/a:1\n", "image: &a # why\n   acme/a:22\n"),
        ("image: !!str &a\n  acme/a:1\n", "image: !!str &a\n  acme/a:22\n"),
    ],
)
def test_a_value_on_a_line_of_its_own_is_edited_there_and_keeps_its_layout(
    before: str, after: str
) -> None:
    assert changed(before, "22") == after
    assert changed(before.replace("\n", "\r\n"), "22") == after.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{repository: acme/a, tag}", "{repository: acme/a, tag: v2}"),
        ("{tag , repository: acme/a}", "{tag : v2, repository: acme/a}"),
        ('{repository: acme/a, "tag"}', '{repository: acme/a, "tag": v2}'),
        ("{repository: acme/a, tag: }", "{repository: acme/a, tag: v2}"),
        ("{repository: acme/a, tag: &t }", "{repository: acme/a, tag: &t v2 }"),
        ("{repository: acme/a, tag: !!str }", "{repository: acme/a, tag: !!str v2 }"),
    ],
)
def test_a_key_that_stands_alone_in_flow_gets_its_colon(before: str, after: str) -> None:
    assert changed(f"image: {before}\n", "v2") == f"image: {after}\n"


@pytest.mark.parametrize("yaml_tag", ["!!float", "!!int", "!env", "!<tag:yaml.org,2002:bool>"])
def test_a_value_whose_yaml_tag_makes_it_no_text_is_reported(yaml_tag: str) -> None:
    source = f"image:\n  repository: acme/a\n  tag: {yaml_tag} 1.0\n".encode()
    found = formats.find("app.yaml", source)
    assert found.occurrences == ()
    (problem,) = found.problems
    assert (problem.line, yaml_tag in problem.message) == (3, True)
    assert problem.hint == "remove the YAML tag"


def test_a_name_and_tag_that_read_as_base_60_are_quoted() -> None:
    assert changed("image: 12:v30\n", "30") == 'image: "12:30"\n'


def test_an_update_that_is_there_already_makes_no_edit() -> None:
    source = f"image: {{repository: acme/a, tag: v1, digest: {D1}}}".encode()
    (occurrence,) = occurrences(source)
    assert edits.edits_for(source, update(occurrence, "v1", D1)) == ()


@pytest.mark.parametrize(
    ("before", "digest", "after"),
    [
        ("image: acme/a:v1\n", D2, f"image: acme/a:v2@{D2}\n"),
        (f"image: acme/a:v1@{D1}\n", D2, f"image: acme/a:v2@{D2}\n"),
        (f"image: acme/a:v1@{D1}\n", None, "image: acme/a:v2\n"),
        (f"image: acme/a@{D1}\n", D2, f"image: acme/a:v2@{D2}\n"),
        ("i: {repository: acme/a, tag: v1}\n", D2, f"i: {{repository: acme/a, tag: v2@{D2}}}\n"),
        (
            f"i: {{repository: acme/a, tag: v1, digest: {D1}}}\n",
            D2,
            f"i: {{repository: acme/a, tag: v2, digest: {D2}}}\n",
        ),
        (
            f"i: {{repository: acme/a, tag: v1, digest: {D1}}}\n",
            None,
            'i: {repository: acme/a, tag: v2, digest: ""}\n',
        ),
        (
            f"i: {{repository: acme/a, tag: v1@{D1}, digest: ''}}\n",
            D2,
            f"i: {{repository: acme/a, tag: v2, digest: '{D2}'}}\n",
        ),
        (
            "i: {repository: acme/a, tag: v1, digest: ''}\n",
            D2,
            f"i: {{repository: acme/a, tag: v2, digest: '{D2}'}}\n",
        ),
        (
            "i: {repository: acme/a, tag: v1, digest: ''}\n",
            None,
            "i: {repository: acme/a, tag: v2, digest: ''}\n",
        ),
        (
            "i:\n  repository: acme/a\n  digest:\n  tag: v1\n",
            D2,
            f"i:\n  repository: acme/a\n  digest: {D2}\n  tag: v2\n",
        ),
        (
            "i:\n  repository: acme/a\n  digest:\n  tag: v1\n",
            None,
            "i:\n  repository: acme/a\n  digest:\n  tag: v2\n",
        ),
        (f"x: {D1} # imagebot: a:digest\n", D2, f"x: {D2} # imagebot: a:digest\n"),
    ],
)
def test_no_old_digest_stays_behind_a_new_tag(
    before: str, digest: Digest | None, after: str
) -> None:
    assert changed(before, "v2", digest) == after


def test_a_place_that_holds_only_a_digest_is_never_emptied() -> None:
    source = f"x: {D1} # imagebot: a:digest\n".encode()
    with pytest.raises(StaleEdit, match="only a digest"):
        edits.edits_for(source, update(occurrences(source)[0], "v2"))


def test_a_kustomize_entry_without_version_cannot_be_updated() -> None:
    source = b"kind: Kustomization\nimages: [{name: a, newName: acme/a}]"
    with pytest.raises(StaleEdit, match="no tag or digest"):
        edits.edits_for(source, update(occurrences(source)[0], "v2"))


def test_a_new_name_is_refused_where_no_name_is_written() -> None:
    source = b"kind: Kustomization\nimages: [{name: a, newTag: v1}]"
    with pytest.raises(StaleEdit, match="name is not written"):
        edits.edits_for(source, update(occurrences(source)[0], "v2", name="acme/b"))


@pytest.mark.parametrize("tag", ["", "a b", "v1\n- x: y", "v1@x", "-v", "a" * 129, 'v"1'])
def test_what_is_no_tag_is_never_written(tag: str) -> None:
    source = b"image: acme/a:1\n"
    with pytest.raises(InvalidReference):
        edits.edits_for(source, update(occurrences(source)[0], tag))


def test_a_new_name_of_docker_hub_goes_into_a_group_with_its_registry() -> None:
    source = b"i: {registry: ghcr.io, repository: acme/a, tag: v1}"
    wanted = update(occurrences(source)[0], "v2", name="redis")
    after = edits.rewrite("a.yaml", source, [wanted], formats.find).content
    assert after == b"i: {registry: docker.io, repository: redis, tag: v2}"


def test_an_image_that_is_gone_is_refused() -> None:
    (occurrence,) = occurrences(b"image: acme/a:1\n")
    with pytest.raises(StaleEdit, match="not there any more"):
        edits.rewrite("a.yaml", b"image: acme/b:1\n", [update(occurrence, "2")], formats.find)


SHARED = b"t: &t v1\na: {repository: acme/a, tag: *t}\nb: {repository: acme/%s, tag: *t}\n"


def test_one_image_written_twice_over_one_anchored_tag_is_edited_once() -> None:
    source = SHARED % b"a"
    first, second = occurrences(source)
    for updates in ([update(first, "v2")], [update(first, "v2"), update(second, "v2")]):
        rewritten = edits.rewrite("a.yaml", source, updates, formats.find)
        assert rewritten.content == source.replace(b"v1", b"v2")
        assert len(rewritten.edits) == 1


def test_another_image_that_shares_the_anchored_tag_stops_the_edit() -> None:
    source = SHARED % b"b"
    with pytest.raises(StaleEdit, match="what is wanted"):
        edits.rewrite("a.yaml", source, [update(occurrences(source)[0], "v2")], formats.find)


def test_an_ungoverned_image_that_shares_the_anchored_tag_changes_along_but_gets_no_digest() -> (
    None
):
    source = SHARED % b"b"
    first, second = occurrences(source)
    rewritten = edits.rewrite("a.yaml", source, [update(first, "v2")], formats.find, [second])
    assert rewritten.content == source.replace(b"v1", b"v2")
    with pytest.raises(StaleEdit, match="what is wanted"):
        edits.rewrite("a.yaml", source, [update(first, "v2", D2)], formats.find, [second])


def test_two_updates_that_want_different_tags_in_one_place_are_refused() -> None:
    source = SHARED % b"b"
    first, second = occurrences(source)
    with pytest.raises(StaleEdit, match="overlap"):
        edits.rewrite("a.yaml", source, [update(first, "v2"), update(second, "v3")], formats.find)


def test_a_file_that_reads_otherwise_afterwards_is_not_rewritten() -> None:
    source = b"image: acme/a:1\nother: acme/b:1\n"
    (wanted,) = occurrences(source)

    def find_less(file: str, content: bytes) -> formats.Found:
        return formats.find(file, content) if content == source else formats.Found()

    with pytest.raises(StaleEdit, match="how many"):
        edits.rewrite("a.yaml", source, [update(wanted, "2")], find_less)


def test_problems_elsewhere_in_the_file_do_not_stop_an_edit_and_stay() -> None:
    source = b"a: {image: acme/a:1, debugImage: '${X}'}\n---\nimage: [\n"
    (wanted,) = occurrences(source)
    after = edits.rewrite("a.yaml", source, [update(wanted, "1.22.333")], formats.find).content
    assert after == source.replace(b"a:1,", b"a:1.22.333,")


# Random files: laws that hold for every style, line end and comment.

TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,15}", fullmatch=True)
STYLES = st.sampled_from(["{}", "'{}'", '"{}"', "&a {}", "!!str {}", "!!str '{}'", '&b "{}"'])
BLOCKS = st.sampled_from([">-{c}\n{i}  {v}", "|{c}\n{i}    {v}", ">{c}\n{i}  {v}\n"])
# No tabs: ruamel refuses them where libyaml and Go read them; golden files have some.
COMMENTS = st.sampled_from(["", " # note", "   # 🚀 größe: 'x' \"", " #"])
NOISE = st.sampled_from(
    [
        "",
        "# 日本語\n",
        "other: [1, {a: 'image: x/y:1'}]\n",
        "text: |\n  image: no/no:1\n\n  more\n",
        "'quoted key': \"a\\tb\"\n",
        "n: ~\nd: 1.10\n",
        "folded: >\n  a\n   b\n\n  c\n",
    ]
)


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str]:
    """A file with one image group or string, and the tag in it."""
    tag = draw(TAGS)
    comment = draw(COMMENTS)
    shape = draw(st.sampled_from(["joined", "group", "flow", "block", "kubernetes"]))
    style = draw(STYLES)
    if shape == "joined":
        body = f"app:\n    image: {style.format('acme/a:' + tag)}{comment}\n"
    elif shape == "group":
        body = f"image:\n  tag: {style.format(tag)}{comment}\n  repository: acme/a\n"
    elif shape == "flow":
        body = f"image: {{repository: acme/a, tag: {style.format(tag)} , x: y}}{comment}\n"
    elif shape == "block":
        block = draw(BLOCKS)
        body = "x:\n  image: " + block.format(c=comment, i="  ", v=f"acme/a:{tag}") + "\n"
    else:
        value = style.format(f"acme/a:{tag}@{D1}")
        body = f"apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {value}{comment}\n"
    text = draw(NOISE) + body + draw(st.sampled_from(["", "end: 1\n", "---\na: b\n", "...\n"]))
    if draw(st.booleans()):
        text = text.rstrip("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return ("\ufeff" if draw(st.booleans()) else "") + text, tag


def loaded(content: bytes) -> list[object]:
    """What ruamel, an independent parser, makes of a file."""
    return list(YAML(typ="safe", pure=True).load_all(io.BytesIO(content)))


def images(node: object) -> list[str]:
    """Tag, or whole reference, of the one image in a loaded file."""
    if isinstance(node, dict):
        found = [str(node[key]).strip() for key in ("tag",) if key in node]
        image = node.get("image")
        found += [image.strip()] if isinstance(image, str) else []
        return found + [text for value in node.values() for text in images(value)]
    if isinstance(node, list):
        return [text for item in node for text in images(item)]
    return []


def without_images(node: object) -> object:
    if isinstance(node, dict):
        return {
            key: without_images(value)
            for key, value in node.items()
            if key != "tag" and not (key == "image" and isinstance(value, str))
        }
    return [without_images(item) for item in node] if isinstance(node, list) else node


@given(files(), TAGS)
def test_outside_the_value_all_bytes_are_equal_and_the_file_says_what_was_wanted(
    file: tuple[str, str], tag: str
) -> None:
    source = file[0].encode()
    (occurrence,) = occurrences(source)
    assert occurrence.tag == file[1]
    assume(tag != file[1])  # nothing is edited then, and 0000 stays the number that it is
    digest = D2 if occurrence.digest else None
    wanted = update(occurrence, tag, digest)
    content = edits.rewrite("app.yaml", source, [wanted], formats.find).content
    slot = occurrence.slots[-1]
    grown = len(content) - len(source)
    assert content[: slot.span.start] == source[: slot.span.start]
    assert content[slot.span.end + grown :] == source[slot.span.end :]
    before, after = loaded(source), loaded(content)
    assert without_images(after) == without_images(before)
    (text,) = images(after)
    if slot.part == "tag":
        assert text == tag
    else:
        assert text == f"acme/a:{tag}" + (f"@{D2}" if digest else "")


@given(files(), TAGS)
def test_there_and_back_gives_the_same_meaning(file: tuple[str, str], tag: str) -> None:
    source = file[0].encode()
    (occurrence,) = occurrences(source)
    there = edits.rewrite(
        "a.yaml", source, [update(occurrence, tag, occurrence.digest)], formats.find
    )
    (moved,) = occurrences(there.content)
    assert moved.tag == tag
    back = edits.rewrite(
        "a.yaml", there.content, [update(moved, file[1], moved.digest)], formats.find
    )
    (last,) = occurrences(back.content)
    assert last.reference == occurrence.reference


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("Dockerfile", f"ARG V=1.0\nFROM acme/a:$V@{D1}\n"),
        ("compose.yaml", f"services: {{a: {{image: 'acme/a:${{V:-1.0}}@{D1}'}}}}\n"),
        (".gitlab-ci.yml", f"variables: {{V: '1.0', D: '{D1}'}}\na: {{image: acme/a:$V@$D}}\n"),
        ("values.yaml", f"image:\n  repository: acme/a\n  tag: v1\n  digest: |\n    {D1}\n"),
    ],
)
def test_a_digest_that_cannot_be_left_empty_is_the_reason_of_the_refusal(
    file: str, text: str
) -> None:
    with pytest.raises(StaleEdit, match="a digest is written here that cannot be left empty"):
        changed(text, "2.0", file=file)
    assert str(D1) not in changed(text, "2.0", D2, file)


def test_what_needs_quotes_in_a_text_in_double_quotes_gets_single_ones() -> None:
    text = f"x: \"{{image: {{repository: acme/a, tag: v1.9, digest: '{D1}'}}}}\"\n"
    assert "tag: '1.10', digest: ''" in changed(text, "1.10")
    bare = 'x: "{image: {repository: acme/a, tag: v1.9}}"\n'
    assert changed(bare, "1.10") == bare.replace("v1.9", "'1.10'")
