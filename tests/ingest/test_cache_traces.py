"""Traces in every packing, and what is no trace."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cipredict.cache_records import NEVER, CacheRequest
from cipredict.decide.caching.eviction.policies import make_policy
from cipredict.decide.caching.eviction.simulation import simulate
from cipredict.errors import InputError
from cipredict.ingest.cache_traces import CacheTrace, next_uses

TRACES = Path(__file__).parents[3] / "shared" / "data" / "cache" / "traces"


def write(folder: Path, text: str) -> CacheTrace:
    path = folder / "trace.csv"
    path.write_text(text, encoding="utf-8")
    return CacheTrace(path)


def test_three_columns_are_enough(tmp_path: Path) -> None:
    trace = write(tmp_path, "time,key,size\n1,a,10\n2,b,20\n")

    assert [CacheRequest("a", 10, "a", 1.0, 0.4), CacheRequest("b", 20, "b", 1.0, 0.4)] == list(trace)
    assert list(trace) == list(trace)


def test_further_columns_tell_cost_stream_and_kind(tmp_path: Path) -> None:
    trace = write(tmp_path, "key,size,cost,cls,stream\n1,10,2.5,deps,0\n2,10,9,build,1\n3,10,1,deps,\n")

    assert [
        CacheRequest("1", 10, "stream 0", 2.5, 0.05, "deps"),
        CacheRequest("2", 10, "stream 1", 9.0, 0.4, "build"),
        CacheRequest("3", 10, "3", 1.0, 0.05, "deps"),
    ] == list(trace)


def test_a_column_tells_what_a_prefix_leaves(tmp_path: Path) -> None:
    trace = write(tmp_path, "key,size,prefix_share\n1,10,0.7\n2,10,\n")

    assert [0.7, 0.4] == [request.prefix_share for request in trace]


def test_gzip_is_told_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfkey,size\r\na,1\r\n"))

    assert [CacheRequest("a", 1, "a", 1.0, 0.4)] == list(CacheTrace(path))


@pytest.mark.parametrize(
    "row", ["a,ten", "a,-1", "a", ",5", "a,5,nan", "a,5,-1", "a,5,inf", "a,1e3"], ids=lambda row: row or "empty"
)
def test_a_bad_row_is_counted_and_the_others_survive(row: str, tmp_path: Path) -> None:
    trace = write(tmp_path, f"key,size,cost\nx,1,1\n{row}\n\ny,1,1\n")

    assert ["x", "y"] == [request.key for request in trace]
    assert 1 == trace.bad_rows


def test_only_rows_with_a_value_are_read(tmp_path: Path) -> None:
    trace = write(tmp_path, "key,size,repo\na,1,x/y\nb,1,x/z\n")

    assert ["b"] == [request.key for request in CacheTrace(trace.path, only={"repo": "x/z"})]


@pytest.mark.parametrize("text", ["", "time,key\n1,a\n", "a\tb\n", "{}\n"], ids=["empty", "short", "tabs", "json"])
def test_another_file_is_refused_by_its_columns(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no column") as refused:
        list(write(tmp_path, text))
    assert refused.value.slug == "cache-trace"


def test_a_trace_that_was_cut_off_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv.gz"
    path.write_bytes(gzip.compress(b"key,size\n" + b"a,1\n" * 1000)[:-20])

    with pytest.raises(InputError, match="is damaged"):
        list(CacheTrace(path))


def test_binary_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_bytes(b"key,size\n\xff\xfe\x00,1\n")

    with pytest.raises(InputError, match="is damaged"):
        list(CacheTrace(path))


def test_a_missing_trace_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list(CacheTrace(tmp_path / "nowhere.csv"))


def test_next_uses_look_ahead() -> None:
    requests = [CacheRequest(key, 1, key) for key in "abacab"]

    with next_uses(requests) as next_use:
        assert [2, 5, 4, NEVER, NEVER, NEVER] == [next_use(position) for position in range(6)]


def test_next_uses_go_beyond_one_piece_of_the_file() -> None:
    count = 300_000
    with next_uses(CacheRequest(number % 1000, 1, 0) for number in range(count)) as next_use:
        assert 132_000 == next_use(131_000)
        assert [NEVER] * 2 == [next_use(count - 1000), next_use(count - 1)]


@pytest.mark.shared_data
def test_ci_uv_gives_the_published_figures() -> None:
    path = TRACES / "ci_uv.csv.gz"
    if not path.is_file():
        pytest.skip(f"{path} is absent: traces of others are not part of this repository")
    names = ("fifo", "lru", "gdsf", "landlord", "superseded-first", "keep-one-per-stream", "adaptive")
    results = simulate(CacheTrace(path), [make_policy(name, 10**10) for name in names])

    assert [0.032, 0.033, 0.052, 0.031, 0.012, 0.012, 0.012] == [round(one.effective_cost_share, 3) for one in results]
