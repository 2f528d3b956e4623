"""Whom a cool-down believes: the ledger, which plan reads and never writes, and the registry."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from imagebot import clients, settings
from imagebot.image import Repository
from imagebot.registries import Registries, RegistryRules
from tests.acceptance.world import World, json_of

HARBOR = "/api/v2.0/projects/acme/repositories/api/artifacts/1.1.0"


@pytest.fixture
def patient(world: World) -> World:
    """The world with a policy that wants tags to be three days old."""
    world.write_policy("api", more="  cooldown: 3d\n")
    world.commit("Wait", push=True)
    return world


def reconcile(world: World, *, days_ago: int) -> None:
    with clients.build(settings.load(world.settings, os.environ)) as built:
        built.reconcile("config", datetime.now(UTC) - timedelta(days=days_ago))


def store_files(world: World) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in world.data.glob("imagebot.sqlite*")}


def the_reason(world: World, capsys: pytest.CaptureFixture[str]) -> str:
    words = ("plan", str(world.checkout), "--settings", str(world.settings))
    (image,) = json_of(capsys, *words)["images"]
    return str(image["reason"])


def test_plan_knows_the_ages_of_apply_and_writes_none(
    patient: World, capsys: pytest.CaptureFixture[str]
) -> None:
    reconcile(patient, days_ago=10)
    assert patient.open_requests() == []
    patient.registry.add("acme/api", "1.2.0")
    before = store_files(patient)
    reason = the_reason(patient, capsys)
    assert "1.2.0 is held until" in reason
    assert "first seen" in reason  # and is not of unknown age, as it would be without the file
    assert store_files(patient) == before
    patient.apply()
    (request,) = patient.open_requests()
    assert request.title == "Update acme/api to 1.1.0 (minor)"


def test_plan_without_a_store_makes_none(
    patient: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "age unknown" in the_reason(patient, capsys)
    assert not patient.data.exists()


def test_plan_over_a_damaged_store_holds_and_says_why(
    patient: World, capsys: pytest.CaptureFixture[str]
) -> None:
    patient.data.mkdir()
    (patient.data / "imagebot.sqlite").write_bytes(b"no database" * 1000)
    reason = the_reason(patient, capsys)
    assert "1.1.0 is held" in reason
    assert "imagebot.sqlite" in reason


def test_the_time_that_the_registry_tells_counts(patient: World) -> None:
    rules = RegistryRules(patient.registry.host, insecure=True, internal=True)
    with Registries([rules]) as registries:
        digest = registries.facts(Repository(patient.registry.host, "acme/api"), "1.1.0").digest
    tag = {"name": "1.1.0", "push_time": "2025-01-01T00:00:00.000Z"}
    patient.registry.answers[HARBOR] = {"digest": digest.text, "tags": [tag]}
    patient.apply()
    assert patient.open_requests() == []  # nobody said that it is a Harbor
    patient.write_settings(registry=", kind: harbor")
    patient.apply()
    (request,) = patient.open_requests()
    assert request.title == "Update acme/api to 1.1.0 (minor)"


def test_a_registry_that_fails_to_tell_fails_no_choice(
    patient: World, capsys: pytest.CaptureFixture[str]
) -> None:
    patient.write_settings(registry=", kind: quay")
    patient.registry.answers["/api/v1/repository/acme/api/tag/"] = "not what was asked for"
    assert patient.apply() == 0
    assert "age unknown" in the_reason(patient, capsys)
