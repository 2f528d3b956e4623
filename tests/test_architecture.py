"""The architecture, read from the imports themselves (docs/architecture.md draws it).

A module may import only from rungs below its own, or from its own folder; an implementation
never imports its folder's `__init__`, and only certain rooms touch certain libraries.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "imagebot"

# From the ground up. `formats.*` are the modules of a folder, `formats` is its __init__.
LADDER = [
    {"errors"},
    {"yaml_places"},
    {"secret", "image", "texts", "times", "forge_addresses", "talk", "yaml_nodes"}
    | {"request_state", "workers", "clock_watch", "hook_senders", "delivery"},
    {"yaml_scalars"}
    | {"patterns", "version", "dates", "yaml_spans", "logs", "field_paths", "templates", "windows"}
    | {"policy.globs", "wildmatch", "store_address", "tables", "migrations", "migrations.*"}
    | {"traffic", "history_model"},
    {"policy.model", "details", "engines", "tracing"},
    {"model", "yaml_blocks", "places"},
    {"proposals", "slot_texts", "edit_proof"},
    {"yaml_tree", "owed", "settings_model", "database", "filelock", "data_folder", "troubles"}
    | {"retrying"},
    {"document_words"},
    {"documents", "host_limits", "kept", "locks", "sight_rows", "owned", "left_alone"}
    | {"polls"}
    | {"history_rows", "history_figures"},
    {"policy.*", "settings_fields", "settings_files"},
    {"settings_places", "settings_service"},
    {"settings_schema"},
    {"settings_variables"},
    {"settings_reading"},
    {"policy", "settings", "settings_owned"},
    {"interfaces"},
    {"records", "titles", "sources"},
    {"messages", "body.*", "grouping"},  # what is said of a change
    {"body", "request_rules", "standings"},
    # The steps: they never import each other.
    {"formats.*", "registries.*", "forges.*", "git.*", "web.*", "selection.*"}
    | {"edits", "changeset", "store", "status", "ledger", "gates", "chart_sources", "kept_tree"}
    | {"overlays", "poll_store", "deliveries", "history", "hooks.*", "telling", "apprising"}
    | {"tag_lists", "ignoring", "commands", "limits", "owners", "dashboard", "bad_references"},
    {
        "formats",
        "registries",
        "forges",
        "git",
        "web",
        "selection",
        "hooks",
    },  # the tables and front doors
    # What joins two steps, for the story to call.
    {"choosing.*", "given", "lifecycle", "file_scan", "timing", "asked_owners"},
    {"checkout", "choosing", "survey", "carrying.*", "asking", "describing", "releases"}
    | {"discovery", "recent_registry"},
    {"carrying", "story_clients", "declining"},
    {"presenting"},
    {"planning"},
    {"looking_ahead"},
    {"reconcile", "replay", "fleet", "recording", "notifying", "reporting"},
    {"forge_clients", "registry_clients", "git_clients", "opened_store", "known_repositories"},
    {"schedule", "timers"},  # what the controller stands on
    {"attempts"},
    {"clients", "controller", "wakeups", "inventory"} | {"poller", "watching", "housekeeping"},
    {"living"},
    {"service"},
    {"demo.*"},
    {"demo"},
    {"cli.*"},
    {"cli"},
    {"__main__"},
]

# Who may import a library; everyone else goes through them.
ONLY_IN = {
    "yaml": {"yaml_spans"},
    "ruamel": {"yaml_tree"},
    "re2": {"patterns", "policy.globs", "wildmatch"},
    "subprocess": {"git.*", "registries.credential_programs", "demo.*"},
    "git": {"git.*"},
    "sqlalchemy": {"tables", "migrations", "migrations.*", "engines", "database", "kept"}
    | {
        "deliveries",
        "host_limits",
        "locks",
        "poll_store",
        "sight_rows",
        "store",
        "history",
        "history_rows",
        "history_figures",
    },
    "alembic": {"migrations", "migrations.*"},
    "sqlite3": {"engines", "database"},
    "jwt": {"forges.*", "hooks.tokens", "registries.clouds.*"},
    "apprise": {"apprising"},
    "opentelemetry": {"tracing"},
    "oras": {"registries.*", "demo.*"},
    "docker": {"registries.*"},
    "requests": {"registries.*", "forges.*"},
    "urllib3": {"registries.*", "forges.*"},
    "github": {"forges.*"},
    "gitlab": {"forges.*"},
    "apscheduler": {"timers"},
    "prometheus_client": {"web.*"},
    "jinja2": {"body", "body.language"},
    "rich": {"cli.*"},
    "shtab": {"cli.*"},
}

# Decisions and values: they take the world as arguments.
PURE = {
    *(
        "errors",
        "secret",
        "image",
        "texts",
        "times",
        "patterns",
        "places",
        "grouping",
        "request_rules",
        "limits",
        "owners",
        "timing",
        "standings",
        "dashboard",
        "templates",
        "windows",
        "version",
        "dates",
        *("yaml_places", "yaml_nodes", "yaml_scalars", "yaml_spans", "yaml_blocks", "slot_texts"),
        "edit_proof",
        "model",
        "proposals",
        "details",
        "policy.*",
    ),
    *("yaml_tree", "owed", "polls", "retrying", "document_words", "documents"),
    *("settings_model", "settings_fields", "settings_places", "settings_service"),
    *("settings_schema", "settings_variables", "interfaces"),
    *(
        "formats",
        "formats.*",
        "selection",
        "selection.*",
        "gates",
        "edits",
        "changeset",
        "records",
        "titles",
        "messages",
        "sources",
        "body",
        "body.*",
        "choosing",
        "choosing.*",
        "status",
        "tag_lists",
        "given",
        "declining",
        "replay",
    ),
    *(
        "history_model",
        "recording",
        "telling",
        "kept_tree",
        "chart_sources",
        "bad_references",
        "overlays",
        "forge_addresses",
        "ignoring",
        "wildmatch",
        "field_paths",
        "talk",
        "commands",
        "hook_senders",
        "delivery",
        "hooks",
        "hooks.reading",
        "hooks.github",
        "hooks.forges",
        "hooks.registries",
        "hooks.clouds",
        "hooks.cloudevents",
        "hooks.proof",
    ),
}
IO_MODULES = {
    *(
        "asyncio",
        "concurrent",
        "fcntl",
        "http",
        "multiprocessing",
        "os",
        "random",
        "select",
        "shutil",
    ),
    *("signal", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile"),
    *("time", "urllib.request", "git", "requests", "sqlalchemy", "urllib3"),
}
IO_CALLS = {
    *("open", "input", "print", "datetime.now", "datetime.today", "date.today"),
    *("datetime.utcnow", "Path.cwd", "Path.home", "Thread", "threading.Thread"),
}


def _modules() -> dict[str, Path]:
    """Every module by its name without the package: `registries.session`, `formats`."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts).removesuffix("__init__").removesuffix(".")
        if name:
            found[name] = path
    return found


