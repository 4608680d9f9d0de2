"""Export, import, merge: every table, nothing lost, nothing twice."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

duckdb = pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.errors import InputError, StoreError, StoreTooNew, UsageError  # noqa: E402  # after the skips
from cipredict.records import CaseBatch, CaseRun, RunKey, Verdict  # noqa: E402
from cipredict.store.archive import MANIFEST, Manifest, export_store  # noqa: E402
from cipredict.store.batches import add_case_batches  # noqa: E402
from cipredict.store.database import Store, open_store  # noqa: E402
from cipredict.store.merge import merge_store  # noqa: E402
from cipredict.store.migrate import known_migrations, migrate, schema_version  # noqa: E402
from cipredict.store.restore import restored  # noqa: E402
from tests.store.filled import facts_by_table, fill, rows_by_table  # noqa: E402

pytestmark = pytest.mark.learn

RUN = RunKey("github", "me/it", "1")


def take(folder: Path, path: Path) -> None:
    with restored(folder, beside=path) as other, open_store(path) as store:
        merge_store(store, other)


def export_of(path: Path, folder: Path) -> Path:
    with open_store(path, read_only=True) as store:
        export_store(store, folder)
    return folder


def filled(path: Path, numbers: range) -> Path:
    with open_store(path) as store:
        fill(store, numbers)
    return path


def sign_again(folder: Path, **changes: object) -> Path:
    """Forge a manifest whose checksums are right."""
    document = json.loads((folder / MANIFEST).read_text())
    for name, facts in document["tables"].items():
        facts["sha256"] = hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest()
    (folder / MANIFEST).write_text(json.dumps({**document, **changes}))
    return folder


@pytest.fixture(scope="module", name="one")
def _one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with every kind of row, for reading."""
    return filled(tmp_path_factory.mktemp("one") / "one.duckdb", range(3))


@pytest.fixture(scope="module", name="exported")
def _exported(one: Path) -> Path:
    return export_of(one, one.with_name("export"))


@pytest.fixture(name="export")
def _export(exported: Path, tmp_path: Path) -> Path:
    """An export of `one`, for any use."""
    return Path(shutil.copytree(exported, tmp_path / "export"))


def test_the_filled_store_has_rows_in_every_table(store: Store) -> None:
    """A table that a later schema brings must be filled here, so that the other tests cover it."""
    fill(store, range(2))
    assert [name for name, rows in rows_by_table(store).items() if not rows] == []


def test_export_import_export_gives_the_same_tables(tmp_path: Path, one: Path, export: Path) -> None:
    take(export, tmp_path / "two.duckdb")
    take(export_of(tmp_path / "two.duckdb", tmp_path / "again"), tmp_path / "three.duckdb")
    with open_store(one, read_only=True) as first, open_store(tmp_path / "three.duckdb") as third:
        assert rows_by_table(first) == rows_by_table(third)


def test_the_same_store_gives_the_same_bytes(tmp_path: Path, one: Path, export: Path) -> None:
    again = export_of(one, tmp_path / "again")
    assert (export / MANIFEST).read_text() == (again / MANIFEST).read_text()


def test_the_files_are_plain_parquet_and_the_manifest_counts_them(export: Path) -> None:
    manifest = Manifest.from_json((export / MANIFEST).read_text())
    assert {path.name for path in export.iterdir()} == {
        MANIFEST,
        *(f"{table.name}.parquet" for table in manifest.tables),
    }
    for table in manifest.tables:
        parquet = pytest.importorskip("pyarrow.parquet").ParquetFile(table.path(export))
        assert parquet.metadata.num_rows == table.rows
        assert parquet.metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize("numbers", [range(3), range(2, 5), range(5, 7)], ids=["the same", "overlapping", "others"])
def test_merging_equals_ingesting_both(tmp_path: Path, export: Path, numbers: range) -> None:
    both = filled(filled(tmp_path / "both.duckdb", numbers), range(3))
    merged = filled(tmp_path / "merged.duckdb", numbers)
    take(export, merged)
    with open_store(both) as expected, open_store(merged) as actual:
        assert facts_by_table(expected) == facts_by_table(actual)


def test_merging_a_report_that_shrank_leaves_none_of_its_old_parts(tmp_path: Path) -> None:
    parts = [CaseBatch(RUN, "r.xml", (CaseRun(f"t{part}", Verdict.PASSED, 1.0),), part=part) for part in (1, 2, 3)]
    paths = tmp_path / "huge.duckdb", tmp_path / "small.duckdb"
    for path, batches in zip(paths, (parts, parts[:1]), strict=True):
        with open_store(path) as store:
            add_case_batches(store, [*batches, CaseBatch(RUN, f"only {path.stem}", parts[0].cases)])
    huge, small = (export_of(path, path.with_suffix("")) for path in paths)
    take(small, paths[0])
    take(huge, paths[1])
    query = "select source, part, cases, count(case_seq) from batches join case_runs using (batch_seq) group by all"
    found = []
    for path in paths:
        with open_store(path, read_only=True) as store:
            found.append(store.connection.execute(f"{query} order by all").fetchall())
    others = [("only huge", 1, 1, 1), ("only small", 1, 1, 1)]
    assert found == [[*others, ("r.xml", 1, 1, 1)], [*others, *[("r.xml", part, 1, 1) for part in (1, 2, 3)]]]


