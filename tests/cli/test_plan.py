"""What `plan` prints, as a person and as a program sees it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imagebot.cli import show
from imagebot.cli.main import main
from tests.acceptance.world import World
from tests.servers.postgresql import PASSWORD, PostgreSQL

ROOT = Path(__file__).parent.parent.parent


def without_policy(world: World) -> None:
    (world.checkout / "apps/api/imagebot.yaml").unlink()


def words(world: World, command: str, *more: str) -> list[str]:
    return [command, *more, "--settings", str(world.settings)]


def printed(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 0
    return capsys.readouterr().out


def printed_json(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> Any:
    return json.loads(printed(capsys, [*arguments, "--output", "json"]))


def test_without_a_policy_plan_shows_the_newest_tag_for_each_step(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    without_policy(world)
    world.registry.add("acme/api", "1.0.3", "1.0.10", "1.4.0", "2.0.0", "2.0.0-rc.1", "latest")
    lines = printed(capsys, words(world, "plan", str(world.checkout))).splitlines()
    assert lines[0].split() == ["IMAGE", "CURRENT", "PATCH", "MINOR", "MAJOR", "WHERE", "NOTE"]
    image = f"{world.registry.host}/acme/api"
    row = [image, "1.0.0", "1.0.10", "1.4.0", "2.0.0", "apps/api/deployment.yaml:9"]
    assert lines[1].split() == row


def test_plan_as_json_has_the_documented_keys(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = printed_json(capsys, words(world, "plan", str(world.checkout)))
    assert set(plan) == {
        "version",
        "files",
        "policies",
        "images",
        "problems",
        "changeSets",
        "closed",
        "notAsked",
        "ignored",
    }
    (image,) = plan["images"]
    assert image == {
        "file": "apps/api/deployment.yaml",
        "line": 9,
        "column": 19,
        "address": "spec.template.spec.containers[0].image",
        "format": "kubernetes",
        "image": f"{world.registry.host}/acme/api",
        "tag": "1.0.0",
        "digest": None,
        "policy": "apps/api/imagebot.yaml#api",
        "state": "behind",
        "reason": "highest tag that the policy allows",
        "newest": {"minor": "1.1.0"},
        "update": {"tag": "1.1.0", "digest": None, "step": "minor"},
        "held": [],
        "keptOut": [],
        "alsoChanges": [],
    }
    (changes,) = plan["changeSets"]
    assert set(changes) == {
        "group", "branch", "base", "title", "body", "labels", "reviewers", "files",
        "action", "reason", "pullRequest",
    }  # fmt: skip


def test_plan_lists_what_it_could_not_read_with_the_reason(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (world.checkout / "broken.yaml").write_text("image: [unclosed\n")
    (world.checkout / "templated.yaml").write_text(
        'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: "{{ .Values.image }}"}]}\n'
    )
    plan = printed_json(capsys, words(world, "plan", str(world.checkout)))
    problems = {problem["file"]: problem["message"] for problem in plan["problems"]}
    assert set(problems) == {"broken.yaml", "templated.yaml"}
    assert all(problems.values())


def test_plan_shows_only_what_stands_below_its_path_and_policies_above_govern(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write_deployment("api", "1.0.0", "other")
    plan = printed_json(capsys, words(world, "plan", str(world.checkout / "apps" / "api")))
    assert [image["file"] for image in plan["images"]] == ["apps/api/deployment.yaml"]
    assert plan["images"][0]["policy"] == "apps/api/imagebot.yaml#api"


def test_a_wrong_policy_is_shown_and_told_by_the_exit_code(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    path = world.checkout / "apps/api/imagebot.yaml"
    path.write_text(path.read_text().replace("tags:", "tgas:"))
    assert main(words(world, "plan", str(world.checkout))) == 3
    assert "did you mean 'tags'" in capsys.readouterr().err


@pytest.mark.parametrize("marked", ['a: [1, "2"] # imagebot: api:tag', "a: 1 # imagebot: api:foo"])
def test_a_wrong_marker_gives_plan_the_exit_code_of_the_other_commands(
    world: World, capsys: pytest.CaptureFixture[str], marked: str
) -> None:
    (world.checkout / "apps/api/other.yaml").write_text(f"{marked}\n")
    codes = {
        command: main(words(world, command, str(world.checkout)))
        for command in ("plan", "inventory")
    }
    codes["check"] = main(["check", str(world.checkout)])
    assert codes == {"plan": 3, "inventory": 3, "check": 3}
    assert main(words(world, "plan", str(world.checkout / "apps/api/deployment.yaml"))) == 0
    capsys.readouterr()


def test_why_nothing_governs_an_image_is_what_the_error_beside_it_says(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """By errors of a policy, by a policy that is no YAML, by a marker, by an alias, by nothing."""

    def policy(name: str, more: str = "") -> str:
        return (
            "apiVersion: imagebot.dev/v1alpha1\nkind: ImagePolicy\nmetadata:\n  name: "
            f"{name}\n  annotations: {{config.kubernetes.io/local-config: 'true'}}\n"
            f"spec: {{images: [localhost:1/acme/{name}]{more}}}\n"
        )

    files = {
        "torn/imagebot.yaml": "apiVersion: imagebot.dev/v1alpha1\nkind: ImagePolicy\nspec: [\n",
        "torn/values.yaml": "image: localhost:1/acme/torn:1.0\n",
        "wrong/imagebot.yaml": policy("wrong", ", tags: {range: nonsense!!}"),
        "wrong/values.yaml": "image: localhost:1/acme/wrong:1.0\n"
        "a: {image: localhost:1/acme/a:1.0}   # imagebot: nobody\n"
        "b: {image: localhost:1/acme/b:1.0}   # imagebot: wrong\n",
        "two/imagebot.yaml": policy("one") + "---\n" + policy("other"),
        "two/values.yaml": "one: {image: {repository: localhost:1/acme/one, tag: &t 1.0.0}}\n"
        "two: {image: {repository: localhost:1/acme/other, tag: *t}}\n",
        "free.yaml": "image: localhost:1/acme/free:1.0\n",
    }
    for path, text in files.items():
        place = world.checkout / "case" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    capsys.readouterr()
    assert main(words(world, "plan", str(world.checkout / "case"), "--output", "json")) == 3
    plan = json.loads(capsys.readouterr().out)
    images = {each["image"].rpartition("/")[2]: each for each in plan["images"]}
    assert set(images) == {"torn", "wrong", "a", "b", "one", "other", "free"}
    told = {(each["file"], each["message"]) for each in plan["problems"]}
    free = images.pop("free")
    assert (free["reason"], free["state"]) == ("no policy governs it", "ungoverned")
    for each in images.values():
        assert (each["file"], each["reason"]) in told
        assert each["state"] == "ungoverned"
    assert "nobody" in images["a"]["reason"]
    assert "which policy 'other' governs" in images["one"]["reason"]


def test_without_a_policy_nothing_is_pending(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    without_policy(world)
    assert main(words(world, "plan", str(world.checkout), "--exit-code")) == 0
    plan = printed_json(capsys, words(world, "plan", str(world.checkout)))
    assert plan["changeSets"] == []
    (image,) = plan["images"]
    assert (image["policy"], image["state"]) == (None, "ungoverned")


def test_a_wrong_policy_elsewhere_does_not_fail_the_plan_of_a_folder(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write_policy("other", more="  nonsense: true\n")
    assert main(words(world, "plan", str(world.checkout / "apps" / "api"))) == 0
    assert main(words(world, "plan", str(world.checkout))) == 3
    assert "nonsense" in capsys.readouterr().err


def test_plan_of_a_repository_with_direct_commits_shows_the_commit(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write_settings(forge="{type: plain}", more="    mode: direct\n")
    plan = printed_json(capsys, words(world, "plan", "--repository", "config"))
    assert [changes["branch"] for changes in plan["changeSets"]] == ["main"]


def test_plan_of_a_repository_makes_no_store_and_leaves_one_alone(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    file = world.data / "imagebot.sqlite"
    first = printed_json(capsys, words(world, "plan", "--repository", "config"))
    assert not file.exists()
    assert world.apply() == 0
    before = file.read_bytes()
    again = printed_json(capsys, words(world, "plan", "--repository", "config"))
    assert again["images"] == first["images"]
    assert file.read_bytes() == before


def test_plan_makes_no_tables_in_postgresql_and_reads_those_that_apply_made(
    world: World,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    postgresql: PostgreSQL,
) -> None:
    name = postgresql.new_schema()
    monkeypatch.setenv("IMAGEBOT_STORE_URL", postgresql.url(name))
    first = printed_json(capsys, words(world, "plan", "--repository", "config"))
    assert rows(postgresql, "pg_tables", f"schemaname = '{name}'") == 0
    assert world.apply() == 0
    assert rows(postgresql, f"{name}.sight") > 0
    again = printed_json(capsys, words(world, "plan", "--repository", "config"))
    assert again["images"] == first["images"]
    assert PASSWORD not in str(first)
    assert not (world.data / "imagebot.sqlite").exists()


def rows(server: PostgreSQL, table: str, condition: str = "true") -> int:
    with server.connect() as connection:
        (count,) = connection.execute(
            f"select count(*) from {table} where {condition}"
        ).fetchone() or (0,)
    return int(count)


def run_on_terminal(arguments: list[str]) -> str:
    """Run with stderr on a pseudo-terminal and stdout on a pipe; gives back stderr."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "-m", "imagebot", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
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
    return shown.decode()