MODULES = _modules()
every_module = pytest.mark.parametrize("module", MODULES)


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def _imported(module: str, *, at_load: bool = False) -> Iterator[str]:
    """Full dotted names; those in functions and under TYPE_CHECKING too, unless `at_load`."""
    for node in _tree(module).body if at_load else ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}, line {node.lineno}: import by the full name"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                is_module = full.removeprefix("imagebot.") in MODULES
                yield full if is_module else str(node.module)


def _own(module: str, *, at_load: bool = False) -> set[str]:
    """Modules of imagebot that this one imports."""
    names = {name.removeprefix("imagebot.") for name in _imported(module, at_load=at_load)}
    return (names & MODULES.keys()) - {module}


def _is_in(module: str, names: set[str]) -> bool:
    return any(fnmatchcase(module, name) for name in names)


def _rung(module: str) -> int:
    """Exact names count before `folder.*`."""
    for height, names in enumerate(LADDER):
        if module in names:
            return height
    for height, names in enumerate(LADDER):
        if _is_in(module, names):
            return height
    pytest.fail(
        f"imagebot/{module.replace('.', '/')}.py stands on no rung of LADDER in {__file__}: "
        "put it just above everything that it imports, and draw it in docs/architecture.md"
    )


@every_module
def test_a_module_imports_only_from_rungs_below_its_own(module: str) -> None:
    folder = module.partition(".")[0] + "." if "." in module else None
    for other in sorted(_own(module)):
        is_sibling = folder is not None and other.startswith(folder)
        assert is_sibling or _rung(other) < _rung(module), f"{module} must not import {other}"


