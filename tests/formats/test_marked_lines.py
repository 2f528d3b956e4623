"""Markers in files of any name: what a line's value is, and what is told when it is unclear."""

import time

import pytest

from imagebot import formats
from imagebot.model import Found, Occurrence, Part
from imagebot.yaml_spans import MAX_FILE_BYTES

D = "sha256:" + "1a" * 32


def find(text: str, file: str = "Makefile") -> Found:
    return formats.find(file, text.encode())


def only(text: str, file: str = "Makefile") -> Occurrence:
    found = find(text, file)
    assert len(found.occurrences) == 1, found
    assert not found.problems
    return found.occurrences[0]


@pytest.mark.parametrize(
    ("file", "line", "part", "value"),
    [
        ("Makefile", "VERSION := 1.27  # imagebot: a:tag", Part.TAG, "1.27"),
        ("Makefile", "VERSION ?= v1.27# imagebot: no\nX=1 # imagebot: a:tag", Part.TAG, "1"),
        (".env", "IMAGE=acme/a:1.0 # imagebot: a", Part.REFERENCE, "acme/a:1.0"),
        (".env", "A_TAG='1.0'   # imagebot: a", Part.TAG, "1.0"),
        ("a.toml", 'image = "acme/a:1.0" # imagebot: a', Part.REFERENCE, "acme/a:1.0"),
        ("a.ini", "version = 1.0 ; imagebot: a:tag", Part.TAG, "1.0"),
        ("a.lua", 'version = "1.0" -- imagebot: a:tag', Part.TAG, "1.0"),
        ("a.go", 'const image = "acme/a:1.0" // imagebot: a', Part.REFERENCE, "acme/a:1.0"),
        ("a.go", '\tImage: "acme/a:1.0", // imagebot: a', Part.REFERENCE, "acme/a:1.0"),
        ("a.c", 'x("acme/a:1.0"); /* imagebot: a */', Part.REFERENCE, "acme/a:1.0"),
        ("x.sh", f"D={D} # imagebot: a:digest", Part.DIGEST, D),
        ("x.sh", "skopeo copy docker://acme/a:1.0 dir:x # imagebot: a", Part.REFERENCE,
         "acme/a:1.0"),
        ("a.tpl", '{{- $t := "1.0" -}} {{/* imagebot: a:tag */}}', Part.TAG, "1.0"),
        ("a.yaml.gotmpl", "tag: v1 # imagebot: a", Part.TAG, "v1"),
        ("x.txt", "acme/a:1.0 # imagebot: a", Part.REFERENCE, "acme/a:1.0"),
        ("x.txt", 'acme/a:1.0 # {"$imagepolicy": "ns:a"}', Part.REFERENCE, "acme/a:1.0"),
        ("x.txt", "version 1.0 # imagebot: a:tag", Part.TAG, "1.0"),
        ("x.xml", "<v>x</v> acme/a:1 <!-- imagebot: a -->", Part.REFERENCE, "acme/a:1"),
        ("x.txt", "é acme/a:1.0 # imagebot: a", Part.REFERENCE, "acme/a:1.0"),
        ("x.txt", "# imagebot: a\n# a remark\nacme/a:1.0\n", Part.REFERENCE, "acme/a:1.0"),
    ],
)  # fmt: skip
def test_the_value_of_a_line(file: str, line: str, part: Part, value: str) -> None:
    occurrence = only(line + "\n", file)
    (slot,) = occurrence.slots
    assert (slot.part, slot.text) == (part, value)
    assert line.encode()[slot.span.start : slot.span.end] == value.encode()
    assert occurrence.marker
    assert occurrence.marker.policy == "a"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("acme/a:1 acme/b:1 # imagebot: a", "a marker needs one image, and 2 images"),
        ("VERSION=$(git describe) # imagebot: a:tag", "templated"),
        ("X=hello # imagebot: a", "a marked value can be a tag or an image name"),
        ("# imagebot: a\n\nacme/a:1", "a marker stands above no value"),
        ("x=acme/a:1 # imagebot: a:part", "the marker asks for an unknown part"),
        ("x=acme/a:1 # imagebot: a:tag", "the marker says :tag"),
    ],
)
def test_a_marker_that_cannot_work_is_told(line: str, message: str) -> None:
    found = find(line + "\n")
    assert not found.occurrences
    (problem,) = found.problems
    assert message in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "see docs of imagebot: they say it all\n",
        'text = "acme/a:1 imagebot: a"\n',
        "image: acme/a:1\n",
    ],
)
def test_a_text_without_a_marker_in_a_comment_is_left_alone(text: str) -> None:
    assert find(text) == Found()


@pytest.mark.parametrize("file", ["logo.png", "a.tar.gz", "font.woff2"])
def test_binary_files_are_not_looked_at(file: str) -> None:
    assert not formats.is_candidate_path(file)


def test_what_looks_binary_is_left_alone() -> None:
    line = b"acme/a:1 # imagebot: a\n"
    assert formats.find("data", line).occurrences
    assert formats.find("data", line + b"\0") == Found()


def test_a_marker_far_into_a_long_text_is_found() -> None:
    found = formats.find("data", b"\n" * 4_000_000 + b"acme/a:1 # imagebot: a\n")
    assert [each.line for each in found.occurrences] == [4_000_001]


@pytest.mark.parametrize("line", [b"acme/a:1 # imagebot: a\n", b"no marker\n"])
def test_a_text_that_is_too_long_to_search_is_reported_with_size_and_limit(line: bytes) -> None:
    source = line + b"\n" * MAX_FILE_BYTES
    (problem,) = formats.find("notes.txt", source).problems
    assert problem.file == "notes.txt"
    assert f"{len(source):,} bytes" in problem.message
    assert f"{MAX_FILE_BYTES:,}" in problem.message


def test_a_marker_in_a_line_that_is_too_long_is_reported_with_its_line() -> None:
    found = formats.find("data", b"\n" + b"x" * 20_000 + b" acme/a:1 # imagebot: a\n")
    assert not found.occurrences
    assert [(each.line, "10,000" in each.message) for each in found.problems] == [(2, True)]


def test_many_markers_cost_little() -> None:
    begun = time.process_time()
    found = formats.find("x", b"acme/a:1 # imagebot: a\n" * 40_000)
    assert len(found.problems) + len(found.occurrences) <= 10_000
    formats.find("x", b"# imagebot: a\n" * 70_000)
    assert time.process_time() - begun < 10
