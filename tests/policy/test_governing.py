"""Which policy governs: the nearest that matches, or the one that a marker names."""

import pytest

from imagebot.image import parse, split_version
from imagebot.model import Marker, Occurrence, Part
from imagebot.policy.governing import Governed, Governor
from imagebot.policy.model import Policy


def policy(
    name: str, folder: str = "", images: str = "**", paths: str = "**", file: str = "imagebot.yaml"
) -> Policy:
    path = f"{folder}/{file}" if folder else file
    return Policy(name, path, 1, tuple(images.split()), tuple(paths.split()))


def image(
    file: str, reference: str = "ghcr.io/acme/api:1.0.0", marker: str | None = None
) -> Occurrence:
    parsed = parse(reference)
    mark = Marker(marker, Part.REFERENCE, 7) if marker else None
    return Occurrence(file, 7, 3, "spec.image", "x", (), parsed, parsed.tag, parsed.digest, mark)


def tag(file: str, text: str, marker: str) -> Occurrence:
    written, digest = split_version(text)
    return Occurrence(
        file, 7, 3, "version", "x", (), None, written, digest, Marker(marker, Part.TAG, 7)
    )


def name(governed: Governed) -> str | None:
    assert governed.problem is None
    return governed.policy.name if governed.policy else None


def refusal(governed: Governed) -> str:
    assert governed.policy is None
    assert governed.problem
    assert (governed.problem.line, governed.problem.column) == (7, 3)
    return f"{governed.problem.message} | {governed.problem.hint}"


def test_the_policy_in_the_deepest_folder_that_matches_governs() -> None:
    governor = Governor([policy("root"), policy("apps", "apps"), policy("prod", "apps/prod")])
    assert name(governor.govern(image("apps/prod/eu/a.yaml"))) == "prod"
    assert name(governor.govern(image("apps/dev/a.yaml"))) == "apps"
    assert name(governor.govern(image("a.yaml"))) == "root"
    assert name(governor.govern(image("apps-old/a.yaml"))) == "root"


def test_a_nearer_policy_for_another_image_or_path_does_not_govern() -> None:
    governor = Governor(
        [
            policy("root"),
            policy("web", "apps", images="ghcr.io/acme/web"),
            policy("jobs", "apps", paths="jobs/**"),
        ]
    )
    assert name(governor.govern(image("apps/a.yaml"))) == "root"
    assert name(governor.govern(image("apps/a.yaml", "ghcr.io/acme/web:1"))) == "web"
    assert name(governor.govern(image("apps/jobs/a.yaml"))) == "jobs"


def test_nothing_governs_where_no_policy_matches() -> None:
    governed = Governor([policy("a", "apps")]).govern(image("infra/a.yaml"))
    assert governed == Governed(None, governed.reference)
    assert str(governed.reference) == "ghcr.io/acme/api:1.0.0"


def test_two_policies_of_one_folder_that_match_govern_nothing_and_are_both_named() -> None:
    governor = Governor(
        [
            policy("root"),
            policy("one", "apps", images="ghcr.io/acme/*"),
            policy("two", "apps", images="ghcr.io/*/api", file="other.yaml"),
        ]
    )
    words = refusal(governor.govern(image("apps/a.yaml")))
    assert "'one' (apps/imagebot.yaml:1) and 'two' (apps/other.yaml:1)" in words
    assert name(governor.govern(image("apps/a.yaml", "ghcr.io/acme/web:1"))) == "one"


def test_names_are_compared_in_their_whole_form() -> None:
    governor = Governor([policy("nginx", images="docker.io/library/nginx")])
    for written in (
        "nginx:1",
        "library/nginx:1",
        "index.docker.io/nginx",
        "docker.io/nginx@sha256:" + "0" * 64,
    ):
        assert name(governor.govern(image("a.yaml", written))) == "nginx"
    assert name(governor.govern(image("a.yaml", "ghcr.io/library/nginx:1"))) is None


