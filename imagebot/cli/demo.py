"""`imagebot demo`: the whole story on loopback, told by running the real commands.

Starts a registry, a bare git repository and a forge, then runs `check`, `plan` and `apply` as a
user would, pushes a newer tag, and applies twice more: the same pull request is updated, then
nothing is left to do. Only starting the servers and filling them exists for the demo alone.
"""

import argparse
import re
import signal
import tempfile
import threading
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from imagebot.cli import show
from imagebot.demo import world
from imagebot.demo.github import EmbeddedForge
from imagebot.demo.registry import EmbeddedRegistry
from imagebot.demo.world import Scene
from imagebot.errors import ImagebotError


class DemoFailed(ImagebotError):
    """A command of the demo did not end as it should; this is a defect of imagebot."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "demo",
        help="the whole story on loopback, for a first look",
        description="Starts a registry, a git repository and a forge on free loopback ports and "
        "runs the real commands against them. Ends by itself.",
    )
    parser.add_argument("--keep", action="store_true", help="leave the servers up until Ctrl-C")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    console = show.stdout_console()
    folder = Path(tempfile.mkdtemp(prefix="imagebot-demo-"))
    with EmbeddedRegistry() as registry, EmbeddedForge() as forge:
        scene = world.set_up(folder, registry, forge)
        _say(console, "The world", _world_text(scene))
        _first_run(console, scene)
        _new_tag(console, scene)
        _nothing_left(console, scene)
        _say(console, "What to try next", _next_steps(scene, arguments.keep))
        if arguments.keep:
            console.print("The servers stay up. Ctrl-C ends them.")
            _wait_for_a_signal()
    return 0


def _wait_for_a_signal() -> None:
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    told.wait()


def _first_run(console: Console, scene: Scene) -> None:
    _say(console, "Act 1: from policy files to pull requests", "")
    _command(console, "check", str(scene.checkout))
    _command(console, "plan", "--repository", scene.name, "--settings", str(scene.settings))
    _command(console, "explain", f"{scene.registry_host}/demo/shop-web", str(scene.checkout),
             "--settings", str(scene.settings))  # fmt: skip
    _command(console, "apply", "--settings", str(scene.settings))
    for request in scene.pull_requests():
        _say(console, f"Pull request #{request.number}: {request.title}", "")
        console.print(escape(_visible(request.body)))
        console.print(escape(scene.diff(request.number)))


def _new_tag(console: Console, scene: Scene) -> None:
    repository, tag = world.NEW_TAG
    before = {request.number: request.title for request in scene.pull_requests()}
    world.push(scene.registry_host, repository, tag)
    _say(console, f"Act 2: CI pushes {repository}:{tag}", "The same pull request is updated.")
    _command(console, "apply", "--settings", str(scene.settings))
    after = {request.number: request.title for request in scene.pull_requests()}
    if before.keys() != after.keys():
        raise DemoFailed("a newer tag opened another pull request")
    for request in scene.pull_requests():
        if before[request.number] != request.title or tag in request.body:
            console.print(escape(f"#{request.number}: {request.title}\n{_visible(request.body)}"))
            console.print(escape(scene.diff(request.number)))


def _visible(body: str) -> str:
    """What a forge shows of a body: record and marks of parts are HTML comments."""
    return re.sub(r"(?m)^<!-- .* -->\n+", "", body).rstrip() + "\n"


def _nothing_left(console: Console, scene: Scene) -> None:
    before = scene.written()
    _say(console, "Act 3: nothing new", "A third run changes nothing.")
    _command(console, "apply", "--settings", str(scene.settings))
    if scene.written() != before:
        raise DemoFailed("a run in an unchanged world wrote something")
    console.print("No commit, no push and no request that writes.")


def _command(console: Console, *words: str) -> None:
    """Run a command of imagebot in this process, as `main` does for the shell."""
    from imagebot.cli.main import main  # main lists this command, so it cannot be imported above

    console.print(escape(f"\n$ imagebot {' '.join(words)}"), style="bold green")
    code = main(words)
    if code != 0:
        raise DemoFailed(f"imagebot {words[0]} ended with exit code {code}")


def _say(console: Console, heading: str, text: str) -> None:
    console.print(escape(f"\n== {heading} =="), style="bold cyan")
    if text:
        console.print(escape(text))


def _world_text(scene: Scene) -> str:
    images = "\n".join(
        f"  {scene.registry_host}/{name}: {', '.join(tags)}" for name, tags in world.TAGS.items()
    )
    return (
        f"registry  {scene.registry_host}\n{images}\n"
        f"git       {scene.remote}\n"
        f"forge     {scene.api_url} (speaks GitHub's API)\n"
        f"settings  {scene.settings}\n"
        f"scratch   {scene.folder}"
    )


def _next_steps(scene: Scene, is_kept: bool) -> str:
    later = "" if is_kept else "Run `imagebot demo --keep` to do this with the servers up:\n"
    return (
        f"{later}"
        f"  read the policies       {scene.checkout}/apps/*/imagebot.yaml\n"
        f"  plan in the checkout    cd {scene.checkout} && imagebot plan --settings "
        f"{scene.settings}\n"
        f"  in your own checkout    imagebot plan\n"
        f"  look at the branches    git -C {scene.remote} log --oneline --all --graph\n"
        f"  apply again             imagebot apply --settings {scene.settings}\n"
        f"  run for ever            imagebot run --settings {scene.settings}\n"
        f"Everything stands in {scene.folder}; delete it when you are done."
    )
