"""The commands of `cipredict perf`, from files to exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="the perf extra is not installed")

import numpy as np  # after the skip

from cipredict.cli.app import main
from cipredict.cli.perf_recording import remember_run
from cipredict.records import BenchmarkRecord, BenchmarkRun
from tests.perf.histories import NAMES, make_history
from tests.perf.test_change_points import OTAVA, SHARED, shared

pytestmark = pytest.mark.learn
Results = Callable[..., str]
SCRIPT = """
import json, sys
factor = float(open("factor").read())
values = {f"b{k}": {"samples": [factor * (1 + 1e-6 * k)], "unit": "s"} for k in range(3)}
json.dump(values, open(sys.argv[1], "w"))
"""


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("CIPREDICT_STORE", "GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def results() -> Results:
    """Give a writer of folders of result files: 8 runs of three benchmarks, `b1` slower by a factor."""

    def write(name: str, factor: float = 1.0, *, runs: int = 8, seed: int = 0) -> str:
        random = np.random.default_rng(seed)
        Path(name).mkdir()
        for run in range(runs):
            factors = {"b0": 1.0, "b1": factor, "b2": 1.0}
            values = {b: [float(f * random.lognormal(0, 0.01))] for b, f in factors.items()}
            entries = {b: {"samples": samples, "unit": "ms"} for b, samples in values.items()}
            (Path(name) / f"{run}.json").write_text(json.dumps(entries))
        return name

    return write


def test_from_candidate_to_block(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    base, head = results("base"), results("head", 1.2, seed=1)
    first = main(["perf", "compare", base, head, "--paired", "--job", "a", "--output", "a.json"])
    second = main(
        ["perf", "compare", base, head, "--paired", "--job", "b", "--confirms", "a.json", "--metrics", "m.json"]
    )
    metric = json.loads(Path("m.json").read_text())["metrics"][0]

    assert (first, second) == (0, 1)
    assert (metric["name"], metric["evidence"]) == ("performance_regression", "confirmed")
    assert metric["value"] == pytest.approx(20, abs=2)
    assert "block: Slower, and a second machine confirms it." in capsys.readouterr().err


def test_a_machine_does_not_confirm_itself(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    base, head = results("base"), results("head", 1.2, seed=1)
    main(["perf", "compare", base, head, "--output", "a.json"])
    code = main(["perf", "compare", base, head, "--confirms", "a.json"])

    assert code == 0
    assert "the same machine confirms nothing" in capsys.readouterr().err


def test_every_job_of_a_hosted_runner_is_a_machine_of_its_own(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, head = results("base"), results("head", 1.2, seed=1)
    monkeypatch.setattr("cipredict.cli.perf_comparing.this_job", iter(["one", "two"]).__next__)
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    main(["perf", "compare", base, head, "--output", "a.json"])

    assert main(["perf", "compare", base, head, "--confirms", "a.json"]) == 1


def test_too_little_data_exits_4(results: Results) -> None:
    assert main(["perf", "compare", results("base", runs=1), results("head", runs=1)]) == 4


def test_nothing_slower_exits_0_and_prints_json(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["perf", "compare", results("base"), results("head", seed=1), "--json"])
    document = json.loads(capsys.readouterr().out)

    assert (code, document["verdict"], document["paired"]) == (0, "pass", False)


def test_github_gets_annotations_and_a_summary(
    results: Results, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    main(["perf", "compare", results("base"), results("head", 1.2, seed=1), "--job", "a"])

    assert capsys.readouterr().out.startswith("::warning title=Performance::b1 is ")
    assert "| `b1` | candidate |" in Path("summary.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        pytest.param(["compare", "nowhere.json", "base"], "input-missing", id="missing baseline"),
        pytest.param(["compare", "base", "one", "--paired"], "perf-paired", id="unequal pairs"),
        pytest.param(["compare", "base", "base", "--rename", "x"], "perf-rename", id="rename"),
        pytest.param(["compare", "base", "base", "--min-change", "5"], "percent", id="percent"),
        pytest.param(["compare", "base", "base", "--noise", "base/0.json"], "plan-schema", id="noise"),
        pytest.param(["compare", "base", "base", "--confirms", "nowhere"], "plan-unreadable", id="confirms"),
        pytest.param(["record", "base", "--side", "left"], "perf-side", id="side"),
        pytest.param(["run", "--base", "x", "--", "true"], "perf-results", id="no results"),
        pytest.param(["run", "--base", "x", "--", "true", "{output}"], "perf-git", id="no repository"),
        pytest.param(["explain", "--good", "x"], "perf-range", id="half a range"),
        pytest.param(["detect", "--method", "magic", "--history", "events"], "perf-method", id="no such method"),
        pytest.param(["detect", "--history", "nowhere"], "input-missing", id="no history"),
    ],
)
def test_mistakes_are_one_line_with_a_slug(
    results: Results, capsys: pytest.CaptureFixture[str], arguments: list[str], slug: str
) -> None:
    results("base")
    results("one", runs=1)
    code = main(["perf", *arguments])
    [line] = capsys.readouterr().err.splitlines()

    assert code == 2
    assert line.endswith(f"[{slug}]")


@pytest.fixture
def repository() -> None:
    """Make the folder a repository whose last commit is slower by half."""
    identity = ["-c", "user.email=a@b.c", "-c", "user.name=n"]
    subprocess.run(["git", "init", "-q"], check=True)
    Path("bench.py").write_text(SCRIPT)
    for factor in ("1.0", "1.5"):
        Path("factor").write_text(factor)
        subprocess.run(["git", "add", "-A"], check=True)
        subprocess.run(["git", *identity, "commit", "-qm", f"Factor {factor}"], check=True)


@pytest.mark.usefixtures("repository")
def test_run_measures_both_in_turns_and_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run = ["perf", "run", "--base", "HEAD^", "--warmup", "0", "--job", "a", "--json"]
    code = main([*run, "--", "python", "bench.py", "{output}"])
    output = capsys.readouterr()
    document = json.loads(output.out)
    trees = subprocess.run(["git", "worktree", "list"], check=True, capture_output=True, text=True).stdout
    [events] = Path(".cipredict/events").iterdir()

    assert (code, document["verdict"]) == (0, "warn")
    assert {one["standing"] for one in document["findings"]} == {"candidate"}
    assert document["findings"][0]["head"] / document["findings"][0]["base"] == pytest.approx(1.5, abs=0.01)
    assert len(trees.splitlines()) == 1
    assert [json.loads(line)["body"]["side"] for line in events.read_text().splitlines()] == ["base", "head"]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param(["--build", "echo no; exit 1", "--", "true", "{output}"], "failed with 1: no", id="build"),
        pytest.param(["--cpu", "first", "--", "true", "{output}"], "perf-cpu", id="cpu"),
        pytest.param(["--results", "nothing.json", "--", "true"], "input-missing", id="no result file"),
        pytest.param(["--", "echo", "{output}"], "input-missing", id="nothing written"),
        pytest.param(["--time", "0.5s", "--results", "x", "--", "sleep", "5"], "did not end within", id="no time"),
    ],
)
def test_what_goes_wrong_in_a_run_leaves_no_tree(
    capsys: pytest.CaptureFixture[str], options: list[str], told: str
) -> None:
    code = main(["perf", "run", "--base", "HEAD^", *options])
    trees = subprocess.run(["git", "worktree", "list"], check=True, capture_output=True, text=True).stdout

    assert code == 2
    assert told in capsys.readouterr().err
    assert len(trees.splitlines()) == 1


@pytest.fixture
def history() -> str:
    """Remember 80 jobs; `b3` is slower by a fifth from the fiftieth on."""
    for pair in make_history(80, slower={"b3": 1.2}, since=50):
        remember_run(pair.base, Path("events"), side="base")
        remember_run(pair.head, Path("events"), side="head")
    return "events"


def test_detect_names_benchmark_commits_and_date(history: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["perf", "detect", "--history", history, "--since", "2026-01-01", "--json"])
    [turn] = json.loads(capsys.readouterr().out)

    assert code == 0
    assert (turn["benchmark"], turn["is_worse"], turn["since"][:10]) == ("b3", True, "2026-02-20")
    assert (turn["last_good"], turn["first_bad"]) == (f"{49:040x}", f"{50:040x}")


def remember_series(values: Sequence[float]) -> None:
    """Remember one benchmark a day; the commit's name is the day's number."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for day, value in enumerate(values):
        record = BenchmarkRecord("parse", ((float(value),),))
        at = begin - timedelta(days=len(values) - day)
        remember_run(
            BenchmarkRun((record,), job=f"job {day}", sha=f"{day}", measured_at=at), Path("events"), side="head"
        )


