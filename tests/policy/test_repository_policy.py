"""The policy of a whole git repository: what it adds to the others, and what it stops."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from imagebot.policy import defaults, kept, reading
from imagebot.policy.governing import Governor
from imagebot.policy.model import (
    AutoMerge,
    By,
    Cooldown,
    Dashboard,
    Held,
    Limit,
    MergedBy,
    Pin,
    Policy,
    PullRequestRules,
    Rebase,
    RepositoryPolicy,
    Skip,
    Suspension,
)
from imagebot.policy.requests_schema import PullRequestPart
from imagebot.policy.schema import Shared
from imagebot.talk import MergeMethod
from imagebot.version import Step
from imagebot.windows import Freeze
from tests.making import occurrence

HEAD = """\
apiVersion: imagebot.dev/v1alpha1
kind: {kind}
metadata:
  name: {name}
  annotations: {{config.kubernetes.io/local-config: "true"}}
spec: """


def for_all(spec: str, file: str = "imagebot.yaml") -> RepositoryPolicy:
    source = HEAD.format(kind="RepositoryPolicy", name="all") + spec + "\n"
    found = reading.find(file, source.encode())
    assert not found.problems
    (only,) = found.repository_policies
    return only


def image_policy(spec: str) -> Policy:
    source = HEAD.format(kind="ImagePolicy", name="api") + spec + "\n"
    found = reading.find("apps/imagebot.yaml", source.encode())
    assert not found.problems
    (only,) = found.policies
    return only


def completed(nearer: str, farther: str) -> Policy:
    return defaults.complete(image_policy(nearer), for_all(farther))


def test_everything_that_it_says_is_read() -> None:
    read = for_all("""
  limits: {open: 10, newPerHour: 2}
  base: release/1.x
  dashboard: {title: Updates, labels: [bot]}
  tags: {allow: minor, exclude: ["-debug$"]}
  windows: {allow: ["Mon-Fri 08:00-17:00 Europe/Berlin"], deny: ["* * 1 * *"]}
  freezes: [{from: 2026-12-20, until: 2027-01-04T12:00, zone: Europe/Berlin, reason: holidays}]
  pullRequest:
    by: [environment, step]
    places: {team: '^teams/([^/]+)/'}
    title: "chore: {title}"
    template: .imagebot/body.md
    labels: ["update/{step}"]
    assignees: [octocat]
    milestone: "2.0"
    draft: true
    rebase: behind
    autoMerge: {steps: [patch], method: squash, by: imagebot}
    codeOwners: true
    status: true
    limits: {open: 2}
