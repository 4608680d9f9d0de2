"""Steps that build images, read from the store."""

from __future__ import annotations

from datetime import datetime

from cipredict.store.columns import utc
from cipredict.store.database import Store
from cipredict.store.statements import Table, query_file


def load_build_steps(store: Store, as_of: datetime, *, pattern: str) -> Table:
    """Give a row per step that matches, with the commit that was built and its seconds, in the order of time."""
    return query_file(store.connection, "sql/load_build_steps.sql", {"as_of": utc(as_of), "pattern": pattern})
