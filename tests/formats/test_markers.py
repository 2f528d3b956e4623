"""Markers: where they work, what they mean, and how a wrong one is answered."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from imagebot import edits, formats
from imagebot.model import Occurrence, Part, Style, Update

D = "sha256:" + "1a" * 32


def find(text: str) -> formats.Found:
    return formats.find("app.yaml", text.encode())


def only(text: str) -> Occurrence:
    found = find(text)
    assert (len(found.occurrences), found.problems) == (1, ()), found
    return found.occurrences[0]


@pytest.mark.parametrize(
    "comment",
    [
        "# imagebot: api",
        "#imagebot:api",
        "\t# keep! # imagebot: api",
        "# pinned by ops, imagebot: api (ask first)",
        "# 🚀 imagebot: api.",
        '# {"$imagepolicy": "flux-system:api"}',
        '#{"$imagepolicy":"flux-system:api"} and more text',
        '# imagebot: api {"$imagepolicy": "ns:api"}',
    ],
)
def test_a_marker_puts_the_value_on_its_line_under_a_policy(comment: str) -> None:
    occurrence = only(f"controller: acme/a:1 {comment}\n")
    assert occurrence.marker is not None
    assert (occurrence.marker.policy, occurrence.marker.line) == ("api", 1)
    assert occurrence.format == "marker"
    assert str(occurrence.reference) == "acme/a:1"


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("x: v1 # imagebot: api:tag", Part.TAG),
        ('x: v1 # {"$imagepolicy": "ns:api:tag"}', Part.TAG),
        ("x: '' # imagebot: api:tag", Part.TAG),
        ("appTag: v1 # imagebot: api", Part.TAG),
        ("version: 1.0 # imagebot: api", Part.TAG),
        (f"x: {D} # imagebot: api:digest", Part.DIGEST),
        (f"x: {D} # imagebot: api", Part.DIGEST),
    ],
)
def test_a_marked_tag_or_digest_leaves_the_name_to_the_policy(line: str, part: Part) -> None:
    occurrence = only(line)
    assert [slot.part for slot in occurrence.slots] == [part]
    assert occurrence.reference is None


def test_a_name_and_a_tag_under_one_policy_in_one_mapping_are_one_image() -> None:
    text = "a:\n  img: acme/a # imagebot: api:name\n  ver: v1 # imagebot: api:tag\n"
    occurrence = only(text)
    assert str(occurrence.reference) == "acme/a:v1"
    assert occurrence.line == 3


def test_an_unmarked_repository_beside_a_marked_version_gives_the_name() -> None:
    occurrence = only("a:\n  repository: acme/a\n  version: v1 # imagebot: api:tag\n")
    assert str(occurrence.reference) == "acme/a:v1"


def test_a_marker_on_a_known_image_keeps_its_format() -> None:
    text = "image:\n  repository: acme/a # imagebot: api:name\n  tag: v1 # imagebot: api:tag\n"
    occurrence = only(text)
    assert occurrence.format == "helm-values"
    assert occurrence.marker is not None
    assert occurrence.marker.policy == "api"


@pytest.mark.parametrize(
    "text",
    [
        "images:\n- {name: a, newTag: v1} # imagebot: api:tag",
        'images: [{name: a, newTag: v1}] # {"$imagepolicy": "ns:api:tag"}',
    ],
)
def test_a_marker_behind_a_flow_mapping_means_its_one_image(text: str) -> None:
    found = formats.find("kustomization.yaml", text.encode())
    assert found.problems == ()
    assert [item.marker.policy for item in found.occurrences if item.marker] == ["api"]


def test_a_marker_behind_the_header_of_a_block_scalar_means_its_text() -> None:
    occurrence = only("x: >- # imagebot: api\n  acme/a:1\n")
    assert occurrence.slots[0].style is Style.FOLDED
    assert occurrence.slots[0].text == "acme/a:1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x: acme/a:1 # imagebot:", "names no policy"),
        ("x: acme/a:1 # imagebot: api:all", "unknown part"),
        ('x: acme/a:1 # {"$imagepolicy": "api"}', "namespace:name"),
        ('x: acme/a:1 # {"$imagepolicy": "ns:api:x"}', "unknown part"),
        ("x: acme/a:1 # {'$imagepolicy': 'ns:api'}", "no JSON"),
        ('x: acme/a:1 # {"$imagepolicy": "ns:api"', "no JSON"),
        ('x: acme/a:1 # imagebot: a {"$imagepolicy": "ns:b"}', "two markers"),
        ("x: # imagebot: api\n  y: acme/a:1\n", "without a value"),
        ("x: {a: b, c: d} # imagebot: api", "several values"),
        ("x: acme/a:1 # imagebot: api:tag", "whole reference"),
        ("image: acme/a:1 # imagebot: api:tag", "whole reference"),
        ("x: word # imagebot: api", "can be a tag or an image name"),
        ("x: ${TAG} # imagebot: api:tag", "templated"),
        ("x: '{{ tag }}' # imagebot: api:tag", "templated"),
        ("a: {repository: acme/a, tag: v1} # imagebot: api:digest", "several values"),
    ],
)
def test_a_marker_that_cannot_work_is_an_error_with_file_and_line(text: str, words: str) -> None:
    found = find(text)
    problem = found.problems[0]
    assert words in problem.message
    assert problem.line >= 1
    assert problem.hint
    assert not problem.is_warning


def test_markers_that_name_two_policies_for_one_image_are_both_noted() -> None:
    text = "image:\n  repository: acme/a # imagebot: x:name\n  tag: v1 # imagebot: y:tag"
    assert noted(only(text)) == ("x", ["y"])


def noted(occurrence: Occurrence) -> tuple[str | None, list[str]]:
    """The policy of the marker at the value, and those of markers elsewhere that bear on it."""
    others = [marker.policy for marker in occurrence.other_markers]
    return (occurrence.marker.policy if occurrence.marker else None), others


@pytest.mark.parametrize(
    "text",
    [
        "# imagebot: api\nx: acme/a:1\n",
        'a:\n  # {"$imagepolicy": "ns:api"}\n  # a note\n  x: acme/a:1\n',
        "a:\n  - x\n  # imagebot: api (ask ops)\n  - acme/a:1\n",
        "a:\n  # imagebot: api\n  -\n    acme/a:1\n",
        "a: [\n  # imagebot: api\n  acme/a:1,\n  b]\n",
        "a: {\n  # imagebot: api\n  'x': acme/a:1,\n  b: c}\n",
        "# imagebot: api\nx: >-\n  acme/a:1\n",
        "  # imagebot: api\r\nx: acme/a:1\r\n",
        "- x\n# imagebot: api\n- - - acme/a:1\n".replace("- - - ", "- "),
    ],
)
def test_a_marker_above_a_key_or_an_item_means_its_value(text: str) -> None:
    occurrence = only(text)
    assert (str(occurrence.reference), occurrence.marker is not None) == ("acme/a:1", True)
    assert noted(occurrence) == ("api", [])


@pytest.mark.parametrize(
    "text",
    [
        "# imagebot: api\nimage:\n  repository: acme/a\n  tag: v1\n",
        "# imagebot: api:tag\nimage: {repository: acme/a, tag: v1}\n",
        "c:\n# imagebot: api\n- name: a\n  image: acme/a:v1\n- name: b\n",
        "c:\n# imagebot: api\n- &c\n  name: a\n  image: acme/a:v1\n",
        "c: [\n# imagebot: api\n{repository: acme/a, tag: v1}, {}]\n",
        "kind: Kustomization\nimages:\n# imagebot: api\n- name: acme/a\n  newTag: v1\n",
    ],
)
def test_a_marker_above_a_mapping_means_the_one_image_in_it(text: str) -> None:
    occurrence = only(text)
    assert noted(occurrence) == ("api", [])
    assert occurrence.format != "marker"


@pytest.mark.parametrize(
    "text",
    [
        "# imagebot: api\nthing:\n  container: acme/a:1\n  port: 80\n  host: 'db:5432'\n",
        "# imagebot: api\nthing: {deep: [{container: 'acme/a:1'}], text: see acme/b:1}\n",
        "# imagebot: api\ncommand: [run, '--image', 'acme/a:1']\n",
        "# imagebot: api\nargs:\n  - --to=acme/a:1\n  - --dry-run\n",
        "thing: &t {container: 'acme/a:1'}\n# imagebot: api\nother: *t\n",
        "a:\n  # imagebot: api\n  - container: acme/a:1\n  - container: acme/b:1\n",
    ],
)
def test_a_marker_above_a_mapping_means_the_one_image_under_an_unusual_key(text: str) -> None:
    found = formats.find("values.yaml", text.encode())
    assert not found.problems
    (item,) = found.occurrences
    assert (str(item.reference), item.marker and item.marker.policy) == ("acme/a:1", "api")
    assert item.reference is not None
    update = Update(item, item.reference, "2.0", None, None)
    made = edits.rewrite("values.yaml", text.encode(), [update], formats.find)
    assert made.content.decode() == text.replace("acme/a:1", "acme/a:2.0")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# imagebot: api\nthing: {a: 'acme/a:1', b: 'acme/b:1'}\n", "holds 2 images"),
        ("# imagebot: api\nthing: {host: 'db:5432'}\n", "holds no image"),
        ("# imagebot: api:tag\nthing: {container: 'acme/a:1'}\n", "holds no image"),
        ("# imagebot: api\nthing: {text: see acme/b:1}\n", "holds no image"),
        ("# imagebot: api\nthing: [" + "acme/a:1, " * 1_001 + "]\n", "holds no image"),
    ],
)
def test_a_marker_above_a_mapping_without_one_plain_image_is_an_error(
    text: str, words: str
) -> None:
    found = formats.find("values.yaml", text.encode())
    assert not found.occurrences
    (problem,) = found.problems
    assert words in problem.message
    assert not problem.is_warning


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# imagebot: api\nc:\n- image: acme/a:1\n- image: acme/b:1\n", "holds 2 images"),
        ("# imagebot: api\nc: {x: y}\n", "holds no image"),
        ("# imagebot: api\nc: {}\n", "holds no image"),
        ("# imagebot: api:digest\nc: {repository: acme/a, tag: v1}\n", ":digest"),
        ("# imagebot: api\n\nimage: acme/a:1\n", "above no value"),
        ("image: acme/a:1\n# imagebot: api\n", "above no value"),
        ("# imagebot: api\n--- # end\nimage: acme/a:1\n", "above no value"),
        ("# imagebot: api\n? [a]\n: acme/a:1\n", "above no value"),
        ("# imagebot: api\nx: word\n", "can be a tag or an image name"),
    ],
)
def test_a_marker_above_what_it_cannot_mean_is_answered(text: str, words: str) -> None:
    found = find(text)
    assert words in found.problems[0].message
    assert found.problems[0].hint
    assert all(item.marker is None for item in found.occurrences)


@pytest.mark.parametrize(
    ("line", "said", "part"),
    [
        ("- --image=acme/a:1 # imagebot: api", "acme/a:1", Part.REFERENCE),
        ("- '--sidecar-image=acme/a:1' # imagebot: api", "acme/a:1", Part.REFERENCE),
        ("- IMAGE=nginx:1.27 # imagebot: api", "nginx:1.27", Part.REFERENCE),
        (f"- --img=acme/a@{D} # imagebot: api", f"acme/a@{D}", Part.REFERENCE),
        ("- --image-tag=v1 # imagebot: api", "v1", Part.TAG),
        ("- --set=image.tag=1.9 # imagebot: api", "1.9", Part.TAG),
        ("- -v=1.9 # imagebot: api:tag", "1.9", Part.TAG),
        (f"- --digest={D} # imagebot: api", D, Part.DIGEST),
        ("x: docker://acme/a:1 # imagebot: api", "acme/a:1", Part.REFERENCE),
        ("x: run --image='acme/a:1' --port 80:80 # imagebot: api", "acme/a:1", Part.REFERENCE),
        ("x: [sh, --img=acme/a:1, '0.0.0.0:80'] # imagebot: api", "acme/a:1", Part.REFERENCE),
        ("x: [sh, nginx:1.27/x, acme/a:1] # imagebot: api", "acme/a:1", Part.REFERENCE),
    ],
)
def test_of_a_longer_text_only_the_piece_that_is_meant_is_a_slot(
    line: str, said: str, part: Part
) -> None:
    occurrence = only(line)
    (slot,) = occurrence.slots
    assert (slot.text, slot.part) == (said, part)
    assert line[slot.span.start : slot.span.end] == said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x: run acme/a:1 acme/b:1 # imagebot: api", "2 images"),
        ("x: run it # imagebot: api", "no image"),
        ("x: run acme/a:1 # imagebot: api:tag", "several words"),
        ("x: run {{ .image }} # imagebot: api", "templated"),
        ("- --image=$(IMAGE) # imagebot: api", "templated"),
        ('- "--image=acme/\\x61:1" # imagebot: api', "escapes"),
        ("x: &a\n  !env acme/a:1 # imagebot: api", "YAML tag"),
    ],
)
def test_a_marked_text_that_holds_no_one_piece_is_an_error(line: str, words: str) -> None:
    found = find(line)
    assert found.occurrences == ()
    assert words in found.problems[0].message
    assert (found.problems[0].is_warning, bool(found.problems[0].hint)) == (False, True)


def test_a_marker_at_an_alias_bears_on_the_value_at_the_anchor() -> None:
    text = "image: &a acme/a:1{}\nother:\n  image: *a{}\n"
    mark = " # imagebot: {}".format
    assert noted(only(text.format("", mark("api")))) == (None, ["api"])
    assert noted(only(text.format(mark("api"), mark("api")))) == ("api", [])
    assert noted(only(text.format(mark("api"), mark("web")))) == ("api", ["web"])
    unknown = "x: &a acme/a:1\ny: *a # imagebot: api\n# imagebot: web\nz: *a\n"
    assert noted(only(unknown)) == ("api", ["web"])
    tag = "x: &t v1\ny: {repository: acme/a, tag: *t}\nappTag: *t # imagebot: api\n"
    assert noted(only(tag)) == (None, ["api"])
    group = "x: &a {repository: acme/a, tag: v1}\ny: *a # imagebot: api\n"
    assert noted(only(group)) == (None, ["api"])


@pytest.mark.parametrize(
    "text",
    [
        "# image: acme/a:1 # imagebot: api\nx: 1\n",
        "# managed by imagebot: do not edit\nx: 1\n",
        "x: >\n  a: b, which imagebot: api would change\n",
    ],
)
def test_a_marker_in_a_remark_or_in_prose_is_a_warning(text: str) -> None:
    found = find(text)
    assert found.occurrences == ()
    assert [problem.is_warning for problem in found.problems] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "imagebot: api\n",
        "x: 'a # imagebot: api'\n",
        "image: ghcr.io/acme/imagebot:1.0\n",
        "# see ghcr.io/acme/imagebot:1.0\nx: 1\n",
        "x: a#imagebot:b\n",
    ],
)
def test_what_only_looks_like_a_marker_is_none(text: str) -> None:
    found = find(text)
    assert found.problems == ()
    assert all(item.marker is None for item in found.occurrences)


def test_in_a_template_only_marked_lines_are_named() -> None:
    text = (
        "{{ if .x }}\nimage: acme/a:1\nimage: 'acme/b:1'  # imagebot: api\n"
        "  - acme/c:2 # imagebot: c\ntag: {{ .t }} # imagebot: d:tag\n{{ end }}\n"
    )
    found = find(text)
    assert [(str(item.reference), item.line) for item in found.occurrences] == [
        ("acme/b:1", 3),
        ("acme/c:2", 4),
    ]
    assert all(item.slots[0].style is Style.RAW for item in found.occurrences)
    assert [(problem.line, problem.is_warning) for problem in found.problems][-1] == (5, False)
    assert sum("template" in problem.message for problem in found.problems) == 1


def test_aliases_of_what_surrounds_a_marked_value_are_told() -> None:
    text = "a: &a\n  args: &b\n  - --image=acme/a:1 # imagebot: api\n  more: *b\nc: {<<: *a}\n"
    assert only(text).aliases == (4, 5)


TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,15}", fullmatch=True)
OPTIONS = st.from_regex(r"-{0,2}[A-Za-zäß][A-Za-z0-9.äß-]{0,10}=", fullmatch=True)
LINES = st.sampled_from(
    [
        "- {} # imagebot: api\n",
        "- '{}'   # why? imagebot: api\n",
        'x: "{}" # {{"$imagepolicy": "ns:api"}}\n',
        "# imagebot: api\nx: {}\n",
        "[a, '{}', c] # imagebot: api\n",
        "a: [\n# imagebot: api\n{}, b]\n",
        "x: &x {} # imagebot: api\ny: *x\n",
        "x: >-\n  {}\n".replace(">-", ">- # imagebot: api"),
        "a: |\n  x: '{}' # imagebot: api\n  y: 1.0\n",
    ]
)


@given(LINES, OPTIONS, TAGS, TAGS, st.sampled_from(["\n", "\r\n"]))
def test_of_an_option_the_bytes_behind_the_equals_sign_change_and_no_others(
    line: str, option: str, old: str, new: str, line_break: str
) -> None:
    before, after = (
        line.format(f"{option}ghcr.io/acme/a:{tag}").replace("\n", line_break).encode()
        for tag in (old, new)
    )
    found = formats.find("app.yaml", before)
    assert found.problems == ()
    (occurrence,) = found.occurrences
    assert occurrence.reference
    update = Update(occurrence, occurrence.reference, new, None, None)
    assert edits.rewrite("app.yaml", before, [update], formats.find).content == after
    was, now = (YAML(typ="safe", pure=True).load(io.BytesIO(each)) for each in (before, after))
    assert str(was).replace(f"acme/a:{old}", f"acme/a:{new}") == str(now)


def test_a_marker_above_a_blank_line_is_an_error() -> None:
    found = formats.find("a.yaml", b"a: 1\n# imagebot: api\n\nimg: acme/a:1\n")
    assert found.occurrences == ()
    assert [(item.line, item.is_warning) for item in found.problems] == [(2, False)]


@pytest.mark.parametrize(
    ("value", "part", "words"),
    [
        ('"1.0"', "name", "no image is named '1.0'"),
        ("1.0", "name", "no image is named '1.0'"),
        ("v1.2.3-rc.1", "name", "no image is named"),
        ("8080", "name", "no image is named"),
        ("true", "name", "no image is named"),
        ("acme/a:1", "name", "a whole reference stands here"),
        (f"acme/a@{D}", "name", "a whole reference stands here"),
        ("Acme/A", "name", "not an image name"),
        ('"acme a"', "name", "several words"),
        ('"acme/a:"', "name", "not allowed"),
        ('"1 0"', "tag", "several words"),
        ("a/b", "tag", "a whole reference stands here"),
        ("a:b", "tag", "a whole reference stands here"),
        ("-x", "tag", "not a tag"),
        ("latest", "digest", "not a digest"),
        ("sha256:abc", "digest", "not a digest"),
        (f"acme/a@{D}", "digest", "not a digest"),
    ],
)
@pytest.mark.parametrize(
    ("file", "form"),
    [
        ("app.yaml", "# above\nx: {value}   # imagebot: api:{part}\n"),
        ("app.yaml", '# above\nx: {value}   # {{"$imagepolicy": "ns:api:{part}"}}\n'),
        ("x.sh", "# above\nX={value}   # imagebot: api:{part}\n"),
        ("x.tpl", "{{{{ if }}}}\nx: {value}   # imagebot: api:{part}\n"),
    ],
)
def test_a_value_that_is_not_the_part_of_its_marker_is_an_error_at_its_line(
    value: str, part: str, words: str, file: str, form: str
) -> None:
    found = formats.find(file, form.format(value=value, part=part).encode())
    errors = [each for each in found.problems if not each.is_warning]
    assert found.occurrences == ()
    assert [(each.file, each.line) for each in errors] == [(file, 2)]
    assert words in errors[0].message
    assert errors[0].hint


@pytest.mark.parametrize(
    "name", ["acme/1.0", "7zip", "2048-game", "localhost:5000/v2/api", "redis"]
)
def test_a_name_may_begin_with_a_digit(name: str) -> None:
    occurrence = only(f"x: {name}   # imagebot: api:name\nv: v1   # imagebot: api:tag\n")
    assert occurrence.reference is not None
    assert occurrence.reference.name == name


def test_a_digest_that_is_left_empty_is_no_error() -> None:
    """An update without a digest leaves `digest: ""` behind, and the next one may fill it."""
    only('x: ""   # imagebot: api:digest\n')


LATE = "# imagebot: ignore-file\n"


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("app.yaml", "#\n" * 10 + LATE + "kind: Pod\nspec: {containers: [{image: a/b:1}]}\n", 11),
        ("app.yaml", "#\n" * 10 + "a: 1   " + LATE, 11),
        ("app.yaml", f"# {'x' * 4096}\n" + LATE, 2),
        ("app.yaml", "# made by a tool, imagebot: ignore-file\n", 0),
        ("app.yaml", "a: 1   # made by a tool, imagebot: ignore-file\n", 1),
        ("x.tpl", "{{ x }}\n" * 10 + LATE, 11),
        ("app.yaml", "{{ x }}\n" * 10 + LATE, 11),
        ("x.sh", "#\n" * 10 + LATE + "docker run a/b:1\n", 11),
        ("Dockerfile", "#\n" * 10 + LATE + "FROM a/b:1\n", 11),
        ("x.js", "\n" * 10 + "// imagebot: ignore-file\n", 11),
    ],
)
def test_a_mark_to_leave_the_file_out_that_is_not_heeded_says_so(
    file: str, text: str, line: int
) -> None:
    found = formats.find(file, text.encode())
    told = [each for each in found.problems if "ignore-file is not heeded" in each.message]
    assert not found.is_ignored
    assert [each.line for each in told if not each.is_warning] == ([line] if line else [])
    assert all(
        "first ten lines" in each.message and ".imagebotignore" in each.hint for each in told
    )
    assert told
    assert all(item.marker is None for item in found.occurrences)


def test_a_faulty_marker_that_stands_alone_is_an_error_and_prose_about_markers_is_not() -> None:
    found = find(
        "# imagebot: api:part\na: acme/a:1\n# see imagebot: api:part\n"
        '# {"$imagepolicy": "api"}\nb: acme/b:1\n'
    )
    assert [(each.line, each.is_warning) for each in found.problems] == [
        (1, False),
        (3, True),
        (4, False),
    ]


@pytest.mark.parametrize("word", ["Imagebot", "ImageBot", "IMAGEBOT"])
def test_the_word_of_a_marker_may_have_capitals_where_nothing_follows_the_name(word: str) -> None:
    for text in (f"image: a/b:1  # {word}: api\n", f"# {word}: api\nimage: a/b:1\n"):
        (found,) = formats.find("values.yaml", text.encode()).occurrences
        assert found.marker is not None
        assert found.marker.policy == "api"
    (found,) = formats.find("a.env", f"IMAGE=a/b:1  # {word}: api\n".encode()).occurrences
    assert found.slots[0].text == "a/b:1"
    ignored = f"# {word}: ignore\nimage: a/b:1\n"
    (found,) = formats.find("values.yaml", ignored.encode()).occurrences
    assert found.is_ignored
    prose = f"image: a/b:1  # {word}: a bot for images\n"
    (found,) = formats.find("values.yaml", prose.encode()).occurrences
    assert found.marker is None


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("app.yaml", "# imagebot: deployed by the platform team\napiVersion: apps/v1\n"),
        ("app.yaml", "name: docs  # imagebot: owned by platform\n"),
        ("app.yaml", "a:  # imagebot: owned by platform\n  b: c\n"),
        ("app.yaml", "a: 1\n# imagebot: this is the end\n"),
        ("app.yaml", "a: {{ x }}\nb: c # imagebot: owned by platform\n"),
        ("app.yaml", "# imagebot:\na: 1\n"),
        (
            "app.yaml",
            "kind: ConfigMap\ndata:\n  run.sh: |\n    # imagebot: starts the bot\n    a\n",
        ),
        ("run.sh", "# imagebot: this script calls imagebot\nset -e\n"),
        ("run.sh", "# imagebot:\nset -e\n"),
        ("run.sh", "git commit -m x # imagebot: message of the commit\n"),
        ("README.md", "<!-- imagebot: https://imagebot.test/docs -->\ntext\n"),
        ("app.yaml", "a: 1 # imagebot: https://imagebot.test/docs\n"),
    ],
)
def test_prose_about_imagebot_is_a_warning_and_no_error(file: str, text: str) -> None:
    found = formats.find(file, text.encode())
    assert found.occurrences == ()
    assert [each.is_warning for each in found.problems] == [True]


@pytest.mark.parametrize("comment", ["api", "api, by ops", "api (by ops)", "api:tag by ops"])
def test_a_name_that_no_further_word_follows_is_a_marker_for_sure(comment: str) -> None:
    found = find(f"version: two words # imagebot: {comment}\n")
    assert [each.is_warning for each in found.problems] == [False]


def test_a_marker_says_nothing_of_a_part_that_nobody_wrote() -> None:
    (problem,) = find("apiVersion: apps/v1  # imagebot: api\n").problems
    assert ":tag" not in problem.message + problem.hint
    assert "'apiVersion'" in problem.message
