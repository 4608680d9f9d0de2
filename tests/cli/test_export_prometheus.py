"""Prometheus' text and the dashboard over it, read by the official parser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cipredict.cli.app import main

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("prometheus_client", reason="the prometheus extra is not installed")

from prometheus_client.parser import text_string_to_metric_families  # after the skip

from cipredict.act.prometheus.metrics import NAMES
from tests.cli.report_history import HOSTILE, RUNS, fill

pytestmark = pytest.mark.learn


@pytest.fixture(scope="module", name="store")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prometheus") / "h.duckdb"
    fill(path)
    return path


def test_the_text_holds_the_history(store: Path, tmp_path: Path) -> None:
    assert main(["export", "prometheus", "--store", str(store), "-o", str(tmp_path / "ci.prom")]) == 0
    families = {one.name: one for one in text_string_to_metric_families((tmp_path / "ci.prom").read_text())}
    counts = {
        (
            sample.labels["cicd_pipeline_run_state"],
            sample.labels["cicd_pipeline_result"],
            sample.labels["cicd_pipeline_name"],
        ): sample.value
        for sample in families["cicd_pipeline_run_duration_seconds"].samples
        if sample.name.endswith("_count")
    }

    assert sum(value for (state, *_), value in counts.items() if state == "executing") == RUNS
    assert counts["pending", "", "ci"] == RUNS * 4 / 5
    assert {name for *_, name in counts} == {"ci", HOSTILE[2]}
    assert sum(sample.value for sample in families["cicd_pipeline_run_errors"].samples) == sum(
        n % 7 == 3 for n in range(RUNS)
    )
    assert {
        sample.labels["outcome"]: sample.value
        for sample in families["cipredict_deployments"].samples
        if sample.labels["environment"] == "production"
    } == {"live": 5, "rolled_back": 2}
    assert sum(sample.value for sample in families["cipredict_deployments"].samples) == 15


def test_buckets_grow_to_the_count(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "prometheus", "--store", str(store)]) == 0
    [family] = [one for one in text_string_to_metric_families(capsys.readouterr().out) if one.type == "histogram"]
    buckets = [
        sample.value
        for sample in family.samples
        if sample.name.endswith("_bucket")
        and sample.labels["cicd_pipeline_run_state"] == "pending"
        and sample.labels["cicd_pipeline_name"] == "ci"
    ]

    assert buckets == sorted(buckets)
    assert (buckets[0], buckets[-1]) == (0, RUNS * 4 / 5)


def test_a_gateway_that_is_not_there_is_said(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "prometheus", "--store", str(store), "--push", "127.0.0.1:9"]) == 2
    assert "[push-failed]" in capsys.readouterr().err


def test_the_dashboard_asks_only_for_what_is_exported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "grafana"]) == 0
    board = json.loads(capsys.readouterr().out)
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked = {name for query in queries for name in re.findall(r"\b(?:cicd|cipredict)_\w+?(?=[{)\[])", query)}

    assert asked
    assert all(name in NAMES or re.sub(r"_(bucket|count|sum)$", "", name) in NAMES for name in asked)
    assert all(query.count("(") == query.count(")") and query.count("{") == query.count("}") for query in queries)


def test_the_panels_have_ids_of_their_own_and_do_not_overlap(capsys: pytest.CaptureFixture[str]) -> None:
    main(["export", "grafana"])
    panels = json.loads(capsys.readouterr().out)["panels"]
    cells = [
        (x, y)
        for grid in (panel["gridPos"] for panel in panels)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23
