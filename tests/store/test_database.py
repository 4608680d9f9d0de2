"""Opening, creating, refusing."""

from __future__ import annotations

from pathlib import Path

import pytest

duckdb = pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.errors import EXIT_USAGE, StoreError, StoreTooNew  # noqa: E402  # after the skips
from cipredict.store.database import Store, open_store  # noqa: E402
from cipredict.store.migrate import migrate  # noqa: E402

pytestmark = pytest.mark.learn


def touch(path: Path, *, read_only: bool = False) -> None:
    with open_store(path, read_only=read_only):
        pass


def _tables(store: Store) -> dict[str, str]:
    rows = store.connection.execute("select table_name, comment from duckdb_tables()").fetchall()
    return dict(rows)


def test_a_missing_file_is_created_with_its_folder(path: Path) -> None:
    touch(path)
    assert [file.name for file in path.parent.iterdir()] == ["history.duckdb"]


def test_every_table_says_what_a_row_is(store: Store) -> None:
    for table, comment in _tables(store).items():
        assert (comment or "").startswith("A row per "), table


def test_times_are_utc_wherever_the_process_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    with open_store(path) as store:
        assert store.connection.execute("select current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_a_reader_of_a_missing_history_is_told_what_to_do(path: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no history at .*history\.duckdb.*cipredict ingest") as raised:
        touch(path, read_only=True)
    assert not path.parent.exists()
    assert raised.value.exit_code == EXIT_USAGE


def test_a_reader_cannot_write(path: Path) -> None:
    touch(path)
    with open_store(path, read_only=True) as store, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        store.connection.execute("delete from runs")


def test_two_readers_of_one_process_share_the_file(path: Path) -> None:
    touch(path)
    with open_store(path, read_only=True) as one, open_store(path, read_only=True) as two:
        assert _tables(one) == _tables(two)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not a database " * 1000, id="text"),
        pytest.param(b"\0" * 8 + b"DUCK" + b"\0" * 5000, id="only the magic number"),
    ],
)
def test_a_corrupt_file_is_named_in_one_line(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StoreError) as raised:
        touch(path)
    assert raised.value.exit_code == EXIT_USAGE
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_truncated_history_is_refused(path: Path) -> None:
    touch(path)
    path.write_bytes(path.read_bytes()[:6000])
    with pytest.raises(StoreError, match=r"Cannot use the history .*history\.duckdb"):
        touch(path)


def test_a_history_that_breaks_while_it_is_read_is_named(path: Path) -> None:
    with pytest.raises(StoreError, match=r"Cannot use the history .*: disk full"), open_store(path):
        raise duckdb.IOException("IO Error: disk full!\nmore")


def test_our_own_mistakes_are_not_blamed_on_the_file(path: Path) -> None:
    with pytest.raises(duckdb.CatalogException), open_store(path) as store:
        store.connection.execute("select * from no_such_table")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Is a directory"):
        touch(tmp_path)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"Cannot create the history .*history\.duckdb: .* is not a folder"):
        touch(tmp_path / "file" / "history.duckdb")


def test_a_file_system_without_hard_links_will_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: Path, _target: Path) -> None:
        raise PermissionError

    monkeypatch.setattr("cipredict.store.database.os.link", refuse)
    with open_store(path) as store:
        assert "runs" in _tables(store)
    assert [file.name for file in path.parent.iterdir()] == ["history.duckdb"]


def test_a_file_that_another_process_creates_meanwhile_is_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose_the_race(unfinished: Path, target: Path) -> None:
        target.write_bytes(unfinished.read_bytes())
        raise FileExistsError

    monkeypatch.setattr("cipredict.store.database.os.link", lose_the_race)
    with open_store(path) as store:
        assert "runs" in _tables(store)
    assert [file.name for file in path.parent.iterdir()] == ["history.duckdb"]


def test_a_duckdb_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("create table theirs (x integer)")
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError, match="not a history of cipredict"), open_store(path, read_only=read_only):
            pass
    assert path.read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_with_blocks_of_another_size_is_as_good(path: Path, *, read_only: bool) -> None:
    """Files keep the size they were made with; earlier versions made them with DuckDB's own."""
    path.parent.mkdir()
    with duckdb.connect(path, config={"default_block_size": "262144"}) as connection:
        migrate(connection, path)
    with open_store(path, read_only=read_only) as store:
        [(size,)] = store.connection.execute("select block_size from pragma_database_size()").fetchall()
    assert size == 262144


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_schema_is_refused(path: Path, *, read_only: bool) -> None:
    with open_store(path) as store:
        store.connection.execute("insert into schema_version values (999, 'later', current_timestamp)")
    with pytest.raises(StoreTooNew, match=r"has schema 999; .* Upgrade cipredict"):
        touch(path, read_only=read_only)
