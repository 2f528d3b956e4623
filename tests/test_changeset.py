"""How a change is presented: stable names, readable titles, records that can be read back."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from imagebot import changeset, messages, records
from imagebot.body import fitted as fitted_body
from imagebot.grouping import group_choices
from imagebot.image import parse_name
from imagebot.model import Choice, GateVerdict, Ground, Rejection, Selection, Verdict
from imagebot.proposals import ChangeSet, Proposed
from imagebot.titles import place_of
from imagebot.version import Step
from tests.making import DIGEST_A, DIGEST_B, choice, policy


def built(*choices: Choice) -> ChangeSet:
    (group,) = group_choices(choices)
    return changeset.build(group, {"f.yaml": b""}, {}, base="main")


def test_each_image_of_a_policy_gets_a_pull_request_of_its_own() -> None:
    groups = group_choices([choice("acme/api:1.0.0"), choice("acme/web:1.0.0")])
    assert len(groups) == 2


def test_a_named_group_joins_images_of_several_policies() -> None:
    one = choice("acme/api:1.0.0", governed_by=policy("one", group="backend"))
    two = choice("acme/web:1.0.0", governed_by=policy("two", "b/imagebot.yaml", group="backend"))
    (group,) = group_choices([one, two])
    assert group.choices == (one, two)


def test_the_branch_does_not_depend_on_the_version() -> None:
    assert built(choice(tag="1.1.0")).branch == built(choice(tag="2.0.0")).branch


def test_the_branch_depends_on_policy_image_and_base() -> None:
    (group,) = group_choices([choice()])
    branches = {
        changeset.branch_name(group, "main"),
        changeset.branch_name(group, "release"),
        built(choice(governed_by=policy("other"))).branch,
        built(choice("acme/other:1.0.0")).branch,
    }
    assert len(branches) == 4


NAMES = st.text(st.characters(exclude_characters="{}"), max_size=80)  # braces are for templates


@given(NAMES)
def test_a_branch_name_has_nothing_but_its_own_alphabet(name: str) -> None:
    (group,) = group_choices([choice(governed_by=policy(group=name or "x"))])
    branch = changeset.branch_name(group, "main")
    assert set(branch) <= set("abcdefghijklmnopqrstuvwxyz0123456789-/")
    assert branch.startswith("imagebot/")
    assert "//" not in branch
    assert len(branch) < 70


@pytest.mark.parametrize(
    ("choices", "title"),
    [
        ([choice("ghcr.io/acme/api:1.0.0", "1.1.0")], "Update acme/api to 1.1.0 (minor)"),
        ([choice("nginx:1.0.0", "2.0.0", step=Step.MAJOR)], "Update nginx to 2.0.0 (major)"),
        (
            [choice("nginx:1.0.0", "1.0.0", digest=DIGEST_A, step=Step.DIGEST)],
            "Pin nginx 1.0.0 by digest",
        ),
        (
            [
                choice("a/b:1.0.0", governed_by=policy(group="prod")),
                choice("a/c:1.0.0", governed_by=policy(group="prod")),
            ],
            "Update 2 images (prod)",
        ),
    ],
)
def test_the_title_can_be_read_in_a_list(choices: list[Choice], title: str) -> None:
    assert built(*choices).title == title


def test_equal_input_gives_equal_text_whatever_the_order_of_the_choices() -> None:
    one = choice("a/b:1.0.0", governed_by=policy(group="g"), file="one.yaml")
    assert built(one).message == built(one).message
    assert built(one).body == built(one).body


def test_trailers_are_read_back_as_what_was_proposed() -> None:
    rules = policy("api", "apps/ü x/imagebot.yaml")
    message = built(choice(tag="1.1.0", digest=DIGEST_B, governed_by=rules)).message
    trailers = [line.split(": ", 1) for line in message.splitlines() if line.startswith("Imagebot")]
    assert messages.proposed_in((key, value) for key, value in trailers) == (
        Proposed(rules.identity, parse_name("ghcr.io/acme/api"), "1.1.0", DIGEST_B),
    )


def test_a_trailer_that_does_not_parse_is_passed_over() -> None:
    bad = [
        ("Imagebot-Update", "image=UPPER to=1 policy=x"),
        ("Imagebot-Update", "to=1"),
        ("Imagebot-Update", "image=a to=1 policy=x digest=sha256:short"),
        ("Other", "image=a to=1 policy=x"),
    ]
    assert messages.proposed_in(bad) == ()


def test_the_record_in_a_body_is_read_back() -> None:
    record = records.record_in(built(choice(tag="1.1.0")).body)
    assert record is not None
    assert record == records.record_in(built(choice(tag="1.1.0", reason="another")).body)
    assert record != records.record_in(built(choice(tag="1.2.0")).body)
    assert not record.withdrawn


def test_a_withdrawn_body_says_so_in_its_record() -> None:
    record = records.record_in(records.withdrawn_body(built(choice()).body))
    assert record is not None
    assert record.withdrawn


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no record",
        "<!-- imagebot:record {} -->",
        "<!-- imagebot:record {broken} -->",
        '<!-- imagebot:record {"fingerprint": 3} -->',
        "<!-- imagebot:record {" + '"a":{' * 5000 + "} -->",
    ],
)
def test_a_record_that_a_person_removed_or_broke_is_no_record(body: str) -> None:
    assert records.record_in(body) is None


HOSTILE_PATHS = [
    "a`b/@octocat/x.yaml",
    "a|b.yaml",
    "--><img src=x>.yaml",
    "new\nline.yaml",
    "[x](http://evil.example).yaml",
    "fixes #1.yaml",
]


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_hostile_path_becomes_no_markup_in_the_body_and_no_trailer(path: str) -> None:
    changes = built(choice(file=path))
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(changes.body)
    visible = html.split("<!-- imagebot:record")[0]
    for tag in ("<img", "<a ", "<script"):
        assert tag not in visible
    assert changes.body.split("<!-- imagebot:record")[1].count("-->") == 1
    assert records.record_in(changes.body) is not None
    paragraphs = changes.message.rstrip().split("\n\n")
    assert all(line.startswith("Imagebot-") for line in paragraphs[-1].splitlines())


def test_the_body_says_why_and_what_is_not_proposed() -> None:
    one = choice()
    reason = "major step; the policy allows minor"
    kept_out = tuple(Rejection(f"{n}.0.0", reason, Ground.STEP) for n in (10, 5, 4, 3))
    until = datetime(2026, 11, 27, 10, tzinfo=UTC)
    told = replace(
        one,
        selection=Selection((), kept_out),
        verdicts=(
            GateVerdict("1.9.0", "cooldown", Verdict.HOLD, "cool-down `3d`", until),
            GateVerdict("1.8.0", "platforms", Verdict.REJECT, "no image for linux/arm64"),
            GateVerdict("1.1.0", "cooldown", Verdict.ADMIT, "cool-down 3d"),
        ),
    )
    text = built(told).body
    assert "highest tag that the policy allows" in text
    lines = [line.strip() for line in text.splitlines() if line.startswith("  - ")]
    assert lines == [
        "- held until 2026-11-27 10:00 UTC: `1.9.0`, `` cool-down `3d` ``",
        "- not taken: `1.8.0`, `no image for linux/arm64`",
        *(f"- not proposed: `{n}.0.0`, `{reason}`" for n in (10, 5, 4)),
    ]


def test_the_lines_that_change_by_alias_are_told_in_body_and_message() -> None:
    one = choice("ghcr.io/acme/api:1.0.0")
    followed = replace(one.occurrence, aliases=(9, 12))
    assert one.update
    shared = replace(one, occurrence=followed, update=replace(one.update, occurrence=followed))
    place = "apps/api/deployment.yaml:7 (by alias also lines 9, 12)"
    assert f"`{place}`" in built(shared).body
    assert f"  {place}\n" in built(shared).message
    many = replace(followed, aliases=tuple(range(8, 28)))
    assert place_of(many).endswith("lines 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 and 10 more)")


def test_a_huge_body_is_shortened_and_keeps_its_record() -> None:
    many = [
        choice(f"acme/app-{n}:1.0.0", file=f"{'x' * 150}/{n}.yaml", governed_by=policy(group="g"))
        for n in range(2000)
    ]
    text = built(*many).body
    assert len(text) <= 65_536
    assert records.record_in(text) is not None


@pytest.mark.parametrize("count", [1, 20, 150])
def test_a_body_is_fitted_to_a_forge_that_takes_little(count: int) -> None:
    choices = [choice(f"acme/{number}:1.0.0") for number in range(count)]
    governed = [choice(f"acme/{number}:1.0.0", governed_by=policy(group="all"))
                for number in range(count)]  # fmt: skip
    body = built(*governed).body if count > 1 else built(*choices).body
    fitted = fitted_body(body, 4000)
    assert len(fitted) <= 4000
    assert (fitted == body) is (len(body) <= 4000)
    before, after = records.record_in(body), records.record_in(fitted)
    assert before is not None
    assert after is not None
    assert after.fingerprint == before.fingerprint
    assert records.is_declined(fitted, fitted)
    assert not records.is_declined(fitted, records.withdrawn_body(fitted))


@given(st.text(max_size=300), st.integers(60, 300))
def test_a_fitted_body_is_never_longer_than_allowed(body: str, limit: int) -> None:
    assert len(fitted_body(body, limit)) <= limit


@pytest.mark.parametrize(
    ("wanted", "end"),
    [
        (choice(f"ghcr.io/acme/{'x' * 230}:1.0.0", "1.1.0"), " to 1.1.0 (minor)"),
        (choice(f"ghcr.io/acme/{'x' * 230}:1.0.0", digest=DIGEST_A, tag="1.0.0"),
         " 1.0.0 by digest"),
        (choice(f"ghcr.io/acme/{'x' * 90}:1.0.0", f"1.1.0-{'y' * 120}"), f"{'y' * 120} (minor)"),
    ],
)  # fmt: skip
def test_a_long_name_pushes_neither_version_nor_step_out_of_the_title(
    wanted: Choice, end: str
) -> None:
    title = built(wanted).title
    assert "acme/xxx" in title
    assert "…" in title
    assert title.endswith(end)
    assert len(title) <= 200
