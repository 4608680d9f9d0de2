"""The workflows of this repository, run on a small project: a CI run, a night, a CI run with its forecast, a night."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("yaml", reason="the store extra is not installed")
pytest.importorskip("xdist", reason="pytest-xdist is not installed")

from tests.acceptance.own_project import ROOT, OwnProject, night_of, seed
from tests.ingest.api.conftest import serve

if TYPE_CHECKING:
    from tests.acceptance.small_runner import Done
    from tests.ingest.api.conftest import Serve

__all__ = ["serve"]  # a fixture of the rooms that ask APIs


def results(done: dict[str, Done]) -> dict[str, str]:
    return {name: job.result for name, job in done.items()}


def logs(done: dict[str, Done]) -> str:
    return "\n".join(f"=== {name}\n{job.log}" for name, job in done.items())


def test_ci_runs_without_any_forecast(tmp_path: Path) -> None:
    """Every command of ci.yml exists and runs; without a bundle the suite runs in equal shards, each case once."""
    for tool in ("ruff", "mypy"):
        pytest.importorskip(tool, reason=f"{tool} is not installed")
    project = OwnProject(tmp_path)
    project.commit("cipredict/__init__.py")
    done = project.run("ci.yml")

    assert set(results(done).values()) == {"success"}, logs(done)
    plan = done["plan"]
    assert json.loads(plan.outputs["stages"]) == ["check", "tests", "light", "quality-gates"]
    assert len(json.loads(plan.outputs["matrix_tests"])["include"]) == 4
    assert "Everything runs" in plan.log
    assert done["tests"].log.count(" passed") == 4
    assert "blocked" not in done["quality-gates"].log
    installed = (tmp_path / "installed.txt").read_text(encoding="utf-8").splitlines()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    asked = {extra for line in installed for found in re.findall(r"\[(.*?)\]", line) for extra in found.split(",")}
    assert asked <= extras.keys()


@pytest.mark.learn
def test_two_nights_keep_what_they_learned(tmp_path: Path, serve: Serve) -> None:
    """The second night takes in what is new only, and keeps store, registry and forecast."""
    for module in ("mlflow", "duckdb", "cachecontrol"):
        pytest.importorskip(module, reason="the learn extra is not installed")
    project = OwnProject(tmp_path)
    server = serve(project.route)
    seed(project, runs=20)
    project.tell_run()
    first = project.run("retrain.yml", server.url)
    assert results(first) == {"retrain": "success", "result": "success"}, logs(first)
    once, asked = night_of(project), len(project.asked)

    project.tell_run()
    second = project.run("retrain.yml", server.url)
    assert results(second) == {"retrain": "success", "result": "success"}, logs(second)
    again, later = night_of(project), project.asked[asked:]

    assert (once["version"], again["version"]) == ("1", "2")
    assert all(night["promoted"] or night["verdict"] for night in (once, again))
    assert once["forecast_id"] != again["forecast_id"]
    assert not [path for path in later if "/runs/101/attempts" in path or "artifacts/101" in path], later
    assert [path for path in later if "/runs/102/attempts" in path]
    assert "Took in 2 events." in second["retrain"].log
    assert "Wrote report/index.html" in second["retrain"].log
    assert "22 runs" in second["retrain"].log, "20 of the past, one of each night"

    project.commit("tests/test_a.py")
    plan = project.run("ci.yml", only="plan")["plan"]
    assert plan.result == "success", plan.log
    assert "Everything runs, in equal shares" not in plan.log
    assert len(json.loads(plan.outputs["matrix_tests"])["include"]) == 4
    assert "### Test selection" in plan.summary