""")
    assert (read.limits, read.base) == (Limit(10, 2), "release/1.x")
    assert read.dashboard == Dashboard("Updates", ("bot",))
    assert read.defaults.tags.allow is Step.MINOR
    assert [str(each) for each in read.defaults.windows.deny] == ["* * 1 * *"]
    start, end = datetime(2026, 12, 19, 23, tzinfo=UTC), datetime(2027, 1, 4, 11, tzinfo=UTC)
    assert read.defaults.freezes == (Freeze(start, end, "holidays"),)
    rules = read.defaults.pull_request
    assert rules.by == (By.ENVIRONMENT, By.STEP)
    assert str(rules.places.team) == "^teams/([^/]+)/"
    assert (rules.title, rules.template) == ("chore: {title}", ".imagebot/body.md")
    assert (rules.labels, rules.assignees) == (("update/{step}",), ("octocat",))
    assert (rules.milestone, rules.draft, rules.rebase) == ("2.0", True, Rebase.BEHIND)
    assert rules.auto_merge == AutoMerge((Step.PATCH,), MergeMethod.SQUASH, MergedBy.IMAGEBOT)
    assert (rules.code_owners, rules.status, rules.limits) == (True, True, Limit(2))


def test_switches_stand_for_their_defaults() -> None:
    read = for_all("{dashboard: true, pullRequest: {autoMerge: true}}")
    assert read.dashboard == Dashboard()
    assert read.defaults.pull_request.auto_merge == AutoMerge()
    assert Step.MAJOR not in AutoMerge().steps
    assert for_all("{dashboard: false}").dashboard is None


def test_a_policy_that_says_nothing_takes_everything() -> None:
    farther = "{pin: digest, held: wait, cooldown: 3d, suspend: true, pullRequest: {draft: true}}"
    policy = completed("{}", farther)
    assert (policy.pin, policy.held, policy.suspend) == (Pin.DIGEST, Held.WAIT, Suspension())
    assert policy.cooldown == Cooldown(default=timedelta(days=3))
    assert policy.pull_request.draft
    assert (policy.name, policy.file, policy.images) == ("api", "apps/imagebot.yaml", ("**",))


@pytest.mark.parametrize(
    ("nearer", "farther", "found"),
    [
        ("{pin: keep}", "{pin: digest}", lambda policy: policy.pin is Pin.KEEP),
        ("{suspend: false}", "{suspend: true}", lambda policy: policy.suspend is None),
        ("{tags: {allow: major}}", "{tags: {allow: patch}}",
         lambda policy: policy.tags.allow is Step.MAJOR),
        ("{cooldown: 1d}", "{cooldown: {major: 9d}}",
         lambda policy: policy.cooldown == Cooldown(timedelta(days=1))),
        ("{cooldown: {major: 9d}}", "{cooldown: 1d}",
         lambda policy: policy.cooldown == Cooldown(timedelta(days=0), timedelta(days=9))),
        ("{cooldown: {major: 9d}}", "{cooldown: {default: 1d, major: 2d}}",
         lambda policy: policy.cooldown == Cooldown(timedelta(days=1), timedelta(days=9))),
        ("{pullRequest: {labels: []}}", "{pullRequest: {labels: [a], draft: true}}",
         lambda policy: policy.pull_request.labels == () and policy.pull_request.draft),
        ("{pullRequest: {group: a}}", "{pullRequest: {by: team}}",
         lambda policy: policy.pull_request.group == "a" and not policy.pull_request.by),
        ("{pullRequest: {by: team}}", "{pullRequest: {group: a}}",
         lambda policy: policy.pull_request.group is None),
        ("{pullRequest: {autoMerge: false}}", "{pullRequest: {autoMerge: {steps: [major]}}}",
         lambda policy: policy.pull_request.auto_merge is None),
        ("{pullRequest: {limits: {open: 2}}}", "{pullRequest: {limits: {open: 9, newPerHour: 1}}}",
         lambda policy: policy.pull_request.limits == Limit(2, 1)),
        ("{windows: {deny: [Sun]}}", "{windows: {allow: [Mon]}}",
         lambda policy: policy.windows.allow == ()),
    ],
)  # fmt: skip
def test_the_nearer_one_wins_key_by_key(nearer: str, farther: str, found: object) -> None:
    assert callable(found)
    assert found(completed(nearer, farther))


def test_what_is_for_all_requests_together_is_no_policys() -> None:
    own = image_policy("{}")
    farther = for_all("{limits: {open: 1}, base: x, dashboard: true, tags: {}, pullRequest: {}}")
    assert defaults.complete(own, farther) == own


@pytest.mark.parametrize("key", sorted(Shared.model_fields))
def test_every_key_that_both_kinds_have_reaches_a_policy(key: str) -> None:
    values = {
        "pin": "tag", "platforms": "[linux/amd64]", "cooldown": "2d", "held": "wait",
        "skip": "[{tag: a}]", "suspend": "true", "windows": "{allow: [Mon]}",
        "interval": "1h",
            "freezes": "[{from: 2026-01-01, until: 2026-01-02}]", "pull_request": "{draft: true}",
    }  # fmt: skip
    spec = f"{{{to_camel(key)}: {values[key]}}}"
    assert getattr(completed("{}", spec), key) == getattr(image_policy(spec), key)
    assert getattr(completed("{}", spec), key) != getattr(image_policy("{}"), key)


@pytest.mark.parametrize("key", sorted(PullRequestPart.model_fields))
def test_every_word_on_requests_reaches_a_policy(key: str) -> None:
    values = {
        "group": "g", "by": "team", "places": "{team: x}", "title": "t", "template": "a/b",
        "labels": "[l]", "reviewers": "[r]", "code_owners": "true", "assignees": "[a]",
        "milestone": "m", "draft": "true", "rebase": "never", "auto_merge": "{steps: [major]}",
        "status": "true", "limits": "{newPerHour: 3}",
    }  # fmt: skip
    spec = f"{{pullRequest: {{{to_camel(key)}: {values[key]}}}}}"
    rules = completed("{}", spec).pull_request
    assert rules == image_policy(spec).pull_request
    assert rules != PullRequestRules()


def test_skipped_tags_and_freezes_of_both_count() -> None:
    nearer = (
        "{skip: [{tag: 1.0.0, reason: near}], freezes: [{from: 2026-01-01, until: 2026-01-02}]}"
    )
    farther = """
  skip: [{tag: 1.0.0, reason: far}, {tag: 2.0.0}]
  freezes: [{from: 2026-02-01, until: 2026-02-02}]