def test_a_policy_with_errors_keeps_farther_ones_from_deciding() -> None:
    governor = Governor([policy("root")], [policy("prod", "prod", images="ghcr.io/acme/*")])
    assert "'prod' (prod/imagebot.yaml:1), which has errors" in refusal(
        governor.govern(image("prod/a.yaml"))
    )
    assert name(governor.govern(image("prod/a.yaml", "nginx:1"))) == "root"
    assert name(governor.govern(image("dev/a.yaml"))) == "root"
    assert "has errors" in refusal(governor.govern(image("dev/a.yaml", marker="prod")))


def test_a_nearer_policy_governs_below_one_with_errors() -> None:
    governor = Governor([policy("prod", "prod")], [policy("")])
    assert name(governor.govern(image("prod/a.yaml"))) == "prod"
    assert "a policy document (imagebot.yaml:1)" in refusal(governor.govern(image("a.yaml")))


def test_a_marker_overrules_paths_and_images() -> None:
    governor = Governor(
        [policy("near", "apps"), policy("odd", images="quay.io/x/y", paths="none/**")]
    )
    assert name(governor.govern(image("apps/a.yaml", marker="odd"))) == "odd"


def test_a_marker_means_the_nearest_policy_of_its_name() -> None:
    policies = [
        policy("api"),
        policy("api", "prod"),
        policy("api", "prod/eu"),
        policy("api", "dev"),
    ]
    governor = Governor(policies)
    for file, folder in [
        ("prod/eu/x/a.yaml", "prod/eu"), ("prod/a.yaml", "prod"), ("dev/a.yaml", "dev"),
        ("a.yaml", ""), ("other/a.yaml", ""),
    ]:  # fmt: skip
        governed = governor.govern(image(file, marker="api"))
        assert governed.policy
        assert governed.policy.folder == folder


def test_a_marker_finds_a_policy_elsewhere_when_only_one_has_the_name() -> None:
    governor = Governor([policy("api", "policies"), policy("web", "a"), policy("web", "b")])
    assert name(governor.govern(image("apps/a.yaml", marker="api"))) == "api"
    words = refusal(governor.govern(image("apps/a.yaml", marker="web")))
    assert "2 policies: 'web' (a/imagebot.yaml:1) and 'web' (b/imagebot.yaml:1)" in words


def test_a_marker_that_names_no_policy_is_told_the_nearest_name_and_falls_back_to_none() -> None:
    governor = Governor([policy("backend"), policy("frontend")])
    words = refusal(governor.govern(image("a.yaml", marker="bakend")))
    assert "'bakend'" in words
    assert "did you mean 'backend'?" in words


def test_a_tag_under_a_marker_takes_the_one_image_of_its_policy() -> None:
    governor = Governor([policy("pg", images="docker.io/library/postgres")])
    governed = governor.govern(tag("a.yaml", "17.4@sha256:" + "a" * 64, "pg"))
    assert str(governed.reference) == "docker.io/library/postgres:17.4@sha256:" + "a" * 64
    assert name(governed) == "pg"


@pytest.mark.parametrize("images", ["**", "ghcr.io/acme/*", "a/b c/d"])
def test_a_tag_under_a_marker_needs_a_policy_with_exactly_one_image(images: str) -> None:
    words = refusal(Governor([policy("pg", images=images)]).govern(tag("a.yaml", "17", "pg")))
    assert "names no one image" in words


def test_a_tag_without_a_marker_is_governed_by_nothing() -> None:
    occurrence = Occurrence("a.yaml", 1, 1, "", "x", (), None, "1", None)
    assert Governor([policy("all")]).govern(occurrence) == Governed()


