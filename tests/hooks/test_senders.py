"""The contract of all senders: who proves itself wakes the right repository, once; nobody else any.

Each example goes through the receiver as the web server hands it on, into a real store.
"""

import base64
import contextlib
import dataclasses
import hmac
import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagebot.deliveries import Deliveries
from imagebot.delivery import Head, Reply
from imagebot.errors import StoreError, StoreUnavailable
from imagebot.hook_senders import SENDERS, Auth
from imagebot.hooks import READERS
from imagebot.hooks.proof import url_token
from imagebot.hooks.rates import Rate
from imagebot.hooks.receiving import NOBODY, OUTCOMES, Hooks
from imagebot.image import Repository
from imagebot.secret import Secret
from imagebot.settings_model import HookSettings, TokenSettings
from imagebot.store import Store
from imagebot.store_address import in_file
from tests.hooks.issuer import AUDIENCE, EMAIL, ISSUER, Issuer
from tests.servers.hook_senders import EXAMPLES, Example, signed

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECRET, OTHER = "0123456789abcdef-right", "0123456789abcdef-other"
WAYS = [(name, auth) for name, facts in SENDERS.items() for auth in facts.auths]
every_way = pytest.mark.parametrize(("sender", "auth"), WAYS)
every_sender = pytest.mark.parametrize("sender", SENDERS)


class Watched:
    """Satisfies `owed.Wakeups`; everything is watched."""

    def __init__(self) -> None:
        self.woken: list[str] = []
        self.hosts: list[str] = []
        self.is_broken = False

    def image(self, repository: Repository) -> Sequence[str]:
        if self.is_broken:
            raise StoreUnavailable("the disk is full")
        self.woken.append(str(repository))
        return ["config"]

    def project(self, project: str, host: str = "") -> Sequence[str]:
        self.woken.append(f"project {project}")
        self.hosts.append(host)
        return ["config"]


class World:
    """Two receivers of each sender and way, and one that is asked for all of them."""

    def __init__(
        self,
        store: Store,
        issuer: Issuer,
        *,
        hooks: Sequence[HookSettings] = (),
        unproven_rate: Rate | None = None,
    ) -> None:
        self.now = NOW
        self.watched = Watched()
        self.issuer = issuer
        self.hooks = Hooks(
            hooks,
            READERS,
            self.watched,
            Deliveries(store.database),
            fetch=issuer.keys,
            clock=lambda: self.now,
            unproven_rate=unproven_rate,
        )

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], method: str = "POST"
    ) -> Reply:
        head = Head(method, path, {name.lower(): value for name, value in headers.items()})
        taken = self.hooks.receive(head)
        proven = taken if isinstance(taken, Reply) else taken(body)
        reply = proven if isinstance(proven, Reply) else proven()
        assert self.outcomes() <= set(OUTCOMES)
        return reply

    def outcomes(self) -> set[str]:
        """What became of all requests so far."""
        return {outcome for _, outcome in self.hooks.counts()}

    def deliver(
        self,
        sender: str,
        auth: Auth,
        example: Example,
        *,
        secret: str = SECRET,
        name: str = "a",
        more: Mapping[str, str] | None = None,
    ) -> Reply:
        path, proof = self.proof(sender, auth, example.source, secret, name)
        return self.post(path, example.source, {**example.headers, **proof, **(more or {})})

    def proof(
        self, sender: str, auth: Auth, body: bytes, secret: str, name: str
    ) -> tuple[str, dict[str, str]]:
        path = f"/hooks/{sender}/{name}"
        if auth is Auth.URL:
            return f"{path}/{url_token(Secret(secret), sender, name)}", {}
        if auth is Auth.HEADER:
            return path, {SENDERS[sender].header: secret}
        if auth is Auth.SIGNATURE:
            return path, signed(sender, secret, body, self.now.timestamp())
        email = EMAIL if secret == SECRET else "somebody@example.org"
        return path, {"Authorization": f"Bearer {self.issuer.token(email=email)}"}


