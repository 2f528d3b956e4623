"""Each command reads the secrets that it needs, and is not refused for want of others."""

from pathlib import Path

import pytest

from imagebot.cli.main import main

HEAD = "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: data\n"
NOTIFICATION = "notifications: [{name: team, urlEnv: UNSET_URL}]\n"
HOOK = "hooks: [{sender: github, name: org, secretEnv: UNSET_SECRET}]\n"
REPOSITORY = (
    "repositories: [{name: config, url: 'https://github.com/acme/config.git',"
    " forge: {tokenEnv: UNSET_TOKEN}}]\n"
)


@pytest.mark.parametrize(
    ("words", "text", "shown"),
    [
        (["status"], NOTIFICATION + HOOK + REPOSITORY, "config: not looked at yet"),
        (["hooks", "list"], NOTIFICATION + HOOK + REPOSITORY, "github/org: "),
        (["discover"], NOTIFICATION + HOOK, "NAME"),
    ],
)
def test_a_command_needs_no_secret_that_it_does_not_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], text: str, shown: str
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(HEAD + text)
    assert main([*words, "--settings", str(file)]) == 0
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["notify", "test"], "notifications[0].urlEnv"),
        (["hooks", "url", "org"], "hooks[0].secretEnv"),
        (["apply"], "repositories[0].forge.tokenEnv"),
    ],
)
def test_a_command_is_refused_for_want_of_a_secret_that_it_uses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], key: str
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(HEAD + NOTIFICATION + HOOK + REPOSITORY)
    assert main([*words, "--settings", str(file)]) == 2
    assert key in capsys.readouterr().err
