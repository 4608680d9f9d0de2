"""Flaky cases and a quarantine in words."""

from __future__ import annotations

from datetime import UTC, date, datetime

from cipredict.plans.document import MadeFrom
from cipredict.plans.quarantine_plan import HeldBack, QuarantinedCase, QuarantinePlan
from cipredict.render.flaky import FlakyRow, render_flaky, say_quarantine

NET = FlakyRow(
    "t.py::test_net",
    "flaky",
    score=0.0644,
    low=0.0261,
    high=0.1243,
    confidence="high",
    results=100,
    flaky_failures=6,
    evidence={"rerun": 4, "flip": 2},
    last_seen=datetime(2026, 6, 30, tzinfo=UTC),
)
RED = NET._replace(case_id="t.py::test_red", standing="broken", flaky_failures=0, evidence={}, results=0)


def test_a_score_is_shown_only_where_there_is_evidence() -> None:
    table, counts = render_flaky([NET, RED], title="2 cases")
    rows = [" ".join(line.split()) for line in table.splitlines()[3:]]

    assert rows == [
        "t.py::test_net flaky 6.4% 2.6% to 12.4% high 100 4 rerun, 2 flip 2026-06-30",
        "t.py::test_red broken - - - 0 - 2026-06-30",
    ]
    assert counts == "1 flaky, 1 broken"


def test_a_long_list_is_cut_and_says_so() -> None:
    parts = list(render_flaky([NET] * 53, title="many"))
    assert parts[1:] == ["… and 3 more: --format json has all.", "53 flaky"]


def test_nothing_to_show_is_said() -> None:
    assert list(render_flaky([], title="none"))[-1] == "No case stands out."


def test_numbers_are_rounded_for_machines() -> None:
    document = NET._replace(score=0.123456789).to_json()
    assert (document["score"], document["last_seen"]) == (0.1235, "2026-06-30T00:00:00+00:00")


def test_a_quarantine_says_what_counts_and_what_does_not() -> None:
    entry = QuarantinedCase(
        NET.case_id,
        score=0.0644,
        low=0.0261,
        high=0.1243,
        confidence="high",
        results=100,
        flaky_failures=6,
        reasons=("passed and failed on the same code: 6 times",),
        expires_on=date(2026, 7, 27),
        owner="@net",
    )
    held = HeldBack("t.py::test_red", "broken: red")
    day = date(2026, 6, 30)
    plan = QuarantinePlan((entry,), (held,), MadeFrom("0"), since=day, until=day, runs=9, cases=100)

    assert list(say_quarantine(plan)) == [
        "Quarantined: 1 of 100 cases (1.0%). They run, and their failures are reported.",
        "  t.py::test_net: until 2026-07-27, owner @net; passed and failed on the same code: 6 times",
        "Not quarantined although contradicted: 1.",
        "  t.py::test_red: broken: red",
    ]
