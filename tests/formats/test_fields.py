"""Values that a policy's `fields` mean: found by address, edited there, told where they are not."""

import shutil
from pathlib import Path

import pytest

from imagebot import edits, field_paths, formats, planning
from imagebot.checkout import open_checkout
from imagebot.errors import PolicyError
from imagebot.model import Update
from imagebot.policy.fielding import FieldRules
from imagebot.policy.model import Field, Policy
from imagebot.survey import survey

EXAMPLE = Path(__file__).parents[2] / "policies" / "13-fields"
HEAD = """apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata: {name: NAME, annotations: {config.kubernetes.io/local-config: "true"}}
"""


def texts(path: str, document: str, part: str = "tag") -> list[str]:
    """What a path finds in a document."""
    policy = Policy("p", "imagebot.yaml", 1, fields=(Field(path, part, None),))
    found = formats.finder([policy])("a.yaml", document.encode()).occurrences
    return [slot.text for item in found if item.field_of for slot in item.slots]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b", ["1"]),
        ("$.a.b", ["1"]),
        ("a['b']", ["1"]),
        ("list[0].v", ["2"]),
        ("list[-1].v", ["3"]),
        ("list[*].v", ["2", "3"]),
        ("a.*", ["1"]),
        ("..v", ["2", "3", "4"]),
        ("list[?name=='y'].v", ["3"]),
        ('list[?(@.name == "y")].v', ["3"]),
        ("list[?name!='y'].v", ["2"]),
        ("['x.y/z'].v", ["4"]),
        ("list[7].v", []),
        ("a.b.c", []),
    ],
)
def test_a_path_finds_what_it_says(path: str, expected: list[str]) -> None:
    document = "a: {b: '1'}\nlist: [{name: x, v: '2'}, {name: y, v: '3'}]\nx.y/z: {v: '4'}\n"
    assert texts(path, document) == expected


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "an empty path"),
        ("a..", "column 4: found the end, allowed: a key"),
        ("a[", "column 3: found the end, allowed: a number"),
        ("a[x]", "column 3: found 'x', allowed: a number"),
        ("a b", "column 2: found ' ', allowed: a . or"),
        ("a[?b]", r"column 5: found '\]', allowed: == or !="),
        ("a[?b==c]", "column 7: found 'c', allowed: a text in quotes"),
        ("a|", "column 3: found the end, allowed: a path in the text"),
        ("a||b", r"column 3: found '\|', allowed: a path in the text"),
        ("a" * 600, "more than 500 characters"),
    ],
)
def test_a_wrong_path_is_told_with_its_column(path: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        field_paths.parse(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("text|v", ["1"]),
        ("below.*|x", []),
        ("..text|v", ["1", "2"]),
        ("text|deep|v", ["3"]),
        ("['text']|$..w[0]", ["4"]),
        ("text|nothing", []),
        ("text", []),
    ],
)
def test_a_path_goes_into_the_texts_of_block_scalars(path: str, expected: list[str]) -> None:
    document = (
        "text: |\n  v: '1'\n  w: ['4']\n  deep: |\n    v: '3'\nbelow:\n  text: |-\n    v: '2'\n"
    )
    assert texts(path, document) == expected


def test_a_text_that_aliases_repeat_shows_their_lines() -> None:
    document = "text: &t |\n  v: '1'\nagain: *t\n"
    policy = Policy("p", "imagebot.yaml", 1, fields=(Field("again|v", "tag", "acme/a"),))
    (occurrence,) = formats.finder([policy])("a.yaml", document.encode()).occurrences
    assert (occurrence.line, occurrence.aliases) == (2, (3,))


def test_a_value_in_an_anchored_mapping_shows_the_lines_of_its_aliases() -> None:
    document = "a: &a {v: '1'}\nb: *a\n"
    policy = Policy("p", "imagebot.yaml", 1, fields=(Field("a.v", "tag", "acme/a"),))
    (occurrence,) = formats.finder([policy])("a.yaml", document.encode()).occurrences
    assert (occurrence.line, occurrence.aliases) == (1, (2,))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("text: 'v: 1'\n", "no literal block scalar"),
        ("text: >\n  v: 1\n", "no literal block scalar"),
        ("text: {v: 1}\n", "no literal block scalar"),
        ("text: |\n  v: {{ 1 }\n", "not YAML throughout"),
    ],
)
def test_a_text_that_a_path_cannot_go_into_is_an_error(document: str, reason: str) -> None:
    policy = Policy("p", "imagebot.yaml", 1, fields=(Field("text|v", "tag", "acme/a"),))
    found = formats.finder([policy])("a.yaml", document.encode())
    assert not found.occurrences
    errors = [problem for problem in found.problems if not problem.is_warning]
    assert [(error.line, reason in error.message) for error in errors] == [(1, True)]


