"""What a hostile file can cost: a bounded number of problems, occurrences and nodes."""

import gc
import sys
import threading
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot import formats, yaml_spans

IMAGE = b"image: acme/a:1\n"
LIMITS = "brackets dashes size utf16le utf16be nul latin1 control documents nodes"


def problems(source: bytes) -> tuple[str, ...]:
    found = formats.find("a.yaml", source)
    assert found.occurrences == ()
    return tuple(problem.message for problem in found.problems)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (IMAGE + b"a: " + b"[" * 10_000, "deep"),
        (IMAGE + b"- " * 10_000, "cannot be read"),
        (IMAGE + b"#" * (10 * 1024 * 1024), "bytes"),
        (b"\xff\xfe" + IMAGE.decode().encode("utf-16-le"), "UTF-16"),
        (IMAGE.decode().encode("utf-16-be"), "NUL"),
        (IMAGE + b"x: \0", "NUL"),
        (IMAGE + b"x: \xe9t\xe9\n", "not UTF-8"),
        (IMAGE + b"x: \x07\n", "control"),
        (b"---\n" * 300_000 + IMAGE, "documents"),
        (IMAGE + b"a: [" + b"1," * 400_000 + b"]", "values"),
    ],
    ids=LIMITS.split(),
)
def test_a_file_beyond_the_limits_is_one_problem(source: bytes, words: str) -> None:
    (message,) = problems(source)
    assert words in message


def test_a_byte_order_mark_is_no_fault() -> None:
    found = formats.find("a.yaml", b"\xef\xbb\xbf" + IMAGE)
    assert [(item.line, item.column) for item in found.occurrences] == [(1, 8)]
    assert found.occurrences[0].slots[0].span.start == 10


def test_an_alias_bomb_is_read_without_being_expanded() -> None:
    levels = ["a0: &a0 {repository: acme/a, tag: v1}"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 60)]
    found = formats.find("a.yaml", ("\n".join(levels) + "\nimage: *a59\n").encode())
    assert [str(item.reference) for item in found.occurrences] == ["acme/a:v1"]


def test_a_chain_of_merge_keys_is_followed_once_per_mapping() -> None:
    links = ["a0: &a0 {repository: acme/a}"]
    links += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], x: 1}}" for n in range(1, 900)]
    links += ["last: {<<: *a899, tag: v1}"]
    found = formats.find("a.yaml", "\n".join(links).encode())
    assert [str(item.reference) for item in found.occurrences] == ["acme/a:v1"]


def test_a_mapping_that_merges_itself_ends() -> None:
    assert formats.find("a.yaml", b"a: &a {<<: *a, repository: acme/a, tag: v1}").occurrences


def test_the_problems_of_one_file_are_not_more_than_a_person_reads() -> None:
    assert len(formats.find("a.yaml", b"# imagebot:\n" * 100_000).problems) == 501


def test_more_images_than_a_file_may_hold_are_one_problem() -> None:
    (message,) = problems(b"- image: acme/a:1\n" * 10_001)
    assert "10,000 images" in message
    assert len(formats.find("a.yaml", b"- image: acme/a:1\n" * 10_000).occurrences) == 10_000


def test_columns_of_a_file_on_one_line_are_counted_in_characters() -> None:
    source = ("[" + "{ü: 🚀, image: acme/a:1}," * 3_000 + "]").encode()
    occurrences = formats.find("a.yaml", source).occurrences
    text = source.decode()
    assert [item.column for item in occurrences[:3]] == [16, 40, 64]
    assert text[occurrences[-1].column - 1 :].startswith("acme/a:1")


def test_an_address_does_not_repeat_a_huge_key() -> None:
    source = b"? " + b"k" * 100_000 + b"\n: {image: acme/a:1}\n"
    (occurrence,) = formats.find("a.yaml", source).occurrences
    assert len(occurrence.address) < 200


def test_a_huge_value_is_no_reference() -> None:
    assert formats.find("a.yaml", b"image: a/" + b"a-" * 1_000_000 + b"a:1\n").occurrences == ()
    assert formats.find("a.yaml", b"image: a/b" + b":a" * 20_000 + b"\n").occurrences == ()


def test_many_marked_images_in_one_file_are_all_found() -> None:
    source = b"".join(b"- image: acme/a%d:1 # imagebot: api\n" % n for n in range(2_000))
    found = formats.find("a.yaml", source)
    assert len([item for item in found.occurrences if item.marker]) == 2_000


def test_many_markers_above_one_value_are_read_once_each() -> None:
    source = b"# imagebot: api\n" * 20_000 + b"x: acme/a:1\n"
    (occurrence,) = formats.find("a.yaml", source).occurrences
    assert occurrence.other_markers == ()


def test_many_marked_aliases_of_one_tag_are_read_once_each() -> None:
    group = "a{0}:\n  repository: acme/a{0}\n  tag: *t # imagebot: api\n"
    groups = [group.format(number) for number in range(2_000)]
    found = formats.find("a.yaml", ("t: &t v1\n" + "".join(groups)).encode())
    assert len(found.occurrences) == 2_000
    assert {len(item.other_markers) for item in found.occurrences} == {1}


def test_aliases_of_nested_anchors_are_followed_to_a_limit() -> None:
    levels = ["a0: &a0 {image: acme/a:1}"]
    levels += [f"a{n}: &a{n} {{x: {{y: *a{n - 1}}}}}" for n in range(1, 3_000)]
    (occurrence,) = formats.find("a.yaml", "\n".join(levels).encode()).occurrences
    assert occurrence.aliases == tuple(range(2, 1002))