def detected(capsys: pytest.CaptureFixture[str], *options: str) -> list[int]:
    assert 0 == main(["perf", "detect", "--history", "events", "--since", "2024-01-01", "--all", "--json", *options])
    return sorted(int(turn["first_bad"]) for turn in json.loads(capsys.readouterr().out))


def test_otavas_own_points_are_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    """Two jobs at the end are a level to Otava; to us they may still be a spike."""
    remember_series([*np.random.default_rng(0).normal(1, 0.01, 58), 2.0, 2.0])
    assert ([], [58]) == (detected(capsys), detected(capsys, "--method", "otava"))


@shared
@pytest.mark.shared_data
@pytest.mark.parametrize("name", OTAVA)
def test_otavas_expectations_are_met_on_the_command_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads((SHARED / "otava_tests/tigerbeetle.json").read_text())
    p_value, magnitude = OTAVA[name]
    remember_series(document["series"])
    options = ["--p-value", str(p_value), "--min-change", f"{100 * magnitude or 1e-9:.9f}%"]
    assert document["expected"][f"test_tb_{name}"] == detected(capsys, "--method", "otava", "--window", "30", *options)


def test_explain_says_where_git_knows_no_way(history: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["perf", "explain", "--history", history, "--since", "2026-01-01"]) == 0
    assert "b3: git knows no way" in capsys.readouterr().err


