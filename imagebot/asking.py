"""Ask registries and ledger what decisions have to know, many decisions' questions at once.

Does I/O through the sockets alone. What fails becomes a value in `Known`; a ledger in trouble is
noted there too, so that what depends on ages holds and the rest goes on.
"""

import logging
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from imagebot.choosing.cases import Case, Decision
from imagebot.choosing.known import Asking, Known, Questions
from imagebot.errors import StoreError
from imagebot.image import Repository
from imagebot.interfaces import Ledger, Registry
from imagebot.model import ImageFacts, TagList
from imagebot.policy.model import Order

_log = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)


def settle(
    deciding: Mapping[Key, Asking[Decision]], known: Known, registry: Registry, ledger: Ledger
) -> dict[Key, Decision]:
    """Bring every decision to its end, asking in rounds. Each round asks something new."""
    decisions: dict[Key, Decision] = {}
    open_keys = list(deciding)
    while open_keys:
        questions = []
        for key in open_keys:
            try:
                questions.append(next(deciding[key]))
            except StopIteration as end:
                decisions[key] = end.value
        answer(Questions.together(questions), known, registry, ledger)
        open_keys = [key for key in open_keys if key not in decisions]
    return decisions


def answer(questions: Questions, known: Known, registry: Registry, ledger: Ledger) -> None:
    """Write the answers into `known`: a value or a RegistryError for each question."""
    if questions.facts:
        facts = registry.facts_many(sorted(questions.facts))
        known.facts.update(facts)
        digests = {key: fact.digest for key, fact in facts.items() if isinstance(fact, ImageFacts)}
        try:
            known.sightings.update(ledger.note_digests(digests, known.now))
        except StoreError as error:
            _ledger_failed(known, error)
    if questions.contents:
        known.contents.update(registry.content_many(sorted(questions.contents)))
    if questions.created:
        known.created.update(registry.created_many(sorted(questions.created)))
    if questions.published:
        known.published.update(registry.published_many(sorted(questions.published)))


def note_listings(ledger: Ledger, known: Known, cases: Iterable[Case]) -> None:
    """Tell the ledger what is listed now, and read back what the cases' orders need of it."""
    listed = {
        repository: listing.tags
        for repository, listing in known.listings.items()
        if isinstance(listing, TagList) and listing.tags
    }
    by_age: set[Repository] = {
        case.repository for case in cases if case.policy.tags.order is Order.NEWEST_BUILD
    }
    try:
        ledger.note_listings(listed, known.now)
        known.records = {repository: ledger.records(repository) for repository in sorted(by_age)}
    except StoreError as error:
        _ledger_failed(known, error)


def _ledger_failed(known: Known, error: StoreError) -> None:
    known.ledger_failure = f"the ledger of first sights cannot be used: {error}"
    _log.warning(known.ledger_failure)
