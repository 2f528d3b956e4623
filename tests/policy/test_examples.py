"""Every example under policies/ is read without a warning and decides what its comment says."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from imagebot.grouping import group_choices, labels_of
from imagebot.image import parse, split_version
from imagebot.model import Marker, Occurrence, Part
from imagebot.policy import defaults, reading
from imagebot.policy.governing import Governed, Governor
from imagebot.policy.model import AutoMerge, Pin, Policy, PullRequestRules, RepositoryPolicy
from imagebot.selection import select
from imagebot.talk import MergeMethod
from imagebot.version import Step
from imagebot.windows import Open, state_at
from tests.making import choice

EXAMPLES = Path(__file__).parents[2] / "policies"
FOLDERS = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())

# file below policies/, image reference written there, tags listed, policy, tag taken
DECISIONS = [
    ("01-patches-only/deployment.yaml", "ghcr.io/acme/api:2.3.1",
     "2.3.1 2.3.4 2.4.0 3.0.0", "api", "2.3.4"),
    ("02-within-a-range/deployment.yaml", "ghcr.io/acme/api:2.3.1",
     "2.3.1 2.9.0 2.10.0-rc.1 3.0.0", "api", "2.9.0"),
    ("03-dev-and-prod/dev/deployment.yaml", "ghcr.io/acme/api:1.4.2",
     "1.4.2 1.4.3 1.5.0 2.0.0-rc.1", "dev", "2.0.0-rc.1"),
    ("03-dev-and-prod/prod/deployment.yaml", "ghcr.io/acme/api:1.4.2",
     "1.4.2 1.4.3 1.5.0 2.0.0-rc.1", "prod", "1.4.3"),
    ("04-filter-and-extract/deployment.yaml", "ghcr.io/acme/proxy:v1.2.3-alpine",
     "v1.2.3-alpine v1.3.0-alpine v1.4.0-debian v2.0.0-alpine", "proxy", "v1.3.0-alpine"),
    ("05-pinned-by-digest/deployment.yaml", "nginx:1.29.0",
     "1.29.0 1.29.1 1.30.0", "nginx", "1.29.1"),
    ("06-one-grouped-pull-request/api.yaml", "ghcr.io/acme/api:3.1.0",
     "3.1.0 3.2.0 4.0.0", "backend", "3.2.0"),
    ("06-one-grouped-pull-request/worker.yaml", "ghcr.io/acme/worker:3.1.0",
     "3.1.0 3.2.0 4.0.0", "backend", "3.2.0"),
    ("07-a-whole-namespace/apps/shop.yaml", "registry.acme.example:5000/web/shop:0.9.0",
     "0.9.0 0.9.1", "ours", "0.9.1"),
    ("07-a-whole-namespace/jobs/nightly/mail.yaml", "ghcr.io/acme/worker-mail:5.0.0",
     "5.0.0 5.1.0", "ours", "5.1.0"),
    ("09-suspended/deployment.yaml", "ghcr.io/acme/billing:1.0.0",
     "1.0.0 1.1.0", "billing", "1.1.0"),
    ("10-excluded-tags/deployment.yaml", "ghcr.io/acme/search:2.3.0",
     "2.3.0 2.3.5 2.4.0 2.5.0-debug", "search", "2.3.5"),
    ("11-defaults-and-an-exception/apps/shop.yaml", "ghcr.io/acme/shop:1.0.0",
     "1.0.0 1.2.0 2.0.0", "default", "1.2.0"),
    ("11-defaults-and-an-exception/tools/console.yaml", "ghcr.io/acme/console:1.0.0",
     "1.0.0 1.2.0 2.0.0", "tools", "2.0.0"),
    ("14-build-numbers/deployment.yaml", "ghcr.io/acme/runner:build-1234",
     "build-1234 build-999 build-1240 build-1241 test-1300 latest", "runner", "build-1241"),
    ("15-calendar-versions/deployment.yaml", "ghcr.io/acme/calendar:20241001-3f2a9c1",
     "20241001-3f2a9c1 20240930-ffffff1 20241002-0aa9c11 20241399-1234567 latest",
     "calendar", "20241002-0aa9c11"),
    ("17-a-moving-tag/deployment.yaml", "nginx:stable",
     "stable latest 1.29.1", "proxy", "stable"),
    ("18-a-cool-down/deployment.yaml", "ghcr.io/acme/api:2.3.1",
     "2.3.1 2.3.2 2.4.0 3.0.0", "api", "3.0.0"),
    ("19-platforms-and-skips/deployment.yaml", "ghcr.io/acme/search:2.3.0",
     "2.3.0 2.3.5 2.4.0", "search", "2.3.5"),
    ("20-a-newer-base/deployment.yaml", "redis:7.2.0-alpine3.17",
     "7.2.0-alpine3.17 7.2.0-alpine3.20 7.2.4-alpine3.18 7.2.4-alpine3.20 7.4.0-alpine3.16 "
     "7.4.0-bookworm", "cache", "7.2.4-alpine3.20"),
    ("21-a-whole-repository/apps/shop.yaml", "ghcr.io/acme/shop:1.0.0",
     "1.0.0 1.2.0 2.0.0", "apps", "1.2.0"),
    ("21-a-whole-repository/tools/console.yaml", "ghcr.io/acme/console:1.0.0",
     "1.0.0 1.2.0 2.0.0", "tools", "2.0.0"),
    ("23-windows-and-freezes/deployment.yaml", "ghcr.io/acme/billing:1.0.0",
     "1.0.0 1.1.0", "billing", "1.1.0"),
    ("24-merged-without-a-person/deployment.yaml", "ghcr.io/acme/api:1.0.0",
     "1.0.0 1.0.1 1.0.2", "api", "1.0.2"),
]  # fmt: skip


def policies_of(folder: str) -> tuple[Policy, ...]:
    """The policies of one example, as in a git repository of its own."""
    found: list[Policy] = []
    for_all: list[RepositoryPolicy] = []
    for file in sorted((EXAMPLES / folder).rglob("*.yaml")):
        read = reading.find(file.relative_to(EXAMPLES / folder).as_posix(), file.read_bytes())
        assert not read.problems
        found += read.policies
        for_all += read.repository_policies
    chosen, problems = defaults.the_one(for_all)
    assert not problems
    return tuple(defaults.complete(policy, chosen) for policy in found)


def govern(path: str, image: str | None, *, tag: str = "", marker: str = "") -> Governed:
    folder, _, file = path.partition("/")
    governor = Governor(policies_of(folder))
    assert not governor.problems
    written_tag, digest = split_version(tag) if tag else (None, None)
    return governor.govern(
        Occurrence(
            file,
            1,
            1,
            "",
            "example",
            (),
            parse(image) if image else None,
            written_tag,
            digest,
            Marker(marker, Part.TAG, 1) if marker else None,
        )
    )


def taken(governed: Governed, tags: str) -> str | None:
    assert governed.policy
    assert governed.reference
    skipped = governed.policy.skipped_on(date(2026, 11, 23))
    selection = select(governed.policy.tags, governed.reference.tag, tags.split(), skipped=skipped)
    return selection.candidates[0].tag if selection.candidates else None


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_example_is_read_without_a_problem_and_has_a_comment(folder: str) -> None:
    assert policies_of(folder)
    for file in (EXAMPLES / folder).rglob("imagebot.yaml"):
        assert file.read_text().startswith("# ")


def test_every_example_with_an_own_decision_is_in_the_table() -> None:
    told = {path.partition("/")[0] for path, *_ in DECISIONS}
    assert set(FOLDERS) - told == {
        "08-a-marker-for-odd-keys",
        "12-helm-values",
        "13-fields",
        "16-newest-build",
        "22-grouped-by-environment",
    }


@pytest.mark.parametrize(("path", "image", "tags", "policy", "expected"), DECISIONS)
def test_an_example_takes_the_tag_that_its_comment_promises(
    path: str, image: str, tags: str, policy: str, expected: str
) -> None:
    assert f"image: {image}\n" in (EXAMPLES / path).read_text()
    governed = govern(path, image)
    assert governed.problem is None
    assert governed.policy
    assert governed.policy.name == policy
    assert taken(governed, tags) == expected


def test_the_marker_example_takes_its_image_from_the_policy() -> None:
    governed = govern("08-a-marker-for-odd-keys/cluster.yaml", None, tag="17.4", marker="postgres")
    assert governed.problem is None
    assert str(governed.reference) == "docker.io/library/postgres:17.4"
    assert taken(governed, "17.4 17.6 18.0") == "17.6"


def test_the_helm_example_governs_values_that_stand_in_parts() -> None:
    governed = govern("12-helm-values/values.yaml", "docker.io/grafana/grafana:12.0.1")
    assert taken(governed, "12.0.1 12.1.0 13.0.0") == "12.1.0"


def test_the_newest_build_example_takes_what_was_built_last() -> None:
    governed = govern("16-newest-build/deployment.yaml", "ghcr.io/acme/site:sha-3f2a9c1")
    assert governed.policy
    times: dict[str, datetime | str] = {
        "sha-3f2a9c1": datetime(2026, 11, 20, tzinfo=UTC),
        "sha-0aa9c11": datetime(2026, 11, 21, tzinfo=UTC),
        "main": datetime(2026, 11, 22, tzinfo=UTC),
    }
    found = select(governed.policy.tags, "sha-3f2a9c1", list(times), times=times)
    assert [candidate.tag for candidate in found.candidates] == ["sha-0aa9c11"]


def test_the_environment_example_makes_one_request_of_each_environment() -> None:
    (ours,) = policies_of("22-grouped-by-environment")
    files = sorted((EXAMPLES / "22-grouped-by-environment").rglob("kustomization.yaml"))
    paths = [file.relative_to(EXAMPLES / "22-grouped-by-environment").as_posix() for file in files]
    choices = [
        choice(f"ghcr.io/acme/{path.split('/')[1]}:1.0.0", file=path, governed_by=ours)
        for path in paths
    ]
    groups = group_choices(choices)
    assert [(group.name, len(group.choices)) for group in groups] == [("dev", 2), ("prod", 2)]
    assert [labels_of(group) for group in groups] == [("env/dev",), ("env/prod",)]


def test_the_windows_example_is_open_when_its_comment_says() -> None:
    (billing,) = policies_of("23-windows-and-freezes")

    def is_open(text: str) -> bool:
        now = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))
        return isinstance(state_at(billing.windows, billing.freezes, now), Open)

    assert is_open("2026-11-26T09:00")
    assert not is_open("2026-11-26T12:30")  # lunch
    assert not is_open("2026-11-28T09:00")  # Saturday
    assert not is_open("2026-12-01T09:00")  # the first of a month
    assert not is_open("2026-12-22T09:00")
    assert is_open("2027-01-04T09:00")


def test_an_image_that_no_example_policy_names_is_left_alone() -> None:
    governed = govern("07-a-whole-namespace/jobs/nightly/mail.yaml", "nginx:1.29.0")
    assert governed.policy is None
    assert governed.problem is None


def test_the_examples_set_what_their_comments_say() -> None:
    (pinned,) = policies_of("05-pinned-by-digest")
    assert pinned.pin is Pin.DIGEST
    (grouped,) = policies_of("06-one-grouped-pull-request")
    assert grouped.pull_request == PullRequestRules(
        "backend", ("deps", "backend"), ("acme/platform", "octocat")
    )
    (waiting,) = policies_of("18-a-cool-down")
    assert waiting.cooldown.for_step(Step.MAJOR) == timedelta(days=14)
    (choosy,) = policies_of("19-platforms-and-skips")
    assert list(map(str, choosy.platforms)) == ["linux/amd64", "linux/arm64"]
    rested = {policy.name: policy for policy in policies_of("21-a-whole-repository")}
    assert rested["apps"].cooldown.for_step(Step.MAJOR) == timedelta(days=14)
    assert rested["tools"].cooldown.for_step(Step.MAJOR) == timedelta(0)
    assert rested["tools"].pull_request.labels == ("deps", "update/{step}")
    (merged,) = policies_of("24-merged-without-a-person")
    assert merged.pull_request.auto_merge == AutoMerge((Step.PATCH,), MergeMethod.SQUASH)
    (suspended,) = policies_of("09-suspended")
    assert suspended.suspend
    assert str(suspended.suspend.until) == "2027-01-04"


def test_the_list_of_examples_names_each_and_only_files_that_exist() -> None:
    page = (EXAMPLES / "README.md").read_text()
    linked = re.findall(r"\]\(([0-9][^)]+)\)", page)
    assert [path for path in linked if not (EXAMPLES / path).is_file()] == []
    assert sorted({path.partition("/")[0] for path in linked}) == FOLDERS
