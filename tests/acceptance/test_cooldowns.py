"""Cool-downs as a user runs them: what the ledger keeps from run to run, and who else is asked."""

from pathlib import Path

import pytest

from imagebot.image import Repository
from imagebot.registries import Registries, RegistryRules
from tests.acceptance.world import World, json_of

COOLDOWN = "  cooldown: 3d\n"
HARBOR = "/api/v2.0/projects/acme/repositories/api/artifacts/1.1.0"


@pytest.fixture
def patient(world: World) -> World:
    """The world with a policy that wants tags to be three days old."""
    world.write_policy("api", more=COOLDOWN)
    world.commit("Wait", push=True)
    return world


def store_files(world: World) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in world.data.glob("imagebot.sqlite*")}


def the_reason(world: World, capsys: pytest.CaptureFixture[str]) -> str:
    settings = str(world.settings)
    (image,) = json_of(capsys, "plan", str(world.checkout), "--settings", settings)["images"]
    return str(image["reason"])


def test_a_tag_of_unknown_age_waits_from_the_first_look_on(patient: World) -> None:
    patient.apply()
    assert patient.open_requests() == []
    patient.make_older(days=2)
    patient.apply()
    assert patient.open_requests() == []
    patient.make_older(days=1)
    patient.apply()
    (request,) = patient.open_requests()
    assert request.title == "Update acme/api to 1.1.0 (minor)"


def test_a_tag_that_is_pushed_again_waits_again(patient: World) -> None:
    patient.apply()
    patient.make_older(days=10)
    patient.registry.put_manifest(
        "acme/api", "1.1.0", "application/vnd.oci.image.manifest.v1+json", b'{"schemaVersion": 2}'
    )
    patient.apply()
    assert patient.open_requests() == []
    patient.make_older(days=3)
    patient.apply()
    assert len(patient.open_requests()) == 1


def test_losing_the_store_holds_what_was_old_enough(patient: World) -> None:
    patient.apply()
    patient.make_older(days=10)
    for path in patient.data.glob("imagebot.sqlite*"):
        path.unlink()
    patient.apply()
    assert patient.open_requests() == []


def test_plan_knows_the_ages_of_apply_and_writes_none(
    patient: World, capsys: pytest.CaptureFixture[str]
) -> None:
    patient.apply()
    patient.make_older(days=10)
    patient.registry.add("acme/api", "1.2.0")
    before = store_files(patient)
    first = the_reason(patient, capsys)
    assert "1.2.0 is held until" in first
    assert "first seen" in first
    assert store_files(patient) == before
    patient.apply()
    (request,) = patient.open_requests()
    assert request.title == "Update acme/api to 1.1.0 (minor)"  # as old as plan says


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


def test_the_time_that_the_registry_tells_counts(
    patient: World,
) -> None:
    with Registries([RegistryRules(patient.registry.host, insecure=True, internal=True)]) as found:
        digest = found.facts(Repository(patient.registry.host, "acme/api"), "1.1.0").digest
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
    assert Path(patient.data / "imagebot.sqlite").exists()
