"""What Flux's setters break, lose or pass over in silence, each with the right answer.

Each file has one marked value. The edit changes that value's bytes; nothing else is printed anew.
"""

from pathlib import Path

import pytest

from imagebot import edits, formats
from imagebot.cli.main import main
from imagebot.errors import StaleEdit
from imagebot.image import Digest, parse
from imagebot.model import Found, Update
from imagebot.policy.governing import Governor
from imagebot.policy.model import Policy

D = Digest("sha256:" + "1a" * 32)
FLUX = '# {"$imagepolicy": "flux-system:app%s"}'
MARK, TAG, NAME, DIGEST = (FLUX % part for part in ("", ":tag", ":name", ":digest"))
IMAGE = f"image: acme/app:1.0 {MARK}\n"


def find(text: str, file: str = "app.yaml") -> Found:
    return formats.find(file, text.encode())


def edited(text: str, tag: str = "2.0.0", file: str = "app.yaml") -> str:
    found = find(text, file)
    (occurrence,) = [item for item in found.occurrences if item.marker]
    assert found.problems == ()
    reference = occurrence.reference or parse("acme/app")
    update = Update(occurrence, reference, tag, occurrence.digest, None)
    return edits.rewrite(file, text.encode(), [update], formats.find).content.decode()


KEPT = {
    "a license before the first ---": f"# License\n\n---\n{IMAGE}",
    "the leading ---": f"---\n{IMAGE}",
    "a comment on a separator": f"a: b\n--- # second\n{IMAGE}",
    "a document of comments": f"# only words\n---\n{IMAGE}",
    "the final ...": f"{IMAGE}...\n",
    "a byte-order mark": f"\ufeff{IMAGE}",
    "line ends": f"a: b\n{IMAGE}".replace("\n", "\r\n"),
    "mixed line ends": f"a: b\r\n{IMAGE}c: d\r\n",
    "blank lines": f"a: b\n\n\n{IMAGE}\n\nc: d\n",
    "blank lines at the end": f"{IMAGE}\n\n\n",
    "a missing last line end": IMAGE.rstrip(),
    "an empty metadata": f"metadata:\n{IMAGE}",
    "empty annotations": f"metadata: {{annotations: {{}}}}\n{IMAGE}",
    "kyaml's own annotations": (
        "metadata:\n  annotations:\n    config.kubernetes.io/path: 'elsewhere.yaml'\n"
        f"    internal.config.kubernetes.io/index: '7'\n{IMAGE}"
    ),
    "an indent of four": f"spec:\n    pod:\n        {IMAGE}",
    "mixed list indents": f"a:\n- x\nb:\n    - y\nc:\n  -   {IMAGE}",
    "aligned values and comments": f"a:      b     # c\nimage:   acme/app:1.0     {MARK}\n",
    "tabs before comments": f"a: b\t# c\nimage: acme/app:1.0\t\t{MARK}\n",
    "plain text over lines": f"text: some\n  more\n\n  words\n{IMAGE}",
    "quoted text over lines": f"text: \"some\n  more \\\n  words\"\nx: 'a\n\n  b'\n{IMAGE}",
    "folded text with indents and blank lines": f"text: >\n  a\n\n    b\n     c\n\n\n  d\n{IMAGE}",
    "literal text with blanks at its ends": f"text: |\n  a  \n   b\t\n\n{IMAGE}",
    "a --- inside a literal text": f"text: |\n  a\n  ---\n  b\n{IMAGE}",
    "merge keys": f"base: &base {{a: b}}\napp:\n  <<: *base\n  {IMAGE}",
    "flow style and its blanks": f"a: {{ b:   c , d: [ 1,2 ,  '3:4' ] }}\n{IMAGE}",
    "comments at odd indents": f"a:\n        # deep\n  b: c\n # shallow\n{IMAGE}",
    "a long line": f"text: {'word ' * 60}\n{IMAGE}",
    "keys that are there twice": f"a: 1\na: 2\n{IMAGE}",
    "values that YAML 1.1 and 1.2 read apart": f"a: 0777\nb: yes\nc: 2024-01-01\nd: 1e3\n{IMAGE}",
    "comments in every language": f"a: b # größer 大きい 🚀\n{IMAGE}",
    "a directive": f"%YAML 1.1\n---\n{IMAGE}",
    "content behind ---": f"--- {{a: b, image: acme/app:1.0}} {MARK}\n",
    "a list at the top": f"- op: replace\n  path: /spec/x\n  value: acme/app:1.0 {MARK}\n",
    "a List of one document": (
        f"apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  metadata: {{name: a}}\n  {IMAGE}"
    ),
    "a template": f"{{{{- if .Values.x }}}}\n{IMAGE}{{{{- end }}}}\n",
    "a text in a ConfigMap": f"data:\n  pod.yaml: |\n    # a\n    {IMAGE}",
    "an anchor": f"image: &app acme/app:1.0 {MARK}\n",
    "single quotes": f"image: 'acme/app:1.0' {MARK}\n",
    "double quotes": f'image: "acme/app:1.0" {MARK}\n',
}


