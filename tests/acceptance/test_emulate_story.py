"""The story against a GitHub that is not ours, as far as it goes: it has no git of its own.

Branches are pushed to a bare repository beside it, and it opens requests for heads that it
cannot see. So what is shown here is that the calls are GitHub's; that heads count is shown by
the contract suite on our own server.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.acceptance.world import World
from tests.forges.conftest import private_pem
from tests.servers import emulate
from tests.servers.emulate import Emulated


@pytest.fixture
def emulated(tmp_path: Path) -> Iterator[Emulated]:
    key = private_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    try:
        with emulate.running(key, tmp_path) as server:
            yield server
    except emulate.NotAvailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


def titles(server: Emulated) -> list[tuple[int, str, str]]:
    pulls = server.ask("GET", "pulls?state=all")
    return [(pull["number"], pull["state"], pull["title"]) for pull in pulls]


def test_a_request_is_opened_updated_left_alone_and_withdrawn(
    world: World, emulated: Emulated
) -> None:
    (world.folder / "emulate-token").write_text(emulate.TOKEN)
    world.write_settings(
        forge=f"{{type: github, project: {emulate.PROJECT}, apiUrl: '{emulated.api_url}', "
        f"tokenFile: {world.folder}/emulate-token}}"
    )
    assert world.apply() == 0
    ((number, state, title),) = titles(emulated)
    assert (state, title) == ("open", "Update acme/api to 1.1.0 (minor)")

    before = emulated.ask("GET", f"pulls/{number}")["updated_at"], world.branches()
    assert world.apply() == 0
    assert (emulated.ask("GET", f"pulls/{number}")["updated_at"], world.branches()) == before

    world.registry.add("acme/api", "1.2.0")
    assert world.apply() == 0
    assert titles(emulated) == [(number, "open", "Update acme/api to 1.2.0 (minor)")]

    world.write_deployment("api", "1.2.0")
    world.commit("Update by hand", push=True)
    assert world.apply() == 0
    assert titles(emulated) == [(number, "closed", "Update acme/api to 1.2.0 (minor)")]
    assert world.branches() == {}
