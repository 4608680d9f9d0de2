"""Versions of the schema: forward, in a transaction, after a copy."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

duckdb = pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.store import migrate as migrations  # noqa: E402  # after the skips
from cipredict.store.batches import add_case_batches  # noqa: E402
from cipredict.store.database import Store, open_store  # noqa: E402
from cipredict.store.migrate import Migration, known_migrations, migrate, schema_version  # noqa: E402
from cipredict.store.writer import add_runs  # noqa: E402

if TYPE_CHECKING:
    from tests.store.conftest import MakeBatch, MakeRun

pytestmark = pytest.mark.learn

LATER = Migration(known_migrations()[-1].version + 1, "later", "alter table runs add column mood varchar; select 1;")
BROKEN = Migration(LATER.version, "broken", "drop table steps; select * from nowhere;")


def _runs(path: Path) -> list[tuple[str, ...]]:
    with duckdb.connect(path, read_only=True) as connection:
        return list(connection.execute("select run_id from runs order by all").fetchall())


def test_known_migrations_count_from_one_without_gaps() -> None:
    assert [migration.version for migration in known_migrations()] == list(range(1, len(known_migrations()) + 1))


def test_a_current_file_is_left_alone(store: Store) -> None:
    assert migrate(store.connection, store.path) is None
    assert schema_version(store.connection, store.path) == known_migrations()[-1].version


def test_an_older_file_is_upgraded_after_a_copy(store: Store, make_run: MakeRun) -> None:
    add_runs(store, [make_run(1), make_run(2)])
    copy = migrate(store.connection, store.path, (*known_migrations(), LATER))
    assert copy == store.path.with_name(f"history.v{LATER.version - 1}.duckdb")
    assert store.connection.execute("select run_id, mood from runs order by all").fetchall() == [
        ("1", None),
        ("2", None),
    ]
    assert _runs(copy) == [("1",), ("2",)]
    applied = store.connection.execute("select version, name from schema_version order by all").fetchall()
    assert applied[-1] == (LATER.version, "later")


def test_the_copy_is_a_history_that_works(store: Store, make_run: MakeRun) -> None:
    add_runs(store, [make_run(1)])
    copy = migrate(store.connection, store.path, (*known_migrations(), LATER))
    assert copy is not None
    with open_store(copy) as older:
        add_runs(older, [make_run(1), make_run(2)])
    assert _runs(copy) == [("1",), ("2",)]


def test_a_copy_left_half_made_by_a_kill_is_made_again(store: Store) -> None:
    store.path.with_name(f"history.v{LATER.version - 1}.duckdb.unfinished").write_bytes(b"half")
    copy = migrate(store.connection, store.path, (*known_migrations(), LATER))
    assert sorted(file.name for file in store.path.parent.glob(f"*v{LATER.version - 1}*")) == [
        copy.name if copy else ""
    ]


def test_a_failing_migration_changes_nothing(store: Store) -> None:
    with pytest.raises(duckdb.Error, match="nowhere"):
        migrate(store.connection, store.path, (*known_migrations(), BROKEN))
    assert schema_version(store.connection, store.path) == BROKEN.version - 1
    assert store.connection.execute("select count(*) from steps").fetchall() == [(0,)]


@pytest.mark.parametrize("read_only", [False, True])
def test_whoever_opens_an_older_file_upgrades_it(
    path: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, *, read_only: bool
) -> None:
    with open_store(path) as store:
        add_runs(store, [make_run(1)])
    monkeypatch.setattr(migrations, "known_migrations", lambda: (*known_migrations(), LATER))
    monkeypatch.setattr("cipredict.store.database.known_migrations", lambda: (*known_migrations(), LATER))
    with open_store(path, read_only=read_only) as store:
        assert store.connection.execute("select run_id, mood from runs").fetchall() == [("1", None)]


@pytest.mark.parametrize(("before", "after"), list(pairwise(known_migrations())), ids=lambda step: step.name)
def test_a_file_of_the_version_before_is_upgraded(path: Path, before: Migration, after: Migration) -> None:
    older = [migration for migration in known_migrations() if migration.version <= before.version]
    path.parent.mkdir()
    with duckdb.connect(path) as connection:
        migrate(connection, path, older)
        connection.execute("insert into cases values (1, 't.py::x')")
        migrate(connection, path, [*older, after])
        assert schema_version(connection, path) == after.version
        assert connection.execute("select case_id from cases").fetchall() == [("t.py::x",)]


def test_a_history_of_version_1_learns_pages_and_completeness(path: Path, make_run: MakeRun) -> None:
    path.parent.mkdir()
    with duckdb.connect(path) as connection:
        migrate(connection, path, known_migrations()[:1])
        connection.execute(
            "insert into runs (run_seq, provider, repository, run_id, attempt, workflow, sha, parent_sha, branch,"
            " event, is_change_known) values (1, 'github', 'me/it', '1', 1, '', 'abc', '', '', '', false)"
        )
    with open_store(path) as store:
        assert store.connection.execute("select sha, url, is_complete from runs").fetchall() == [("abc", "", False)]
        add_runs(store, [replace(make_run(1), url="https://x/1", is_complete=True), make_run(2)])
        add_runs(store, [make_run(1)])
        assert store.connection.execute("select run_id, sha, url, is_complete from runs order by all").fetchall() == [
            ("1", "abc", "https://x/1", True),
            ("2", "", "", False),
        ]


def test_a_history_of_version_3_joins_the_parts_of_a_report(path: Path, make_batch: MakeBatch) -> None:
    path.parent.mkdir()
    with duckdb.connect(path) as connection:
        migrate(connection, path, known_migrations()[:3])
        connection.execute(
            "insert into runs (run_seq, provider, repository, run_id, attempt, workflow, sha, parent_sha, branch,"
            " event, is_change_known) values (1, 'github', 'me/it', '1', 1, '', '', '', '', '', false);"
            "insert into batches values (1, 1, '', 'r.xml', 5001), (2, 1, '', 'r.xml#2', 5000),"
            " (3, 1, '', 'r.xml#10', 7), (4, 1, 'a', 'r.xml#2', 1), (5, 1, '', 's.xml', 4),"
            " (6, 1, '', 's.xml#2', 4), (7, 1, '', 'r.xml#1', 4),"
            " (8, 1, '', 'r.xml#99999999999', 4);"
            "insert into case_runs select batch_seq, 1, batch_seq, 'passed', 1, 1, false, null from batches"
        )
    with open_store(path) as store:
        batches = store.connection.execute("select batch_seq, source, part, cases from batches order by all").fetchall()
        assert batches == [
            (1, "r.xml", 1, 5001),
            (2, "r.xml", 2, 5000),
            (3, "r.xml", 10, 7),
            (4, "r.xml#2", 1, 1),
            (5, "s.xml", 1, 4),
            (6, "s.xml#2", 1, 4),
            (7, "r.xml#1", 1, 4),
            (8, "r.xml#99999999999", 1, 4),
        ]
        add_case_batches(store, [make_batch(1)])
        assert store.connection.execute("select batch_seq from case_runs order by all").fetchall() == [
            (number,) for number in (4, 5, 6, 7, 8)
        ]
