"""What people read in a pull request: what changed inside, and a template of their own."""

import json

import pytest

from imagebot.carrying.wording import FIRST_LINE
from imagebot.image import Repository
from imagebot.registries import Registries, RegistryRules
from imagebot.registries.artifacts import push_image

from .world import World

SOURCE = "org.opencontainers.image.source"
REVISION = "org.opencontainers.image.revision"


def push(world: World, tag: str, revision: str) -> None:
    host = world.registry.host
    with Registries([RegistryRules(host, insecure=True, internal=True)]) as registries:
        repository = Repository(host, "acme/api")
        labels = {SOURCE: "https://bitbucket.org/acme/api", REVISION: revision * 40}
        platforms = ("linux/amd64", "linux/arm64") if tag == "1.1.0" else ("linux/amd64",)
        session = registries.session(repository)
        push_image(session, repository, tag, labels=labels, platforms=platforms)


def test_the_body_tells_what_changed_inside_and_links_to_the_source(world: World) -> None:
    push(world, "1.0.0", "a")
    push(world, "1.1.0", "b")
    assert world.apply() == 0
    (request,) = world.open_requests()
    url = f"https://bitbucket.org/acme/api/branches/compare/{'b' * 40}%0D{'a' * 40}"
    assert f"what changed: [`{'a' * 12}...{'b' * 12}`]({url})" in request.body
    assert "| platforms | `linux/amd64` | `linux/amd64, linux/arm64` |" in request.body
    assert f'+          image: "{world.registry.host}/acme/api:1.1.0"  # bumped' in request.body


def test_a_second_run_reads_no_image_again_and_writes_the_same_body(world: World) -> None:
    push(world, "1.0.0", "a")
    push(world, "1.1.0", "b")
    world.apply()
    (before,) = world.open_requests()
    seen = len(world.registry.requests)
    assert world.apply() == 0
    (after,) = world.open_requests()
    new = [each for each in world.registry.requests[seen:] if each.method == "GET"]
    assert [each.path for each in new] == ["/v2/acme/api/tags/list"]
    assert after.body == before.body


def test_losing_the_store_changes_no_body(world: World) -> None:
    push(world, "1.0.0", "a")
    push(world, "1.1.0", "b")
    world.apply()
    (before,) = world.open_requests()
    for path in world.data.glob("imagebot.sqlite*"):
        path.unlink()
    world.apply()
    (after,) = world.open_requests()
    assert after.body == before.body


def test_an_image_that_cannot_be_read_is_proposed_all_the_same(world: World) -> None:
    push(world, "1.0.0", "a")
    push(world, "1.1.0", "b")
    with world.registry._lock:
        world.registry._repository("acme/api").blobs.clear()
    assert world.apply() == 0
    (request,) = world.open_requests()
    assert "`1.1.0`" in request.body
    assert "What differs" not in request.body


def test_a_template_of_the_policy_makes_the_text(world: World) -> None:
    (world.checkout / "texts").mkdir()
    (world.checkout / "texts" / "body.md.jinja").write_text(
        "Ask *#deploy*.\n{% for image in images %}{{ image.name|code }}!{% endfor %}\n"
    )
    world.write_policy("api", more="  pullRequest: {template: texts/body.md.jinja}\n")
    world.commit("Say it our way", push=True)
    push(world, "1.1.0", "b")
    assert world.apply() == 0
    (request,) = world.open_requests()
    told = request.body.removeprefix(FIRST_LINE)
    assert told.startswith(f"Ask *#deploy*.\n`{world.registry.host}/acme/api`!\n")
    assert "imagebot:record" in request.body


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "there is no file 'body.jinja'"),
        (b"Gr\xfc\xdfe", "'body.jinja' is no UTF-8 text at byte 3"),
        (b"{% broken", ""),
    ],
)
def test_a_template_that_is_missing_or_broken_gives_way_and_says_so(
    world: World, written: bytes | None, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if written:
        (world.checkout / "body.jinja").write_bytes(written)
    world.write_policy("api", more="  pullRequest: {template: body.jinja}\n")
    world.commit("Say it our way", push=True)
    push(world, "1.1.0", "b")
    world.apply("--output", "json")
    (request,) = world.open_requests()
    assert "| Image | From | To |" in request.body
    assert ("body.jinja:1 cannot be used" in request.body) == (not said)
    (outcome,) = json.loads(capfd.readouterr().out)
    told = [each["message"] for each in outcome["problems"] if "body.jinja" in each["message"]]
    assert told == ([f"pullRequest.template: {said}, so imagebot's own is taken"] if said else [])
