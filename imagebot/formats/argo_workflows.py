"""Argo Workflows: images of containers, scripts and sidecars, and the parameters that hold them.

Pure. `{{workflow.parameters.x}}` is the value under the workflow's `arguments`;
`{{inputs.parameters.x}}` is what each step or task of the document that calls the template gives,
and else the template's own default. Each call is followed, so a template that two steps
call with an image each holds two images. What another document gives cannot be known here.
"""

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from imagebot.formats.composed import Expand, Fragment, Fragments, expand_names
from imagebot.formats.images import find_images
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.walk import Path, object_text, objects
from imagebot.yaml_nodes import Collection, Document, Node, Scalar

NAME = "argo-workflows"
_KINDS = frozenset(
    {"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow", "Sensor"}
)
_VARIABLE = re.compile(r"\{\{\s*(?P<name>[^{}]+?)\s*\}\}")
_MAX_WAYS = 100  # that lead to one template
_MAX_DEPTH = 20  # of templates that call templates
_MAX_FILLED = 10_000  # images with variables, each way counted, in one document

Texts = Mapping[str, Fragments]


class _Call(NamedTuple):
    """A step, a task or a hook that runs a template."""

    caller: Node | None  # the template that it stands in; None for the workflow itself
    arguments: Mapping[str, Node | None]
    item: Node | None = None  # of `withItems`


def claims(page: Page, document: Document) -> bool:
    return any(
        object_text(each, "kind") in _KINDS
        and object_text(each, "apiVersion").startswith("argoproj.io/")
        for each, _ in objects(document)
    )


def read(page: Page, document: Document) -> None:
    layout = Layout(page, document, NAME)
    workflows: dict[int, _Workflow] = {}
    filled_count = 0

    def fill(scalar: Scalar, path: Path) -> None:
        nonlocal filled_count
        spec, template = _around(layout, path)
        if id(spec) not in workflows:
            workflows[id(spec)] = _Workflow(layout, spec)
        ways, is_cut = workflows[id(spec)].ways(template)
        filled_count += len(ways)
        if is_cut or filled_count > _MAX_FILLED:
            message = "too many steps call this template, so its image is not edited"
            layout.page.report(document.byte_offset(scalar.start), message, address=str(path))
            return
        for values in ways:
            layout.image(scalar, path, _expander(values))

    find_images(page, document, NAME, is_kubernetes=True, fill=fill)


def _expander(values: Texts) -> Expand:
    def expand(fragment: Fragment) -> Fragments:
        return expand_names(fragment, _VARIABLE, values)

    return expand


def _around(layout: Layout, path: Path) -> tuple[Node | None, Node | None]:
    """The spec of the workflow that a place is in, and the template; None without one."""
    nodes, steps = layout.along(path), path.steps()
    spec, template = None, None
    for at, (step, further) in enumerate(pairwise(steps)):
        if step == "templates" and isinstance(further, int):
            spec, template = nodes[at], nodes[at + 2]
        elif step == "inline":
            template = nodes[at + 1]
        elif step in ("spec", "workflowSpec") and template is None:
            spec = nodes[at + 1]
    return spec, template