"""
    policy = completed(nearer, farther)
    assert policy.skip == (Skip("2.0.0"), Skip("1.0.0", "near"))
    assert policy.skipped_on(date(2026, 1, 1)) == {"1.0.0": "skipped: near", "2.0.0": "skipped"}
    assert [freeze.start.month for freeze in policy.freezes] == [2, 1]


def test_what_means_nothing_with_an_order_is_not_taken() -> None:
    farther = "{pin: tag, tags: {allow: patch, coerce: true, exclude: [x]}}"
    followed = completed("{tags: {order: digest}}", farther)
    assert (followed.pin, followed.tags.allow) == (Pin.KEEP, Step.MAJOR)
    assert not followed.tags.exclude
    numbered = completed("{tags: {order: numeric}}", farther)
    assert (numbered.pin, numbered.tags.coerce) == (Pin.TAG, False)
    assert [str(each) for each in numbered.tags.exclude] == ["x"]


KEYS = {
    "pin": ["tag", "digest"],
    "held": ["wait", "next"],
    "cooldown": ["1d", "2d"],
    "suspend": ["true", "{reason: x}"],
    "platforms": ["[linux/amd64]", "[linux/arm64]"],
    "windows": ["{allow: [Mon]}", "{deny: [Tue]}"],
    "pullRequest": ["{draft: true, labels: [a]}", "{group: g, milestone: m}"],
}
specs = st.fixed_dictionaries({}, optional={key: st.sampled_from(KEYS[key]) for key in KEYS}).map(
    lambda keys: "{" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"
)


@given(specs, specs)
def test_to_complete_twice_is_to_complete_once(nearer: str, farther: str) -> None:
    once = completed(nearer, farther)
    assert defaults.complete(once, for_all(farther)) == once


@given(specs)
def test_a_policy_is_not_changed_by_its_own_words_or_by_none(spec: str) -> None:
    own = image_policy(spec)
    assert defaults.complete(own, for_all(spec)) == own
    assert defaults.complete(own, for_all("{}")) == own
    assert defaults.complete(own, None) == own


@given(specs)
def test_a_policy_without_words_ends_up_as_if_it_had_written_all(spec: str) -> None:
    silent, told = completed("{}", spec), image_policy(spec)
    assert kept.dump(reading.PolicyFile((silent,))) == kept.dump(
        reading.PolicyFile((replace(told, written=()),))
    )


def test_two_of_them_are_an_error_that_names_both() -> None:
    one, other = for_all("{}"), for_all("{}", "apps/imagebot.yaml")
    chosen, problems = defaults.the_one([other, one])
    assert chosen
    assert chosen.trouble
    assert [problem.file for problem in problems] == ["apps/imagebot.yaml", "imagebot.yaml"]
    assert all("imagebot.yaml:1 and imagebot.yaml:1" in each.message for each in problems)


def test_nothing_is_governed_while_it_has_errors() -> None:
    source = HEAD.format(kind="RepositoryPolicy", name="all") + "{pin: x}\n"
    found = reading.find("imagebot.yaml", source.encode())
    assert [problem.address for problem in found.problems] == ["spec.pin"]
    (broken,) = found.repository_policies
    governor = Governor([image_policy("{}")], [], broken)
    governed = governor.govern(occurrence("acme/api:1.0.0"))
    assert governed.policy is None
    assert governed.problem
    assert "RepositoryPolicy (imagebot.yaml:1)" in governed.problem.message
    usable = Governor([image_policy("{}")], [], for_all("{}"))
    assert usable.govern(occurrence("acme/api:1.0.0")).policy


@pytest.mark.parametrize(
    ("spec", "address", "words"),
    [
        ("{images: [a]}", "spec.images", "may not be written here"),
        ("{tags: {range: '1'}}", "spec.tags.range", "may not be written here"),
        ("{limits: {open: 0}}", "spec.limits.open", "at least 1"),
        ("{base: 'a b'}", "spec.base", "branch"),
        ("{windows: {allow: [Mo-Fr]}}", "spec.windows.allow[0]", "no window"),
        ("{windows: {allow: [Mon Europe/Berlim]}}", "spec.windows.allow[0]", "unknown time zone"),
        ("{freezes: [{from: 2026-01-02, until: 2026-01-02}]}", "spec.freezes[0].until", "ends"),
        ("{freezes: [{from: 2026-02-30, until: 2026-03-01}]}", "spec.freezes[0].from", "calendar"),
        ("{pullRequest: {group: '{tema}'}}", "spec.pullRequest.group", "unknown name {tema}"),
        ("{pullRequest: {group: '{a.b}'}}", "spec.pullRequest.group", "unknown name"),
        ("{pullRequest: {labels: ['{x']}}", "spec.pullRequest.labels[0]", "names nothing"),
        ("{pullRequest: {template: ../x}}", "spec.pullRequest.template", "inside"),
        ("{pullRequest: {template: /x}}", "spec.pullRequest.template", "inside"),
        ("{pullRequest: {by: stage}}", "spec.pullRequest.by", "stage"),
        ("{pullRequest: {autoMerge: yes}}", "spec.pullRequest.autoMerge", "true, false, or"),
        ("{pullRequest: {places: {team: '('}}}", "spec.pullRequest.places.team", "pattern"),
        ("{dashboard: 1}", "spec.dashboard", "true, false, or"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(spec: str, address: str, words: str) -> None:
    source = HEAD.format(kind="RepositoryPolicy", name="all") + spec + "\n"
    problems = reading.find("imagebot.yaml", source.encode()).problems
    assert [problem.address.removesuffix("[0]") for problem in problems] == [
        address.removesuffix("[0]")
    ]
    assert words in problems[0].message


def test_it_is_kept_and_comes_back_equal_with_its_file() -> None:
    source = HEAD.format(kind="RepositoryPolicy", name="all") + "{windows: {allow: [Mon]}}\n"
    found = reading.find("a.yaml", source.encode())
    assert kept.load("a.yaml", kept.dump(found)) == found
    moved = kept.load("b/x.yaml", kept.dump(found))
    assert moved == reading.find("b/x.yaml", source.encode())
