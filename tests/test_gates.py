"""Cool-down, platforms and content, each as a law."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from imagebot import gates
from imagebot.gates import Age
from imagebot.image import Digest, Platform
from imagebot.model import ImageContent, Sighting, Verdict
from imagebot.policy.model import Cooldown, UnknownAge
from imagebot.version import Step

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
A, B = Digest("sha256:" + "a" * 64), Digest("sha256:" + "b" * 64)

moments = st.integers(-100, 100).map(lambda hours: NOW + timedelta(hours=hours))
ages = st.builds(
    Age,
    st.builds(Sighting, moments, st.booleans(), st.none() | st.just(A)),
    st.none() | moments,
    st.booleans(),
)
steps = st.none() | st.sampled_from(Step)
durations = st.integers(0, 72).map(lambda hours: timedelta(hours=hours))
cooldowns = st.builds(
    Cooldown,
    durations,
    *[st.none() | durations] * 4,
    st.sampled_from(UnknownAge),
)


@given(cooldowns, steps, ages)
def test_a_held_tag_says_until_when_and_that_is_to_come(
    rules: Cooldown, step: Step | None, age: Age
) -> None:
    verdict = gates.cooldown(rules, "1", step, age, NOW)
    if verdict and verdict.verdict is Verdict.HOLD:
        assert verdict.until is not None
        assert verdict.until > NOW
        later = gates.cooldown(rules, "1", step, age, verdict.until)
        assert later is not None
        assert later.verdict is Verdict.ADMIT


@given(cooldowns, steps, ages)
def test_time_alone_never_turns_an_admitted_tag_back(
    rules: Cooldown, step: Step | None, age: Age
) -> None:
    now = gates.cooldown(rules, "1", step, age, NOW)
    if now is None or now.verdict is Verdict.ADMIT:
        later = gates.cooldown(rules, "1", step, age, NOW + DAY)
        assert later is None or later.verdict is Verdict.ADMIT


@given(cooldowns, ages)
def test_a_step_that_is_not_known_waits_for_the_longest(rules: Cooldown, age: Age) -> None:
    unknown = gates.cooldown(rules, "1", None, age, NOW)
    if unknown is None or unknown.verdict is Verdict.ADMIT:
        for step in Step:
            verdict = gates.cooldown(rules, "1", step, age, NOW)
            assert verdict is None or verdict.verdict is Verdict.ADMIT


@given(cooldowns, steps, ages)
def test_the_registry_is_asked_for_its_time_wherever_that_could_matter(
    rules: Cooldown, step: Step | None, age: Age
) -> None:
    unasked = Age(age.sighting, None, age.is_proposed)
    if not gates.needs_published(rules, step, unasked, NOW):
        for published in (None, NOW - 100 * DAY, NOW + DAY):
            verdict = gates.cooldown(rules, "1", step, Age(age.sighting, published), NOW)
            assert verdict is None or verdict.verdict is Verdict.ADMIT


def content(*platforms: str, digest: Digest = A) -> ImageContent:
    return ImageContent(digest, {Platform.parse(text): digest for text in platforms})


def test_a_variant_is_needed_only_where_the_policy_names_it() -> None:
    arm = Platform.parse("linux/arm")
    assert gates.platforms([arm], "1", content("linux/arm/v7")).verdict is Verdict.ADMIT  # type: ignore[union-attr]
    v6 = Platform.parse("linux/arm/v6")
    assert gates.platforms([v6], "1", content("linux/arm/v7")).verdict is Verdict.REJECT  # type: ignore[union-attr]
    v8 = Platform.parse("linux/arm64/v8")
    assert gates.platforms([v8], "1", content("linux/arm64")).verdict is Verdict.ADMIT  # type: ignore[union-attr]


def test_content_is_the_same_only_where_every_used_platform_is() -> None:
    amd, arm = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")
    one = ImageContent(A, {amd: A, arm: A})
    two = ImageContent(B, {amd: A, arm: B})
    contents = {A: one, B: two}
    assert gates.is_same_content([amd], A, B, contents)
    assert not gates.is_same_content([amd, arm], A, B, contents)
    assert not gates.is_same_content([], A, B, contents)
    assert not gates.is_same_content([Platform.parse("linux/s390x")], A, B, contents)
    assert gates.is_same_content([], A, A, {})


def test_a_proposed_tag_whose_age_is_known_and_too_young_is_held_all_the_same() -> None:
    young = Age(Sighting(NOW - DAY, is_seeded=False), is_proposed=True)
    verdict = gates.cooldown(Cooldown(3 * DAY), "1.1.0", Step.MINOR, young, NOW)
    assert verdict is not None
    assert verdict.verdict is Verdict.HOLD


def test_the_exact_variant_serves_before_another() -> None:
    other, exact = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)
    plain, variant = Platform("linux", "arm"), Platform("linux", "arm", "v6")
    held = ImageContent(A, {variant: other, plain: exact})
    assert gates.manifest_for(plain, held) == exact
    assert gates.manifest_for(variant, held) == other
