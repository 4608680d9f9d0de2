from __future__ import annotations

import json
from math import log
from pathlib import Path

import pytest

from cipredict.errors import InputError
from cipredict.plans.comparison import (
    Comparison,
    ComparisonVerdict,
    JobFacts,
    Score,
    SeriesFinding,
    Standing,
    read_jobs,
)
from cipredict.plans.document import write_plan

JOB = JobFacts("runner-1", 0.01, {"parse": Score(0.2, 5.0, is_seen=True), "load": Score(0.0, None, is_seen=False)})


def finding(standing: Standing, *, shift: float = log(1.2), blocking: bool = True, name: str = "") -> SeriesFinding:
    return SeriesFinding(name or standing.value, standing, "why", shift=shift, is_blocking=blocking)


def comparison(*findings: SeriesFinding) -> Comparison:
    return Comparison(findings, (JOB,), paired=True)


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        pytest.param([finding(Standing.REGRESSION)], ComparisonVerdict.BLOCK, id="confirmed"),
        pytest.param([finding(Standing.REGRESSION, blocking=False)], ComparisonVerdict.WARN, id="may not block"),
        pytest.param([finding(Standing.CANDIDATE)], ComparisonVerdict.WARN, id="unconfirmed"),
        pytest.param([finding(Standing.SUSPECT)], ComparisonVerdict.PASS, id="suspect"),
        pytest.param([finding(Standing.INCONCLUSIVE)], ComparisonVerdict.INCONCLUSIVE, id="inconclusive"),
        pytest.param([finding(Standing.INVALID)], ComparisonVerdict.INCONCLUSIVE, id="invalid"),
        pytest.param([finding(Standing.MISSING)], ComparisonVerdict.INCONCLUSIVE, id="missing"),
        pytest.param([finding(Standing.NEW)], ComparisonVerdict.INCONCLUSIVE, id="only new"),
        pytest.param([finding(Standing.NEW), finding(Standing.UNCHANGED)], ComparisonVerdict.PASS, id="one new"),
        pytest.param([finding(Standing.IMPROVEMENT)], ComparisonVerdict.PASS, id="improvement"),
        pytest.param([finding(Standing.UNCHANGED)], ComparisonVerdict.PASS, id="unchanged"),
        pytest.param([], ComparisonVerdict.INCONCLUSIVE, id="nothing measured is never green"),
    ],
)
def test_verdict(findings: list[SeriesFinding], verdict: ComparisonVerdict) -> None:
    assert comparison(*findings).verdict is verdict


def test_every_standing_has_a_verdict() -> None:
    for standing in Standing:
        assert comparison(finding(standing)).verdict in ComparisonVerdict


@pytest.mark.parametrize(
    ("findings", "value", "evidence"),
    [
        pytest.param([finding(Standing.REGRESSION)], 20.0, "confirmed", id="confirmed"),
        pytest.param([finding(Standing.CANDIDATE)], 20.0, "candidate", id="candidate"),
        pytest.param([finding(Standing.REGRESSION, blocking=False)], 20.0, "candidate", id="may not block"),
        pytest.param([finding(Standing.UNCHANGED)], 0.0, "measured", id="nothing"),
        pytest.param([finding(Standing.INCONCLUSIVE)], 0.0, "inconclusive", id="too little data"),
        pytest.param(
            [finding(Standing.CANDIDATE, shift=log(3)), finding(Standing.REGRESSION)],
            20.0,
            "confirmed",
            id="surer first",
        ),
    ],
)
def test_what_gates_read(findings: list[SeriesFinding], value: float, evidence: str) -> None:
    document = comparison(*findings).metrics_document()
    main = document["metrics"][0]  # type: ignore[index]  # a list of objects

    assert (main["name"], main["unit"]) == ("performance_regression", "%")
    assert (main["value"], main["evidence"]) == (pytest.approx(value), evidence)


def test_jobs_come_back(tmp_path: Path) -> None:
    write_plan(tmp_path / "c.json", comparison(finding(Standing.CANDIDATE)).to_document())

    assert read_jobs(tmp_path / "c.json") == (JOB,)


def test_equal_comparisons_are_equal_bytes_and_plain_json() -> None:
    one, other = (comparison(finding(Standing.CANDIDATE)).to_document() for _ in range(2))

    assert one == other
    assert json.loads(json.dumps(one, allow_nan=False)) == one


@pytest.mark.parametrize("jobs", [3, [{}], [{"job": "a", "common_mode": 0, "scores": {"x": [1]}}]])
def test_a_damaged_comparison_is_one_line(tmp_path: Path, jobs: object) -> None:
    (tmp_path / "c.json").write_text(json.dumps({"schema": "cipredict.comparison/1", "jobs": jobs}))
    with pytest.raises(InputError) as caught:
        read_jobs(tmp_path / "c.json")

    assert caught.value.slug == "comparison-damaged"
