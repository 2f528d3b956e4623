"""Clients that live on while settings change: open while in use, shared where they may be."""

from dataclasses import replace
from pathlib import Path

import pytest

from imagebot.errors import RegistryUnavailable
from imagebot.image import Repository
from imagebot.living import Living
from imagebot.settings import RegistrySettings, Settings

API = Repository("registry.example", "acme/api")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def make(settings: Settings) -> Living:
    return Living(settings, wake=lambda name: None)


def is_closed(living_registry: object) -> bool:
    try:
        living_registry.session(API)  # type: ignore[attr-defined]
    except RegistryUnavailable:
        return True
    return False


def test_what_is_in_use_stays_open_until_it_is_given_back(settings: Settings) -> None:
    living = make(settings)
    other = replace(settings, registries=(RegistrySettings("registry.example"),))
    with living.using() as before:
        registry = before.registry
        living.renew(other, keeps_registries=False)
        assert living.settings == other
        assert not is_closed(registry)
    assert is_closed(registry)
    assert not is_closed(living.built.registry)
    living.close()


def test_registries_that_did_not_change_keep_their_connections(settings: Settings) -> None:
    living = make(settings)
    registry = living.built.registry
    living.renew(replace(settings, jitter=0.2), keeps_registries=True)
    assert living.built.registry is registry
    assert not is_closed(registry)
    living.close()
    assert is_closed(registry)


def test_the_store_is_one_for_the_life_of_the_process(settings: Settings) -> None:
    living = make(settings)
    store = living.built.store
    for jitter in (0.2, 0.3):
        living.renew(replace(settings, jitter=jitter), keeps_registries=False)
    assert living.built.store is store
    store.request("fleet")  # it is open
    living.close()
