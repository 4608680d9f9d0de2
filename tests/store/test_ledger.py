"""Plans against what happened afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.events import Event  # after the skips
from cipredict.store.batches import add_case_batches
from cipredict.store.database import Store
from cipredict.store.ledger import add_events
from cipredict.store.queries import load_ledger, load_plans
from cipredict.store.writer import add_runs

if TYPE_CHECKING:
    from tests.store.conftest import At, MakeBatch, MakeCase, MakeRun

pytestmark = pytest.mark.learn


def plan_event(at: At, run: int, **extra: object) -> Event:
    """Plan of a run: `picked` was selected, `left` and `broken` were not."""
    cases = [
        {"id": "t::picked", "decision": "run", "p_fail": 0.5, "expected_s": 2.0},
        {"id": "t::left", "decision": "skip", "p_fail": 0.01, "expected_s": 8.0},
        {"id": "t::broken", "decision": "skip", "p_fail": 0.02, "expected_s": 1.0},
    ]
    body = {"schema": "cipredict.selection-plan/1", "id": f"plan{run}", "cases": cases, **extra}
    key = {"provider": "github", "repository": "me/it", "run_id": str(run), "attempt": "1"}
    return Event("plan", at(run), key, body)


def judge(store: Store, at: At, hour: float = 99) -> list[dict[str, Any]]:  # Any: columns of a query
    names = ("plan_id", "selected", "decided", "selected_s", "decided_s", "is_judged", "failing", "caught", "missed")
    return [{name: row[name] for name in (*names, "missed_cases")} for row in load_ledger(store, at(hour)).to_pylist()]


@pytest.fixture
def planned(store: Store, at: At, make_run: MakeRun) -> Store:
    """A store with run 1, which followed a plan."""
    add_runs(store, [make_run(1, sha="abc", branch="feature", event="pull_request")])
    add_events(store, [plan_event(at, 1)])
    return store


UNJUDGED = {
    "plan_id": "plan1",
    "selected": 1,
    "decided": 3,
    "selected_s": 2.0,
    "decided_s": 11.0,
    "is_judged": False,
    "failing": 0,
    "caught": 0,
    "missed": 0,
    "missed_cases": [],
}


def test_a_plan_without_any_report_is_not_judged(planned: Store, at: At) -> None:
    assert judge(planned, at) == [UNJUDGED]


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        pytest.param({"miss": {"p_miss_given_failure": 0.05}}, 0.05, id="promised"),
        pytest.param({"miss": None}, None, id="not measured"),
        pytest.param({"miss": {"p_miss_given_failure": "little"}}, None, id="oddly typed"),
        pytest.param({}, None, id="an older plan"),
    ],
)
def test_what_a_plan_promised_is_kept(store: Store, at: At, extra: dict[str, object], expected: float | None) -> None:
    add_events(store, [plan_event(at, 1, **extra)])
    assert [row["p_miss"] for row in load_ledger(store, at(99)).to_pylist()] == [expected]


def test_a_selected_case_that_fails_was_caught(
    planned: Store, at: At, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    add_case_batches(planned, [make_batch(1, make_case("t::picked", "F"), make_case("t::new", "E"))])
    assert judge(planned, at) == [UNJUDGED | {"is_judged": True, "failing": 2, "caught": 2}]


def test_a_skipped_case_that_fails_in_the_first_full_run_of_the_commit_was_missed(
    planned: Store, at: At, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    add_runs(planned, [make_run(2, sha="abc"), make_run(3, sha="abc"), make_run(4, sha="other")])
    add_case_batches(
        planned,
        [
            make_batch(1, make_case("t::picked")),
            make_batch(2, make_case("t::picked"), make_case("t::left", "F"), make_case("t::broken", "E")),
            make_batch(3, make_case("t::picked", "F")),
            make_batch(4, make_case("t::picked", "F")),
        ],
    )
    missed = {"failing": 2, "missed": 2, "missed_cases": ["t::broken", "t::left"]}
    assert judge(planned, at) == [UNJUDGED | {"is_judged": True} | missed]
    assert judge(planned, at, hour=1.6) == [UNJUDGED | {"is_judged": True}]


@pytest.mark.parametrize("word", ["observe", "order_only", "fallback"])
def test_a_run_whose_plan_skipped_nothing_is_a_full_run(
    store: Store, at: At, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, word: str
) -> None:
    add_runs(store, [make_run(1, sha="abc"), make_run(2, sha="abc")])
    add_events(store, [plan_event(at, 1), plan_event(at, 2, **{word: True})])
    add_case_batches(store, [make_batch(2, make_case("t::left", "F"))])
    assert [row["missed_cases"] for row in judge(store, at)] == [["t::left"], ["t::left"]]


def test_a_run_that_followed_a_plan_judges_no_other_run(
    store: Store, at: At, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    add_runs(store, [make_run(1, sha="abc"), make_run(2, sha="abc")])
    add_events(store, [plan_event(at, 1), plan_event(at, 2)])
    add_case_batches(store, [make_batch(2, make_case("t::picked", "F"))])
    assert [row["is_judged"] for row in judge(store, at)] == [False, True]


def test_a_plan_names_its_commit_even_if_its_run_is_unknown(
    store: Store, at: At, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    add_runs(store, [make_run(5, sha="abc")])
    add_events(store, [plan_event(at, 1, made_from={"commit": "abc"})])
    add_case_batches(store, [make_batch(5, make_case("t::left", "F"))])
    assert [row["missed"] for row in judge(store, at)] == [1]


def test_a_plan_is_not_known_before_it_was_made(planned: Store, at: At) -> None:
    assert judge(planned, at, hour=0.9) == []
    assert load_plans(planned, at(0.9)).num_rows == 0


def test_taking_events_in_twice_adds_nothing(planned: Store, at: At) -> None:
    assert add_events(planned, [plan_event(at, 1), plan_event(at, 1)]) == 2
    assert judge(planned, at) == [UNJUDGED]
    assert load_plans(planned, at(9)).num_rows == 1


def test_the_id_of_a_plan_is_not_hashed_anew_for_every_case(
    store: Store, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each hash reads the whole plan: a plan of 5,000 cases took a minute and a half."""
    asked: list[Event] = []

    def count(event: Event) -> str:
        asked.append(event)
        return "0123456789ab"

    monkeypatch.setattr(Event, "event_id", property(count))
    add_events(store, [plan_event(at, 1, cases=[{"id": f"t::{number}"} for number in range(100)])])
    assert store.connection.execute("select count(*) from predictions").fetchall() == [(100,)]
    assert len(asked) <= 5


