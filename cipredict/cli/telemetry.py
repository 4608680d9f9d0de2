"""What an export of telemetry takes from the command line and the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from cipredict.act.otel.interface import Window
from cipredict.quantities import parse_seconds

_DAYS = re.compile(r"\d{1,3}d", re.ASCII)


def window_until(now: datetime, since: str) -> Window:
    """Give the window that ends now and began `since` ago: `7d`, or as `parse_seconds` has it.

    Raises
    ------
    UsageError
        No such duration.
    """
    text = since.strip()
    hours = f"{int(text[:-1]) * 24}h" if _DAYS.fullmatch(text) else text
    return Window(now - timedelta(seconds=parse_seconds(hours, option="--since")), now)


def provider_servers(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the addresses of the providers: an enterprise's own inside its CI, else the public ones."""
    return {
        "github": environment.get("GITHUB_SERVER_URL") or "https://github.com",
        "gitlab": environment.get("CI_SERVER_URL") or "https://gitlab.com",
    }


def is_delta(environment: Mapping[str, str]) -> bool:
    """Tell whether OpenTelemetry's own variable asks for counts of the window instead of running totals."""
    return environment.get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "").strip().lower() == "delta"
