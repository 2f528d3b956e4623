"""`policy test` and `policy replay`: policies are tried before they are merged."""

import json
import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from imagebot.cli.main import main
from imagebot.demo.registry import OCI_CONFIG, OCI_MANIFEST, digest
from tests.acceptance.world import World
from tests.cli.test_explain import GOLDEN, narrow, note_first_seen

__all__ = ["narrow"]

POLICY = """\
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: {name}
  annotations: {{config.kubernetes.io/local-config: "true"}}
spec:
  images: ["{images}"]
"""
RULES = '  tags: {range: ">=1 <2"}\n  cooldown: {default: 0s, minor: 2d}\n'
TAGS = """\
1.0.0  2020-03-01T08:00:00Z
1.0.1  2020-03-05T09:30:00Z
1.1.0  2020-03-06T09:30:00Z
2.0.0  2020-03-07
1.1.1  2020-03-08T20:00:00Z
1.2.0  2998-01-01
1.1.2
latest
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tags").write_text(TAGS)
    (tmp_path / "policy.yaml").write_text(
        POLICY.format(name="api", images="ghcr.io/acme/api") + RULES
    )
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["policy", *words]) == code
    return capsys.readouterr().out


def run_json(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    return json.loads(run(capsys, *words, "--output", "json", code=code))


# --- policy test ---------------------------------------------------------------------------------


def test_it_ends_with_0_when_a_tag_is_chosen(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(capsys, "test", "policy.yaml", "--tags", "tags", "--current", "1.0.0")
    assert told.splitlines()[0] == "ghcr.io/acme/api 1.0.0 -> 1.1.1 (minor step)"


@pytest.mark.parametrize(
    ("unknown_age", "first_line"),
    [
        ("admit", "ghcr.io/acme/api 1.1.1 -> 1.1.2 (patch step)"),
        ("wait", "ghcr.io/acme/api 1.1.1: no update"),
    ],
)
def test_a_tag_without_a_time_among_others_goes_as_unknown_ages_do(
    folder: Path, capsys: pytest.CaptureFixture[str], unknown_age: str, first_line: str
) -> None:
    (folder / "policy.yaml").write_text(
        POLICY.format(name="api", images="ghcr.io/acme/api")
        + f"  cooldown: {{default: 2d, unknownAge: {unknown_age}}}\n"
        + '  tags: {range: "~1.1"}\n'
    )
    words = ("test", "policy.yaml", "--tags", "tags", "--current", "1.1.1")
    told = run(capsys, *words, code=0 if unknown_age == "admit" else 1)
    assert told.splitlines()[0] == first_line
    assert "it is not known since when this tag exists" in " ".join(told.split())


def test_it_ends_with_1_when_no_tag_is_chosen(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("test", "policy.yaml", "--tags", "tags", "--current", "1.1.9")
    (case,) = run_json(capsys, *words, code=1)["cases"]
    assert case["chosen"] is None
    assert case["reason"].startswith("1.2.0 is held until 2998-01-03")


def test_it_ends_with_3_when_the_policy_is_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "policy.yaml"
    path.write_text(path.read_text().replace("range", "rnage"))
    for command in ("test", "replay"):
        assert main(["policy", command, "policy.yaml", "--tags", "tags"]) == 3
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err == (
            "policy.yaml:8:10: error: spec.tags.rnage: unknown key 'rnage'\n"
            "  hint: did you mean 'range'?\n"
        )
        shown = run_json(capsys, command, "policy.yaml", "--tags", "tags", code=3)
        assert shown["problems"][0]["address"] == "spec.tags.rnage"


def test_a_suspended_policy_chooses_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "policy.yaml"
    path.write_text(path.read_text() + "  suspend: true\n")
    words = ("test", "policy.yaml", "--tags", "tags", "--current", "1.0.0")
    (case,) = run_json(capsys, *words, code=1)["cases"]
    assert (case["chosen"], case["isSuspended"], case["reason"]) == (None, True, "suspended")


def test_tags_come_from_standard_input(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b'{"Tags": ["1.0.0", "1.0.5"]}')))
    told = run(capsys, "test", "policy.yaml", "--tags", "-", "--current", "1.0.0")
    assert "1.0.0 -> 1.0.5 (patch step)" in told


def test_one_of_several_policies_has_to_be_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "policy.yaml"
    path.write_text(path.read_text() + "---\n" + POLICY.format(name="web", images="acme/*"))
    words = ["policy", "test", "policy.yaml", "--tags", "tags", "--current", "1.0.0"]
    assert main(words) == 2
    assert "--policy, of api, web" in capsys.readouterr().err
    told = run(capsys, *words[1:], "--policy", "web")
    assert told.splitlines()[0] == "the image 1.0.0 -> 2.0.0 (major step)"
    told = run(capsys, *words[1:], "--policy", "web", "--image", "acme/web")
    assert told.splitlines()[0] == "acme/web 1.0.0 -> 2.0.0 (major step)"


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (None, 2, "policy.yaml cannot be read: No such file or directory"),
        ("a: b\n", 3, "policy.yaml holds no policy"),
        ("\0", 3, "policy.yaml holds no policy"),
    ],
)
def test_a_file_without_a_policy_is_refused(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    code: int,
    message: str,
) -> None:
    (folder / "policy.yaml").unlink()
    if content is not None:
        (folder / "policy.yaml").write_text(content)
    for command in ("test", "replay"):
        assert main(["policy", command, "policy.yaml", "--tags", "tags"]) == code
        assert capsys.readouterr().err.startswith(f"imagebot: {message}")


# --- policy replay -------------------------------------------------------------------------------


def test_a_replay_is_told_as_a_timeline_in_80_columns(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(capsys, "replay", "policy.yaml", "--tags", "tags", "--merge-after", "12h")
    assert told.encode() == (GOLDEN / "replay.txt").read_bytes()
    assert max(map(len, told.splitlines())) <= 80
    assert told.isascii()


def rows(shown: Any) -> list[tuple[str, str, str]]:
    return [(each["at"], each["action"], each["to"]) for each in shown["timeline"]]


def test_a_replay_as_json_has_the_documented_keys(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = run_json(capsys, "replay", "policy.yaml", "--tags", "tags", "--current", "1.0.1")
    assert set(shown) == {
        "version", "image", "policy", "rules", "times", "until", "mergeAfterSeconds", "timeline",
        "current", "proposed", "reason", "waiting", "notAsked", "undated", "leftOut", "problems",
    }  # fmt: skip
    assert rows(shown) == [
        ("2020-03-08T09:30:00Z", "open", "1.1.0"),
        ("2020-03-08T09:30:00Z", "merge", "1.1.0"),
        ("2020-03-08T20:00:00Z", "open", "1.1.1"),
        ("2020-03-08T20:00:00Z", "merge", "1.1.1"),
    ]
    assert shown["timeline"][0] == {
        "at": "2020-03-08T09:30:00Z",
        "action": "open",
        "from": "1.0.1",
        "to": "1.1.0",
        "step": "minor",
        "heldSince": "2020-03-06T09:30:00Z",
        "reason": "highest tag that the policy allows",
    }
    assert [each["tag"] for each in shown["undated"]] == ["1.1.2", "latest"]


def policy_of(world: World) -> str:
    return str(world.checkout / "apps/api/imagebot.yaml")


def test_a_replay_by_first_sight_takes_its_times_from_the_ledger(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.registry.add("acme/api", "1.2.0")
    start = datetime(2020, 3, 1, tzinfo=UTC)
    note_first_seen(world, start, "0.9.0", "1.0.0")
    note_first_seen(world, start + timedelta(days=1), "1.1.0")
    note_first_seen(world, start + timedelta(days=2), "1.2.0", "gone")
    shown = run_json(
        capsys, "replay", policy_of(world), "--current", "1.0.0", "--settings", str(world.settings)
    )
    opened = [row for row in rows(shown) if row[1] == "open"]
    assert opened == [
        ("2020-03-02T00:00:00Z", "open", "1.1.0"),
        ("2020-03-03T00:00:00Z", "open", "1.2.0"),
    ]
    undated = {each["tag"]: each["reason"] for each in shown["undated"]}
    assert set(undated) == {"0.9.0", "1.0.0"}
    assert undated["0.9.0"] == (
        "there at the first look (2020-03-01 00:00 UTC), so its age is not known"
    )


def test_without_any_time_a_replay_says_where_to_get_some(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(capsys, "replay", policy_of(world), "--settings", str(world.settings))
    assert told.splitlines()[0].endswith("/acme/api: 0 pull requests opened")
    assert "no tag has a time that can be trusted; --by created asks the images" in told
    assert not world.data.exists()


def push(world: World, tag: str, created: str) -> None:
    """An image whose configuration says when it was built."""
    config = {"architecture": "amd64", "os": "linux", "created": created, "rootfs": {}}
    blob = json.dumps(config).encode()
    world.registry._repository("acme/api").blobs[digest(blob)] = blob
    descriptor = {"mediaType": OCI_CONFIG, "digest": digest(blob), "size": len(blob)}
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor, "layers": []}
    world.registry.put_manifest("acme/api", tag, OCI_MANIFEST, json.dumps(manifest).encode())


def test_a_replay_by_build_time_asks_the_images_that_the_policy_could_take(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for tag, created in (
        ("1.0.0", "2020-03-01T00:00:00Z"),
        ("1.1.0", "2020-03-02T00:00:00Z"),
        ("1.2.0", "2020-03-03T00:00:00.123456789Z"),
        ("1.3.0", "1970-01-01T00:00:00Z"),
        ("dev", "2020-03-05T00:00:00Z"),
    ):
        push(world, tag, created)
    shown = run_json(
        capsys, "replay", policy_of(world), "--by", "created", "--settings", str(world.settings)
    )
    assert [row[1:] for row in rows(shown)] == [
        ("start", "1.0.0"), ("open", "1.1.0"), ("merge", "1.1.0"), ("open", "1.2.0"),
        ("merge", "1.2.0"),
    ]  # fmt: skip
    (undated,) = shown["undated"]
    assert undated["tag"] == "1.3.0"
    assert "a fixed date that tells nothing" in undated["reason"]
    asked = {request.path.rpartition("/")[2] for request in world.registry.requests}
    assert "1.2.0" in asked
    assert "dev" not in asked


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--merge-after", "soon"], "--merge-after: found the text 'soon'"),
        (["--merge-after", "999d"], "--merge-after: 999d is out of bounds"),
        (["--merge-after", "9" * 30 + "d"], "--merge-after: "),
        (["--by", "created"], "--by asks ledger or registry"),
        (["--current", "1.0.0@sha256:" + "a" * 64], "a replay starts from a tag"),
        (["--image", "acme/api:1.0"], "--image acme/api:1.0 has a tag or digest"),
    ],
)
def test_words_that_do_not_fit_together_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["policy", "replay", "policy.yaml", "--tags", "tags", *words]) == 2
    assert capsys.readouterr().err.startswith(f"imagebot: {message}")


def test_a_policy_for_many_images_needs_one_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "policy.yaml").write_text(POLICY.format(name="all", images="**"))
    assert main(["policy", "replay", "policy.yaml"]) == 2
    assert "--image NAME" in capsys.readouterr().err


def test_replay_says_in_words_that_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "tags").write_text("0.1.0  2020-03-01T08:00:00Z\n")
    told = run(capsys, "replay", "policy.yaml", "--tags", "tags")
    assert "nothing is written" in " ".join(told.split())
    assert "(nothing written)" not in told
