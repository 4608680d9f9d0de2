"""`report run` and `report pr`: within GitHub's limits, whatever names hold."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cipredict.cli.app import main
from cipredict.records import CaseBatch, CaseRun, RunKey, RunRecord, Verdict

pytest.importorskip("duckdb", reason="the store extra is not installed")

from tests.cli.report_history import HOSTILE, fill  # after the skip

pytestmark = pytest.mark.learn
AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module", name="store")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cipredict.store.batches import add_case_batches  # noqa: PLC0415  # needs the extra
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.writer import add_runs  # noqa: PLC0415

    path = tmp_path_factory.mktemp("markdown") / "h.duckdb"
    fill(path)
    key = RunKey("github", "owner/name", "red")
    cases = tuple(CaseRun(f"tests/test_ü.py::test_{k}[{'|' * 90}]", Verdict.FAILED, 1.0) for k in range(4000))
    with open_store(path) as store:
        add_runs(store, [RunRecord(key, AT, AT, branch="red", sha="feedc0de" * 5)])
        add_case_batches(store, [CaseBatch(key, "r.xml", cases)])
    return path


def test_a_run_is_held_against_those_before(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "run", "1052", "--store", str(store)]) == 0
    text = capsys.readouterr().out

    assert "❌ Run <code>1052</code>: failure" in text
    assert "* took 11m12s, +29% against the median (8m39s) of the 40 runs before" in text
    assert "tests/test_1.py::test_1</code> | failed" in text
    assert text.index("<code>integration</code> | success | 3m00s") < text.index("<code>lint</code>")


def test_hostile_names_are_code(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["report", "run", "1052"], ["report", "pr", HOSTILE[1]]):
        assert main([*command, "--store", str(store)]) == 0
        text = capsys.readouterr().out
        assert "<script" not in text
        assert "<img" not in text
        assert "[link]" not in text
        assert max(map(len, text.splitlines())) < 2_000


def test_a_comment_and_a_summary_fit(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "pr", "feedc0de", "--store", str(store)]) == 0
    comment = capsys.readouterr().out
    assert main(["report", "run", "red", "--store", str(store)]) == 0
    summary = capsys.readouterr().out

    assert 60_000 < len(comment.encode()) <= 65_536
    assert len(summary.encode()) <= 1 << 20
    assert comment.rstrip().endswith("more lines: see `cipredict report html`._")


def test_an_unknown_run_or_branch_is_said(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "run", "none", "--store", str(store)]) == 2
    assert main(["report", "pr", "none", "--store", str(store)]) == 2
    assert capsys.readouterr().err.count("[run-unknown]") == 2