def test_a_plan_comes_back_whole(planned: Store, at: At) -> None:
    [row] = load_plans(planned, at(9)).to_pylist()
    assert json.loads(row["body"]) == plan_event(at, 1).body
    assert (row["plan_schema"], row["made_at"]) == ("cipredict.selection-plan/1", at(1))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="empty"),
        pytest.param({"cases": "all", "id": 7}, id="wrong types"),
        pytest.param({"cases": ["t::a", {"id": 3}, {"id": "t::b", "p_fail": "high"}]}, id="odd cases"),
        pytest.param({"name": "\u00fc\u0000\ud7ff", "nested": {"a": [1, None]}}, id="odd text"),
    ],
)
def test_an_odd_plan_is_kept_and_never_refused(store: Store, at: At, body: dict[str, object]) -> None:
    assert add_events(store, [Event("plan", at(1), {"attempt": "x", "run_id": None}, body)]) == 1
    [row] = load_plans(store, at(9)).to_pylist()
    assert json.loads(row["body"]) == body
    assert (row["attempt"], row["run_id"]) == (1, "")


def test_other_events_are_kept_without_being_plans(store: Store, at: At) -> None:
    add_events(store, [Event("observation", at(1), {}, {"plan_id": "plan1"})])
    assert load_plans(store, at(9)).num_rows == 0
    assert store.connection.execute("select kind, body->>'plan_id' from events").fetchall() == [
        ("observation", "plan1")
    ]
