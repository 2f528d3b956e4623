"""What `explain` prints: the first lines say why an image was not updated."""

import json
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imagebot.cli.main import main
from imagebot.image import Repository
from imagebot.ledger import StoredLedger
from imagebot.store import Store
from imagebot.times import shown_time
from tests.acceptance.world import World

GOLDEN = Path(__file__).parent.parent / "golden" / "explain"
YEARS_AGO = datetime(2020, 1, 1, tzinfo=UTC)

POLICY = """\
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: api
  annotations: {config.kubernetes.io/local-config: "true"}
spec:
  images: [ghcr.io/acme/api]
  paths: ["*.yaml"]
  tags: {range: ">=2.1 <3", exclude: ['-debug$'], allow: minor}
  platforms: [linux/amd64, linux/arm64]
  cooldown: {default: 3d, major: 14d}
  held: wait
  skip: [{tag: 2.2.7, reason: "leaks memory", until: 2999-12-01}]
---
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: staging
  annotations: {config.kubernetes.io/local-config: "true"}
spec:
  images: [ghcr.io/acme/api]
  paths: ["staging/**"]
"""
BASE = """\
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: base
  annotations: {config.kubernetes.io/local-config: "true"}
spec:
  images: ["ghcr.io/acme/**"]
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: api}}
spec:
  containers:
    - {{name: main, image: "ghcr.io/acme/api:2.1.4"{more}}}
"""
TAGS = """\
2.1.4 2020-10-01
2.1.3 2020-09-01
2.1.2
2.1.1
2.1.0
2.0.9
2.0.8
2.2.0 2020-11-01T10:00:00Z
2.2.7 2020-11-20
2.3.0 2998-11-25T20:00:00Z
3.0.0
4.0.0
2.4.0-rc.1
2.3.0-debug
2.3.0-alpine
2.3.0-slim
2.3.0-bookworm
2.3.0-jammy
2.3.0-windows
latest
main
sha256-0123456789012345678901234567890123456789012345678901234567890123.sig
"""


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two levels of policies, and a list of tags."""
    (tmp_path / "apps/api").mkdir(parents=True)
    (tmp_path / "imagebot.yaml").write_text(BASE)
    (tmp_path / "apps/api/imagebot.yaml").write_text(POLICY)
    (tmp_path / "apps/api/pod.yaml").write_text(POD.format(more=""))
    (tmp_path / "tags").write_text(TAGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["explain", *words]) == code
    return capsys.readouterr().out


def run_json(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    return json.loads(run(capsys, *words, "--output", "json", code=code))


def on(world: World, tag: str = "") -> list[str]:
    image = f"{world.registry.host}/acme/api{tag}"
    return [image, str(world.checkout), "--settings", str(world.settings)]


def note_first_seen(world: World, at: datetime, *tags: str) -> None:
    """As if `imagebot run` had looked at that time."""
    world.data.mkdir(exist_ok=True)
    store = Store(world.data / "imagebot.sqlite")
    repository = Repository(world.registry.host, "acme/api")
    StoredLedger(store.database).note_listings({repository: tags}, at)
    store.close()


# --- As a person sees it -------------------------------------------------------------------------


@pytest.mark.parametrize("more", ["", "--all"])
def test_a_rich_case_is_told_in_80_columns(
    folder: Path, capsys: pytest.CaptureFixture[str], more: str
) -> None:
    told = run(capsys, "ghcr.io/acme/api", "--tags", "tags", *more.split())
    golden = GOLDEN / f"held{more}.txt"
    assert told.encode() == golden.read_bytes()
    assert told.isascii()
    assert "\x1b" not in told
    too_wide = [line for line in told.splitlines() if len(line) > 80]
    assert [line.strip() for line in too_wide] == []


def test_all_shows_every_tag_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = run(capsys, "ghcr.io/acme/api", "--tags", "tags", "--all").split()
    assert {line.split()[0] for line in TAGS.splitlines()} <= set(told)


def test_a_longer_word_than_the_line_stays_whole(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tag = "x" * 128
    (folder / "tags").write_text(tag)
    assert tag in run(capsys, "ghcr.io/acme/api", "--tags", "tags").split()


def test_the_first_lines_say_why_nothing_is_updated(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = run(capsys, "ghcr.io/acme/api:2.3.0", "--tags", "tags").splitlines()
    assert lines[0] == "ghcr.io/acme/api 2.3.0: no update"
    assert lines[1] == "  why       no tag that the policy allows is better than 2.3.0"
    assert lines[2] == "  kept out  4.0.0: not in range >=2.1 <3 (and more, below)"


def test_an_output_that_knows_only_ascii_gets_ascii(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "apps/api/imagebot.yaml"
    path.write_text(path.read_text().replace("leaks memory", "verliert \u20ac"))
    assert "verliert \u20ac" in run(capsys, "ghcr.io/acme/api", "--tags", "tags")
    monkeypatch.setattr("imagebot.cli.folding.encoding", lambda: "ascii")
    told = run(capsys, "ghcr.io/acme/api", "--tags", "tags")
    assert told.isascii()
    assert "verliert \\u20ac" in told


# --- Which policy --------------------------------------------------------------------------------


def policies(case: dict[str, Any]) -> dict[str, str]:
    return {other["name"]: other["why"] for other in case["otherPolicies"]}


def test_other_policies_that_name_the_image_are_told_with_the_reason(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "web").mkdir()
    (folder / "web/imagebot.yaml").write_text(BASE.replace("name: base", "name: web"))
    (case,) = run_json(capsys, "ghcr.io/acme/api", "--tags", "tags")["cases"]
    assert case["policy"] == {"name": "api", "file": "apps/api/imagebot.yaml", "line": 1}
    assert policies(case) == {
        "staging": "its paths do not match this file: staging/**",
        "base": "farther from the file than the policies of apps/api/ that match, too",
        "web": "it governs files below web/ only",
    }


def test_a_marker_overrules_and_that_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pod = POD.format(more="").replace('4"}', '4"}  # imagebot: base')
    (folder / "apps/api/pod.yaml").write_text(pod)
    (case,) = run_json(capsys, "ghcr.io/acme/api", "--tags", "tags")["cases"]
    assert case["policy"]["name"] == "base"
    assert policies(case)["api"] == "the marker on the line names 'base'"


def test_a_broken_policy_lets_nothing_govern_and_that_is_the_reason(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "apps/api/imagebot.yaml"
    path.write_text(path.read_text().replace("allow: minor", "alow: minor"))
    explained = run_json(capsys, "ghcr.io/acme/api", "--tags", "tags", code=3)
    (case,) = explained["cases"]
    assert (case["policy"], case["chosen"]) == (None, None)
    assert case["reason"] == "governed by 'api' (apps/api/imagebot.yaml:1), which has errors"
    assert policies(case)["api"] == (
        "it is the nearest and has errors; nothing governs until it is mended"
    )
    assert "did you mean 'allow'" in explained["problems"][0]["hint"]


def test_an_image_that_no_policy_governs_is_shown_by_the_default_policy(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("imagebot.yaml", "apps/api/imagebot.yaml"):
        (folder / path).unlink()
    lines = run(capsys, "ghcr.io/acme/api", "--tags", "tags").splitlines()
    assert lines[0] == "ghcr.io/acme/api 2.1.4: no update"
    assert lines[1] == "  why       no policy governs it"
    assert lines[2] == "  else      4.0.0 would be taken: highest tag that the policy allows"


def test_an_image_that_is_written_nowhere_is_told_which_policies_would_govern(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(capsys, "ghcr.io/acme/web:1.0.0", "--tags", "tags").splitlines()
    assert told[:2] == [
        "ghcr.io/acme/web is written nowhere here",
        "  base (imagebot.yaml:1) would govern it in the git repository (paths **)",
    ]
    explained = run_json(capsys, "ghcr.io/acme/web:1.0.0", "--tags", "tags")
    assert explained["isWritten"] is False
    assert [policy["name"] for policy in explained["wouldGovern"]] == ["base"]
    assert "no policy names it" in run(capsys, "other/web", "--tags", "tags")


def test_the_named_policy_is_asked_whether_or_not_it_governs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("ghcr.io/acme/api", "--tags", "tags", "--policy", "base")
    (case,) = run_json(capsys, *words)["cases"]
    assert (case["policy"]["name"], case["chosen"]["tag"]) == ("base", "4.0.0")


def test_an_unknown_policy_is_refused_and_the_known_ones_are_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "ghcr.io/acme/api", "--tags", "tags", "--policy", "apy"]) == 2
    assert "apps/api/imagebot.yaml#api" in capsys.readouterr().err


def test_each_policy_and_current_tag_is_a_case_with_its_places(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, tag in (("b", "2.1.4"), ("c", "2.2.0")):
        pod = POD.format(more="").replace("2.1.4", tag)
        (folder / f"apps/api/{name}.yaml").write_text(pod)
    (folder / "pod.yaml").write_text(POD.format(more=""))
    cases = run_json(capsys, "ghcr.io/acme/api", "--tags", "tags")["cases"]
    assert [(each["policy"]["name"], each["current"]["tag"], each["places"]) for each in cases] == [
        ("api", "2.1.4", ["apps/api/b.yaml:6", "apps/api/pod.yaml:6"]),
        ("api", "2.2.0", ["apps/api/c.yaml:6"]),
        ("base", "2.1.4", ["pod.yaml:6"]),
    ]


def test_a_suspended_policy_is_the_reason_and_what_it_would_do_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "apps/api/imagebot.yaml").write_text(
        POLICY.replace("  held: wait\n", '  suspend: {reason: "freeze", until: 2999-01-01}\n')
    )
    lines = run(capsys, "ghcr.io/acme/api", "--tags", "tags").splitlines()
    assert lines[0] == "ghcr.io/acme/api 2.1.4: no update"
    assert lines[1] == "  why       suspended until 2999-01-01: freeze"
    assert lines[2].startswith("  else      2.2.0 would be taken: ")


# --- With a registry -----------------------------------------------------------------------------


def test_every_tag_is_told_once_with_a_reason(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    tags = {"1.0.0", "1.1.0", "0.9.0", "1.2.0-rc.1", "latest", "1.1.0-alpine", "sha256-ab.sig"}
    world.registry.add("acme/api", *tags)
    explained = run_json(capsys, *on(world))
    (case,) = explained["cases"]
    assert (case["current"]["tag"], case["chosen"]["tag"]) == ("1.0.0", "1.1.0")
    assert sorted(tag["tag"] for tag in case["tags"]) == sorted(tags)
    assert all(tag["reason"] for tag in case["tags"])
    assert sum(case["counts"].values()) == len(tags)


def test_the_given_tag_takes_the_place_of_the_written_one(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write_policy("api", tags=", allow: patch")
    (case,) = run_json(capsys, *on(world, ":1.0.5"))["cases"]
    assert (case["current"]["tag"], case["chosen"]) == ("1.0.5", None)
    assert case["isCurrentListed"] is False
    reasons = {tag["tag"]: tag["reason"] for tag in case["tags"]}
    assert reasons["1.1.0"] == "minor step; the policy allows patch"


def test_a_held_tag_is_told_with_its_clock_as_plan_decides(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write_policy("api", more="  cooldown: 300d\n")
    note_first_seen(world, YEARS_AGO, "1.0.0")
    seen_at = datetime.now(UTC) - timedelta(hours=5)
    note_first_seen(world, seen_at, "1.0.0", "1.1.0")
    lines = run(capsys, *on(world)).splitlines()
    assert lines[0] == f"{world.registry.host}/acme/api 1.0.0: no update"
    (case,) = run_json(capsys, *on(world))["cases"]
    (gate,) = case["gates"]
    assert (gate["tag"], gate["gate"], gate["verdict"]) == ("1.1.0", "cooldown", "hold")
    assert gate["reason"] == f"cool-down 300d: first seen {shown_time(seen_at)}"
    assert gate["until"] is not None
    capsys.readouterr()
    assert main(["plan", *on(world)[1:], "--output", "json"]) == 0
    (planned,) = json.loads(capsys.readouterr().out)["images"]
    assert planned["reason"] == case["reason"]


def test_explain_writes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, *on(world))
    assert not world.data.exists()


def test_a_registry_that_fails_is_the_reason_and_the_exit_code(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.registry.failing["acme/api"] = 403
    first = run(capsys, *on(world), code=4).splitlines()[0]
    assert first == f"{world.registry.host}/acme/api 1.0.0: not decided"


def test_with_a_list_of_tags_no_registry_and_no_ledger_are_asked(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    world.write_policy("api", more="  cooldown: 3d\n  platforms: [linux/amd64]\n  pin: digest\n")
    (tmp_path / "tags").write_text("1.0.0\n1.4.0\n")
    before = len(world.registry.requests)
    (case,) = run_json(capsys, *on(world), "--tags", str(tmp_path / "tags"))["cases"]
    assert len(world.registry.requests) == before
    assert case["chosen"] == {"tag": "1.4.0", "digest": None, "step": "minor"}
    assert {each["gate"] for each in case["notAsked"]} == {
        "cooldown", "platforms", "content", "registry", "pin",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "label"), [("", "written"), (":1.0.0", "written"), (":0.9", "for")]
)
def test_a_tag_that_stands_nowhere_is_not_told_as_written(
    world: World, capsys: pytest.CaptureFixture[str], tag: str, label: str
) -> None:
    capsys.readouterr()
    assert main(["explain", *on(world, tag)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert [label, "apps/api/deployment.yaml:9"] in lines


def test_the_base_branch_of_a_git_repository_can_be_explained(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    image, _, *settings = on(world)
    (case,) = run_json(capsys, image, *settings, "--repository", "config")["cases"]
    assert case["places"] == ["apps/api/deployment.yaml:9"]


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ("0.9.0\n0.8.0\n", "the policy pins by digest"),
        (f"0.9.0 2024-01-01 sha256:{'0' * 64}\n", "the policy pins by digest"),
        ("", "the list that was given holds no tags"),
    ],
)
def test_a_list_without_the_current_tag_is_explained_as_far_as_it_goes(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path, tags: str, reason: str
) -> None:
    world.write_policy("api", more="  pin: digest\n")
    (tmp_path / "tags").write_text(tags)
    words = ["explain", *on(world), "--tags", str(tmp_path / "tags"), "--output", "json"]
    capsys.readouterr()
    assert main(words) == 0
    (case,) = json.loads(capsys.readouterr().out)["cases"]
    assert case["reason"] == reason
    assert case["chosen"] is None or case["chosen"]["digest"] is None
    assert not case["isFailure"]


def test_a_wrong_list_of_tags_is_refused_with_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "tags").write_text("1.0.0\n-oops\n")
    assert main(["explain", "ghcr.io/acme/api", "--tags", "tags"]) == 2
    assert capsys.readouterr().err.startswith("imagebot: tags:2: not a tag: '-oops'\n  hint: ")


def test_what_a_pinned_tag_points_to_is_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write_policy("api", tags=", allow: patch", more="  pin: digest\n")
    digest = world.registry._content["acme/api"].tags["1.0.0"]
    lines = run(capsys, *on(world)).splitlines()
    short = digest.removeprefix("sha256:")[:12]
    assert lines[0].endswith(f"/acme/api 1.0.0 -> 1.0.0@{short} (digest step)")
    (case,) = run_json(capsys, *on(world))["cases"]
    assert case["chosen"] == {"tag": "1.0.0", "digest": digest, "step": "digest"}


def test_on_a_terminal_no_color_leaves_no_colour(world: World) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": "1", "COLUMNS": "80"}
    process = subprocess.Popen(
        [sys.executable, "-m", "imagebot", "explain", *on(world)],
        cwd=Path(__file__).parents[2],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # the other side is closed
        pass
    finally:
        os.close(ours)
        process.wait(30)
    assert b"1.0.0 -> 1.1.0 (minor step)" in shown
    codes = set(re.findall(rb"\x1b\[([0-9;]*)m", shown))
    assert codes <= {b"0", b"1"}  # bold and back
