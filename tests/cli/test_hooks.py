"""`imagebot hooks`: addresses that work, and readings of recorded bodies."""

import io
import json
import sys
from pathlib import Path

import pytest

from imagebot.cli.main import main
from imagebot.hooks.proof import url_token
from imagebot.secret import Secret

SECRET = "0123456789abcdef"
SETTINGS = """\
apiVersion: imagebot.dev/v1alpha1
kind: Settings
listen: "[::1]:8080"
hooks:
  - {sender: quay, name: main, secretFile: secret}
  - {sender: github, name: main, secretFile: secret}
  - {sender: harbor, name: inner, secretFile: secret, registry: h.example.org}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(SECRET)
    file = tmp_path / "settings.yaml"
    file.write_text(SETTINGS)
    return file


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["hooks", *words]) == 0
    return capsys.readouterr().out


def test_an_address_is_the_base_and_the_path(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("url", "--settings", str(file))
    assert said(capsys, *words, "inner") == "http://[::1]:8080/hooks/harbor/inner\n"
    base = ("--base", "https://bot.example.org/")
    assert said(capsys, *words, "github/main", *base) == (
        "https://bot.example.org/hooks/github/main\n"
    )


def test_an_address_has_a_part_of_the_secret_where_nothing_else_is_proof(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = said(capsys, "url", "--settings", str(file), "quay/main", "--base", "https://b.example")
    token = url_token(Secret(SECRET), "quay", "main")
    assert shown == f"https://b.example/hooks/quay/main/{token}\n"
    assert len(token) == 40


@pytest.mark.parametrize(
    ("name", "told"),
    [("main", "more than one hook is called 'main'"), ("other", "no hook is called 'other'")],
)
def test_a_name_that_says_not_which_is_refused(
    file: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    assert main(["hooks", "url", "--settings", str(file), name]) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert "quay/main, github/main" in shown


def test_the_list_shows_no_secret(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, "list", "--settings", str(file))
    assert shown.splitlines() == [
        "quay/main: url: an address derived from the secret",
        "github/main: signature: HMAC-SHA256 in X-Hub-Signature-256",
        "harbor/inner: header: the secret in Authorization, as h.example.org",
    ]


def test_a_recorded_body_shows_what_it_would_wake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"repository": {"full_name": "acme/config"}}))
    words = ("read", "github", str(body))
    assert said(capsys, *words, "--header", "X-GitHub-Event: push") == "git project acme/config\n"
    assert said(capsys, *words, "--header", "X-GitHub-Event:ping") == "nothing: the event ping\n"
    body.write_text('{"docker_url": "quay.io/acme/api"}')
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body.read_bytes())))
    words = ("read", "quay", "-", "--registry", "mirror.example.org/quay")
    assert said(capsys, *words) == "image repository mirror.example.org/quay/acme/api\n"


@pytest.mark.parametrize(
    "words", [["read", "quay", "nowhere.json"], ["read", "quay", "-", "--header", "x"]]
)
def test_what_cannot_be_read_is_a_wrong_use(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hooks", *words]) == 2
    assert "imagebot:" in capsys.readouterr().err


def test_a_body_that_is_no_json_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "body").write_bytes(b"\xff")
    assert main(["hooks", "read", "quay", str(tmp_path / "body")]) == 1
    assert "not JSON" in capsys.readouterr().err
