"""`cipredict cache simulate|prune|restore|save`, and its events on their way into the store."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cipredict.cli.app import main

SAMPLES = Path(__file__).parents[2] / "data" / "samples" / "cache"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_TOKEN", "GH_TOKEN", "CIPREDICT_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def simulate(*options: str) -> int:
    return main(["cache", "simulate", str(SAMPLES / "trace.csv"), "--capacity", "130B", *options])


def test_a_trace_is_compared_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == simulate("--format", "json", "--policy", "superseded-first,lru")

    document = json.loads(capsys.readouterr().out)
    lru, superseded = document["policies"]
    assert ("lru", "superseded-first", 6) == (lru["policy"], superseded["policy"], lru["requests"])
    assert (3, 2) == (round(6 * superseded["exact_share"]), round(6 * lru["exact_share"]))
    assert superseded["effective_cost_share"] < lru["effective_cost_share"]


def test_a_trace_is_compared_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == simulate()

    captured = capsys.readouterr()
    assert "6 requests, 130 B" in captured.err
    assert "belady-size" in captured.err
    assert "" == captured.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--policy", "clock"], "[cache-policy]"),
        (["--prefix-share", "deps=2"], "[cache-prefix-share]"),
        (["--where", "repo"], "[cache-where]"),
        (["--where", "repo=x"], "[cache-trace]"),
        (["--where", "kind=build"], "holds no request with kind=build. [cache-trace-empty]"),
        (["--capacity", "10"], "[bytes]"),
        (["--format", "xml"], "[unknown-format]"),
    ],
)
def test_a_wrong_option_is_one_line(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == simulate(*options)
    assert words in capsys.readouterr().err


def test_rows_that_cannot_be_read_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("key,size\na,1\nb,x\n", encoding="utf-8")

    assert 0 == main(["cache", "simulate", "t.csv", "--policy", "lru"])
    assert "1 rows of t.csv are no requests" in capsys.readouterr().err


def prune_dump(*options: str) -> int:
    return main(["cache", "prune", "--dump", str(SAMPLES / "github_caches.json"), *options])


def test_a_dump_is_planned(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == prune_dump("--quota", "1.3GB", "--closed", "7", "--format", "json")

    document = json.loads(capsys.readouterr().out)
    assert [("1", "superseded"), ("3", "closed")] == [(one["id"], one["reason"]) for one in document["delete"]]
    assert (1_900_000_000, 700_000_000, True) == (
        document["used_bytes"],
        document["freed_bytes"],
        document["is_within_quota"],
    )


def test_what_never_goes_is_said_where_it_does_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == prune_dump("--quota", "800MB")

    assert "never deleted. Cache fewer paths or platforms. [cache-quota]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--apply"], id="a dump cannot be deleted from"),
        pytest.param(["--dir", "."], id="two sources"),
        pytest.param(["--plan", "--apply"], id="both"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == prune_dump(*options)
    assert "[cache-prune]" in capsys.readouterr().err


def test_a_file_that_is_no_dump_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text('{"a": 1}', encoding="utf-8")

    assert 2 == main(["cache", "prune", "--dump", "x.json"])
    assert "[cache-dump]" in capsys.readouterr().err


def keep(command: str, key: str, *options: str) -> int:
    return main(["cache", command, "--dir", "cache", "--key", key, "--path", "deps", *options])


def write_deps(folder: Path, text: str) -> None:
    (folder / "deps").mkdir(exist_ok=True)
    (folder / "deps" / "a").write_text(text, encoding="utf-8")


def test_saved_restored_and_remembered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_deps(tmp_path, "one")
    assert 0 == keep("save", "uv-11111111")
    assert 0 == keep("save", "uv-11111111")
    write_deps(tmp_path, "two")
    assert 0 == keep("restore", "uv-22222222", "--restore-key", "uv-")
    assert 0 == keep("restore", "npm-1")

    assert "one" == (tmp_path / "deps" / "a").read_text(encoding="utf-8")
    captured = capsys.readouterr()
    printed = [json.loads(line) for line in captured.out.splitlines()]
    assert ["saved", "skipped", "prefix", "miss"] == [one["outcome"] for one in printed]
    assert "uv-11111111" == printed[2]["matched_key"]
    assert "uv-11111111 was not saved: the key is there already." in captured.err
    [events] = (tmp_path / ".cipredict" / "events").glob("cache-*.jsonl")
    assert printed == [json.loads(line)["body"] for line in events.read_text(encoding="utf-8").splitlines()]


def test_a_job_goes_on_whatever_the_folder_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    write_deps(tmp_path, "mine")

    assert 0 == keep("save", "uv-1") == keep("restore", "uv-1")
    captured = capsys.readouterr()
    assert ["skipped", "miss"] == [json.loads(line)["outcome"] for line in captured.out.splitlines()]
    assert "uv-1 was not saved: " in captured.err
    assert "mine" == (tmp_path / "deps" / "a").read_text(encoding="utf-8")


def test_the_quota_holds_and_superseded_entries_make_room(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, 4):
        (tmp_path / "deps").mkdir(exist_ok=True)
        (tmp_path / "deps" / "a").write_bytes(os.urandom(4000))
        assert 0 == keep("save", f"uv-{number:08}", "--quota", "10kB")

    assert "uv-00000001 made room." in capsys.readouterr().err
    blobs = [path.stat().st_size for path in (tmp_path / "cache" / "blobs").iterdir()]
    assert 2 == len(blobs)
    assert sum(blobs) <= 10_000
    assert 0 == keep("save", "uv-9", "--quota", "1kB")
    assert "it does not fit" in capsys.readouterr().err


def test_a_folder_is_pruned_only_if_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2):
        write_deps(tmp_path, str(number))
        keep("save", f"uv-{number:08}")

    assert 0 == main(["cache", "prune", "--dir", "cache", "--quota", "1B"])
    assert 2 == len(list((tmp_path / "cache" / "entries").iterdir()))
    assert 0 == main(["cache", "prune", "--dir", "cache", "--quota", "1B", "--apply"])
    [left] = (tmp_path / "cache" / "entries").iterdir()
    assert "uv-00000002" == json.loads(left.read_bytes())["key"]
    assert "Deleted 1 entries." in capsys.readouterr().err


@pytest.mark.learn
def test_events_and_logs_reach_the_store_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the store extra is not installed")
    keep("restore", "uv-22222222")
    for _ in range(2):
        assert 0 == main(["ingest", "events", "--store", "h.duckdb"])
        assert 0 == main(
            ["ingest", "cache-logs", str(SAMPLES), "--run-id", "5", "--repo", "o/s", "--store", "h.duckdb"]
        )

    assert "Took in 10 cache events of 4 logs." in capsys.readouterr().err
    with duckdb.connect(str(tmp_path / "h.duckdb")) as connection:
        rows = connection.execute("select outcome, count(*) from cache_events group by all order by all").fetchall()
    assert [("exact", 1), ("miss", 3), ("prefix", 2), ("saved", 2), ("skipped", 3)] == rows


@pytest.mark.learn
def test_logs_of_nobody_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb", reason="the store extra is not installed")

    assert 2 == main(["ingest", "cache-logs", str(SAMPLES)])
    assert "[cache-log-run]" in capsys.readouterr().err


@pytest.mark.learn
def test_a_log_without_caches_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb", reason="the store extra is not installed")
    (tmp_path / "a.log").write_text("nothing\n", encoding="utf-8")

    assert 2 == main(["ingest", "cache-logs", "a.log", "--run-id", "5", "--store", "h.duckdb"])
    assert "no log tells of a cache. [ingest-nothing]" in capsys.readouterr().err


@pytest.mark.learn
def test_what_jobs_recorded_is_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb", reason="the store extra is not installed")
    main(["ingest", "cache-logs", str(SAMPLES), "--run-id", "5", "--store", "h.duckdb"])
    capsys.readouterr()

    assert 0 == main(["cache", "simulate", "--store", "h.duckdb", "--policy", "lru", "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert (2, 3) == (document["policies"][0]["requests"], document["bad_rows"])
    assert 2 == main(["cache", "simulate", "--store", "h.duckdb", "--where", "a=b"])


@pytest.mark.learn
def test_a_simulation_without_anything_recorded_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb", reason="the store extra is not installed")

    assert 2 == main(["cache", "simulate", "--store", "nowhere.duckdb"])
    assert "[no-store]" in capsys.readouterr().err


def test_a_branch_without_entries_protects_nothing_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == prune_dump("--default-branch", "trunk")
    assert "no entry is of refs/heads/trunk, so that none is protected" in capsys.readouterr().err
