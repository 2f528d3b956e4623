"""Registries of all kinds on 127.0.0.1, and clients for them with short patience."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from imagebot.interfaces import HostLimits
from imagebot.registries import Keychain, Limits, Registries, RegistryRules
from tests.servers.docker_registry import (
    DockerRegistry,
    TokenServer,
    docker_registry,
    needs_docker_registry,
    token_server,
)
from tests.servers.registry import HostileRegistry, RawServer, Script, Thief

SHORT = Limits(
    connect_seconds=5, read_seconds=5, operation_seconds=10, wait_seconds=0.5, attempts=2
)
Client = Callable[..., Registries]


@pytest.fixture
def registry() -> Iterator[HostileRegistry]:
    with HostileRegistry() as running:
        yield running


@pytest.fixture
def thief() -> Iterator[Thief]:
    with Thief() as running:
        yield running


@pytest.fixture
def raw() -> Iterator[Callable[[Script], RawServer]]:
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(RawServer(script))


@pytest.fixture
def client() -> Iterator[Client]:
    """Makes a client that may speak plain HTTP to one loopback host, by the rules given."""
    with ExitStack() as stack:

        def make(
            host: str,
            *,
            limits: Mapping[str, float] = MappingProxyType({}),
            keychain: Keychain | None = None,
            host_limits: HostLimits | None = None,
            **rules: Any,
        ) -> Registries:
            known = RegistryRules(host, **{"insecure": True, "internal": True} | rules)
            bounds = replace(SHORT, **limits)
            made = Registries([known], keychain, bounds, host_limits=host_limits)
            return stack.enter_context(made)

        yield make


@pytest.fixture(scope="session")
def anonymous_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    needs_docker_registry()
    with docker_registry(tmp_path_factory.mktemp("anonymous")) as running:
        yield running


@pytest.fixture(scope="session")
def password_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    needs_docker_registry()
    with docker_registry(
        tmp_path_factory.mktemp("password"), users={"bot": "p@ss w:rd"}
    ) as running:
        yield running


@pytest.fixture(scope="session")
def tls_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    needs_docker_registry()
    with docker_registry(tmp_path_factory.mktemp("tls"), tls=True) as running:
        yield running


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenServer]:
    with token_server(tmp_path_factory.mktemp("tokens"), {"bot": "p@ss w:rd"}) as running:
        yield running


@pytest.fixture(scope="session")
def token_registry(
    tmp_path_factory: pytest.TempPathFactory, tokens: TokenServer
) -> Iterator[DockerRegistry]:
    needs_docker_registry()
    folder: Path = tmp_path_factory.mktemp("token-registry")
    with docker_registry(folder, tokens=tokens) as running:
        yield running
