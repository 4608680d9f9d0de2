"""What an export of telemetry takes from the command line and the environment."""

from __future__ import annotations

from collections.abc import Mapping


def provider_servers(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the addresses of the providers: an enterprise's own inside its CI, else the public ones."""
    return {
        "github": environment.get("GITHUB_SERVER_URL") or "https://github.com",
        "gitlab": environment.get("CI_SERVER_URL") or "https://gitlab.com",
    }


def is_delta(environment: Mapping[str, str]) -> bool:
    """Tell whether OpenTelemetry's own variable asks for counts of the window instead of running totals."""
    return environment.get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "").strip().lower() == "delta"
