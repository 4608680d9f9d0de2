"""Who is quarantined and who is not: in doubt a failure counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from cipredict.decide.flaky import CaseFlakiness, Contradiction, Evidence, Standing
from cipredict.decide.quarantine import Window, plan_quarantine
from cipredict.plans.document import MadeFrom
from cipredict.plans.quarantine_plan import QuarantinePlan, Terms
from cipredict.stats import jeffreys

NOW = datetime(2026, 6, 30, 3, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=90), NOW, runs=500, cases=1000)


def case(
    name: str = "test_a.py::test_b",
    *,
    standing: Standing = Standing.FLAKY,
    kinds: Sequence[Evidence] = (Evidence.SAME_COMMIT,) * 6,
    results: int = 100,
    trees: int | None = None,
    days_ago: int = 1,
    failed_throughout: str = "",
) -> CaseFlakiness:
    """Give a case with a contradiction of each kind, the last of them some days ago."""
    last = NOW - timedelta(days=days_ago)
    found = tuple(
        Contradiction(
            kind, 1, f"commit o/r {n if trees is None else n % trees}", str(n), last - timedelta(hours=len(kinds) - n)
        )
        for n, kind in enumerate(kinds, start=1)
    )
    score, low, high = jeffreys(len(found), results)
    return CaseFlakiness(
        name,
        standing,
        score=score,
        low=low,
        high=high,
        results=results,
        last_seen=NOW,
        contradictions=found,
        failed_throughout=failed_throughout,
    )


def plan(*cases: CaseFlakiness, terms: Terms = Terms(), window: Window = WINDOW) -> QuarantinePlan:  # noqa: B008  # frozen
    return plan_quarantine(cases, window, terms=terms, made_from=MadeFrom("0"), owner_of=lambda _: "@net")


def test_a_proven_flake_is_quarantined_until_some_days_after_its_last_evidence() -> None:
    [entry] = plan(case(days_ago=3)).quarantined

    assert entry.expires_on == date(2026, 7, 27)
    assert entry.reasons == ("passed and failed on the same code: 6 times",)
    assert (entry.owner, entry.confidence, entry.flaky_failures) == ("@net", "high", 6)
    assert [note.run_id for note in entry.evidence] == ["6", "5", "4", "3", "2"]


@pytest.mark.parametrize(
    ("judged", "reason"),
    [
        pytest.param(case(standing=Standing.BROKEN), "broken", id="broken"),
        pytest.param(case(standing=Standing.NEWLY_FAILING), "red in the last run", id="newly failing"),
        pytest.param(case(failed_throughout="commit o/r 7"), "failed in every attempt on commit o/r 7", id="steady"),
        pytest.param(case(kinds=[Evidence.FLIP] * 2, results=10), "2 unexplained flips, fewer than 3", id="few flips"),
        pytest.param(case(trees=1), "on one state of the code only", id="an outage"),
        pytest.param(case(results=9), "9 results, fewer than 10", id="few results"),
        pytest.param(case(results=5000), "may fail as rarely as 0.05%, below 1.00%", id="rare"),
        pytest.param(case(days_ago=30), "no contradiction in the last 30 days", id="over"),
    ],
)
def test_in_doubt_a_failure_counts(judged: CaseFlakiness, reason: str) -> None:
    made = plan(judged)
    assert made.quarantined == ()
    assert [held.case_id for held in made.held_back] == [judged.case_id]
    assert reason in made.held_back[0].reason


def test_three_flips_prove_enough() -> None:
    assert len(plan(case(kinds=[Evidence.FLIP] * 3, results=20)).quarantined) == 1


def test_an_explained_case_is_not_even_mentioned() -> None:
    made = plan(case(standing=Standing.EXPLAINED, kinds=()))
    assert (made.quarantined, made.held_back) == ((), ())


def test_only_the_worst_up_to_the_cap_are_quarantined() -> None:
    cases = [case(f"t.py::test_{n}", results=100 + n) for n in range(30)]
    made = plan(*cases)

    assert [entry.case_id for entry in made.quarantined] == sorted(f"t.py::test_{n}" for n in range(20))
    assert {held.reason for held in made.held_back} == {"beyond the cap of 2.00% of 1000 cases"}


def test_a_small_suite_may_have_no_room_at_all() -> None:
    assert plan(case(), window=Window(WINDOW.since, NOW, runs=50, cases=49)).quarantined == ()


def test_the_order_of_the_cases_does_not_change_the_plan() -> None:
    cases = [case(f"t.py::test_{n}", results=100 + n % 3) for n in range(30)]
    assert plan(*cases).to_document() == plan(*reversed(cases)).to_document()


def test_a_flake_that_turns_red_leaves_the_quarantine() -> None:
    before, after = plan(case()), plan(case(standing=Standing.NEWLY_FAILING))
    assert ([c.case_id for c in before.quarantined], after.quarantined) == (["test_a.py::test_b"], ())
