"""Settings of hooks: which are taken, and how the others are refused."""

from pathlib import Path

import pytest

from imagebot import settings
from imagebot.errors import SettingsError
from imagebot.hook_senders import Auth
from imagebot.settings import Settings

HEAD = "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\nhooks:\n"
CANARY = "canary-secret-0123456789"
TOKEN = "token: {audience: https://a.example, email: a@b.example}"


def load(folder: Path, *hooks: str) -> Settings:
    file = folder / "settings.yaml"
    file.write_text(HEAD + "".join(f"  - {{{hook}}}\n" for hook in hooks))
    return settings.load(file, {"HOME": "/nowhere", "HOOK": CANARY, "SHORT": CANARY[:15]})


def refusal(folder: Path, *hooks: str) -> str:
    with pytest.raises(SettingsError) as raised:
        load(folder, *hooks)
    assert CANARY[:15] not in f"{raised.value} {raised.value.hint}"
    return str(raised.value)


def test_a_sender_proves_itself_in_its_usual_way(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CANARY + "\n")
    hooks = load(
        tmp_path,
        "sender: github, name: a, secretFile: secret",
        "sender: gitlab, name: a, secretEnv: HOOK",
        f"sender: google, name: a, {TOKEN}",
        "sender: docker-hub, name: a, secretEnv: HOOK",
    ).hooks
    assert [hook.auth for hook in hooks] == [Auth.SIGNATURE, Auth.HEADER, Auth.OIDC, Auth.URL]
    assert [secret.reveal() for secret in hooks[0].secrets] == [CANARY]
    assert hooks[1].header == "X-Gitlab-Token"
    assert CANARY not in repr(hooks)


def test_two_secrets_may_be_good_at_once(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("an old secret of many letters")
    hook = "sender: harbor, name: a, secretEnv: HOOK, previousSecretFile: old"
    secrets = load(tmp_path, hook).hooks[0].secrets
    assert [secret.reveal() for secret in secrets] == [CANARY, "an old secret of many letters"]


def test_googles_keys_are_known_and_so_is_its_name(tmp_path: Path) -> None:
    token = load(tmp_path, f"sender: google, name: a, {TOKEN}").hooks[0].token
    assert token
    assert token.issuer == "https://accounts.google.com"
    assert token.keys_url == "https://www.googleapis.com/oauth2/v3/certs"


def test_the_registry_may_have_another_name_and_a_prefix(tmp_path: Path) -> None:
    hook = "sender: harbor, name: a, secretEnv: HOOK, registry: 'h.example.org:5000/proxy'"
    assert load(tmp_path, hook).hooks[0].registry == "h.example.org:5000/proxy"


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        ("sender: github, name: a", "a hook without a secret is open to everybody"),
        ("sender: github, name: a", "write secretFile or secretEnv"),
        ("sender: github, name: a, secretEnv: SHORT", "at least 16 characters"),
        ("sender: github, name: a, secretEnv: UNSET", "is not set"),
        ("sender: github, name: a, secretFile: nowhere", "cannot be read"),
        (f"sender: github, name: a, secret: {CANARY}", "write secretFile: /path or secretEnv"),
        ("sender: github, name: a, secretEnv: HOOK, secretFile: x", "keep one"),
        ("sender: githup, name: a, secretEnv: HOOK", "allowed: docker-hub, github, gitlab"),
        ("sender: github, name: a/b, secretEnv: HOOK", "letters, digits"),
        ("sender: github, name: a, secretEnv: HOOK, auth: url", "github cannot do url"),
        ("sender: github, name: a, secretEnv: HOOK, header: X-A", "a header, with auth: signature"),
        ("sender: nexus, name: a, secretEnv: HOOK", "write registry: HOST"),
        ("sender: quay, name: a, secretEnv: HOOK, registry: quay", "the host of a registry"),
        ("sender: quay, name: a, secretEnv: HOOK, registry: q.io/A", "HOST/PREFIX"),
        ("sender: google, name: a", "write audience and email"),
        ("sender: google, name: a, token: {audience: x}", "write email, subject or claims"),
        (f"sender: google, name: a, secretEnv: HOOK, {TOKEN}", "keep the one that is used"),
        (f"sender: generic, name: a, auth: oidc, {TOKEN}", "write issuer: https://"),
        (
            "sender: generic, name: a, auth: oidc, token: {audience: x, subject: y,"
            " issuer: https://i.example}",
            "write keysUrl",
        ),
        (
            "sender: generic, name: a, auth: oidc, token: {audience: x, subject: y,"
            " issuer: https://i.example, keysUrl: http://i.example/k}",
            "write https://",
        ),
        ("sender: github, name: a, secretEnv: HOOK, perMinute: 0", "at least 1"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_write(
    tmp_path: Path, hook: str, told: str
) -> None:
    assert told in refusal(tmp_path, hook)


def test_two_hooks_of_one_sender_need_two_names(tmp_path: Path) -> None:
    one = "sender: github, name: a, secretEnv: HOOK"
    assert "'github/a' is listed twice" in refusal(tmp_path, one, one)
    assert len(load(tmp_path, one, one.replace("github", "gitea")).hooks) == 2
