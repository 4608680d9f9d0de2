"""Tables of others: every spelling that is met, bad rows counted, the same file twice is one."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

duckdb = pytest.importorskip("duckdb", reason="the store extra is not installed")
pa = pytest.importorskip("pyarrow", reason="the store extra is not installed")
parquet = pytest.importorskip("pyarrow.parquet")

from cipredict.errors import InputError  # noqa: E402  # after the skips
from cipredict.store.database import open_store  # noqa: E402
from cipredict.store.table_map import make_map, parse_map  # noqa: E402
from cipredict.store.tables import Origin, TableReading, merge_tables, tables_store  # noqa: E402
from tests.store.filled import facts_by_table, rows_by_table  # noqa: E402

pytestmark = pytest.mark.learn

MAP = "run_id=build,case_id=test,verdict=status,duration_s=secs,started_at=at"
SHARED = Path(__file__).parents[3] / "shared" / "data"
Facts = dict[str, list[dict[str, Any]]]  # Any: columns of every table


def take(path: Path, *files: Path, columns: str = MAP, provider: str = "table") -> tuple[list[TableReading], Facts]:
    """Take tables into the store at `path`; give the readings and what the store knows then."""
    table_map, origin = make_map(parse_map(columns), {}), Origin("me/it", provider)
    with tables_store(files, table_map, origin, beside=path) as (staged, readings), open_store(path) as store:
        merge_tables(store, staged, origin)
        return readings, facts_by_table(store)


def case_runs(facts: Facts) -> list[tuple[Any, ...]]:  # Any: columns of case_runs
    """Give run, case, verdict, seconds, attempts, flaky."""
    columns = ("case_seq", "verdict", "duration_s", "attempts", "is_flaky")
    return sorted((row["run_seq"]["run_id"], *(row[column] for column in columns)) for row in facts["case_runs"])


@pytest.fixture(name="csv")
def _csv(tmp_path: Path) -> Path:
    path = tmp_path / "results.csv"
    path.write_text(
        "build,test,status,secs,at\n"
        "7,a::x,passed,1.5,2024-05-01T10:00:00Z\n"
        '7,"b::y[1,2]",FAILED,0.25,2024-05-01 12:00:01+02:00\n'
        "8,a::x, Error ,,2024-05-02\n"
    )
    return path


def test_a_csv_becomes_runs_and_cases(tmp_path: Path, csv: Path) -> None:
    [reading], facts = take(tmp_path / "h.duckdb", csv)
    assert case_runs(facts) == [
        ("7", "a::x", "passed", 1.5, 1, False),
        ("7", "b::y[1,2]", "failed", 0.25, 1, False),
        ("8", "a::x", "error", None, 1, False),
    ]
    runs = [(run["run_id"], run["provider"], run["started_at"], run["result"]) for run in facts["runs"]]
    assert sorted(runs) == [
        ("7", "table", datetime(2024, 5, 1, 10, tzinfo=UTC), "failure"),
        ("8", "table", datetime(2024, 5, 2, tzinfo=UTC), "failure"),
    ]
    [seven] = [run for run in facts["runs"] if run["run_id"] == "7"]
    assert seven["finished_at"] == datetime(2024, 5, 1, 10, 0, 1, 750_000, tzinfo=UTC)
    assert (reading.facts["rows"], reading.facts["usable"], reading.facts["runs"], reading.rejects) == (3, 3, 2, 0)


def test_gzip_parquet_and_separators_say_the_same(tmp_path: Path, csv: Path) -> None:
    expected = case_runs(take(tmp_path / "h.duckdb", csv)[1])
    zipped, tabs, table = tmp_path / "r.csv.gz", tmp_path / "r.tsv", tmp_path / "r.parquet"
    zipped.write_bytes(gzip.compress(csv.read_bytes()))
    tabs.write_text(csv.read_text().replace('"b::y[1,2]"', "b::y[1;2]").replace(",", "\t").replace(";", ","))
    with duckdb.connect() as connection:
        connection.execute(f"copy (from read_csv('{csv}')) to '{table}' (format parquet)")
    for number, path in enumerate((zipped, tabs, table)):
        assert case_runs(take(tmp_path / f"{number}.duckdb", path)[1]) == expected


def test_the_same_file_again_changes_nothing_and_a_corrected_one_replaces_it(tmp_path: Path, csv: Path) -> None:
    path = tmp_path / "h.duckdb"
    take(path, csv)
    with open_store(path) as store:
        before = rows_by_table(store)
    take(path, csv, csv)
    with open_store(path) as store:
        assert rows_by_table(store) == before
    csv.write_text(csv.read_text().replace("8,a::x, Error ,", "8,c::z,passed,"))
    _, facts = take(path, csv)
    assert [row for row in case_runs(facts) if row[0] == "8"] == [("8", "c::z", "passed", None, 1, False)]


def test_bad_rows_are_counted_and_the_others_stored(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        "build,test,status,secs,at\n"
        ",a::x,passed,1,2024-05-01\n"
        "7, ,passed,1,2024-05-01\n"
        "7,a::x,exploded,1,2024-05-01\n"
        "7,a::x,1,1,2024-05-01\n"
        "7,a::x,passed,-1,2024-05-01\n"
        "7,b::x,passed,1e9,soon\n"
        "7,c::x,passed,nan,1970-01-01\n"
        "7,a::x\n"
        "7,d::x,passed,1,2024-05-01,and,more\n"
    )
    [reading], facts = take(tmp_path / "h.duckdb", path)
    assert [row[1:4] for row in case_runs(facts)] == [(f"{name}::x", "passed", None) for name in "abc"]
    counts = ("without_run", "without_case", "without_verdict", "unknown_words", "odd_durations", "odd_starts")
    assert [reading.facts[count] for count in counts] == [1, 1, 2, "1, exploded", 3, 2]
    assert reading.rejects == 2


@pytest.mark.parametrize(
    ("row", "misencoded"),
    [
        pytest.param(b"", 0, id="only a header"),
        pytest.param(b"7,caf\xe9::x,passed,1,2024-05-01\n", 1, id="one bad row"),
    ],
)
def test_a_table_without_a_usable_row_counts_nothing(tmp_path: Path, row: bytes, misencoded: int) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(b"build,test,status,secs,at\n" + row)
    [reading], facts = take(tmp_path / "h.duckdb", path)
    assert (reading.error, reading.rejects, reading.misencoded) == ("", 0, misencoded)
    assert (reading.facts["rows"], reading.facts["runs"], reading.facts["cases"]) == (0, 0, 0)
    assert facts["runs"] == []


def test_rejected_lines_are_those_of_their_own_file(tmp_path: Path, csv: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(csv.read_text() + "9,x\n")
    readings, _ = take(tmp_path / "h.duckdb", path, csv)
    assert [reading.rejects for reading in readings] == [1, 0]


def test_times_in_the_spellings_of_others(tmp_path: Path) -> None:
    ten = datetime(2024, 5, 1, 10, tzinfo=UTC)
    expected = {
        "1714557600": ten,
        "1714557600.5": ten.replace(microsecond=500000),
        "1714557600123": ten.replace(microsecond=123000),
        "1714557600123456": ten.replace(microsecond=123456),
        "1714557600000000000": ten,
        "2024-05-01T10:00:00": ten,
        "2024-05-01 10:00:00 UTC": ten,
        "2024-05-01T15:30:00+0530": ten,
        "0001-01-01T00:00:00Z": None,
        "1e300": None,
        "infinity": None,
        "-5": None,
        "soon": None,
    }
    path = tmp_path / "r.csv"
    path.write_text("\n".join(["build,test,status,at", *(f"{spelling},a::x,ok,{spelling}" for spelling in expected)]))
    _, facts = take(tmp_path / "h.duckdb", path, columns="run_id=build,case_id=test,verdict=status,started_at=at")
    assert {run["run_id"]: run["started_at"] for run in facts["runs"]} == expected


def test_times_and_durations_have_units(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("build,test,status,at,s,ms,us\n7,a::x,ok,315532800000,2,1500,1500\n")
    found = {}
    for unit, seconds in (("s", 2.0), ("ms", 1.5), ("us", 0.0015)):
        columns = f"run_id=build,case_id=test,verdict=status,started_at=at:ms,duration_s={unit}:{unit}"
        _, facts = take(tmp_path / "h.duckdb", path, columns=columns)
        found[seconds] = [
            (row["duration_s"], run["started_at"].year) for row in facts["case_runs"] for run in facts["runs"]
        ]
    assert found == {seconds: [(pytest.approx(seconds), 1980)] for seconds in found}


@pytest.mark.parametrize("changed", [["a.py", "b c.py"], "a.py; b c.py"], ids=["list", "text"])
def test_typed_columns_and_changed_paths(tmp_path: Path, changed: object) -> None:
    path = tmp_path / "r.parquet"
    at = datetime(2024, 5, 1, 10, 0, 0, 5, tzinfo=UTC)
    row = {
        "n": 7,
        "t": "a::x",
        "bad": True,
        "at": at,
        "s": 1.5,
        "paths": changed,
        "job": "unit",
        "sha": "abc",
        "try": 2,
    }
    rest = {**row, "t": "b::x", "bad": False, "paths": None}
    parquet.write_table(pa.Table.from_pylist([row, rest, {**rest, "n": 8}]), path)
    columns = "run_id=n,case_id=t,failed=bad,started_at=at,duration_s=s,changed=paths,job=job,sha=sha,attempt=try"
    _, facts = take(tmp_path / "h.duckdb", path, columns=columns)
    assert [(row["run_seq"]["run_id"], row["path"]) for row in facts["run_changes"]] == [("7", "a.py"), ("7", "b c.py")]
    runs = {
        run["run_id"]: (run["is_change_known"], run["sha"], run["attempt"], run["started_at"]) for run in facts["runs"]
    }
    assert runs == {"7": (True, "abc", 2, at), "8": (False, "abc", 2, at)}
    assert {row["verdict"] for row in facts["case_runs"] if row["case_seq"] == "a::x"} == {"failed"}
    assert {(row["job_id"], row["name"]) for row in facts["jobs"]} == {("unit", "unit")}


rows_of_cases = st.lists(
    st.tuples(
        st.sampled_from("12"), st.sampled_from(["a::x", "b::y"]), st.sampled_from(["passed", "failed", "skipped"])
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows_of_cases)
def test_rows_of_one_case_are_its_attempts(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("attempts")
    lines = [f"{run},{case},{verdict},{number}" for number, (run, case, verdict) in enumerate(rows)]
    (folder / "r.csv").write_text("\n".join(["build,test,status,secs", *lines]))
    columns = "run_id=build,case_id=test,verdict=status,duration_s=secs"
    _, facts = take(folder / "h.duckdb", folder / "r.csv", columns=columns)
    attempts = Counter((run, case) for run, case, _ in rows)
    last = {(run, case): (verdict, float(number)) for number, (run, case, verdict) in enumerate(rows)}
    verdicts = {key: {verdict for run, case, verdict in rows if (run, case) == key} for key in last}
    expected = [(*key, *last[key], attempts[key], len(verdicts[key]) > 1) for key in last]
    assert case_runs(facts) == sorted(expected)


def test_rows_without_verdicts_are_measurements_never_passes(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("sha,test,secs,at\nabc,a::x,1.5,2024-05-01\nabc,b::x,,2024-05-01\ndef,a::x,2.5,2024-05-02\n")
    columns = "run_id=sha,case_id=test,duration_s=secs,started_at=at"
    [reading], facts = take(tmp_path / "h.duckdb", path, columns=columns)
    assert (facts["runs"], facts["case_runs"], reading.facts["without_measure"]) == ([], [], 1)
    measured = [(row["snapshot_seq"]["recorded_at"], row["case_seq"], row["duration_s"]) for row in facts["timings"]]
    assert sorted(measured) == [
        (datetime(2024, 5, 1, tzinfo=UTC), "a::x", 1.5),
        (datetime(2024, 5, 2, tzinfo=UTC), "a::x", 2.5),
    ]
    assert take(tmp_path / "h.duckdb", path, columns=columns)[1]["timings"] == facts["timings"]


def test_a_run_in_two_files_ends_after_both(tmp_path: Path, csv: Path) -> None:
    other = tmp_path / "more.csv"
    other.write_text("build,test,status,secs,at\n8,b::y,passed,30,2024-05-02\n8,c::y,passed,30,2024-05-02\n")
    _, facts = take(tmp_path / "h.duckdb", csv, other)
    [eight] = [run for run in facts["runs"] if run["run_id"] == "8"]
    assert (eight["finished_at"], eight["result"]) == (datetime(2024, 5, 2, 0, 1, tzinfo=UTC), "failure")


def test_a_run_in_two_commands_ends_after_both_and_failed_if_it_did_in_one(tmp_path: Path, csv: Path) -> None:
    """A corrected file takes its failures back, whichever command it came with."""
    path, other = tmp_path / "h.duckdb", tmp_path / "more.csv"
    other.write_text("build,test,status,secs,at\n8,b::y,passed,30,2024-05-02\n")

    def ends_of_eight(*files: Path) -> tuple[datetime, str]:
        [eight] = [run for run in take(path, *files)[1]["runs"] if run["run_id"] == "8"]
        return eight["finished_at"], eight["result"]

    csv.write_text(csv.read_text().replace("8,a::x, Error ,,", "8,a::x,error,12,"))
    assert ends_of_eight(csv) == (datetime(2024, 5, 2, 0, 0, 12, tzinfo=UTC), "failure")
    assert ends_of_eight(other) == (datetime(2024, 5, 2, 0, 0, 42, tzinfo=UTC), "failure")
    csv.write_text(csv.read_text().replace("8,a::x,error,12,", "8,a::x,passed,10,"))
    assert ends_of_eight(csv) == (datetime(2024, 5, 2, 0, 0, 40, tzinfo=UTC), "success")


def test_an_end_that_a_column_tells_is_kept(tmp_path: Path) -> None:
    path, columns = tmp_path / "r.csv", f"{MAP},finished_at=end"
    path.write_text("build,test,status,secs,at,end\n7,a::x,passed,1,2024-05-01,2024-05-03\n")
    for _ in range(2):
        [run] = take(tmp_path / "h.duckdb", path, columns=columns)[1]["runs"]
        assert (run["finished_at"], run["result"]) == (datetime(2024, 5, 3, tzinfo=UTC), "success")


def test_rows_can_be_added_to_runs_known_from_elsewhere(tmp_path: Path, csv: Path) -> None:
    """Their end and result are those that the provider knows."""
    _, facts = take(tmp_path / "h.duckdb", csv, provider="github")
    assert {(run["provider"], run["finished_at"], run["result"]) for run in facts["runs"]} == {("github", None, None)}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"PAR1 and then something else", "", id="no Parquet"),
        pytest.param(b"a,b\n1,2\n", "no column build, test, status, secs, at, but a, b", id="other columns"),
        pytest.param(b"", "", id="empty"),
        pytest.param(b"\x00\xff\xfe\x01" * 50, "", id="binary"),
        pytest.param("build,test\n1,a\n".encode("utf-16"), "it is UTF-16; convert it to UTF-8", id="UTF-16"),
        pytest.param("build,test\n1,a\n".encode("utf-16-be"), "it is UTF-16; convert it to UTF-8", id="without a mark"),
        pytest.param("build,tést\n1,a\n".encode("latin-1"), "its first line is not UTF-8", id="Latin-1 names"),
    ],
)
def test_a_file_that_cannot_be_used_does_not_sink_the_others(
    tmp_path: Path, csv: Path, content: bytes, words: str
) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(content)
    readings, facts = take(tmp_path / "h.duckdb", bad, csv)
    assert [bool(reading.error) for reading in readings] == [True, False]
    assert words in readings[0].error
    assert len(facts["case_runs"]) == 3


def test_a_missing_file_is_the_users_mistake(tmp_path: Path, csv: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv"):
        take(tmp_path / "h.duckdb", csv, tmp_path / "gone.csv")
    assert not (tmp_path / "h.duckdb").exists()


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("folder", "columns", "table"),
    [
        (
            "selection/normalised",
            "run_id=cycle,case_id=test_name,failed=failed,duration_s=duration,started_at=ts,sha=commit",
            "case_runs",
        ),
        ("durations", "run_id=commit,case_id=test_id,duration_s=duration_s,started_at=commit_date", "timings"),
    ],
)
def test_research_sets_are_stored_whole(tmp_path: Path, folder: str, columns: str, table: str) -> None:
    files = sorted((SHARED / folder).glob("*.parquet"))
    if not files:
        pytest.skip(f"{SHARED / folder} is absent: data of others is not part of this repository")
    file = min(files, key=lambda path: path.stat().st_size)
    [reading], facts = take(tmp_path / "h.duckdb", file, columns=columns)
    assert len(facts[table]) == reading.facts["usable"] == parquet.ParquetFile(file).metadata.num_rows
