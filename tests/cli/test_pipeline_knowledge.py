"""What `pipeline optimize` knows: caches of the advisor, failures of the store, seconds of the bundle."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cipredict.cli.app import main
from cipredict.records import JobRecord, Result, RunKey, RunRecord

DEFINITION = """
name = "ci"
[stages.lint]
run = "make lint"
expected = "5m"
[stages.unit]
run = "pip install -r requirements.txt\\nmake unit"
needs = ["lint"]
expected = "10m"
[stages.web]
run = "npm ci\\nnpm test"
needs = ["lint"]
expected = "9m"
[stages.cached]
run = "pip install -r requirements.txt"
cache = ["mine"]
expected = "1m"
"""


def git(*arguments: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(name="project")
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose requirements changed twice in eight commits."""
    monkeypatch.chdir(tmp_path)
    for variable in ("CIPREDICT_STORE", "CIPREDICT_FORECAST", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "pipeline.toml").write_text(DEFINITION, encoding="utf-8")
    (tmp_path / ".gitignore").write_text(".cipredict/\n")
    git("init", "-q", "-b", "main")
    for n in range(8):
        (tmp_path / "code.py").write_text(f"N = {n}\n")
        (tmp_path / "requirements.txt").write_text(f"a==1.{n // 4}\nb==1.0\n")
        git("add", ".")
        git("commit", "-qm", str(n))
    return tmp_path


def findings(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[tuple[str, str], dict[str, object]]:
    assert main(["pipeline", "optimize", *arguments, "--format", "json"]) == 0
    [found] = json.loads(capsys.readouterr().out).values()
    return {(one["rule"], one["where"]): one for one in found}


@pytest.mark.usefixtures("project")
def test_caches_of_the_advisor_reach_the_stages_that_install(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("yaml", reason="the store extra is not installed")
    found = findings(capsys, "pipeline.toml")

    assert ("cache", "unit") in found
    assert found["cache", "unit"]["what"] == "caches ~/.cache/pip by requirements.txt"
    assert {where for rule, where in found if rule == "cache"} == {"unit"}, "npm has no lock file, the other its cache"


def test_a_cache_described_for_a_stage_brings_its_seconds(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("yaml", reason="the store extra is not installed")
    (project / "pyproject.toml").write_text(
        "[tool.cipredict.cache.stages.unit]\nkey-files = ['requirements.txt']\npaths = ['.venv']\n"
        "rebuild-s = 100\nrestore-s = 5\nsave-s = 5\n"
    )
    found = findings(capsys, "pipeline.toml")

    assert found["cache", "unit"]["what"] == "caches .venv by requirements.txt"
    saves = str(found["cache", "unit"]["saves"])
    assert saves.endswith(" s per run")
    assert 40 < float(saves.split(maxsplit=1)[0]) < 95


def test_without_a_checkout_no_cache_is_advised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("yaml", reason="the store extra is not installed")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline.toml").write_text(DEFINITION, encoding="utf-8")
    assert main(["pipeline", "optimize", "pipeline.toml"]) == 0
    shown = capsys.readouterr()
    assert "No cache is advised." in shown.err
    assert shown.out == "pipeline.toml: nothing to improve.\n"


def store_jobs(path: Path, *, failing: int, of: int) -> None:
    from cipredict.store.database import open_store  # noqa: PLC0415  # duckdb is part of an extra
    from cipredict.store.writer import add_jobs, add_runs  # noqa: PLC0415

    now = datetime.now(UTC)
    runs, jobs = [], []
    for n in range(of):
        key = RunKey("github", "me/it", str(n))
        began = now - timedelta(hours=of - n)
        runs.append(RunRecord(key, workflow="ci", started_at=began, finished_at=began + timedelta(minutes=9)))
        result = Result.FAILURE if n < failing else Result.SUCCESS
        jobs.append(JobRecord(key, "1", "lint", began, began + timedelta(minutes=5), None, "", result))
    with open_store(path) as door:
        add_runs(door, runs)
        add_jobs(door, jobs)


@pytest.mark.learn
@pytest.mark.parametrize(
    ("failing", "of", "goes"),
    [
        pytest.param(0, 40, True, id="never fails"),
        pytest.param(30, 40, False, id="often fails"),
        pytest.param(0, 5, False, id="too few runs"),
    ],
)
def test_failures_of_the_store_decide_whether_others_wait(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    failing: int,
    of: int,
    goes: bool,  # noqa: FBT001  # by name
) -> None:
    for module in ("duckdb", "yaml"):
        pytest.importorskip(module, reason="the store extra is not installed")
    store_jobs(project / ".cipredict" / "history.duckdb", failing=failing, of=of)
    found = findings(capsys, "pipeline.toml")

    assert (("parallelise", "unit") in found) is goes
    typed = findings(capsys, "pipeline.toml", "--p-fail", "lint=0.001")
    assert ("parallelise", "unit") in typed, "what is typed counts more than the history"


def test_workflows_hear_of_the_advisors_caches(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("yaml", reason="the store extra is not installed")
    (project / "ci.yml").write_text(
        "on: push\njobs:\n  unit:\n    runs-on: x\n    steps:\n      - uses: actions/setup-python@v5\n"
        "      - run: pip install -r requirements.txt\n"
    )
    found = findings(capsys, "ci.yml")["cache", "unit"]

    assert str(found["saves"]).endswith("with ~/.cache/pip by requirements.txt, by the cache advisor")


@pytest.mark.learn
def test_failures_of_the_store_count_for_workflows_too(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for module in ("duckdb", "yaml"):
        pytest.importorskip(module, reason="the store extra is not installed")
    (project / "ci.yml").write_text(
        "name: ci\non: push\njobs:\n  lint:\n    runs-on: x\n    steps: [{run: make}]\n"
        "  unit:\n    needs: lint\n    runs-on: x\n    steps: [{run: make}]\n"
    )
    before = findings(capsys, "ci.yml")["parallelise", "unit"]
    store_jobs(project / ".cipredict" / "history.duckdb", failing=0, of=40)
    after = findings(capsys, "ci.yml")["parallelise", "unit"]

    assert "nothing predicts" in str(before["refused"])
    assert "starting at once pays: 1.2% of" in str(after["why_safe"])
