"""The shard plan as a contract: its bytes, reading it back, and the checks before it is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.division import ShardOptions
from cipredict.decide.shard import plan_even_split, plan_shards
from cipredict.errors import CipredictError, InputError, UsageError
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.ids import case_file
from cipredict.plans.document import MadeFrom, canonical_json, write_plan
from cipredict.plans.shard_document import parse_shard_plan, read_shard_plan
from cipredict.plans.shard_plan import ShardPlan, Strategy, verify_plan
from cipredict.plans.shard_queue import Batch

GOLDEN = Path(__file__).parents[1] / "golden"
MADE_FROM = MadeFrom("0.1.0", forecast="0123456789ab", model="case-time/3", commit="f00d")
SECONDS = {
    "tests/test_cart.py::test_add": 12.0,
    "tests/test_cart.py::test_remove": 8.0,
    "tests/test_pay.py::test_card[visa]": 41.5,
    "tests/test_pay.py::test_card[amex]": 40.25,
    "tests/test_web.py::TestHome::test_größe": 0.5,
}


def golden_plan() -> ShardPlan:
    cases = [
        DurationForecast(case_id, seconds, seconds / 2, seconds * 1.5, Basis.HISTORY, 9, 2**28)
        for case_id, seconds in SECONDS.items()
    ]
    cases.append(DurationForecast("tests/test_new.py::test_new", 4.0, 1.0, 16.0, Basis.FALLBACK, 0))
    return plan_shards(cases, 3, made_from=MADE_FROM, options=ShardOptions(group_of=case_file, overhead_s=20.0))


def queue_plan() -> ShardPlan:
    cases = [
        DurationForecast(case_id, seconds, seconds / 2, seconds * 1.5, Basis.HISTORY, 9)
        for case_id, seconds in SECONDS.items()
    ]
    return plan_shards(cases, 2, made_from=MADE_FROM, options=ShardOptions(tail_share=0.2))


def even_plan() -> ShardPlan:
    return plan_even_split(SECONDS, 2, reason="The forecast bundle is missing.", made_from=MadeFrom("0.1.0"))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        pytest.param("shard_plan.json", golden_plan, id="plan"),
        pytest.param("shard_plan_even.json", even_plan, id="even"),
        pytest.param("shard_plan_queue.json", queue_plan, id="queue"),
    ],
)
def test_a_plan_has_the_bytes_of_the_golden_file(name: str, make: Callable[[], ShardPlan], tmp_path: Path) -> None:
    """Accept a change with `cp <the path in the message> tests/golden/`."""
    actual = tmp_path / name
    write_plan(actual, make().to_document())
    assert (GOLDEN / name).read_text(encoding="utf-8") == actual.read_text(encoding="utf-8"), actual
    assert read_shard_plan(GOLDEN / name) == make()


def test_the_document_says_what_it_is() -> None:
    document = golden_plan().to_document()
    assert document["schema"] == "cipredict.shard-plan/1"
    assert document["id"] == golden_plan().to_document()["id"]
    assert document["basis_counts"] == {"fallback": 1, "history": 5}
    assert document["basis"] == {"tests/test_new.py::test_new": "fallback"}
    assert document["basis_of_others"] == "history"
    assert golden_plan().cases == 6


def test_every_strategy_is_found_by_its_name_and_no_other() -> None:
    assert [Strategy.parse(strategy.value) for strategy in Strategy] == list(Strategy)
    assert Strategy.parse("round-robin") is Strategy.ROUND_ROBIN
    with pytest.raises(UsageError, match="'best': choose from optimal, predictive, round_robin"):
        Strategy.parse("best")


def damaged(*path: object, value: object = None) -> dict[str, Any]:  # Any: JSON of any shape
    """Give the golden document with one field replaced."""
    document: dict[str, Any] = json.loads(canonical_json(golden_plan().to_document()))
    target: Any = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("strategy",), "best", "'strategy'"),
        (("shards",), {}, "'shards'"),
        (("shards", 1, "tests"), [1], r"'shards\[1\].tests'"),
        (("shards", 1, "parallelism"), True, r"'shards\[1\].parallelism'"),
        (("shards", 0, "peak_memory_bytes"), "big", r"'shards\[0\].peak_memory_bytes'"),
        (("overhead_s",), True, "'overhead_s'"),
        (("makespan_s",), "long", "'makespan_s'"),
        (("fallback",), 1, "'fallback'"),
        (("floor",), 7, "'floor'"),
        (("queue",), [{"shard": 0, "tests": 7, "expected_s": None, "high_s": None}], r"'queue\[0\].tests'"),
        (("queue",), [{"shard": 0, "tests": [], "expected_s": None, "high_s": None}], "queue-is-whole"),
        (("made_from", "forecast"), 7, "'made_from.forecast'"),
        (("basis",), [], "'basis'"),
        (("shards", 0, "tests"), ["tests/test_cart.py::test_add"], "each-case-once"),
        (("basis", "lost"), "history", "each-case-once"),
        (("shards", 0, "shard_id"), 5, "shard ids"),
        (("makespan_s",), 1.0, "seconds-agree"),
    ],
)
def test_a_damaged_plan_is_refused_by_the_name_of_the_field(
    path: tuple[object, ...], value: object, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        parse_shard_plan(damaged(*path, value=value))


def test_all_problems_are_named_at_once() -> None:
    document = damaged("strategy", value=3)
    del document["reasons"]
    with pytest.raises(InputError, match=r"'strategy' is .*; 'reasons' is missing"):
        parse_shard_plan(document)


def test_a_file_of_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text('{"schema": "cipredict.select-plan/1"}')
    with pytest.raises(InputError, match="select-plan"):
        read_shard_plan(path)


@pytest.mark.parametrize(
    ("ids", "together", "check"),
    [
        pytest.param([*SECONDS], [], "each-case-once", id="a case invented"),
        pytest.param([*SECONDS, "tests/test_new.py::test_new", "lost"], [], "each-case-once", id="a case lost"),
        pytest.param(None, [[*SECONDS]], "groups-are-whole", id="a group torn"),
    ],
)
def test_checks_carry_their_name(ids: list[str] | None, together: list[list[str]], check: str) -> None:
    plan = golden_plan()
    with pytest.raises(CipredictError, match=check):
        verify_plan(plan, ids or plan.basis, together=together)


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param(lambda queue: queue[1:], id="a batch lost"),
        pytest.param(lambda queue: (*queue, queue[0]), id="a batch doubled"),
        pytest.param(lambda queue: tuple(batch._replace(shard=1) for batch in queue), id="another shard's cases"),
    ],
)
def test_a_queue_that_is_not_whole_is_found(batches: Callable[[tuple[Batch, ...]], tuple[Batch, ...]]) -> None:
    plan = queue_plan()
    with pytest.raises(CipredictError, match="queue-is-whole"):
        verify_plan(replace(plan, queue=batches(plan.queue)), plan.basis)


def test_a_group_torn_between_batches_is_found() -> None:
    plan = queue_plan()
    together = [next(shard.tests for shard in plan.shards if len(shard.tests) > 2)]
    verify_plan(replace(plan, queue=()), plan.basis, together=together)
    with pytest.raises(CipredictError, match="groups-are-whole"):
        verify_plan(plan, plan.basis, together=together)


def test_a_makespan_below_its_bound_is_found() -> None:
    plan = replace(golden_plan(), lower_bound_s=1e9)
    with pytest.raises(CipredictError, match="seconds-agree"):
        verify_plan(plan, plan.basis)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_canonical_bytes_are_those_of_the_standard_library(document: dict[str, object]) -> None:
    assert canonical_json(document) == json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