def test_no_module_waits_for_itself_to_load() -> None:
    above: list[str] = []
    done: set[str] = set()

    def visit(module: str) -> None:
        assert module not in above, " -> ".join([*above[above.index(module) :], module])
        if module in done:
            return
        above.append(module)
        for other in sorted(_own(module, at_load=True)):
            visit(other)
        done.add(above.pop())

    for module in MODULES:
        visit(module)


def test_the_drawing_names_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    drawing = text[text.index("```text\nerrors") :].split("```")[1]
    rooms = {name.replace(".", "/") for rung in LADDER for name in rung}
    assert not rooms - set(drawing.split())


def test_every_rung_is_taken() -> None:
    stale = [
        name
        for names in LADDER
        for name in names
        if not any(fnmatchcase(module, name) for module in MODULES)
    ]
    assert not stale, f"on the ladder, but not in imagebot/: {', '.join(sorted(stale))}"


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_touched_only_in_its_rooms(library: str) -> None:
    for module in MODULES:
        imports = {name.partition(".")[0] for name in _imported(module)}
        if not _is_in(module, ONLY_IN[library]):
            assert library not in imports, f"{module} must not import {library}"


@pytest.mark.parametrize("module", [name for name in MODULES if _is_in(name, PURE)])
def test_a_pure_module_reaches_nothing_outside(module: str) -> None:
    for name in _imported(module):
        reached = name in IO_MODULES or name.partition(".")[0] in IO_MODULES
        assert not reached, f"{module} is pure and must not import {name}"
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in IO_CALLS, f"{module}, line {node.lineno}: {called}() is I/O"


@every_module
def test_a_module_says_what_the_room_is_for(module: str) -> None:
    tree = _tree(module)
    assert not tree.body or ast.get_docstring(tree), f"imagebot's {module} has no docstring"


@every_module
def test_only_commands_end_the_process(module: str) -> None:
    if module.startswith("cli.") or module == "__main__":
        return
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("sys.exit", "os._exit", "exit", "quit"), (
                f"{module}, line {node.lineno}: raise an ImagebotError instead of {called}()"
            )


def test_the_version_is_all_that_the_package_itself_holds() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree))


RUNTIME_EXTRAS = (
    "aws",
    "azure",
    "gcp",
    "notify",
    "otel",
)  # imported where they are used, and asked for by name


def test_only_declared_libraries_are_imported() -> None:
    """Nothing works by the luck of somebody else's dependency."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    texts = [*project["dependencies"], *(text for name in RUNTIME_EXTRAS for text in extras[name])]
    declared = {canonicalize_name(Requirement(text).name) for text in texts}
    declared.add("pydantic-core")  # one half of pydantic, versioned by the other
    owners = packages_distributions()
    ours = {"imagebot", *sys.stdlib_module_names}
    foreign = {name.partition(".")[0] for module in MODULES for name in _imported(module)} - ours
    for library in sorted(foreign):
        owned_by = {canonicalize_name(name) for name in owners.get(library, [library])}
        assert owned_by & declared, f"{library} is imported, but not in pyproject's dependencies"
