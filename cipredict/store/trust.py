"""Rows for `flaky`: how cases came out on each state of the code, what changed between states, how much that is.

Like `queries`, with one parameter more: runs count that became known after `since`, by default all.
"""

from __future__ import annotations

from datetime import datetime

from cipredict.store.columns import utc
from cipredict.store.database import Store
from cipredict.store.queries import EVER, guess_default_branch
from cipredict.store.statements import Table, query_file


def load_flaky_outcomes(store: Store, as_of: datetime, *, since: datetime = EVER, default_branch: str = "") -> Table:
    """Give a row per case that ever failed, series and tree: attempts that passed and failed.

    An empty `default_branch` is guessed.
    """
    branch = default_branch or guess_default_branch(store, as_of, since=since)
    parameters = {"as_of": utc(as_of), "since": utc(since), "default_branch": branch}
    return query_file(store.connection, "sql/flaky_outcomes.sql", parameters)


def load_flaky_trees(store: Store, as_of: datetime, *, since: datetime = EVER) -> Table:
    """Give a row per commit: its parent and the paths that changed, null where unknown."""
    return query_file(store.connection, "sql/flaky_trees.sql", {"as_of": utc(as_of), "since": utc(since)})


def load_flaky_window(store: Store, as_of: datetime, *, since: datetime = EVER) -> Table:
    """Give one row: runs, cases, first_at, last_at."""
    return query_file(store.connection, "sql/flaky_window.sql", {"as_of": utc(as_of), "since": utc(since)})
