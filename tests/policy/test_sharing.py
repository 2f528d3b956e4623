"""One value that serves several images is changed only where one policy governs all of them."""

from pathlib import Path

import pytest

from imagebot import formats, planning
from imagebot.checkout import open_checkout
from imagebot.model import Occurrence
from imagebot.policy import sharing
from imagebot.policy.governing import Governed, Governor
from imagebot.policy.model import Policy
from imagebot.survey import survey

TAG_OF_TWO = "t: &t v1\na: {repository: acme/a, tag: *t}\nb: {repository: acme/b, tag: *t}\n"


def policy(name: str, *images: str) -> Policy:
    return Policy(name, "imagebot.yaml", 1, images or ("**",))


def govern(text: str, *policies: Policy) -> list[Governed]:
    occurrences = formats.find("values.yaml", text.encode()).occurrences
    governor = Governor(policies)
    return sharing.settle(occurrences, [governor.govern(item) for item in occurrences])


def names(governed: list[Governed]) -> list[str | None]:
    return [each.policy.name if each.policy else None for each in governed]


def test_two_images_with_one_tag_under_one_policy_are_governed_by_it() -> None:
    governed = govern(TAG_OF_TWO, policy("all"))
    assert names(governed) == ["all", "all"]


def test_two_images_with_one_tag_under_two_policies_are_refused_and_told_of_each_other() -> None:
    a, b = policy("a", "docker.io/acme/a"), policy("b", "docker.io/acme/b")
    governed = govern(TAG_OF_TWO, a, b)
    assert names(governed) == [None, None]
    messages = [each.problem.message for each in governed if each.problem]
    assert messages == [
        "the value also serves b.tag (acme/b), which policy 'b' governs; so it is not changed",
        "the value also serves a.tag (acme/a), which policy 'a' governs; so it is not changed",
    ]
    assert all(each.problem and not each.problem.is_warning for each in governed)
    assert [each.problem.line for each in governed if each.problem] == [1, 1]


def test_an_image_that_no_policy_governs_changes_along_and_is_told_of() -> None:
    governed = govern(TAG_OF_TWO, policy("a", "docker.io/acme/a"))
    assert names(governed) == ["a", None]
    problem = governed[1].problem
    assert problem is not None
    assert (problem.is_warning, problem.address) == (True, "b.tag")
    assert problem.message == (
        "no policy governs b.tag (acme/b), but it changes along with a.tag (acme/a), "
        "which policy 'a' governs: one value serves both"
    )
    assert governed[0].problem is None


@pytest.mark.parametrize(
    ("at_b", "words"),
    [
        (f"tag: *t, digest: 'sha256:{'a' * 64}'}}", "whose digest would be left behind"),
        ("tag: *t} # imagebot: ignore", "which a marker says to ignore"),
        ("tag: *t} # imagebot: unknown", "which no policy governs"),
    ],
)
def test_an_image_that_must_not_change_along_keeps_the_tag_for_all(at_b: str, words: str) -> None:
    text = f"t: &t v1\na: {{repository: acme/a, tag: *t}}\nb: {{repository: acme/b, {at_b}\n"
    governed = govern(text, policy("a", "docker.io/acme/a"))
    assert names(governed) == [None, None]
    assert governed[0].problem
    assert words in governed[0].problem.message
    assert not governed[0].problem.is_warning


def test_nothing_is_told_to_change_along_where_two_policies_keep_the_tag() -> None:
    text = TAG_OF_TWO + "c: {repository: acme/c, tag: *t}\n"
    governed = govern(text, policy("a", "docker.io/acme/a"), policy("b", "docker.io/acme/b"))
    assert names(governed) == [None, None, None]
    assert governed[2].problem is None


def test_two_kustomize_entries_with_one_tag_are_two_images() -> None:
    text = "kind: Kustomization\nimages:\n- {name: a, newTag: &t v1}\n- {name: b, newTag: *t}\n"
    a, b = policy("a", "docker.io/library/a"), policy("b", "docker.io/library/b")
    assert names(govern(text, a, b)) == [None, None]
    assert names(govern(text, policy("all"))) == ["all", "all"]