def test_the_example_is_found_and_edited_where_its_fields_say(tmp_path: Path) -> None:
    found = survey(open_checkout(shutil.copytree(EXAMPLE, tmp_path / "example")))
    assert [str(item.reference) for item in found.occurrences] == [
        "docker.io/library/postgres:17.4",
        "postgres:17.4",
    ]
    wanted, problems = planning.govern(found, None)
    assert not problems
    assert [item.policy.name for item in wanted if item.policy] == ["postgres", "postgres"]
    source = (EXAMPLE / "cluster.yaml").read_bytes()
    updates = [
        Update(item.occurrence, item.reference, "17.6", None, None)
        for item in wanted
        if item.reference
    ]
    find = formats.finder(found.policies)
    after = edits.rewrite("cluster.yaml", source, updates, find).content
    assert after == source.replace(b'"17.4"', b'"17.6"').replace(b"postgres:17.4", b"postgres:17.6")


def checkout(tmp_path: Path, policy: str, files: dict[str, str]) -> Path:
    (tmp_path / "imagebot.yaml").write_text(HEAD.replace("NAME", "p") + policy)
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    return tmp_path


def test_a_field_that_means_nothing_is_a_warning_at_its_line(tmp_path: Path) -> None:
    policy = "spec:\n  fields:\n    - {path: spec.nothing, part: tag}\n"
    found = survey(open_checkout(checkout(tmp_path, policy, {"a.yaml": "spec: {v: '1'}\n"})))
    (problem,) = found.problems
    assert problem.is_warning
    assert (problem.file, problem.line) == ("imagebot.yaml", 6)
    assert problem.message == "'spec.nothing' means no value in any file of the policy"


def test_name_tag_and_digest_in_one_mapping_are_one_image(tmp_path: Path) -> None:
    policy = "spec:\n  fields: [{path: x.n, part: name}, {path: x.t, part: tag}]\n"
    root = checkout(tmp_path, policy, {"a.yaml": "x: {n: acme/a, t: v1}\n"})
    (occurrence,) = survey(open_checkout(root)).occurrences
    assert str(occurrence.reference) == "acme/a:v1"


def test_a_field_overrules_what_a_format_made_of_the_same_bytes(tmp_path: Path) -> None:
    policy = "spec:\n  fields: [{path: image.tag, part: tag, image: acme/other}]\n"
    root = checkout(tmp_path, policy, {"a.yaml": "image: {repository: acme/a, tag: v1}\n"})
    (occurrence,) = survey(open_checkout(root)).occurrences
    assert (occurrence.format, str(occurrence.reference)) == ("field", "acme/other:v1")


def test_a_value_that_is_not_what_the_field_says_is_an_error(tmp_path: Path) -> None:
    policy = "spec:\n  fields: [{path: a}, {path: b}]\n"
    root = checkout(tmp_path, policy, {"a.yaml": "a: {x: 1}\nb: '{{ x }}'\n"})
    assert [problem.is_warning for problem in survey(open_checkout(root)).problems] == [False] * 2


def test_only_documents_of_the_kind_and_files_of_the_policy_are_looked_at() -> None:
    policy = Policy(
        "p", "apps/imagebot.yaml", 1, paths=("x/**",), fields=(Field("v", "tag", "a/b", "K"),)
    )
    find = formats.finder([policy])
    source = b"kind: K\nv: '1'\n---\nkind: L\nv: '2'\n"
    assert [item.tag for item in find("apps/x/a.yaml", source).occurrences] == ["1"]
    assert not find("apps/y/a.yaml", source).occurrences
    assert not FieldRules([policy]).of("x/a.yaml")


@pytest.mark.parametrize(
    ("image", "path"),
    [("{tag: v1.0.0}", "app.image.tag"), ("[{name: web, tag: v1.0.0}]", "app.image[*].tag")],
)
def test_the_digest_above_the_tag_of_a_field_is_told_until_a_field_names_it(
    image: str, path: str
) -> None:
    source = f"app: {{imageDigest: 'sha256:{'1' * 64}', image: {image}}}\n".encode()
    tag = Field(path, "tag", "acme/a")
    for fields, count in ((tag,), 0), ((tag, Field("app.imageDigest", "digest", "acme/a")), 2):
        found = formats.finder([Policy("p", "imagebot.yaml", 1, fields=fields)])("a.yaml", source)
        assert len([each for each in found.occurrences if each.field_of]) == count
        assert any(not each.is_warning for each in found.problems) is (not count)
