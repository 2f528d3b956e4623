"""Which updates land together, and what one request is called and labelled."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot import changeset, grouping, request_rules
from imagebot.grouping import Group, group_choices
from imagebot.model import Choice
from imagebot.policy.model import AutoMerge, By, MergedBy, Policy, PullRequestRules, Rebase
from imagebot.version import Step
from tests.making import choice, policy

API, WEB = "ghcr.io/acme/api:1.0.0", "ghcr.io/acme/web:1.0.0"


def names(*choices: Choice) -> list[str]:
    return [group.name for group in group_choices(choices)]


def in_file(file: str, image: str = API, step: Step = Step.MINOR, **rules: object) -> Choice:
    return choice(image, file=file, step=step, governed_by=policy(**rules))


# Branches that people have open requests on: these names never change.
@pytest.mark.parametrize(
    ("member", "branch"),
    [
        (choice(), "imagebot/api-913a93e7d8"),
        (choice("nginx:1.0.0"), "imagebot/api-4f3fea5c68"),
        (choice(governed_by=policy(group="backend")), "imagebot/backend-2a659bff2e"),
        (choice(governed_by=policy(group="My Group.x")), "imagebot/my-group-x-772a9d8793"),
    ],
)
def test_the_branches_of_policies_without_the_newer_keys_keep_their_names(
    member: Choice, branch: str
) -> None:
    (group,) = group_choices([member])
    assert changeset.branch_name(group, "main") == branch


def test_environments_are_kept_apart_and_their_images_are_not() -> None:
    dev, prod = "apps/a/overlays/dev/k.yaml", "apps/b/overlays/prod/k.yaml"
    by = (By.ENVIRONMENT,)
    groups = group_choices(
        [in_file(dev, API, by=by), in_file(dev, WEB, by=by), in_file(prod, API, by=by)]
    )
    assert [(group.name, len(group.choices)) for group in groups] == [("dev", 2), ("prod", 1)]


def test_majors_go_alone_and_all_other_steps_together() -> None:
    by = (By.STEP,)
    groups = group_choices(
        [
            in_file("a.yaml", "acme/a:1.0.0", Step.PATCH, by=by),
            in_file("a.yaml", "acme/b:1.0.0", Step.MINOR, by=by),
            in_file("a.yaml", "acme/c:1.0.0", Step.MAJOR, by=by),
            in_file("a.yaml", "acme/d:1.0.0", Step.MAJOR, by=by),
        ]
    )
    assert [group.name for group in groups] == ["major c", "major d", "non-major"]
    assert [len(group.choices) for group in groups] == [1, 1, 2]


def test_several_ways_split_finer_and_a_named_group_is_split_by_them() -> None:
    by = (By.TEAM, By.ENVIRONMENT)
    one = in_file("teams/red/dev/x.yaml", by=by)
    other = in_file("teams/red/prod/x.yaml", by=by)
    assert names(one, other) == ["red dev", "red prod"]
    assert names(in_file("teams/red/dev/x.yaml", group="base", by=by)) == ["base red dev"]


def test_two_images_of_one_short_name_are_two() -> None:
    by = (By.IMAGE,)
    assert names(
        in_file("a.yaml", "x/api:1.0.0", by=by), in_file("a.yaml", "y/api:1.0.0", by=by)
    ) == [
        "api",
        "api",
    ]


def test_a_template_joins_what_it_makes_equal_and_a_plain_name_like_it() -> None:
    template = in_file("teams/red/x.yaml", group="{team}")
    plain = choice(WEB, governed_by=policy("other", group="red"))
    (group,) = group_choices([template, plain])
    assert (group.key, group.name, group.told) == ("group:red", "red", "red")


def test_what_a_path_does_not_say_is_one_group_of_its_own() -> None:
    assert names(in_file("x.yaml", group="{team} {environment}")) == ["other other"]


def test_a_path_cannot_put_anything_odd_into_a_name() -> None:
    (name,) = names(in_file("teams/\u202e@ev\nil`/x.yaml", group="{team}"))
    assert name == "ev-il"


@given(
    st.lists(st.sampled_from(list(By)), unique=True, min_size=1),
    st.permutations(["dev", "prod", "staging"]),
)
def test_a_newer_version_lands_in_the_same_group_as_long_as_its_step_class_stays(
    by: list[By], environments: list[str]
) -> None:
    def keys(tag: str, step: Step) -> list[str]:
        choices = [
            choice(API, tag, file=f"{each}/x.yaml", step=step, governed_by=policy(by=tuple(by)))
            for each in environments
        ]
        return [group.key for group in group_choices(choices)]

    assert keys("1.0.1", Step.PATCH) == keys("1.9.0", Step.MINOR)
    assert keys("2.0.0", Step.MAJOR) == keys("3.0.0", Step.MAJOR)


@given(st.lists(st.sampled_from(list(By)), unique=True))
def test_every_update_is_in_exactly_one_group_whatever_the_order(by: list[By]) -> None:
    choices = [
        choice(image, file=f"{where}/x.yaml", step=step, governed_by=policy(by=tuple(by)))
        for image in (API, WEB)
        for where, step in (("dev", Step.MAJOR), ("prod", Step.PATCH))
    ]
    for ordered in list(permutations(choices))[:6]:
        groups = group_choices(ordered)
        assert sorted(id(each) for group in groups for each in group.choices) == sorted(
            map(id, choices)
        )
        assert [group.key for group in groups] == [group.key for group in group_choices(choices)]


def one_group(*choices: Choice) -> Group:
    (group,) = group_choices(choices)
    return group


def test_the_step_in_a_label_is_the_highest_of_the_request() -> None:
    rules = {"group": "g", "labels": ("deps", "update/{step}", "env/{environment}")}
    group = one_group(
        in_file("prod/x.yaml", step=Step.PATCH, **rules),
        in_file("dev/x.yaml", step=Step.MAJOR, **rules),
    )
    assert grouping.labels_of(group) == ("deps", "update/major", "env/prod", "env/dev")


def test_a_label_is_as_long_as_forges_take_and_has_no_comma() -> None:
    group = one_group(in_file(f"teams/{'a,' * 60}/x.yaml", labels=("{team}",)))
    (label,) = grouping.labels_of(group)
    assert len(label) <= grouping.MAX_LABEL_LENGTH
    assert "," not in label


def test_a_folder_in_a_title_mentions_nobody_and_closes_nothing() -> None:
    rules = {"title": "U {folder}: {title}"}
    folder = "apps/x closes #1 @acme"
    (group,) = group_choices([in_file(f"{folder}/k.yaml", **rules)])
    title = grouping.title_of(group, "Update x")
    assert title.startswith("U ")
    assert "#1" not in title
    assert "@acme" not in title


def test_a_title_is_made_of_the_names_and_tells_how_many_where_they_differ() -> None:
    title = "chore({group}): {title} in {environment} [{count}]"
    rules = {"group": "g", "title": title}
    group = one_group(in_file("prod/x.yaml", **rules), in_file("dev/x.yaml", WEB, **rules))
    assert grouping.title_of(group, "Update x") == "chore(g): Update x in 2 environments [2]"
    assert changeset.build(group, {}, {}, base="main").title.startswith("chore(g): Update 2 images")
    assert grouping.title_of(one_group(choice()), "Update x") == "Update x"


# What several policies say of one request


def rules(**said: object) -> PullRequestRules:
    return PullRequestRules(**said)  # type: ignore[arg-type]


def test_people_are_joined_and_the_more_careful_word_counts() -> None:
    one = policy("a", reviewers=("ann", "bob"), rebase=Rebase.BEHIND, milestone="", draft=True)
    other = policy("b", reviewers=("bob", "cy"), rebase=Rebase.CONFLICT, milestone="2.0")
    group = Group("k", "n", (choice(governed_by=one), choice(WEB, governed_by=other)))
    built = changeset.build(group, {}, {}, base="main")
    assert built.reviewers == ("ann", "bob", "cy")
    assert (built.rebase, built.milestone, built.is_draft) == ("conflict", "2.0", True)


def test_a_request_is_merged_alone_only_if_every_policy_and_step_allows_it() -> None:
    patch = AutoMerge((Step.PATCH,), by=MergedBy.IMAGEBOT)
    any_step = AutoMerge(tuple(Step))
    both = [rules(auto_merge=patch), rules(auto_merge=any_step)]
    assert request_rules.auto_merge(both, [Step.PATCH]) == AutoMerge((Step.PATCH,))
    assert request_rules.auto_merge(both, [Step.PATCH, Step.MINOR]) is None
    assert request_rules.auto_merge([rules(auto_merge=any_step), rules()], [Step.PATCH]) is None
    assert request_rules.auto_merge([rules(auto_merge=any_step)], [None]) is None
    assert request_rules.auto_merge([rules(auto_merge=any_step)], []) is None
    alone = request_rules.auto_merge([rules(auto_merge=patch)], [Step.PATCH])
    assert alone
    assert alone.by is MergedBy.IMAGEBOT


def test_each_policy_of_a_group_is_asked_once() -> None:
    same: Policy = policy()
    group = Group("k", "n", (choice(governed_by=same), choice(WEB, governed_by=same)))
    assert request_rules.policies_of(group) == (same,)