def receiver(sender: str, auth: Auth, name: str = "a", secret: str = SECRET) -> HookSettings:
    facts = SENDERS[sender]
    is_token = auth is Auth.OIDC
    return HookSettings(
        sender=sender,
        name=name,
        auth=auth,
        secrets=() if is_token else (Secret(secret),),
        header=facts.header,
        registry="registry.example.org" if facts.has_no_host else "",
        token=TokenSettings(ISSUER, AUDIENCE, "https://keys", email=EMAIL) if is_token else None,
        per_minute=60_000,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(in_file(tmp_path / "imagebot.db"))
    yield store
    store.close()


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def world(store: Store, issuer: Issuer) -> World:
    return World(store, issuer)


def wakes(example: Example) -> list[str]:
    return list(example.wakes)


def waking(sender: str) -> list[Example]:
    return [example for example in EXAMPLES[sender] if example.wakes]


def test_every_sender_has_a_reader_and_examples() -> None:
    assert set(READERS) == set(SENDERS) == set(EXAMPLES)
    assert all(waking(sender) for sender in SENDERS)


@every_way
def test_a_delivery_wakes_what_it_names(world: World, sender: str, auth: Auth) -> None:
    world.hooks.replace([receiver(sender, auth)])
    for example in waking(sender):
        world.watched.woken.clear()
        reply = world.deliver(sender, auth, example, more={"X-Request-UUID": str(example)})
        assert (reply.status, reply.body) == (202, b"noted\n")
        assert sorted(world.watched.woken) == sorted(example.wakes)
    assert world.hooks.counts() == {(sender, "woken"): len(waking(sender))}


@every_sender
def test_other_events_are_accepted_and_wake_nothing(world: World, sender: str) -> None:
    auth = SENDERS[sender].auths[0]
    world.hooks.replace([receiver(sender, auth)])
    for example in EXAMPLES[sender]:
        if not example.wakes:
            reply = world.deliver(sender, auth, example)
            assert reply.status == 202
            assert reply.body.startswith(b"ignored: ")
    assert world.watched.woken == []


@every_way
def test_without_the_right_proof_nothing_is_woken(world: World, sender: str, auth: Auth) -> None:
    world.hooks.replace([receiver(sender, auth), receiver(sender, auth, "b", OTHER)])
    example = waking(sender)[0]
    path, proof = world.proof(sender, auth, example.source, SECRET, "a")
    bare = f"/hooks/{sender}/a"
    refused = [
        world.post(bare, example.source, example.headers),
        world.post(f"{bare}/", example.source, example.headers),
        world.post(f"{bare}/0123", example.source, {**example.headers, **proof}),
        world.deliver(sender, auth, example, secret=OTHER),  # the secret of the other receiver
        *(
            world.post(path, example.source, {**example.headers, name: wrong})
            for name, value in proof.items()
            for wrong in ("", " ", value[:-1], f"{value}x", "é", "v1,", "Bearer ", "Basic é")
        ),
    ]
    assert [reply.status for reply in refused] == [401] * len(refused)
    assert {reply.body for reply in refused} == {b"the proof is missing or wrong\n"}
    assert world.watched.woken == []
    assert world.hooks.counts() == {(sender, "refused"): len(refused)}


@pytest.mark.parametrize(
    ("sender", "auth"), [(name, auth) for name, auth in WAYS if auth is Auth.SIGNATURE]
)
def test_a_body_that_was_changed_after_signing_is_refused(
    world: World, sender: str, auth: Auth
) -> None:
    world.hooks.replace([receiver(sender, auth)])
    example = waking(sender)[0]
    path, proof = world.proof(sender, auth, example.source, SECRET, "a")
    for changed in (example.source + b" ", b"", example.source[:-1]):
        assert world.post(path, changed, {**example.headers, **proof}).status == 401
    assert world.watched.woken == []


@every_way
def test_a_delivery_that_comes_again_wakes_nothing(world: World, sender: str, auth: Auth) -> None:
    world.hooks.replace([receiver(sender, auth)])
    example = waking(sender)[0]
    numbers = {SENDERS[sender].id_header: "1"} if SENDERS[sender].id_header else {}
    assert world.deliver(sender, auth, example, more=numbers).body == b"noted\n"
    woken = list(world.watched.woken)
    again = world.deliver(sender, auth, example, more=numbers)
    renumbered = world.deliver(sender, auth, example, more=dict.fromkeys(numbers, "2"))
    for reply in (again, renumbered):
        assert (reply.status, reply.body) == (202, b"ignored: it came before\n")
    assert world.watched.woken == woken


@every_way
def test_two_receivers_of_one_sender_do_not_take_each_others_deliveries_for_repetitions(
    world: World, sender: str, auth: Auth
) -> None:
    world.hooks.replace([receiver(sender, auth), receiver(sender, auth, "b")])
    example = waking(sender)[0]
    assert world.deliver(sender, auth, example).body == b"noted\n"
    assert world.deliver(sender, auth, example, name="b").body == b"noted\n"


@every_sender
def test_what_is_no_json_is_refused_by_its_sender(world: World, sender: str) -> None:
    auth = SENDERS[sender].auths[0]
    world.hooks.replace([receiver(sender, auth)])
    headers = waking(sender)[0].headers
    for body in (b"", b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b"<a/>"):
        assert world.deliver(sender, auth, Example(body, headers)).status == 400
    assert world.outcomes() == {"unreadable"}


@pytest.mark.parametrize(
    ("sender", "auth"), [(name, auth) for name, auth in WAYS if auth is not Auth.OIDC]
)
def test_both_secrets_are_good_while_one_takes_the_place_of_the_other(
    world: World, sender: str, auth: Auth
) -> None:
    both = dataclasses.replace(receiver(sender, auth), secrets=(Secret(OTHER), Secret(SECRET)))
    world.hooks.replace([both])
    first = waking(sender)[0]
    assert world.deliver(sender, auth, first, secret=OTHER).status == 202
    assert world.deliver(sender, auth, first, secret=SECRET).status == 202
    assert world.deliver(sender, auth, first, secret="0123456789abcdef-third").status == 401


@every_way
def test_secrets_are_compared_in_constant_time(
    world: World, sender: str, auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every proof, what was given and what is wanted go through `compare_digest`."""
    compared: list[object] = []
    real = hmac.compare_digest

    def watching(first: Any, second: Any) -> bool:
        compared.append(second)
        return real(first, second)

    monkeypatch.setattr(hmac, "compare_digest", watching)
    world.hooks.replace([receiver(sender, auth)])
    assert world.deliver(sender, auth, waking(sender)[0]).status == 202
    assert compared
    assert all(isinstance(each, bytes) for each in compared)


def test_an_unknown_receiver_is_told_nothing_else(world: World) -> None:
    world.hooks.replace([receiver("generic", Auth.HEADER)])
    for path in (
        "/hooks/",
        "/hooks/generic",
        "/hooks/generic/b",
        "/hooks/x/a",
        "/hooks/generic/a/b/c",
    ):
        assert world.post(path, b"{}", {"Authorization": SECRET}).status == 404
    assert world.hooks.counts() == {(NOBODY, "refused"): 5}


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        f"Bearer {SECRET}",
        f"bearer  {SECRET}",
        "Basic " + base64.b64encode(f"hooks:{SECRET}".encode()).decode(),
    ],
)
def test_a_secret_may_come_as_it_is_as_a_bearer_token_or_as_a_password(
    world: World, value: str
) -> None:
    world.hooks.replace([receiver("generic", Auth.HEADER)])
    path = "/hooks/generic/a"
    body = b'{"image": "ghcr.io/acme/api"}'
    assert world.post(path, body, {"Authorization": value}).status == 202


def test_a_secret_with_its_scheme_and_letters_of_any_script_fits(world: World) -> None:
    secret = "Bearer señor-0123456789"
    world.hooks.replace([receiver("harbor", Auth.HEADER, secret=secret)])
    sent = secret.encode().decode("latin-1")  # as the server reads a header's bytes
    path, body = "/hooks/harbor/a", waking("harbor")[0].source
    assert world.post(path, body, {"Authorization": sent}).status == 202


def test_the_header_that_holds_the_secret_may_be_another(world: World) -> None:
    world.hooks.replace([dataclasses.replace(receiver("ecr", Auth.HEADER), header="X-Api-Key")])
    path, body = "/hooks/ecr/a", waking("ecr")[0].source
    assert world.post(path, body, {"Authorization": SECRET}).status == 401
    assert world.post(path, body, {"X-Api-Key": SECRET}).status == 202


def test_an_old_signature_of_gitlab_is_refused(world: World) -> None:
    world.hooks.replace([receiver("gitlab", Auth.SIGNATURE)])
    body = waking("gitlab")[0].source
    for age in (timedelta(minutes=6), timedelta(minutes=-6)):
        headers = signed("gitlab", SECRET, body, (NOW - age).timestamp())
        assert world.post("/hooks/gitlab/a", body, headers).status == 401
    headers = signed("gitlab", SECRET, body, (NOW - timedelta(minutes=4)).timestamp())
    headers["webhook-signature"] = f"v1,AAAA {headers['webhook-signature']}"
    assert world.post("/hooks/gitlab/a", body, headers).status == 202


def test_a_signing_token_of_gitlab_may_be_written_as_it_is_handed_out(world: World) -> None:
    """Standard Webhooks: the key is what stands in base64 after the prefix."""
    key = "0123456789abcdef-as-bytes"
    written = "whsec_" + base64.b64encode(key.encode()).decode()
    world.hooks.replace([receiver("gitlab", Auth.SIGNATURE, secret=written)])
    body = waking("gitlab")[0].source
    headers = signed("gitlab", key, body, NOW.timestamp())
    assert world.post("/hooks/gitlab/a", body, headers).status == 202


def test_a_delivery_may_come_again_when_nothing_could_be_noted(world: World) -> None:
    world.hooks.replace([receiver("generic", Auth.HEADER)])
    example = waking("generic")[0]
    world.watched.is_broken = True
    refused = world.deliver("generic", Auth.HEADER, example)
    assert (refused.status, world.outcomes()) == (503, {"failed"})
    assert refused.headers["Retry-After"] == "10"
    world.watched.is_broken = False
    assert world.deliver("generic", Auth.HEADER, example).body == b"noted\n"


def test_a_store_that_takes_no_deliveries_is_trouble_until_it_takes_them_again(
    tmp_path: Path, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "imagebot.sqlite"
    with contextlib.closing(Store(in_file(file))) as store:
        world = World(store, issuer, hooks=[receiver("generic", Auth.HEADER)])
        first = Example({"image": "ghcr.io/acme/first"})
        assert world.deliver("generic", Auth.HEADER, first).status == 202
        world.hooks.look()
        with contextlib.closing(sqlite3.connect(file)) as full:
            full.execute(
                "CREATE TRIGGER full BEFORE INSERT ON delivery"
                " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
            for _ in range(3):
                assert world.deliver("generic", Auth.HEADER, waking("generic")[0]).status == 503
            with pytest.raises(StoreError, match="full"):
                world.hooks.look()
            full.execute("DROP TRIGGER full")
        world.hooks.look()
        assert world.deliver("generic", Auth.HEADER, waking("generic")[0]).body == b"noted\n"
    said = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert len(said) == 1


def test_two_pushes_that_look_alike_both_wake_when_some_time_lies_between(world: World) -> None:
    """Quay tells neither a time nor an id."""
    world.hooks.replace([receiver("quay", Auth.URL)])
    example = waking("quay")[0]
    assert world.deliver("quay", Auth.URL, example).body == b"noted\n"
    world.now += timedelta(seconds=31)
    assert world.deliver("quay", Auth.URL, example).body == b"noted\n"


def test_a_signed_number_is_remembered_longer_than_what_was_said(world: World) -> None:
    world.hooks.replace([receiver("gitlab", Auth.SIGNATURE)])
    body = waking("gitlab")[0].source
    headers = signed("gitlab", SECRET, body, NOW.timestamp())
    assert world.post("/hooks/gitlab/a", body, headers).body == b"noted\n"
    world.now += timedelta(minutes=4)
    renumbered = {**headers, "Idempotency-Key": "another"}
    assert b"before" in world.post("/hooks/gitlab/a", body, renumbered).body


def test_a_repetition_is_known_for_a_day_and_after_a_restart(store: Store, issuer: Issuer) -> None:
    example, hooks = waking("github")[0], [receiver("github", Auth.SIGNATURE)]
    assert World(store, issuer, hooks=hooks).deliver("github", Auth.SIGNATURE, example).body
    again = World(store, issuer, hooks=hooks)
    again.now += timedelta(hours=23)
    assert b"before" in again.deliver("github", Auth.SIGNATURE, example).body


def test_too_many_deliveries_are_told_when_to_come_again(world: World) -> None:
    world.hooks.replace([dataclasses.replace(receiver("generic", Auth.HEADER), per_minute=2)])
    bodies = [Example({"image": f"ghcr.io/acme/api{number}"}) for number in range(3)]
    replies = [world.deliver("generic", Auth.HEADER, example) for example in bodies]
    assert [reply.status for reply in replies] == [202, 202, 429]
    assert 0 < int(replies[2].headers["Retry-After"]) <= 30
    assert len(world.watched.woken) == 2


def test_what_is_ignored_uses_up_nothing_and_is_no_news(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.hooks.replace([dataclasses.replace(receiver("distribution", Auth.HEADER), per_minute=2)])
    ignored = next(each for each in EXAMPLES["distribution"] if not each.wakes)
    with caplog.at_level(logging.INFO):
        for _ in range(20):
            assert world.deliver("distribution", Auth.HEADER, ignored).status == 202
    assert not [each for each in caplog.records if each.name.startswith("imagebot")]
    woken = world.deliver("distribution", Auth.HEADER, waking("distribution")[0])
    assert woken.body == b"noted\n"


def test_forged_deliveries_do_not_use_up_what_a_receiver_may_have(world: World) -> None:
    world.hooks.replace([dataclasses.replace(receiver("generic", Auth.HEADER), per_minute=2)])
    for _ in range(20):
        world.deliver("generic", Auth.HEADER, waking("generic")[0], secret=OTHER)
    assert world.deliver("generic", Auth.HEADER, waking("generic")[0]).status == 202


@every_way
def test_a_flood_that_proves_nothing_is_put_off_and_costs_nobody_who_proves_himself(
    store: Store, issuer: Issuer, sender: str, auth: Auth
) -> None:
    rate = Rate(60, 2, monotonic=lambda: 0.0)
    world = World(store, issuer, hooks=[receiver(sender, auth)], unproven_rate=rate)
    forged = [world.deliver(sender, auth, waking(sender)[0], secret=OTHER).status for _ in range(4)]
    assert forged == [401, 401, 429, 429]
    assert world.post("/hooks/generic/nowhere", b"", {}).status == 429
    assert world.deliver(sender, auth, waking(sender)[0]).status == 202
    assert world.watched.woken


def test_another_name_of_the_registry_takes_the_place_of_the_senders(world: World) -> None:
    hook = receiver("harbor", Auth.HEADER)
    world.hooks.replace([dataclasses.replace(hook, registry="mirror.example.org:5000/proxy")])
    world.deliver("harbor", Auth.HEADER, waking("harbor")[0])
    assert world.watched.woken == ["mirror.example.org:5000/proxy/acme/api"]


def test_a_project_is_looked_for_at_its_host_first(world: World) -> None:
    world.hooks.replace([receiver("gitlab", Auth.HEADER)])
    world.deliver("gitlab", Auth.HEADER, waking("gitlab")[0])
    assert world.watched.hosts == ["gitlab.example.org"]


def test_receivers_that_stay_keep_their_rates_when_settings_change(world: World) -> None:
    hook = dataclasses.replace(receiver("generic", Auth.HEADER), per_minute=1)
    world.hooks.replace([hook])
    assert world.deliver("generic", Auth.HEADER, Example({"image": "a.example/b"})).status == 202
    world.hooks.replace([hook, receiver("quay", Auth.URL)])
    assert world.deliver("generic", Auth.HEADER, Example({"image": "a.example/c"})).status == 429
    world.hooks.replace([])
    assert world.deliver("generic", Auth.HEADER, Example({"image": "a.example/d"})).status == 404


# Handshakes


def test_event_grids_question_is_answered_with_its_code(world: World) -> None:
    world.hooks.replace([receiver("event-grid", Auth.URL)])
    question = {
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6", "validationUrl": "http://169.254.169.254/x"},
    }
    reply = world.deliver("event-grid", Auth.URL, Example([question]))
    assert (reply.status, reply.content_type) == (200, "application/json")
    assert json.loads(reply.body) == {"validationResponse": "512d38b6"}
    assert world.watched.woken == []
    assert world.deliver("event-grid", Auth.URL, Example([question]), secret=OTHER).status == 401


@pytest.mark.parametrize("sender", ["cloudevents", "event-grid"])
def test_the_handshake_of_cloudevents_is_for_those_who_prove_themselves(
    world: World, sender: str
) -> None:
    world.hooks.replace([receiver(sender, Auth.URL)])
    path, _ = world.proof(sender, Auth.URL, b"", SECRET, "a")
    origin = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    reply = world.post(path, b"", origin, "OPTIONS")
    assert reply.status == 200
    assert reply.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    assert reply.headers["WebHook-Allowed-Rate"] == "60000"
    assert world.post(f"/hooks/{sender}/a", b"", origin, "OPTIONS").status == 401
    assert world.post(path, b"", {}, "OPTIONS").status == 400


def test_who_signs_bodies_cannot_shake_hands_without_one(world: World) -> None:
    world.hooks.replace([receiver("github", Auth.SIGNATURE)])
    headers = {"WebHook-Request-Origin": "x", "X-Hub-Signature-256": "sha256=0"}
    assert world.post("/hooks/github/a", b"", headers, "OPTIONS").status == 401


# Hostile bodies

WORDS = sorted(
    {
        word
        for examples in EXAMPLES.values()
        for example in examples
        if not isinstance(example.body, bytes)
        for word in json.dumps(example.body).replace(":", " ").replace(",", " ").split('"')
        if word.strip(" {}[]")
    }
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(WORDS),
        st.sampled_from(["\ud800", "x" * 100_000, "../../etc", "http://[", "a\x00b", "É/é"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=20,
)


@st.composite
def spoilt(draw: st.DrawFn, body: Any) -> Any:
    """A true body with one of its parts replaced by something else."""
    if isinstance(body, dict) and body and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(body)))
        return body | {key: draw(spoilt(body[key]))}
    if isinstance(body, list) and body and draw(st.integers(0, 9)):
        index = draw(st.integers(0, len(body) - 1))
        return [*body[:index], draw(spoilt(body[index])), *body[index + 1 :]]
    return draw(VALUES)


@pytest.fixture(scope="session")
def passing_world(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    store = Store(in_file(tmp_path_factory.mktemp("hooks") / "imagebot.db"))
    hooks = [receiver(sender, facts.auths[0]) for sender, facts in SENDERS.items()]
    yield World(store, issuer, hooks=hooks, unproven_rate=Rate(1e9, 10**9))
    store.close()


@every_sender
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_no_body_is_ever_a_bug(passing_world: World, sender: str, data: st.DataObject) -> None:
    example = data.draw(st.sampled_from(EXAMPLES[sender]))
    if isinstance(example.body, bytes) or not data.draw(st.integers(0, 5)):
        source = data.draw(st.binary(max_size=300))
    else:
        source = json.dumps(data.draw(spoilt(example.body))).encode()
    auth = SENDERS[sender].auths[0]
    reply = passing_world.deliver(sender, auth, Example(source, example.headers))
    assert reply.status in (200, 202, 400, 429)


PROOF_HEADERS = (
    *("authorization", "x-hub-signature-256", "x-hub-signature", "x-signature", "x-gitlab-token"),
    *("webhook-timestamp", "webhook-id", "webhook-signature", "x-gitea-signature"),
    *("x-forgejo-signature", "x-nexus-webhook-signature", "x-jfrog-event-auth"),
    *("x-github-event", "x-event-key", "ce-type", "content-type"),
)


@every_sender
@given(
    st.dictionaries(
        st.sampled_from(PROOF_HEADERS),
        st.text(st.characters(max_codepoint=255), max_size=40),
    )
)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_no_head_is_ever_a_proof_by_luck(
    passing_world: World, sender: str, headers: dict[str, str]
) -> None:
    reply = passing_world.post(f"/hooks/{sender}/a", b'{"image": "a.example/b"}', headers)
    assert reply.status == 401