@pytest.mark.parametrize("what", KEPT)
def test_everything_around_a_marked_value_is_kept(what: str) -> None:
    text = KEPT[what]
    if what == "a template":  # reported once, and edited all the same
        source = text.encode()
        (occurrence,) = find(text).occurrences
        assert occurrence.reference
        update = Update(occurrence, occurrence.reference, "2.0.0", None, None)
        after = edits.rewrite("app.yaml", source, [update], formats.find).content.decode()
    else:
        after = edited(text)
    assert after == text.replace("acme/app:1.0", "acme/app:2.0.0")


@pytest.mark.parametrize("old", ["18", "1.5", "2024-01-01", "true", "1e3", "0x1F"])
@pytest.mark.parametrize(("tag", "new"), [("2.0.0", "2.0.0"), ("34", '"34"'), ("yes", '"yes"')])
def test_a_tag_that_yaml_does_not_read_as_text_becomes_text_and_no_explicit_type(
    old: str, tag: str, new: str
) -> None:
    assert edited(f"tag: {old} {TAG}\n", tag) == f"tag: {new} {TAG}\n"


def test_an_empty_value_is_filled() -> None:
    assert edited(f"tag: {TAG}\n") == f"tag: 2.0.0 {TAG}\n"


MARKED = {
    "a text before it": "image: acme/app:1.0 # pinned! " + MARK[2:],
    "a text behind it": f"image: acme/app:1.0 {MARK} asked for by ops",
    "a line above a key": f"{MARK}\nimage: acme/app:1.0",
    "a line above an item": f"{MARK}\n- acme/app:1.0",
    "a flow mapping": f"{{a: b, image: acme/app:1.0}} {MARK}",
    "a flow list": f"x: [run, acme/app:1.0] {MARK}",
    "more keys in the marker": 'image: acme/app:1.0 # {"$imagepolicy": "ns:app", "x": 1}',
    "an alias": f"image: &a acme/app:1.0\nother:\n  image: *a {MARK}",
}


@pytest.mark.parametrize("where", MARKED)
def test_a_marker_is_read_wherever_a_person_would_read_it(where: str) -> None:
    (occurrence,) = find(MARKED[where]).occurrences
    markers = [marker for marker in (occurrence.marker, *occurrence.other_markers) if marker]
    assert [marker.policy for marker in markers] == ["app"]
    assert str(occurrence.reference) == "acme/app:1.0"


@pytest.mark.parametrize(
    "comment",
    ["# {'$imagepolicy': 'ns:app'}", '# {"$imagepolicy": "app"}', '# {"$imagepolicy": 1}'],
)
def test_a_marker_that_is_wrong_is_an_error_and_not_silence(comment: str) -> None:
    (problem,) = find(f"image: acme/app:1.0 {comment}\n").problems
    assert (problem.line, problem.is_warning) == (1, False)


def test_a_marker_that_names_no_policy_is_an_error_with_the_nearest_name() -> None:
    (occurrence,) = find(IMAGE).occurrences
    governed = Governor([Policy("apps", "imagebot.yaml", 1)]).govern(occurrence)
    assert governed.policy is None
    assert governed.problem
    assert (governed.problem.where(), governed.problem.is_warning) == ("app.yaml:1:8", False)
    assert governed.problem.hint == "did you mean 'apps'?"


def test_a_digest_alone_is_never_emptied_by_a_policy_that_writes_none() -> None:
    (occurrence,) = find(f"x: {D} {DIGEST}\n").occurrences
    reference = parse(f"acme/app@{D}")
    with pytest.raises(StaleEdit, match="only a digest"):
        edits.edits_for(b"", Update(occurrence, reference, "2.0.0", None, None))


def test_one_file_that_cannot_be_read_never_stops_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text("image: [acme/app:1.0\n")
    (tmp_path / "b.yaml").write_text("image: acme/app:1.0\n")
    assert main(["set", "acme/app=:2.0.0", str(tmp_path)]) == 0
    assert (tmp_path / "b.yaml").read_text() == "image: acme/app:2.0.0\n"
    assert (tmp_path / "a.yaml").read_text() == "image: [acme/app:1.0\n"


def test_nothing_outside_the_checkout_is_written_through_a_symbolic_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("image: acme/app:1.0\n")
    inside = tmp_path / "repository"
    inside.mkdir()
    (inside / "a.yaml").write_text("image: acme/app:1.0\n")
    (inside / "link.yaml").symlink_to(outside)
    assert main(["set", "acme/app=:2.0.0", str(inside)]) == 0
    assert outside.read_text() == "image: acme/app:1.0\n"
    assert sorted(path.name for path in inside.iterdir()) == ["a.yaml", "link.yaml"]
