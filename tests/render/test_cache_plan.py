from __future__ import annotations

import json
from pathlib import Path

import pytest

from cipredict.plans.cache_plan import SCHEMA, CachePlan, Expected, Prediction
from cipredict.plans.document import MadeFrom, canonical_json, plan_id
from cipredict.render.cache_plan import render_keys, say_keys
from cipredict.render.caching import (
    AdviceRow,
    OptionRow,
    PredictionRow,
    advice_document,
    render_advice,
    render_predictions,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "cache_plan.json"
PLAN = CachePlan(
    stage="deps",
    design="lock+restore",
    provider="github",
    primary="deps-Linux-py3.12-l0ck",
    secondary="deps-Linux-py3.12-",
    fallback_keys=("deps-Linux-",),
    paths=("~/.cache/uv",),
    files={"uv.lock": "9179199"},
    expected=Expected(Prediction.EXACT, 1.0, is_deterministic=True, basis="change", reason="no key file differs"),
    made_from=MadeFrom("0.1.0", commit="c0ffee", settings="pyproject.toml"),
    notes=("No file matches x.",),
)


def test_the_plan_is_the_golden_one() -> None:
    assert GOLDEN.read_text(encoding="utf-8") == render_keys(PLAN, output_format="json")


def test_the_record_is_the_same_plan_on_one_line() -> None:
    record = json.loads(PLAN.to_record())

    assert "\n" not in PLAN.to_record()
    assert json.loads(canonical_json(PLAN.to_document())) == record
    assert SCHEMA == record["schema"]
    assert plan_id({key: value for key, value in record.items() if key not in {"id", "schema"}}) == record["id"]


def test_restore_keys_are_secondary_then_fallbacks() -> None:
    assert ("deps-Linux-py3.12-", "deps-Linux-") == PLAN.restore_keys


def test_gitlab_gets_a_block_of_yaml() -> None:
    yaml = pytest.importorskip("yaml", reason="needs the store extra")

    assert {
        "cache": {
            "key": "deps-Linux-py3.12-l0ck",
            "fallback_keys": ["deps-Linux-py3.12-", "deps-Linux-"],
            "paths": ["~/.cache/uv"],
        }
    } == yaml.safe_load(render_keys(PLAN, output_format="gitlab"))


def test_people_read_the_key_the_expectation_and_the_notes() -> None:
    lines = say_keys(PLAN).splitlines()

    assert "deps: deps-Linux-py3.12-l0ck" == lines[0]
    assert "Expected: exact (certain unless it expired): no key file differs" in lines
    assert "  No file matches x." in lines


def option(**changed: object) -> OptionRow:
    row = OptionRow("lock", 0.8, 0.1, 0.1, 0.95, 0.0, 1.5, 0.2, 4.2, 5 * 10**9, 12.34)
    return row._replace(**changed)  # type: ignore[arg-type]  # fields of the row


ROW = AdviceRow(
    "deps", ["uv.lock"], 10,
    [option(), option(design="week", coverage=None, bloat=None, peak_bytes=None, saved_s=None)],
    "change_key", "lock", "it is best", ["a note"], 10**10,
)  # fmt: skip


def test_advice_is_a_table_with_a_verdict() -> None:
    text = "\n".join(render_advice(ROW))

    assert "5.0 GB (50%)" in text
    assert "12.3 s" in text
    assert "change key lock: it is best." in text
    assert "  a note" in text
    assert text.count(" - ") >= 1


def test_advice_as_json_has_every_column() -> None:
    document = advice_document(ROW)
    options = document["options"]

    assert isinstance(options, list)
    assert set(OptionRow._fields) == set(options[0])
    assert canonical_json(document)


def test_a_forecast_says_who_gave_it() -> None:
    row = PredictionRow("deps", 1.0, 0.5, None, None, "change", "cache", "it pays")
    table, reason = render_predictions([row])

    assert "the change" in table
    assert "100.0%" in table
    assert "deps: it pays." == reason
