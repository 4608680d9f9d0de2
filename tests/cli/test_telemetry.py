"""What an export of telemetry reads from the command line and the environment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cipredict.cli.telemetry import is_delta, provider_servers, window_until
from cipredict.errors import UsageError

NOW = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(("since", "hours"), [("1d", 24), (" 90d ", 90 * 24), ("12h", 12), ("1h30m", 1.5), ("3600", 1)])
def test_a_window_ends_now(since: str, hours: float) -> None:
    window = window_until(NOW, since)
    assert (window.until, window.until - window.since) == (NOW, timedelta(hours=hours))


@pytest.mark.parametrize("since", ["", "d", "0d", "-1d", "999d", "tomorrow"])
def test_another_spelling_is_refused(since: str) -> None:
    with pytest.raises(UsageError) as caught:
        window_until(NOW, since)
    assert caught.value.slug == "duration"


def test_the_providers_are_the_public_ones_unless_ci_says_otherwise() -> None:
    assert provider_servers({"GITHUB_SERVER_URL": "https://ghe.example.org", "CI_SERVER_URL": ""}) == {
        "github": "https://ghe.example.org",
        "gitlab": "https://gitlab.com",
    }


def test_deltas_are_asked_for_as_opentelemetry_has_it() -> None:
    variable = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
    assert [is_delta({variable: word}) for word in ("Delta", "cumulative", "")] == [True, False, False]
    assert not is_delta({})