def test_images_with_tags_of_their_own_are_governed_apart() -> None:
    text = "a: {repository: acme/a, tag: v1}\nb: {repository: acme/b, tag: v1}\n"
    assert names(govern(text, policy("a", "docker.io/acme/a"))) == ["a", None]


def test_one_image_twice_over_one_tag_needs_its_markers_to_agree() -> None:
    text = TAG_OF_TWO.replace("acme/b", "acme/a").replace(
        "tag: *t}\nb", "tag: *t} # imagebot: x\nb"
    )
    assert names(govern(text, policy("x", "docker.io/acme/a"))) == ["x", "x"]
    governed = govern(text, policy("x", "none/none"), policy("by-path", "docker.io/acme/a"))
    assert names(governed) == [None, None]


@pytest.mark.parametrize(
    ("at_anchor", "at_alias", "governs"),
    [
        ("", "", "by-path"),
        ("x", "", "x"),
        ("x", "x", "x"),
        ("", "by-path", "by-path"),
        ("", "x", None),  # the anchor's own place is another policy's
        ("x", "by-path", None),
        ("x", "unknown", None),
    ],
)
def test_markers_at_an_anchor_and_its_aliases_must_agree(
    at_anchor: str, at_alias: str, governs: str | None
) -> None:
    def mark(name: str) -> str:
        return f" # imagebot: {name}" if name else ""

    text = f"image: &i acme/a:1{mark(at_anchor)}\nother:\n  image: *i{mark(at_alias)}\n"
    policies = [policy("by-path", "docker.io/acme/a"), policy("x", "none/none")]
    (governed,) = govern(text, *policies)
    assert names([governed]) == [governs]
    if governs is None:
        assert governed.problem
        assert "line 3" in governed.problem.message or governed.problem.line == 3
        assert governed.problem.hint


def test_a_marker_at_an_alias_alone_governs_what_nothing_else_does() -> None:
    text = "x: &i acme/a:1\ny: *i # imagebot: api\n"
    assert names(govern(text, policy("api", "docker.io/acme/a"))) == ["api"]


def test_an_unknown_name_in_a_marker_above_is_told_on_the_markers_line() -> None:
    (governed,) = govern("# imagebot: bakend\nx: acme/a:1\n", policy("backend"))
    assert governed.problem
    assert (governed.problem.where(), governed.problem.is_warning) == ("values.yaml:1:1", False)
    assert "'bakend'" in governed.problem.message
    assert governed.problem.hint == "did you mean 'backend'?"


def test_the_story_settles_what_is_shared(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(TAG_OF_TWO)
    (tmp_path / "imagebot.yaml").write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {name: a}\n"
        "spec: {images: [acme/a], tags: {order: semver}}\n"
    )
    wanted, problems = planning.govern(survey(open_checkout(tmp_path)), None)
    assert [item.policy.name if item.policy else None for item in wanted] == ["a", None]
    assert [(each.address, each.is_warning) for each in problems] == [("b.tag", True)]


def test_the_order_in_the_file_does_not_matter() -> None:
    occurrences: tuple[Occurrence, ...] = formats.find("v.yaml", TAG_OF_TWO.encode()).occurrences
    governor = Governor([policy("a", "docker.io/acme/a"), policy("b", "docker.io/acme/b")])
    there = sharing.settle(occurrences, [governor.govern(item) for item in occurrences])
    reverse = occurrences[::-1]
    back = sharing.settle(reverse, [governor.govern(item) for item in reverse])
    assert there == back[::-1]


def test_the_same_image_in_a_place_that_no_policy_governs_changes_along() -> None:
    text = (
        "t: &t v1\na: {repository: acme/a, tag: *t}  # imagebot: a\n"
        "b: {repository: acme/a, tag: *t}  # imagebot: ignore\n"
    )
    governed = govern(text, policy("a", "docker.io/acme/a"))
    assert names(governed) == ["a", None]
    assert [each.problem for each in governed] == [None, None]
