"""Jobs and steps as bars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cipredict.records import JobRecord, Result, RunKey, RunRecord, StepRecord
from cipredict.render.html.waterfall import MOST_BARS, waterfall_of

AT = datetime(2026, 3, 1, tzinfo=UTC)
KEY = RunKey("github", "owner/name", "7")
RUN = RunRecord(KEY, AT, workflow="ci", branch="main", result=Result.FAILURE)


def job(
    name: str, *, begin_s: float = 0, end_s: float | None = 60, result: Result = Result.SUCCESS, steps: int = 0
) -> JobRecord:
    begin = AT + timedelta(seconds=begin_s)
    end = None if end_s is None else AT + timedelta(seconds=end_s)
    made = tuple(
        StepRecord(n, f"step {n}", begin, end, Result.SKIP if n == 2 else Result.SUCCESS) for n in range(steps)
    )
    return JobRecord(KEY, name, name, begin, end, queued_s=-3.0 if name == "odd" else 5.0, result=result, steps=made)


def test_steps_follow_their_job_and_skipped_ones_have_no_bar() -> None:
    found = waterfall_of(RUN, (job("a", steps=4), job("b", begin_s=10)))

    assert found is not None
    assert [(bar.name, bar.depth) for bar in found.bars] == [
        ("a", 0),
        ("step 0", 1),
        ("step 1", 1),
        ("step 3", 1),
        ("b", 0),
    ]
    assert found.title == "ci · main · 7 · failure"
    assert found.bars[-1].start_s == AT.timestamp() + 10


def test_a_run_without_times_of_jobs_has_no_waterfall() -> None:
    assert waterfall_of(RUN, (job("a", end_s=None), job("b", result=Result.SKIP))) is None
    assert waterfall_of(RUN, ()) is None


def test_a_negative_wait_counts_as_none() -> None:
    found = waterfall_of(RUN, (job("odd"),))

    assert found is not None
    assert found.bars[0].queued_s == 0


def test_a_huge_matrix_is_cut() -> None:
    found = waterfall_of(RUN, tuple(job(f"j{k}", steps=9) for k in range(256)))

    assert found is not None
    assert len(found.bars) == MOST_BARS