@pytest.mark.usefixtures("repository")
def test_explain_names_commits_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    main(["perf", "explain", "factor", "--good", "HEAD^", "--bad", "HEAD", "--json"])
    [answer] = json.loads(capsys.readouterr().out)

    assert [(one["subject"], one["paths"], one["shared"]) for one in answer["suspects"]] == [
        ("Factor 1.5", ["factor"], ["factor"])
    ]


def test_calibrate_writes_the_profile_that_compare_reads(history: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["perf", "calibrate", "--history", history, "--since", "2026-01-01", "--output", "n.json", "--json"])
    document = json.loads(capsys.readouterr().out)
    Path("base.json").write_text(json.dumps(dict.fromkeys(NAMES, 1.0)))
    Path("head.json").write_text(json.dumps({**dict.fromkeys(NAMES, 1.0), "b5": 1.3}))
    compared = main(["perf", "compare", "base.json", "head.json", "--paired", "--noise", "n.json", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]

    assert (code, compared) == (0, 0)
    assert {one["rule"] for one in document["rules"]} >= {"paired", "unpaired", "paired, confirmed"}
    assert [(one["series"], one["standing"]) for one in findings[:1]] == [("b5", "candidate")]


def test_record_and_ingest_and_detect_from_the_store(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb", reason="the store extra is not installed")
    assert main(["perf", "record", results("head"), "--sha", "abc", "--job", "a"]) == 0
    assert main(["ingest", "events"]) == 0
    assert main(["perf", "detect"]) == 0
    assert "0 changes for the worse." in capsys.readouterr().err


def test_nothing_recorded_is_one_line(history: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["perf", "calibrate", "--history", history, "--since", "1h"]) == 2
    assert capsys.readouterr().err.endswith("[perf-no-history]\n")


@pytest.mark.usefixtures("repository")
def test_a_cancelled_run_leaves_neither_process_nor_tree(tmp_path: Path) -> None:
    command = ["perf", "run", "--base", "HEAD^", "--", "sh", "-c", f"echo $$ > {tmp_path}/pid; sleep 60", "{output}"]
    written = tmp_path / "pid"
    started = subprocess.Popen([sys.executable, "-m", "cipredict", *command])
    deadline = time.monotonic() + 30
    while not (written.exists() and written.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    started.terminate()
    code = started.wait(timeout=30)
    pid = int(written.read_text())
    trees = subprocess.run(["git", "worktree", "list"], check=True, capture_output=True, text=True).stdout

    assert code == 130
    assert len(trees.splitlines()) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
