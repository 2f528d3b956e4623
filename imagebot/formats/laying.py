"""What a file holds with the fields of policies laid over it, and what the cache keeps of that.

Pure.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple
from itertools import islice

from imagebot.formats import cache, fields
from imagebot.formats.fields import Laid
from imagebot.formats.files import Reader, reader_of
from imagebot.formats.finding import find, is_policy, is_readable, report_broken
from imagebot.formats.page import Page
from imagebot.formats.table import FIELDS, JSON
from imagebot.model import Found
from imagebot.policy.fielding import FieldRule, FieldRules
from imagebot.policy.model import Policy
from imagebot.yaml_nodes import Document, Section
from imagebot.yaml_places import Lines
from imagebot.yaml_spans import MAX_DOCUMENTS, MAX_NODES, read, sections

_BROKEN_HINT = (
    "mend it, or keep the file out of the policy's paths: its `fields` may mean values here"
)


def find_with_fields(file: str, source: bytes, rules: Sequence[FieldRule]) -> Laid:
    """What `find` gives, with the fields of policies laid over it.

    Where they cannot be looked for is told as well, also where `find` had no reason to look.
    """
    found = find(file, source)
    if found.is_ignored or not rules or not can_hold_fields(file):
        return Laid(found, frozenset())
    page = Page(file, source, Lines(source), is_json=reader_of(file) is Reader.JSON)
    documents = _documents(page, rules) if is_readable(page) else []
    if not documents and not page.problems:
        return Laid(found, frozenset())
    return FIELDS.lay(page, documents, found, rules)


def _documents(page: Page, rules: Sequence[FieldRule]) -> list[Document]:
    """The documents that may hold a value of the fields; those that cannot be read are told."""
    parts = list(islice(sections(page.source), MAX_DOCUMENTS + 1))
    if page.is_json:
        parts = [Section(0, len(page.source))]
    if len(parts) > MAX_DOCUMENTS:
        return []  # which `find` has told
    documents: list[Document] = []
    nodes_left = MAX_NODES
    for section in parts:
        if not any(fields.may_match(page.source, section, rule) for rule in rules):
            continue
        is_json = page.is_json
        reading = JSON.read(page.source) if is_json else read(page.source, section, nodes_left)
        nodes_left -= reading.node_count
        documents += (each for each in reading.documents if not is_policy(each))
        if reading.broken is not None:
            report_broken(page, section, reading.broken, _BROKEN_HINT)
    return documents


def can_hold_fields(path: str) -> bool:
    return reader_of(path) in (Reader.YAML, Reader.JSON)


def rules_key(rules: Sequence[FieldRule]) -> str:
    """What the rules say, as a short text that changes when they do."""
    said = [(rule.policy.identity, rule.number, astuple(rule.field)) for rule in rules]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def dump_laid(laid: Laid, rules: Sequence[FieldRule]) -> bytes:
    """What the cache keeps of a file under these rules, in this order."""
    matched = [number for number, rule in enumerate(rules) if rule in laid.matched]
    return json.dumps(matched).encode() + b"\n" + cache.dump(laid.found)


def load_laid(file: str, payload: bytes, rules: Sequence[FieldRule]) -> Laid:
    """Undo `dump_laid`."""
    matched, _, found = payload.partition(b"\n")
    return Laid(cache.load(file, found), frozenset(rules[number] for number in json.loads(matched)))


def finder(policies: Iterable[Policy]) -> Callable[[str, bytes], Found]:
    """`find`, with the fields of these policies laid over what it gives."""
    rules = FieldRules(policies)

    def find_there(file: str, source: bytes) -> Found:
        return find_with_fields(file, source, rules.of(file)).found

    return find_there if rules.policies else find
