"""The main job as a new user would run it, on a cut of the bundled real history: ingest, train, select, shard."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cipredict.forecast.bundle import open_bundle
from cipredict.pipeline_predictor import PipelineMLPredictor

pytest.importorskip("mlflow", reason="the learn extra is not installed")
pytestmark = pytest.mark.learn

HISTORY = Path(__file__).parents[2] / "data" / "sqlparse-ci"
RUNS = 240


@pytest.fixture(scope="module", name="project")
def _project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first runs of the bundled history, ingested and trained on."""
    folder = tmp_path_factory.mktemp("project")
    with (HISTORY / "runs.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["started_at"])[:RUNS]
    kept = {row["run_id"] for row in rows}
    history = folder / "past"
    (history / "junit").mkdir(parents=True)
    with (history / "runs.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    (history / "changes.csv").write_bytes((HISTORY / "changes.csv").read_bytes())
    with tarfile.open(HISTORY / "junit.tar.xz") as archive:
        for member in archive:
            if Path(member.name).stem in kept and (stream := archive.extractfile(member)):
                (history / "junit" / Path(member.name).name).write_bytes(stream.read())
    run(folder, "ingest", "history", "past")
    run(folder, "train")
    return folder


def run(folder: Path, *arguments: str, standard_input: str = "") -> subprocess.CompletedProcess[str]:
    hidden = {"GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_STEP_SUMMARY", "MLFLOW_TRACKING_URI"}
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [sys.executable, "-m", "cipredict", *arguments],
        cwd=folder,
        env=environment,
        input=standard_input,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_every_run_of_the_history_is_stored_once(project: Path) -> None:
    again = run(project, "ingest", "history", "past")
    assert f" {RUNS} " in again.stderr

    from cipredict.store.database import open_store  # noqa: PLC0415  # duckdb is part of an extra
    from cipredict.store.queries import load_runs  # noqa: PLC0415

    with open_store(project / ".cipredict" / "history.duckdb", read_only=True) as store:
        assert load_runs(store, datetime.now(UTC)).num_rows == RUNS


def test_the_bundle_is_small_and_says_who_serves(project: Path) -> None:
    bundle = open_bundle(project / ".cipredict" / "forecast.bundle")

    assert bundle.path.stat().st_size < 2_000_000
    assert set(bundle.manifest.served) == {"failure", "case_time", "run_time"}
    assert set(bundle.graphs("failure")) == {"prior", "xgboost", "neural_net", "random_forest"}
    assert {"decay10/time", "last-failed", "cipredict"} <= set(bundle.manifest.served["failure"].metrics)


def test_a_selection_spends_its_budget_and_explains_itself(project: Path) -> None:
    arguments = ["--known", "--changed", "sqlparse/keywords.py", "--target", "30%", "--output", "plan.json"]
    done = run(project, "select-tests", *arguments, "--explain", "--rest", "rest.txt")
    plan = json.loads((project / "plan.json").read_text())
    selected, rest = done.stdout.splitlines(), (project / "rest.txt").read_text().splitlines()

    assert plan["fallback"] is False
    assert selected
    assert rest
    assert set(selected) | set(rest) == {case["id"] for case in plan["cases"]}
    certain = [
        case for case in plan["cases"] if case["reason"] not in {None, "its risk for its time is within the budget"}
    ]
    certain_s = sum(case["expected_s"] for case in certain if case["decision"] == "run")
    assert plan["expected"]["selected_s"] <= max(plan["expected"]["budget_s"], certain_s) * 1.01
    assert "Traceback" not in done.stderr


def test_the_same_inputs_give_the_same_plan(project: Path) -> None:
    first, second = (
        run(
            project, "select-tests", "--known", "--changed", "sqlparse/sql.py", "--time", "1s", "--format", "json"
        ).stdout
        for _ in range(2)
    )

    assert first == second


def test_an_unknown_case_always_runs(project: Path) -> None:
    known = run(project, "select-tests", "--known", "--changed", "sqlparse/sql.py", "--target", "10%").stdout
    everything = [*known.splitlines(), "tests/test_brand_new.py::test_it"]

    done = run(
        project,
        *("select-tests", "--changed", "sqlparse/sql.py", "--target", "1%"),
        standard_input="\n".join(everything),
    )

    assert "tests/test_brand_new.py::test_it" in done.stdout.splitlines()


def test_a_renamed_test_file_runs_with_the_history_of_its_former_path(project: Path) -> None:
    known = run(project, "select-tests", "--known", "--changed", "sqlparse/sql.py", "--order-only").stdout
    candidates = known.replace("tests/test_split.py", "tests/test_cuts.py")
    change = "R090\ttests/test_split.py\ttests/test_cuts.py\nR100\tsqlparse/sql.py\tsqlparse/trees.py\n"
    (project / "rename.diff").write_text(change)
    arguments = ["select-tests", "--diff", "rename.diff", "--target", "10%", "--format", "json"]
    plan = json.loads(run(project, *arguments, standard_input=candidates).stdout)

    moved = [case for case in plan["cases"] if case["id"].startswith("tests/test_cuts.py::")]
    assert plan["everything_because"] == ""
    assert plan["counts"]["skipped"] > 0
    assert {(case["decision"], case["reason"]) for case in moved} == {("run", "changed")}
    assert {case["evidence"] for case in moved} == {"moved from tests/test_split.py"}
    assert {case["basis"] for case in moved} <= {"history", "model"}


@pytest.mark.parametrize("path", ["pyproject.toml", "sqlparse/never_seen.py", ".github/workflows/ci.yml"])
def test_a_change_that_can_move_anything_runs_everything(path: str, project: Path) -> None:
    done = run(project, "select-tests", "--known", "--changed", path, "--target", "10%", "--format", "json")
    plan = json.loads(done.stdout)

    assert plan["counts"]["skipped"] == 0
    assert path in plan["everything_because"]
    assert plan["fallback"] is False


def test_the_selection_is_sharded_without_loss(project: Path) -> None:
    arguments = ["--known", "--changed", "sqlparse/keywords.py", "--target", "50%", "--output", "plan.json"]
    selected = run(project, "select-tests", *arguments).stdout.splitlines()

    done = run(project, "shard", "--shards", "3", "--selection", "plan.json", "--output", "shards.json")
    plan = json.loads((project / "shards.json").read_text())

    assert sorted(line.split("\t")[1] for line in done.stdout.splitlines()) == sorted(selected)
    assert plan["fallback"] is False
    assert plan["makespan_s"] >= plan["lower_bound_s"] > 0


def test_predictions_carry_every_learner(project: Path) -> None:
    forecast = json.loads(run(project, "predict", "run", "--changed", "sqlparse/sql.py").stdout)

    assert set(forecast["individual"]) == {"xgboost", "neural_net", "random_forest"}
    assert forecast["low_s"] <= forecast["expected_s"] <= forecast["high_s"]

    predictor = PipelineMLPredictor(project / ".cipredict" / "forecast.bundle")
    answer = predictor.predict_pipeline_duration(predictor.pipelines[0], {"changed": ["sqlparse/sql.py"]})
    assert set(answer["individual_predictions"]) == {"xgboost", "neural_net", "random_forest"}


def test_plans_reach_the_ledger(project: Path) -> None:
    run(project, "select-tests", "--known", "--changed", "sqlparse/keywords.py", "--target", "30%", "--observe")
    run(project, "ingest", "events")
    first = json.loads(run(project, "report", "ledger", "--json").stdout)
    run(project, "ingest", "events")
    second = json.loads(run(project, "report", "ledger", "--json").stdout)

    assert len(first) == len(second) > 0


def test_a_foreign_bundle_runs_everything(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.cipredict]\nrepository = "somebody/else"\n')
    arguments = ["select-tests", "--changed", "sqlparse/sql.py", "--output", "foreign.json"]
    done = run(project, *arguments, standard_input="tests/test_a.py::test_b\n")
    (project / "pyproject.toml").unlink()
    plan = json.loads((project / "foreign.json").read_text())

    assert plan["fallback"] is True
    assert "was made for" in plan["fallback_reason"]
    assert done.stdout == "tests/test_a.py::test_b\n"


def test_versions_are_listed_and_shown(project: Path) -> None:
    assert "challenger" in run(project, "models", "list").stderr
    card = run(project, "models", "show", "1").stdout

    assert card.startswith("# Model card: cipredict version 1")
