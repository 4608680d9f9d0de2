"""The ledger's last lines: what plans promised, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cipredict.render.ledger import render_ledger


def row(
    *, failing: int = 1, missed: int = 0, p_miss: float | None = 0.1, skips_nothing: bool = False
) -> dict[str, Any]:
    return {
        "plan_id": "p",
        "made_at": datetime(2026, 1, 1, tzinfo=UTC),
        "run_id": "1",
        "selected": 1,
        "decided": 2,
        "selected_s": 1.0,
        "decided_s": 2.0,
        "is_judged": True,
        "failing": failing,
        "caught": failing - missed,
        "missed": missed,
        "missed_cases": [],
        "p_miss": p_miss,
        "skips_nothing": skips_nothing,
    }


def sentences(rows: list[dict[str, Any]]) -> list[str]:
    return [part for part in render_ledger(rows) if isinstance(part, str)]


def test_promised_and_observed_misses_stand_side_by_side() -> None:
    said = sentences([row()] * 9 + [row(missed=1)])
    assert said == [
        "1 of 10 failing runs were missed: 10.0%.",
        "Of 10 plans that skipped cases and were followed by a failure, 10.0% were promised to miss it and 10.0% did "
        "(95 % interval 0.3% to 44.5%): as promised.",
    ]


def test_a_broken_promise_is_called_one() -> None:
    assert sentences([row(missed=1)] * 10)[-1].endswith("more than promised.")


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param(row(p_miss=None), id="nothing promised"),
        pytest.param(row(p_miss=0.0), id="nothing skipped"),
        pytest.param(row(skips_nothing=True), id="rehearsal"),
    ],
)
def test_plans_that_promised_nothing_are_left_out(silent: dict[str, Any]) -> None:
    assert len(sentences([silent])) == 1
