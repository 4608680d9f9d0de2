"""The runner of the tests is itself held to what GitHub documents."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.expressions import evaluate, fill
from tests.acceptance.small_runner import parse_outputs

CONTEXTS: dict[str, Any] = {
    "github": {"event_name": "push", "event": {"before": "abc"}},
    "needs": {"a": {"result": "success", "outputs": {"m": '{"x":[1]}'}}, "b": {"result": "skipped", "outputs": {}}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("github.event.pull_request.base.sha || github.event.before", "abc", id="first that is there"),
        pytest.param("github.event_name == 'pull_request' && 'x' || 'y'", "y", id="choice"),
        pytest.param("contains(needs.*.result, 'skipped')", True, id="filter"),
        pytest.param("!contains(needs.*.result, 'failure') && true", True, id="not"),
        pytest.param("join(needs.*.result, ' ')", "success skipped", id="join"),
        pytest.param("fromJSON(needs.a.outputs.m).x", [1], id="json"),
        pytest.param("fromJSON(needs.b.outputs.m || '{\"x\":[2]}').x", [2], id="fallback in json"),
        pytest.param("'it''s' != ''", True, id="quotes"),
    ],
)
def test_expressions(text: str, value: object) -> None:
    assert value == evaluate(text, CONTEXTS, {})


def test_a_text_around_expressions_is_a_text() -> None:
    assert "a-abc-" == fill("a-${{ github.event.before }}-${{ github.event.nothing }}", CONTEXTS, {})
    assert {"x": [1]} == fill("${{ fromJSON(needs.a.outputs.m) }}", CONTEXTS, {})
    assert "}}" == fill("${{ '}}' }}", CONTEXTS, {})


def test_values_between_delimiters_hold_lines() -> None:
    assert {"a": "1=2", "b": "x\ny", "c": ""} == parse_outputs("a=1=2\nb<<end\nx\ny\nend\nc=\n")