def test_there_is_a_progress_bar_on_a_terminal_and_none_when_piped(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = words(world, "plan", str(world.checkout))
    assert "asking registries" in run_on_terminal(arguments)
    main(arguments)
    captured = capsys.readouterr()
    assert "asking registries" not in captured.out + captured.err
    assert "\x1b" not in captured.out + captured.err


def test_a_reader_that_leaves_early_is_no_error(world: World) -> None:
    done = subprocess.run(
        f"'{sys.executable}' -m imagebot plan '{world.checkout}' --settings '{world.settings}' "
        "-o json | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}",
        shell=True,
        executable="/bin/bash",
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


def test_files_with_names_that_cannot_be_used_are_told_in_checkout_and_repository(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (b"n\xff.yaml", b"line\nbreak.yaml", b"n\xff.txt", b"n\xff.png"):
        Path(os.fsdecode(os.fsencode(world.checkout) + b"/" + name)).write_text("image: a/b:1\n")
    world.commit("Odd names", push=True)
    for where in ([str(world.checkout)], ["--repository", "config"]):
        plan = printed_json(capsys, words(world, "plan", *where))
        told = [problem["file"] for problem in plan["problems"]]
        assert told == ["line\nbreak.yaml", "n\\xff.txt", "n\\xff.yaml"]
        assert all("not looked at" in problem["message"] for problem in plan["problems"])


def test_no_color_prints_no_bold_on_a_terminal_either(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes that for a terminal
    for value, marks in (("", True), ("1", False)):
        monkeypatch.setenv("NO_COLOR", value)
        console = show.stdout_console()
        console.print("IMAGE", style="bold")
        assert ("\x1b[" in capsys.readouterr().out) is marks