def test_many_aliases_deep_inside_are_attributed_once_for_each_parent() -> None:
    source = b"x: &x acme/a:1\nimage: *x\ny: &y " + b"[" * 90 + b"*x," * 90_000 + b"]" * 90
    (occurrence,) = formats.find("a.yaml", source).occurrences
    assert occurrence.aliases == (2, 3)


PIECES = st.sampled_from(
    [
        b"image: ",
        b"nginx:1.2",
        b"\n",
        b"  ",
        b"- ",
        b"---\n",
        b"repository: acme/a\n",
        b"tag: 1\n",
        b"# imagebot: a",
        b'# {"$imagepolicy": "a:b"}',
        b"&a ",
        b"*a",
        b"<<: ",
        b"{",
        b"}",
        b"'",
        b'"',
        b"|\n",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\r",
        b"kind: Kustomization\n",
        b"apiVersion: v1\n",
        b"images:\n",
        b"newTag: ",
        b"name: a\n",
        "ü🚀".encode(),
        b": ",
        b"!!str ",
        b"\t",
    ]
)


@given(st.lists(PIECES, max_size=40).map(b"".join) | st.binary(max_size=300))
def test_no_bytes_make_the_search_raise_and_every_span_is_true(source: bytes) -> None:
    found = formats.find("a.yaml", source)
    for occurrence in found.occurrences:
        for slot in occurrence.slots:
            assert source[slot.span.start : slot.span.end] == slot.span.written
            assert slot.span.written.decode() == slot.text
    assert formats.load("a.yaml", formats.dump(found)) == found


def test_the_limits_are_those_the_documentation_names() -> None:
    assert yaml_spans.MAX_FILE_BYTES == 5 * 1024 * 1024
    assert (yaml_spans.MAX_DEPTH, yaml_spans.MAX_DOCUMENTS) == (100, 2_000)


def test_the_collector_is_back_when_the_last_of_several_scans_ends() -> None:
    def scan() -> None:
        with formats.scanning():
            assert not gc.isenabled()

    with formats.scanning():
        other = threading.Thread(target=scan)
        other.start()
        other.join()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_garbage_is_as_young_after_a_small_scan_as_before_and_a_large_one_ages_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Cycle:
        def __init__(self) -> None:
            self.itself = self

    def is_freed_among_the_young() -> bool:
        gc.collect(0)
        with formats.scanning():
            garbage = weakref.ref(Cycle())
        gc.collect(0)
        return garbage() is None

    assert is_freed_among_the_young()
    module = sys.modules["imagebot.formats.scanning"]  # the function has its name, too
    monkeypatch.setattr(module, "_MANY_OBJECTS", -1)
    assert not is_freed_among_the_young()


@pytest.mark.parametrize(
    "entry",
    [
        "kNImage: acme/aN:1.0\n",
        "kNImageRepository: acme/aN\nkNImageTag: v1\n",
        "kNImage: acme/aN:1.0\nkNDigest: sha256:%s\n" % ("1a" * 32),
        "kNTag: v1  # imagebot: api:tag\n",
    ],
)
def test_many_images_in_one_mapping_are_gathered_once(entry: str) -> None:
    """Calls are counted, not timed: they must not grow by the square of a mapping's keys."""
    counts = []
    for number in (200, 400):
        text = "".join(entry.replace("N", str(each)) for each in range(number)).encode()
        counts.append(_calls_to_find(text, number))
    assert 0 < counts[1] < 2.2 * counts[0]


def test_many_marked_documents_are_each_read_once() -> None:
    """As above: what was found in the documents before costs nothing in the next one."""
    counts = []
    for number in (200, 400):
        text = "".join(f"---\nimage: acme/a{each}:1 # imagebot: api\n" for each in range(number))
        counts.append(_calls_to_find(text.encode(), number))
    assert 0 < counts[1] < 2.2 * counts[0]


@pytest.mark.parametrize(
    ("head", "part"),
    [
        ("kind: Pod\n", "---\nimage: acme/a:1\n"),
        ("kind: ConfigMap\napiVersion: v1\ndata:\n", "  kN: |\n    image: acme/a:1\n"),
        ("kind: ConfigMap\napiVersion: v1\ndata:\n", '  kN.yaml: "x: 1\\nimage: acme/a:1\\n"\n'),
    ],
    ids=["documents", "blocks", "quoted texts"],
)
def test_a_large_file_is_not_searched_once_for_each_of_its_texts(head: str, part: str) -> None:
    """That would take minutes: 1,900 times 4 MB, in which every word nearly stands."""
    parts = "".join(part.replace("N", str(each)) for each in range(1_900))
    nearly = ("# " + "globa egistr mage epositor imagebo " * 3 + "\n") * 39_000
    found = formats.find("a.yaml", (head + parts + nearly).encode())
    assert (len(found.occurrences), found.problems) == (1_900, ())


def _calls_to_find(text: bytes, occurrence_count: int) -> int:
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        found = formats.find("values.yaml", text)
    finally:
        sys.setprofile(None)
    assert len(found.occurrences) == occurrence_count
    return calls


def test_that_a_file_has_more_problems_than_are_told_is_told() -> None:
    found = formats.find("a.yaml", b"- {image: 'acme/a:'}\n" * 600)
    assert len(found.problems) == 501
    (last,) = (each for each in found.problems if not each.line)
    assert last.message == "more than 500 problems in one file, and only the first are told"
