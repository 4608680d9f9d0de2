"""`cipredict shard` on a suite with GPU cases, from pytest's markers to the matrix and back into pytest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cipredict.cli.app import main

SUITE = """
import pytest
def test_plain(): pass
@pytest.mark.gpu
def test_model(): pass
@pytest.mark.gpu
class TestKernels:
    def test_fast(self): pass
"""
MARKED = ["test_a.py::TestKernels::test_fast", "test_a.py::test_model"]


@pytest.fixture(autouse=True)
def _suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PYTEST_ADDOPTS", "CIPREDICT_FORECAST", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITLAB_CI"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_a.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu\n")


def test_marked_cases_go_to_gpu_shards_and_run_there(capsys: pytest.CaptureFixture[str]) -> None:
    """A marked case that is newer than the plan goes there too."""
    options = ["--shards", "2", "--gpu-shards", "1", "--format", "github", "--output", "plan.json"]
    assert 0 == main(["shard", "--collect", *options])
    captured = capsys.readouterr()
    matrix = json.loads(captured.out.splitlines()[0].removeprefix("matrix="))["include"]
    assert [("ubuntu-latest", False), ("gpu", True)] == [(one["runner"][-1], one["needs_gpu"]) for one in matrix]
    assert "2 cases are marked gpu: the last 1 shards run them, on self-hosted, gpu." in captured.err
    Path("test_b.py").write_text("import pytest\n@pytest.mark.gpu\ndef test_new(): pass\n")
    assert [*MARKED, "test_b.py::test_new"] == ran("3/3")
    assert ["test_a.py::test_plain"] == [*ran("1/3"), *ran("2/3")]


def ran(shard: str) -> list[str]:
    options = ["--cipredict-plan", "plan.json", "--cipredict-shard", shard, "--cipredict-report", "report.jsonl"]
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "cipredict", *options], check=True, capture_output=True)
    lines = map(json.loads, Path("report.jsonl").read_text().splitlines())
    return sorted({line["nodeid"] for line in lines if line["$report_type"] == "TestReport"})


def test_without_gpus_the_plan_and_stderr_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["shard", "--collect", "--shards", "2", "--no-gpu", "--format", "json"])
    captured = capsys.readouterr()
    plan = json.loads(captured.out)
    assert (MARKED, True, 2) == (plan["gpu_tests"], plan["gpu_fallback"], len(plan["shards"]))
    assert "2 cases are marked gpu and are planned without one (--no-gpu)" in captured.err


def test_marked_cases_that_nobody_minds_are_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["shard", "--collect", "--shards", "2"])
    captured = capsys.readouterr()
    assert "2 cases are marked gpu and go anywhere: give --gpu-shards, or --no-gpu" in captured.err
    assert 3 == len(captured.out.splitlines())


def test_candidates_from_elsewhere_get_their_markers_from_pytest(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cases.txt").write_text("\n".join(["test_a.py::test_model", "test_a.py::test_plain"]))
    assert 0 == main(["shard", "--candidates", "cases.txt", "--shards", "1", "--gpu-shards", "1"])
    assert ["0\ttest_a.py::test_plain", "1\ttest_a.py::test_model"] == capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--gpu-shards", "1", "--no-gpu"], "Give one of --gpu-shards and --no-gpu. [gpu-shards]"),
        (["--gpu-shards", "1", "--tail", "10%"], "do not go together"),
        (["--gpu-shards", "1", "--index", "2"], "shards count from 0 to 1"),
    ],
)
def test_what_cannot_be_meant_is_one_line(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["shard", "--collect", "--shards", "1", *options])
    assert words in capsys.readouterr().err


def test_gitlab_gets_jobs_for_a_child_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--gpu-runner", "cuda", "--format", "gitlab"]
    assert 0 == main(["shard", "--collect", "--shards", "1", "--gpu-shards", "1", *options])
    jobs = json.loads(capsys.readouterr().out)
    assert (["cuda"], None) == (jobs["gpu-shards"]["tags"], jobs["shards"].get("tags"))