class _Workflow:
    """A workflow's parameters, its templates, and who calls them."""

    def __init__(self, layout: Layout, spec: Node | None) -> None:
        self._layout = layout
        self._calls: dict[int, list[_Call]] = {}
        self._known: dict[int, tuple[list[Texts], bool]] = {}
        given = self._parameters(layout.at(spec, "arguments"))
        self.values: dict[str, Fragments] = {
            f"workflow.parameters.{name}": layout.filled(node, _VARIABLE, {})
            for name, node in given.items()
        }
        templates = [item for item, _ in self._items(spec, "templates")]
        self._named = {layout.text(layout.at(item, "name")): item for item in templates}
        self._note(None, spec, "entrypoint", given)
        self._note(None, spec, "onExit", {})
        self._note_hooks(None, spec)
        for template in templates:
            self._note_steps(template)

    def ways(self, template: Node | None, depth: int = 0) -> tuple[list[Texts], bool]:
        """The values that a template's variables have on each way to it, and whether too many."""
        if template is None:
            return [self.values], False
        if id(template) in self._known:
            return self._known[id(template)]
        # What a template that calls itself gets from itself: its own defaults.
        uncalled = self._called(template, _Call(None, {}), self.values)
        self._known[id(template)] = [uncalled], False
        found: list[Texts] = []
        is_cut = depth > _MAX_DEPTH
        for call in () if is_cut else self._calls.get(id(template), ()):
            outer, was_cut = (
                self.ways(call.caller, depth + 1) if call.caller else ([self.values], False)
            )
            is_cut = was_cut or len(found) + len(outer) > _MAX_WAYS
            if is_cut:
                break  # before any way is followed that nobody will use
            found += (self._called(template, call, values) for values in outer)
        self._known[id(template)] = ([], True) if is_cut else (found or [uncalled], False)
        return self._known[id(template)]

    def _called(self, template: Node, call: _Call, outer: Texts) -> Texts:
        """What a template's variables are when it is called so."""
        outer = {**self._item_texts(call.item), **outer} if call.item is not None else outer
        inputs = self._parameters(self._layout.at(template, "inputs"))
        values = {}
        for name in {**inputs, **call.arguments}:
            is_given = name in call.arguments
            node = call.arguments[name] if is_given else inputs[name]
            texts = self._layout.filled(node, _VARIABLE, outer if is_given else self.values)
            values[f"inputs.parameters.{name}"] = texts
        return ChainMap(values, self.values)

    def _item_texts(self, item: Node) -> dict[str, Fragments]:
        if isinstance(item, Scalar):
            return {"item": self._layout.filled(item, _VARIABLE, {})}
        members = self._layout.of(item).items()
        return {f"item.{key}": self._layout.filled(value, _VARIABLE, {}) for key, value in members}

    def _note_steps(self, template: Node) -> None:
        """Note the calls that a template's steps and tasks make, also those of inline ones."""
        for step in (*self._steps(template), *self._tasks(template)):
            arguments = self._parameters(self._layout.at(step, "arguments"))
            items: list[Node | None] = [item for item, _ in self._items(step, "withItems")]
            items = items or [None]
            for item in items:
                self._note(template, step, "template", arguments, item)
            self._note_hooks(template, step)
            inline = self._layout.at(step, "inline")
            if inline is not None and id(inline) not in self._calls:
                calls = [_Call(template, arguments, item) for item in items]
                self._calls[id(inline)] = calls
                self._note_steps(inline)

    def _note_hooks(self, caller: Node | None, owner: Node | None) -> None:
        for hook, _ in self._layout.members(self._layout.at(owner, "hooks"), None):
            arguments = self._parameters(self._layout.at(hook, "arguments"))
            self._note(caller, hook, "template", arguments)

    def _note(
        self,
        caller: Node | None,
        step: Node | None,
        key: str,
        arguments: Mapping[str, Node | None],
        item: Node | None = None,
    ) -> None:
        template = self._named.get(self._layout.text(self._layout.at(step, key)))
        if template is not None:
            self._calls.setdefault(id(template), []).append(_Call(caller, arguments, item))

    def _steps(self, template: Node) -> Iterator[Node]:
        """Steps stand in lists of lists; what runs together is a list."""
        for together, path in self._items(template, "steps"):
            is_list = isinstance(together, Collection) and not together.is_mapping
            if is_list:
                yield from (step for step, _ in self._layout.items(together, path))
            else:
                yield together

    def _tasks(self, template: Node) -> Sequence[Node]:
        dag = self._layout.at(template, "dag")
        return [task for task, _ in self._items(dag, "tasks")]

    def _parameters(self, owner: Node | None) -> dict[str, Node | None]:
        """Values by name, those that come from elsewhere as None."""
        found: dict[str, Node | None] = {}
        for item, _ in self._items(owner, "parameters"):
            parameter = self._layout.of(item)
            value = parameter.get("value", parameter.get("default"))
            found[self._layout.text(parameter.get("name"))] = value
        return found

    def _items(self, owner: Node | None, key: str) -> Iterator[tuple[Node, Path]]:
        return self._layout.items(self._layout.at(owner, key), Path(None, key))
