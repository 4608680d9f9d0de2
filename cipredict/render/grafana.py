"""A Grafana dashboard over what `export prometheus` writes. Pure.

Queries are PromQL; the data source is a variable of the dashboard, so that it loads into any Grafana (10 and later).
"""

from __future__ import annotations

from typing import NamedTuple


class Panel(NamedTuple):
    """A graph or figure: `width` of 24 columns."""

    title: str
    kind: str
    unit: str
    width: int
    queries: tuple[tuple[str, str], ...]


_DURATION = "cicd_pipeline_run_duration_seconds"
_PIPELINE = 'cicd_pipeline_name=~"$pipeline"'
_RANGE = "[$__range]"


def _quantile(share: float, state: str) -> str:
    selected = f'{_DURATION}_bucket{{{_PIPELINE},cicd_pipeline_run_state="{state}"}}'
    return f"histogram_quantile({share}, sum by (le) (increase({selected}{_RANGE})))"


def _succeeded() -> str:
    ended = f'{_DURATION}_count{{{_PIPELINE},cicd_pipeline_run_state="executing"'
    return f'sum(increase({ended},cicd_pipeline_result="success"}}{_RANGE})) / sum(increase({ended}}}{_RANGE}))'


PANELS = (
    Panel("Success rate", "stat", "percentunit", 6, ((_succeeded(), "success"),)),
    Panel("Duration, 95 %", "stat", "s", 6, ((_quantile(0.95, "executing"), "95 %"),)),
    Panel("Wait, 95 %", "stat", "s", 6, ((_quantile(0.95, "pending"), "95 %"),)),
    Panel(
        "Active runs", "stat", "short", 6, ((f"sum(cicd_pipeline_run_active{{{_PIPELINE}}}) or vector(0)", "active"),)
    ),
    Panel(
        "Duration of runs",
        "timeseries",
        "s",
        24,
        tuple((_quantile(share, "executing"), f"{share:.0%}") for share in (0.5, 0.9, 0.95)),
    ),
    Panel(
        "Jobs that went wrong",
        "timeseries",
        "short",
        12,
        (
            (
                f"sum by (error_type) (increase(cicd_pipeline_run_errors_total{{{_PIPELINE}}}[$__rate_interval]))",
                "{{error_type}}",
            ),
        ),
    ),
    Panel(
        "Deployments",
        "timeseries",
        "short",
        12,
        (("sum by (environment, outcome) (cipredict_deployments_total)", "{{environment}} {{outcome}}"),),
    ),
)


def render_dashboard(title: str = "CI by cipredict") -> dict[str, object]:
    """Give the dashboard's JSON model."""
    source = {"type": "prometheus", "uid": "${source}"}
    variables = [
        {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
        {
            "name": "pipeline",
            "type": "query",
            "label": "Pipeline",
            "datasource": source,
            "query": {"query": f"label_values({_DURATION}_count, cicd_pipeline_name)", "refId": "pipeline"},
            "includeAll": True,
            "multi": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
            "refresh": 2,
        },
    ]
    return {
        "uid": "cipredict",
        "title": title,
        "tags": ["ci", "cipredict"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "timezone": "utc",
        "time": {"from": "now-30d", "to": "now"},
        "templating": {"list": variables},
        "panels": _laid_out(source),
    }


def _laid_out(source: dict[str, str]) -> list[dict[str, object]]:
    """Give the panels in rows of 24 columns."""
    x, y, previous, panels = 0, 0, 0, []
    for number, panel in enumerate(PANELS, start=1):
        height = 4 if panel.kind == "stat" else 8
        if x + panel.width > 24:
            x, y = 0, y + previous
        targets = [
            {"refId": chr(ord("A") + k), "expr": query, "legendFormat": legend, "datasource": source}
            for k, (query, legend) in enumerate(panel.queries)
        ]
        panels.append(
            {
                "id": number,
                "title": panel.title,
                "type": panel.kind,
                "datasource": source,
                "gridPos": {"x": x, "y": y, "w": panel.width, "h": height},
                "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
                "options": {},
                "targets": targets,
            }
        )
        x, previous = x + panel.width, height
    return panels
