"""What an export of telemetry reads from the command line and the environment."""

from __future__ import annotations

from datetime import UTC, datetime

from cipredict.cli.telemetry import is_delta, provider_servers

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def test_the_providers_are_the_public_ones_unless_ci_says_otherwise() -> None:
    assert provider_servers({"GITHUB_SERVER_URL": "https://ghe.example.org", "CI_SERVER_URL": ""}) == {
        "github": "https://ghe.example.org",
        "gitlab": "https://gitlab.com",
    }


def test_deltas_are_asked_for_as_opentelemetry_has_it() -> None:
    variable = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
    assert [is_delta({variable: word}) for word in ("Delta", "cumulative", "")] == [True, False, False]
    assert not is_delta({})
