from __future__ import annotations

import pytest

from cipredict.decide.rollout.judge import judge
from cipredict.decide.rollout.metrics import beyond_limit
from cipredict.decide.rollout.wish import parse_wish
from cipredict.errors import SettingsError
from cipredict.plans.rollout import Counts, Limits, Metric, MetricKind, Reading, Seen, Verdict

ENOUGH = Counts(1000, 0)


def parse(**table: object) -> Metric:
    return parse_wish({"metrics": [table], "rollback_threshold": 3}, where="it").rollout.metrics[0]


def test_a_metric_of_prometheus() -> None:
    metric = parse(
        name="p95", kind="latency", prometheus="http://p:9090", query="q", limit=0.3, ratio=1.2, interval_s=2
    )
    expected = Metric("p95", MetricKind.LATENCY, "http://p:9090", "q", limit=0.3, ratio=1.2, interval_s=2)
    assert expected == metric


def test_an_error_rate_is_written_in_percent_and_has_the_limit_of_the_deployment() -> None:
    assert 0.02 == parse(name="e", kind="error_rate", command=["rate"], limit=2).limit
    assert 0.03 == parse(name="e", kind="error_rate", command=["rate"]).limit
    assert parse(name="e", kind="error_rate", command=["rate"], ratio=2).limit is None


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"command": ["x"], "limit": 1}, "name is missing"),
        ({"name": "a", "limit": 1}, "give either `prometheus` with a `query` or a `command`"),
        ({"name": "a", "limit": 1, "prometheus": "http://p"}, "give either"),
        ({"name": "a", "limit": 1, "prometheus": "p:9090", "query": "q"}, "begins with http:// or https://"),
        ({"name": "a", "limit": 1, "command": ["x"], "prometheus": "http://p", "query": "q"}, "give either"),
        ({"name": "a", "command": ["x"]}, "neither a limit nor a ratio"),
        ({"name": "a", "command": ["x"], "ratio": 0.5}, "must be 1 or more"),
        ({"name": "a", "command": ["x"], "limit": 1, "kind": "speed"}, "is none of error_rate, latency, custom"),
        ({"name": "a", "command": ["x"], "limit": 150, "kind": "error_rate"}, "between 0 and 100"),
        ({"name": "a", "command": ["x"], "limit": 1, "kind": "latency", "direction": "at_least"}, "never worse"),
        ({"name": "a", "command": ["x"], "limit": 1, "typo": 1}, "typo: unknown key"),
    ],
)
def test_a_mistake_in_a_metric_is_named(table: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match="metrics = ") as caught:
        parse(**table)
    assert words in str(caught.value)


def test_names_are_of_one_metric_each() -> None:
    table = {"name": "a", "command": ["x"], "limit": 1}
    with pytest.raises(SettingsError, match="two metrics have one name"):
        parse_wish({"metrics": [table, table]}, where="it")


@pytest.mark.parametrize(
    ("metric", "values", "baseline", "is_bad"),
    [
        (Metric("m", limit=10), (11, 12), None, True),
        (Metric("m", limit=10), (12,), None, False),
        (Metric("m", limit=10), (9, 12), None, False),
        (Metric("m", limit=10), (10, 10), None, False),
        (Metric("m", limit=10, is_least=True), (9, 8), None, True),
        (Metric("m", limit=10, is_least=True), (11, 12), None, False),
        (Metric("m", ratio=1.5), (16, 16), 10.0, True),
        (Metric("m", ratio=1.5), (15, 15), 10.0, False),
        (Metric("m", ratio=1.5), (99, 99), None, False),
        (Metric("m", ratio=2, is_least=True), (4, 4), 10.0, True),
        (Metric("m", ratio=2, is_least=True), (5, 5), 10.0, False),
        (Metric("m", limit=10, ratio=1.5), (9, 9), 5.0, True),
    ],
)
def test_limits_have_a_direction(
    metric: Metric,
    values: tuple[float, ...],
    baseline: float | None,
    is_bad: bool,  # noqa: FBT001  # pytest passes by name
) -> None:
    assert is_bad == bool(beyond_limit(Reading(metric, values, baseline)))


def test_values_are_spelled_in_their_units() -> None:
    rate = Metric("errors", MetricKind.ERROR_RATE, limit=0.02, in_a_row=1)
    assert "errors is 5.00%, at most 2.00% is allowed (1 values in a row)" == beyond_limit(Reading(rate, (0.05,)))
    slow = Metric("p95", MetricKind.LATENCY, ratio=1.5, in_a_row=1)
    expected = "p95 is 0.4 s, at most 0.3 s is allowed, 1.5 x the old release's (1 values in a row)"
    assert expected == beyond_limit(Reading(slow, (0.4,), 0.2))


@pytest.mark.parametrize(
    ("reading", "verdict"),
    [
        (Reading(Metric("m", limit=1), (0, 0)), Verdict.PASS),
        (Reading(Metric("m", limit=1), (2, 2)), Verdict.FAIL),
        (Reading(Metric("m", limit=1), problem="gone"), Verdict.INCONCLUSIVE),
    ],
)
def test_a_metric_takes_part_in_the_verdict(reading: Reading, verdict: Verdict) -> None:
    assert verdict is judge(Seen(ENOUGH, ENOUGH, readings=(reading,)), Limits(), look=1).verdict