def test_one_name_twice_in_a_folder_is_a_problem_and_neither_governs() -> None:
    one = policy("api", "apps", images="ghcr.io/acme/api")
    two = policy("api", "apps", images="ghcr.io/acme/web", file="z.yaml")
    governor = Governor([two, one, policy("api")])
    (only,) = governor.problems
    assert only.where() == "apps/z.yaml:1:1"
    assert "'api' (apps/imagebot.yaml:1)" in only.message
    assert "has errors" in refusal(governor.govern(image("apps/a.yaml")))


@pytest.mark.parametrize(
    ("one", "two", "does_overlap"),
    [
        ("ghcr.io/acme/api", "ghcr.io/acme/api", True),
        ("ghcr.io/acme/api", "ghcr.io/acme/*", True),
        ("ghcr.io/**", "**", True),
        ("ghcr.io/acme/api", "ghcr.io/acme/web", False),
        ("ghcr.io/acme/*", "ghcr.io/other/*", False),
    ],
)
def test_policies_of_one_folder_that_surely_overlap_are_told_before_any_image_is_seen(
    one: str, two: str, does_overlap: bool
) -> None:
    found = Governor([policy("a", "x", one), policy("b", "x", two)]).problems
    assert len(found) == does_overlap
    assert not Governor([policy("a", "x", one), policy("b", "y", two)]).problems
    apart = [policy("a", "x", one, "p/**"), policy("b", "x", two, "q/**")]
    assert not Governor(apart).problems


def test_the_order_of_the_policies_does_not_matter() -> None:
    policies = [policy("root"), policy("a", "apps"), policy("b", "apps/x", "nginx"), policy("b")]
    occurrence = image("apps/x/a.yaml")
    assert Governor(policies).govern(occurrence) == Governor(policies[::-1]).govern(occurrence)
    assert Governor(policies).problems == Governor(policies[::-1]).problems


# --- The other policies that name the image ------------------------------------------------------


def whys(governor: Governor, occurrence: Occurrence) -> dict[str, str]:
    return {each.policy.name: each.why for each in governor.others(occurrence)}


def test_the_other_policies_of_an_image_are_told_nearest_first_with_the_reason() -> None:
    governor = Governor(
        [
            policy("root"),
            policy("web", "apps", images="ghcr.io/acme/web"),
            policy("jobs", "apps", paths="jobs/**"),
            policy("api", "apps", images="ghcr.io/acme/api", file="b.yaml"),
            policy("elsewhere", "infra"),
        ]
    )
    told = whys(governor, image("apps/x/a.yaml"))
    assert list(told.items()) == [
        ("jobs", "its paths do not match this file: jobs/**"),
        ("root", "farther from the file than the policies of apps/ that match, too"),
        ("elsewhere", "it governs files below infra/ only"),
    ]


def test_two_of_one_folder_that_match_are_both_told() -> None:
    governor = Governor([policy("one", "apps"), policy("two", "apps")])
    why = "another policy of its folder matches, too; neither governs"
    assert whys(governor, image("apps/a.yaml")) == {"one": why, "two": why}


def test_a_broken_nearer_policy_is_told_as_the_reason() -> None:
    governor = Governor([policy("root")], broken=[policy("api", "apps")])
    assert whys(governor, image("apps/a.yaml")) == {
        "api": "it is the nearest and has errors; nothing governs until it is mended",
        "root": "farther from the file than the policies of apps/ that match, too",
    }


def test_a_marker_is_the_reason_for_all_others() -> None:
    governor = Governor([policy("root"), policy("api", "apps")])
    assert whys(governor, image("apps/a.yaml", marker="root")) == {
        "api": "the marker on the line names 'root'"
    }


def test_usable_policies_that_name_an_image_are_found_wherever_they_stand() -> None:
    governor = Governor(
        [policy("b", "z"), policy("a", "y", images="ghcr.io/acme/*"), policy("c", images="other")],
        broken=[policy("d")],
    )
    named = governor.naming(parse("ghcr.io/acme/api").repository)
    assert [each.name for each in named] == ["a", "b"]