def test_merging_twice_changes_nothing(tmp_path: Path, export: Path) -> None:
    path = filled(tmp_path / "two.duckdb", range(2, 5))
    take(export, path)
    with open_store(path) as store:
        expected = rows_by_table(store)
    take(export, path)
    with open_store(path) as store:
        assert expected == rows_by_table(store)


def test_an_earlier_reading_of_a_report_does_not_replace_a_later_one(tmp_path: Path, export: Path) -> None:
    path = tmp_path / "two.duckdb"
    take(export, path)
    with open_store(path) as store:
        store.connection.execute("update reports set reason = 'read again', read_at = read_at + interval 1 day")
    take(export, path)
    with open_store(path) as store:
        assert store.connection.execute("select distinct reason from reports").fetchall() == [("read again",)]


def test_an_empty_store_travels_too(tmp_path: Path) -> None:
    with open_store(tmp_path / "one.duckdb"):
        pass
    take(export_of(tmp_path / "one.duckdb", tmp_path / "export"), tmp_path / "two.duckdb")
    with open_store(tmp_path / "two.duckdb") as store:
        assert set(map(len, rows_by_table(store).values())) == {0}


@pytest.mark.parametrize("version", [migration.version for migration in known_migrations()[:-1]])
def test_an_export_of_an_older_schema_is_migrated(tmp_path: Path, version: int) -> None:
    older = [migration for migration in known_migrations() if migration.version <= version]
    with duckdb.connect(tmp_path / "old.duckdb") as connection:
        migrate(connection, tmp_path / "old.duckdb", older)
        connection.execute("insert into cases values (7, 't.py::x')")
        export_store(Store(tmp_path / "old.duckdb", connection), tmp_path / "export")
    take(tmp_path / "export", tmp_path / "new.duckdb")
    with open_store(tmp_path / "new.duckdb") as store:
        assert schema_version(store.connection, store.path) == known_migrations()[-1].version
        assert rows_by_table(store)["cases"] == [{"case_seq": 1, "case_id": "t.py::x"}]


def test_an_export_of_a_newer_schema_is_refused(tmp_path: Path, export: Path) -> None:
    sign_again(export, store_schema=known_migrations()[-1].version + 1)
    with pytest.raises(StoreTooNew, match="Upgrade cipredict"):
        take(export, tmp_path / "two.duckdb")


def test_a_damaged_file_is_refused_before_anything_is_stored(tmp_path: Path, export: Path) -> None:
    path = export / "case_runs.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError) as caught:
        take(export, tmp_path / "two.duckdb")
    assert (caught.value.slug, str(caught.value).count("\n")) == ("export-damaged", 0)
    assert not (tmp_path / "two.duckdb").exists()


@pytest.mark.parametrize(
    ("spoil", "slug"),
    [
        pytest.param(shutil.rmtree, "export-unreadable", id="no folder"),
        pytest.param(lambda folder: (folder / MANIFEST).unlink(), "export-unreadable", id="no manifest"),
        pytest.param(lambda folder: (folder / MANIFEST).write_text("[]"), "export-unreadable", id="other JSON"),
        pytest.param(lambda folder: sign_again(folder, schema="x/2"), "export-unreadable", id="other schema"),
        pytest.param(lambda folder: sign_again(folder, tables={"a": {}}), "export-unreadable", id="no checksum"),
        pytest.param(lambda folder: (folder / "runs.parquet").unlink(), "export-unreadable", id="file missing"),
        pytest.param(
            lambda folder: [(folder / "runs.parquet").write_bytes(b"PAR1 no"), sign_again(folder)],
            "export-damaged",
            id="no parquet",
        ),
        pytest.param(
            lambda folder: [shutil.copy(folder / "cases.parquet", folder / "runs.parquet"), sign_again(folder)],
            "export-damaged",
            id="another table",
        ),
    ],
)
def test_what_is_no_whole_export_is_refused(tmp_path: Path, export: Path, spoil: object, slug: str) -> None:
    assert callable(spoil)
    spoil(export)
    with pytest.raises(InputError) as caught:
        take(export, tmp_path / "two.duckdb")
    assert (slug, 0) == (caught.value.slug, str(caught.value).count("\n"))


def test_a_full_folder_is_left_alone_and_only_an_export_can_be_replaced(store: Store, tmp_path: Path) -> None:
    fill(store, range(1))
    folder = tmp_path / "export"
    folder.mkdir()
    export_store(store, folder)
    with pytest.raises(UsageError, match="--force"):
        export_store(store, folder)
    fill(store, range(2))
    assert export_store(store, folder, replace=True) == Manifest.from_json((folder / MANIFEST).read_text())
    (folder / "thesis.tex").touch()
    for replace in (False, True):
        with pytest.raises(UsageError, match="other things"):
            export_store(store, folder, replace=replace)
    with pytest.raises(UsageError, match="is a file"):
        export_store(store, folder / "thesis.tex", replace=True)
    assert [path.name for path in tmp_path.iterdir() if "unfinished" in path.name] == []


def test_a_disk_that_does_not_take_it_leaves_no_half_of_an_export(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StoreError, match="No space left") as caught:
        export_store(store, tmp_path / "export")
    assert caught.value.slug == "output-unwritable"
    assert [path.name for path in tmp_path.iterdir() if "export" in path.name] == []
