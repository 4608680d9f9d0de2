"""Outcomes of injected faults, kept apart from every real run: writing them, and what is known already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cipredict.records import MutantRecord
from cipredict.store.columns import mutant_tables, utc
from cipredict.store.database import Store
from cipredict.store.statements import Table, call_file, query_file, upsert


def add_mutants(store: Store, records: Sequence[MutantRecord]) -> int:
    """Store outcomes; give the number of records. A known mutant is replaced."""
    upsert(store.connection, ("cases", "mutants"), mutant_tables(records))
    return len(records)


def known_mutants(store: Store, repository: str) -> frozenset[str]:
    """Give the ids of the mutants of a repository that have an outcome."""
    rows = call_file(store.connection, "sql/load_known_mutants.sql", {"repository": repository})
    return frozenset(mutant_id for (mutant_id,) in rows)


def load_mutation_links(store: Store, as_of: datetime) -> Table:
    """Give a row per path and case that its faults turned red, recorded by then."""
    return query_file(store.connection, "sql/load_mutation_links.sql", {"as_of": utc(as_of)})
