"""From listed tags to a choice: digests, suspension, and registries that fail or forget."""

from dataclasses import replace
from datetime import date

import pytest

from imagebot import choosing, image
from imagebot.changeset import Proposed
from imagebot.choosing import Wanted
from imagebot.errors import RegistryUnavailable
from imagebot.image import Digest, Repository
from imagebot.model import Choice, ImageFacts, TagList
from imagebot.policy.model import Pin, Policy, Suspension
from tests.making import DIGEST_A, DIGEST_B, occurrence, policy

TODAY = date(2026, 11, 23)
API = image.parse_name("ghcr.io/acme/api")
DOWN = RegistryUnavailable("ghcr.io answered 503")


def wanted(reference: str, rules: Policy) -> Wanted:
    found = occurrence(reference)
    return Wanted(found, rules, found.reference)


def chosen(
    reference: str,
    tags: tuple[str, ...] | RegistryUnavailable,
    rules: Policy | None = None,
    proposed: tuple[Proposed, ...] = (),
    digests: dict[str, Digest] | None = None,
) -> Choice:
    listing = TagList(API, tags) if isinstance(tags, tuple) else tags
    item = wanted(reference, rules or policy())
    draft = choosing.draft(item, {API: listing}, proposed, TODAY)
    facts: choosing.Facts = {
        (API, tag): ImageFacts(tag, digest, "application/vnd.oci.image.index.v1+json")
        for tag, digest in (digests or {}).items()
    }
    return choosing.finish(draft, facts, proposed)


def written(choice: Choice) -> tuple[str, Digest | None] | None:
    return (choice.update.tag, choice.update.digest) if choice.update else None


def offer(tag: str, digest: Digest | None = None) -> Proposed:
    return Proposed(policy().identity, API, tag, digest)


@pytest.mark.parametrize(
    ("reference", "pin", "result"),
    [
        ("ghcr.io/acme/api:1.0.0", Pin.KEEP, ("1.1.0", None)),
        ("ghcr.io/acme/api:1.0.0", Pin.TAG, ("1.1.0", None)),
        ("ghcr.io/acme/api:1.0.0", Pin.DIGEST, ("1.1.0", DIGEST_B)),
        (f"ghcr.io/acme/api:1.0.0@{DIGEST_A}", Pin.KEEP, ("1.1.0", DIGEST_B)),
        (f"ghcr.io/acme/api:1.0.0@{DIGEST_A}", Pin.TAG, ("1.1.0", None)),
        ("ghcr.io/acme/api:1.1.0", Pin.DIGEST, ("1.1.0", DIGEST_B)),
        ("ghcr.io/acme/api:1.1.0", Pin.KEEP, None),
        (f"ghcr.io/acme/api:1.1.0@{DIGEST_A}", Pin.TAG, ("1.1.0", None)),
        (f"ghcr.io/acme/api:1.1.0@{DIGEST_A}", Pin.KEEP, None),
    ],
)
def test_pin_decides_whether_a_digest_is_written(
    reference: str, pin: Pin, result: tuple[str, Digest | None] | None
) -> None:
    rules = replace(policy(), pin=pin)
    choice = chosen(reference, ("1.0.0", "1.1.0"), rules, digests={"1.1.0": DIGEST_B})
    assert written(choice) == result


def test_no_update_without_the_digest_that_the_policy_asks_for() -> None:
    choice = chosen("ghcr.io/acme/api:1.0.0", ("1.1.0",), replace(policy(), pin=Pin.DIGEST))
    assert choice.update is None
    assert choice.is_failure


def test_a_registry_that_fails_leads_to_no_choice() -> None:
    choice = chosen("ghcr.io/acme/api:1.0.0", DOWN)
    assert choice.update is None
    assert choice.is_failure
    assert "503" in choice.reason


def test_a_registry_that_lists_nothing_leads_to_no_choice() -> None:
    choice = chosen("ghcr.io/acme/api:1.0.0", ())
    assert choice.update is None
    assert choice.is_failure


def test_what_is_proposed_already_stays_while_the_registry_fails() -> None:
    choice = chosen("ghcr.io/acme/api:1.0.0", DOWN, proposed=(offer("1.3.0"),))
    assert written(choice) == ("1.3.0", None)
    assert choice.is_failure


def test_an_old_listing_does_not_turn_a_proposal_back() -> None:
    choice = chosen("ghcr.io/acme/api:1.0.0", ("1.0.0", "1.2.0"), proposed=(offer("1.3.0"),))
    assert written(choice) == ("1.3.0", None)


def test_a_listing_older_than_the_file_leads_to_no_choice() -> None:
    assert chosen("ghcr.io/acme/api:1.5.0", ("1.0.0", "1.2.0")).update is None


def test_a_digest_that_cannot_be_asked_stays_as_proposed() -> None:
    rules = replace(policy(), pin=Pin.DIGEST)
    choice = chosen("ghcr.io/acme/api:1.0.0", DOWN, rules, (offer("1.3.0", DIGEST_A),))
    assert written(choice) == ("1.3.0", DIGEST_A)


def test_a_proposal_under_another_policy_does_not_count() -> None:
    other = Proposed("other/imagebot.yaml#x", API, "9.0.0", None)
    choice = chosen("ghcr.io/acme/api:1.0.0", ("1.0.0", "1.1.0"), proposed=(other,))
    assert written(choice) == ("1.1.0", None)


def test_a_proposal_that_the_policy_no_longer_allows_falls() -> None:
    rules = policy()
    choice = chosen("ghcr.io/acme/api:2.0.0", ("2.0.0",), rules, (offer("1.3.0"),))
    assert choice.update is None


@pytest.mark.parametrize(
    ("until", "is_suspended"),
    [(None, True), (date(2026, 11, 24), True), (TODAY, False), (date(2026, 1, 1), False)],
)
def test_a_suspended_policy_updates_nothing_until_its_day(
    until: date | None, is_suspended: bool
) -> None:
    rules = replace(policy(), suspend=Suspension("release week", until))
    choice = chosen("ghcr.io/acme/api:1.0.0", ("1.1.0",), rules)
    assert (choice.update is None) is is_suspended
    assert ("release week" in choice.reason) is is_suspended
    asked = choosing.repositories_to_list([wanted("ghcr.io/acme/api:1.0.0", rules)], TODAY)
    assert bool(asked) is not is_suspended


@pytest.mark.parametrize("reference", ["ghcr.io/acme/api", f"ghcr.io/acme/api@{DIGEST_A}"])
def test_a_reference_without_a_tag_is_left_alone_with_a_reason(reference: str) -> None:
    choice = chosen(reference, ("1.1.0",))
    assert choice.update is None
    assert choice.reason
    assert not choice.is_failure


def test_each_image_is_listed_once_however_many_policies_and_files_use_it() -> None:
    items = [wanted("ghcr.io/acme/api:1.0.0", policy(name)) for name in ("a", "b", "c")]
    items.append(wanted("nginx:1.0.0", policy()))
    asked = choosing.repositories_to_list(items, TODAY)
    assert asked == [Repository("docker.io", "library/nginx"), API]
