"""Tokens of identity providers: what makes one good, and what a provider in trouble costs."""

import json
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from imagebot.errors import RegistryUnavailable
from imagebot.hooks.tokens import (
    RETRY_SECONDS,
    STALE_SECONDS,
    Keys,
    KeysUnavailable,
    is_token_right,
)
from imagebot.settings_model import TokenSettings
from tests.hooks.issuer import AUDIENCE, EMAIL, ISSUER, Issuer

WANTED = TokenSettings(ISSUER, AUDIENCE, "https://keys", email=EMAIL)


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def is_right(issuer: Issuer, token: str, wanted: TokenSettings = WANTED) -> bool:
    return is_token_right(f"Bearer {token}", Keys(issuer.keys), wanted)


def test_a_token_of_the_account_for_us_is_good(issuer: Issuer) -> None:
    assert is_right(issuer, issuer.token())
    assert is_right(issuer, issuer.token(iss="accounts.google.com"))
    assert is_right(issuer, issuer.token(aud=[AUDIENCE, "another"]))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://somebody-else.example.org"},
        {"aud": None},
        {"iss": "https://accounts.google.com.evil.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"nbf": 99_999_999_999},
        {"email": "somebody@acme.iam.gserviceaccount.com"},
        {"email": None},
        {"email": [EMAIL]},
        {"email_verified": False},
        {"email_verified": None},
    ],
)
def test_any_other_claim_makes_it_worthless(issuer: Issuer, claims: dict[str, Any]) -> None:
    assert not is_right(issuer, issuer.token(**claims))


def test_the_signature_has_to_be_the_issuers(issuer: Issuer) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert not is_right(issuer, issuer.token(key=other))
    head, claims, signature = issuer.token().split(".")
    assert not is_right(issuer, f"{head}.{claims}.")
    assert not is_right(issuer, f"{head}.{claims}.{signature[:-4]}AAAA")


def test_a_token_may_not_choose_a_weaker_way_to_be_signed(issuer: Issuer) -> None:
    published = json.loads(issuer.keys())["keys"][1]["n"]
    headers = {"kid": issuer.key_id}
    claims = {"iss": ISSUER, "aud": AUDIENCE, "email": EMAIL, "email_verified": True}
    claims |= {"iat": int(time.time()), "exp": int(time.time()) + 60}  # type: ignore[dict-item]
    assert not is_right(issuer, jwt.encode(claims, None, algorithm="none", headers=headers))
    by_name = jwt.encode(claims, published, algorithm="HS256", headers=headers)
    assert not is_right(issuer, by_name)


@pytest.mark.parametrize(
    "text", ["", "Bearer ", "Bearer a.b.c", "Basic YTpi", "Bearer " + "a" * 9000]
)
def test_what_is_no_token_is_no_proof(issuer: Issuer, text: str) -> None:
    assert not is_token_right(text, Keys(issuer.keys), WANTED)


def test_subject_and_further_claims_may_be_asked_for(issuer: Issuer) -> None:
    wanted = TokenSettings(
        ISSUER, AUDIENCE, "", subject="repo:acme/api", claims={"ref": "refs/heads/main"}
    )
    good = issuer.token(sub="repo:acme/api", ref="refs/heads/main", email=None)
    assert is_right(issuer, good, wanted)
    assert not is_right(issuer, issuer.token(sub="repo:acme/api", ref="refs/heads/x"), wanted)
    assert not is_right(issuer, issuer.token(sub="repo:acme/api"), wanted)


def test_settings_that_ask_for_nobody_let_nobody_in(issuer: Issuer) -> None:
    assert not is_right(issuer, issuer.token(), replace(WANTED, email=""))


# The provider's keys


def test_keys_are_read_once_and_again_when_they_are_old(issuer: Issuer) -> None:
    issuer.fetched = 0
    clock = Clock()
    keys = Keys(issuer.keys, clock)
    for _ in range(5):
        assert keys.get("k1")
    assert issuer.fetched == 1
    clock.now += 3601
    assert keys.get("k1")
    assert issuer.fetched == 2


def test_a_new_key_is_found_and_made_up_ones_cost_one_question_a_minute(issuer: Issuer) -> None:
    changing, clock = Issuer("old"), Clock()
    keys = Keys(changing.keys, clock)
    assert keys.get("old")
    changing.key_id = "new"
    for number in range(100):
        assert keys.get(f"made up {number}") is None
    assert changing.fetched == 1
    clock.now += RETRY_SECONDS
    assert keys.get("new")
    assert keys.get("old") is None
    assert changing.fetched == 2


def test_keys_serve_on_while_the_provider_is_down_but_not_for_ever(issuer: Issuer) -> None:
    is_down, clock = False, Clock()

    def fetch() -> bytes:
        if is_down:
            raise RegistryUnavailable("it does not answer")
        return issuer.keys()

    keys = Keys(fetch, clock)
    assert keys.get("k1")
    is_down = True
    clock.now += STALE_SECONDS - 1
    assert keys.get("k1")
    clock.now += 2
    with pytest.raises(KeysUnavailable):
        keys.get("k1")


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"keys": 1}', b"[" * 10_000])
def test_an_answer_without_keys_is_told_to_the_sender_as_later(answer: bytes) -> None:
    with pytest.raises(KeysUnavailable):
        Keys(lambda: answer).get("k1")


def test_nobody_waits_while_another_reads_the_keys() -> None:
    def fetch() -> bytes:
        with pytest.raises(KeysUnavailable, match="being read"):
            keys.get("k1")
        return b'{"keys": []}'

    keys = Keys(fetch)
    assert keys.get("k1") is None
