"""The night: deployments and runs of the store become figures in the bundle, and gates ask for them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("scipy", reason="needs the learn extra")
pytestmark = pytest.mark.learn

from cipredict.cli.app import main  # noqa: E402
from cipredict.cli.delivery_learning import learn_delivery  # noqa: E402
from cipredict.events import Event  # noqa: E402
from cipredict.forecast.bundle import DELIVERY, open_bundle  # noqa: E402
from cipredict.records import CommitRecord, Result, RunKey, RunRecord  # noqa: E402
from cipredict.settings import read_settings  # noqa: E402
from cipredict.store.database import open_store  # noqa: E402
from cipredict.store.ledger import add_events  # noqa: E402
from cipredict.store.writer import add_commits, add_runs  # noqa: E402
from tests.cli.report_history import NEWEST, write_forecast  # noqa: E402

GATES = """
[tool.cipredict]
default_branch = "main"
[tool.cipredict.gates]
"dora.lead_time" = "1h"
"dora.change_failure_rate" = "50%"
"pipeline.success_rate" = "95%"
"pipeline.p90_seconds" = "20min"
"pipeline.cache_hit_rate" = "80%"
[tool.cipredict.gates.recovery]
metric = "dora.recovery_time:production"
threshold = "1min"
comparison = "less_than"
"""
SHA = 20 * "ab"


@pytest.fixture(name="project")
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project whose commit of two days ago went live after two hours; the next release did not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(GATES, encoding="utf-8")
    settings = read_settings(tmp_path, {})
    begin = NEWEST - timedelta(days=2)
    common = {"environment": "production", "rolled_back_s": None}
    released = [{"release": SHA[:12], "is_live": True}, {"release": "next", "is_live": False, "rolled_back_s": 4.5}]
    with open_store(settings.store) as store:
        add_runs(store, [_run(begin, result) for result in (Result.SUCCESS, Result.FAILURE)])
        add_commits(store, [CommitRecord("owner/name", SHA, "", begin, "a", ())])
        add_events(
            store,
            [
                Event("deployment", begin + timedelta(hours=2 + k), {}, {**common, **body})
                for k, body in enumerate(released)
            ],
        )
    write_forecast(settings.forecast)
    return tmp_path


def _run(at: datetime, result: Result) -> RunRecord:
    ended = at + timedelta(minutes=6)
    key = RunKey("github", "owner/name", result.value)
    return RunRecord(key, at, ended, "ci", sha=SHA, branch="main", event="push", result=result, changes=())


def test_gates_ask_what_the_night_found(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = read_settings(project, {})
    learn_delivery(settings, NEWEST)

    assert 1 == main(["gate", "--metrics", str(settings.forecast)])
    told = capsys.readouterr().err
    outcomes = dict(re.findall(r"^(recovery|(?:dora|pipeline)\.\w+) +(\w+)", told, re.MULTILINE))
    assert {
        "dora.lead_time": "fail",
        "dora.change_failure_rate": "pass",
        "recovery": "pass",
        "pipeline.success_rate": "fail",
        "pipeline.p90_seconds": "pass",
        "pipeline.cache_hit_rate": "missing",
    } == outcomes, told


def test_a_time_in_which_nothing_happened_leaves_the_bundle_alone(project: Path) -> None:
    settings = read_settings(project, {})
    before = settings.forecast.read_bytes()
    learn_delivery(settings, NEWEST + timedelta(days=365))
    assert before == settings.forecast.read_bytes()
    assert not open_bundle(settings.forecast).has(DELIVERY)
