"""The stories of `tests/acceptance` on any forge of the contract suites: `imagebot apply` runs."""

from collections.abc import Sequence
from pathlib import Path

from tests.acceptance.world import FickleRegistry
from tests.acceptance.world import World as Story
from tests.forges.world import PROJECT, World


def story_on(world: World, folder: Path, registry: FickleRegistry, names: Sequence[str]) -> Story:
    """A checkout with a policy and a deployment for each name, at 1.0.0 where 1.1.0 is there."""
    made = Story(folder, registry, world.server)
    made.git(folder, "init", "-q", "-b", "main", str(made.checkout))
    made.git(made.checkout, "remote", "add", "origin", str(made.remote))
    made.git(made.checkout, "pull", "-q", "origin", "main")
    for name in names:
        registry.add(f"acme/{name}", "1.0.0", "1.1.0")
        made.write_policy(name)
        made.write_deployment(name, "1.0.0")
    made.commit("Start", push=True)
    (folder / "token").write_text(world.own_token)
    project = f"org/{PROJECT}" if world.kind == "azure-devops" else PROJECT
    url = world.server.api_url if world.kind == "github" else world.server.url
    made.write_settings(
        forge=f"{{type: {world.kind}, project: {project}, apiUrl: '{url}', "
        f"tokenFile: {folder}/token}}"
    )
    return made
