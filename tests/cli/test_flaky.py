"""`cipredict flaky` on the bundled history, where nothing is flaky, and with flakes of known rates put into it."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cipredict.cli.app import main
from cipredict.plans.quarantine_document import read_quarantine_plan
from cipredict.records import CaseBatch, CaseRun, Change, RunKey, RunRecord, Verdict

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")
pytestmark = pytest.mark.learn

RATES = {"tests/test_net.py::test_rare": 0.06, "tests/test_net.py::test_often": 0.15}
STEADY = "tests/test_x.py::test_steady"
RED = "tests/test_x.py::test_red"
COMMITS = 120


def add_flakes(path: Path) -> None:
    """Store runs of the last days: failed ones are run again, up to three times in all, with all their cases."""
    from cipredict.store.batches import add_case_batches  # noqa: PLC0415  # needs the extra
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.writer import add_runs  # noqa: PLC0415

    chance = random.Random(11)  # noqa: S311  # a simulation
    newest = datetime.now(UTC) - timedelta(hours=1)
    runs, batches = [], []
    for n in range(COMMITS):
        for attempt in (1, 2, 3):
            key = RunKey("github", "sqlparse", f"flaky-{n}", attempt)
            at = newest - timedelta(hours=6 * (COMMITS - n)) + timedelta(minutes=attempt)
            failing = {case_id for case_id, rate in RATES.items() if chance.random() < rate}
            red = {RED} if n >= COMMITS - 8 else set()
            cases = [
                CaseRun(case_id, Verdict.FAILED if case_id in failing | red else Verdict.PASSED, 0.1)
                for case_id in (*RATES, STEADY, RED, *(f"tests/test_y.py::test_{i}" for i in range(96)))
            ]
            runs.append(RunRecord(key, at, at, sha=f"{n:040x}", branch="main", event="push", changes=(Change("a.py"),)))
            batches.append(CaseBatch(key, "r.xml", tuple(cases)))
            if not failing:
                break
    with open_store(path) as store:
        add_runs(store, runs)
        add_case_batches(store, batches)


def test_a_history_of_real_failures_holds_no_flaky_case(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flaky", "--since", "36500d", "--format", "json", "--quarantine", "q.json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document["runs"] == 60
    assert [case for case in document["judged"] if case["flaky_failures"]] == []
    assert read_quarantine_plan(project / "q.json").quarantined == ()


def test_flakes_are_found_ranked_and_quarantined(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_flakes(project / ".cipredict" / "history.duckdb")
    (project / "CODEOWNERS").write_text("tests/test_net.py @net\n")

    arguments = ["--since", "60d", "--format", "json", "--quarantine", "q.json", "--max-share", "5%"]
    assert main(["flaky", *arguments]) == 0

    captured = capsys.readouterr()
    judged = {case["case_id"]: case for case in json.loads(captured.out)["judged"]}
    assert list(judged) == ["tests/test_net.py::test_often", "tests/test_net.py::test_rare", RED]
    assert all(judged[case_id]["low"] <= rate <= judged[case_id]["high"] for case_id, rate in RATES.items())
    assert judged[RED]["standing"] == "broken"
    plan = read_quarantine_plan(project / "q.json")
    assert {case.case_id: case.owner for case in plan.quarantined} == dict.fromkeys(RATES, "@net")
    assert "Quarantined: 2 of 100 cases (2.0%). They run, and their failures are reported." in captured.err


def test_the_ids_alone_go_to_stdout(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_flakes(project / ".cipredict" / "history.duckdb")
    assert main(["flaky", "--format", "lines"]) == 0

    captured = capsys.readouterr()
    assert captured.out.split() == ["tests/test_net.py::test_often", "tests/test_net.py::test_rare"]
    assert "1 broken" in captured.err


def test_few_results_are_not_listed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_flakes(project / ".cipredict" / "history.duckdb")
    assert main(["flaky", "--format", "lines", "--min-runs", "5000"]) == 0
    assert capsys.readouterr().out == ""


def add_red_nights(path: Path, branch: str) -> None:
    """Store twelve nightly runs of a machine that names no event; one case is red in all of them."""
    from cipredict.store.batches import add_case_batches  # noqa: PLC0415  # needs the extra
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.writer import add_runs  # noqa: PLC0415

    now = datetime.now(UTC)
    keys = [RunKey("local", "me/it", str(n)) for n in range(12)]
    times = [now - timedelta(days=12 - n) for n in range(12)]
    with open_store(path) as store:
        add_runs(
            store, [RunRecord(key, at, at, sha=key.run_id, branch=branch) for key, at in zip(keys, times, strict=True)]
        )
        add_case_batches(store, [CaseBatch(key, "r.xml", (CaseRun(RED, Verdict.FAILED, 0.1),)) for key in keys])


@pytest.mark.parametrize(("branch", "words"), [("main", "1 broken"), ("", "No default branch is known")])
def test_what_is_red_without_an_event_is_broken_or_the_missing_branch_is_told(
    branch: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    add_red_nights(tmp_path / "h.duckdb", branch)
    assert main(["flaky", "--store", "h.duckdb"]) == 0

    said = capsys.readouterr().err
    assert words in said
    assert ("No default branch" in said) == (branch == "")


@pytest.mark.usefixtures("project")
def test_a_table_is_for_people_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flaky"]) == 0

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "No case stands out." in captured.err


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--since", "soon"], "--since: 'soon'"),
        (["--format", "xml"], "Unknown format 'xml'"),
        (["--max-share", "2"], "--max-share: '2'"),
        (["--store", "gone.duckdb"], "There is no history at gone.duckdb"),
        (["--quarantine", ".cipredict"], "Cannot write .cipredict"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flaky", *arguments]) == 2
    assert words in capsys.readouterr().err
