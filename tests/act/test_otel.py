"""OpenTelemetry: what a real collector would receive, decoded from the bytes that arrive."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the otel extra is not installed")

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest  # after the skip
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from cipredict.act.otel.door import open_collector, open_console, send
from cipredict.act.otel.interface import TracedRun, Window
from cipredict.act.otel.metrics import Terms
from cipredict.errors import InputError
from cipredict.records import JobRecord, Result, RunKey, RunRecord, StepRecord

pytestmark = pytest.mark.learn

AT = datetime(2024, 5, 1, 10, 0, 0, 123_456, tzinfo=UTC)
TERMS = Terms(Window(AT, AT + timedelta(days=1)))
SERVERS = {"github": "https://github.com", "gitlab": "https://git.example.org"}


@dataclass
class Collector:
    """A collector that keeps what it is sent; `status` is its answer."""

    status: int = 200
    bodies: dict[str, list[bytes]] = field(default_factory=dict)
    url: str = ""

    @property
    def spans(self) -> dict[str, tuple[Any, dict[str, str]]]:  # Any: protobuf
        """Give span and resource by the span's name."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies.get("/v1/traces", [])]
        return {
            span.name: (span, attributes(of_run.resource))
            for request in requests
            for of_run in request.resource_spans
            for scope in of_run.scope_spans
            for span in scope.spans
        }

    @property
    def metrics(self) -> dict[str, Any]:  # Any: protobuf
        """Give the metrics of the only repository by name."""
        [body] = self.bodies["/v1/metrics"]
        [of_one] = ExportMetricsServiceRequest.FromString(body).resource_metrics
        return {metric.name: metric for scope in of_one.scope_metrics for metric in scope.metrics}


def attributes(owner: Any) -> dict[str, str]:  # noqa: ANN401  # protobuf
    return {pair.key: pair.value.string_value for pair in owner.attributes}


@pytest.fixture(name="collector")
def _collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for variable in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(variable, raising=False)
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.bodies.setdefault(self.path, []).append(body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        collector.url = f"http://127.0.0.1:{server.server_port}/"
        yield collector
        server.shutdown()
        thread.join()


def traced(provider: str = "github", **facts: object) -> TracedRun:
    """Make a run of two jobs, one of which failed in its second step."""
    key = RunKey(provider, "me/it", "17", 2)
    known = {"workflow": "ci", "sha": "f" * 40, "parent_sha": "e" * 40, "branch": "main", "result": Result.FAILURE}
    run = replace(RunRecord(key, AT, AT + timedelta(seconds=90), **known), **facts)  # type: ignore[arg-type]  # as named
    steps = (
        StepRecord(1, "Set up", AT, AT + timedelta(seconds=5), Result.SUCCESS),
        StepRecord(2, "Run tests", AT + timedelta(seconds=5), AT + timedelta(seconds=80), Result.FAILURE),
        StepRecord(3, "Never began"),
    )
    unit = JobRecord(key, "901", "unit", AT, AT + timedelta(seconds=80), 12.5, "ubuntu-1", Result.FAILURE, steps)
    lint = JobRecord(key, "902", "lint", AT + timedelta(seconds=1), AT + timedelta(seconds=9), 99.0, "", Result.SUCCESS)
    return TracedRun(run, (unit, lint, JobRecord(key, "903", "skipped", result=Result.SKIP)))


def export(collector: Collector, *runs: TracedRun, terms: Terms = TERMS) -> int:
    return send(runs, terms, open_collector(collector.url), servers=SERVERS)


def test_a_run_is_a_trace_of_tasks_and_steps(collector: Collector) -> None:
    assert export(collector, traced()) == 5
    spans = {name: span for name, (span, _) in collector.spans.items()}
    assert set(spans) == {"RUN ci", "unit", "lint", "Set up", "Run tests"}
    parents = {name: span.parent_span_id for name, span in spans.items()}
    run_id, unit_id = spans["RUN ci"].span_id, spans["unit"].span_id
    assert parents == {"RUN ci": b"", "unit": run_id, "lint": run_id, "Set up": unit_id, "Run tests": unit_id}
    assert len({span.trace_id for span in spans.values()}) == 1
    assert {name: span.kind for name, span in spans.items() if span.kind != 1} == {"RUN ci": 2}  # SERVER
    assert {name for name, span in spans.items() if span.status.code == 2} == {"RUN ci", "unit", "Run tests"}


def test_times_are_those_of_the_run_to_the_microsecond(collector: Collector) -> None:
    export(collector, traced())
    span, _ = collector.spans["Run tests"]
    begin = int(AT.timestamp()) * 10**9 + 123_456_000
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (begin + 5 * 10**9, begin + 80 * 10**9)


def test_names_are_those_of_the_conventions(collector: Collector) -> None:
    export(collector, traced())
    run, resource = collector.spans["RUN ci"]
    assert attributes(run) == {
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.result": "failure",
        "error.type": "failure",
    }
    assert resource == {
        "service.name": "me/it",
        "cicd.pipeline.name": "ci",
        "cicd.pipeline.run.id": "17",
        "cicd.pipeline.run.url.full": "https://github.com/me/it/actions/runs/17",
        "vcs.owner.name": "me",
        "vcs.provider.name": "github",
        "vcs.ref.base.revision": "e" * 40,
        "vcs.ref.head.name": "main",
        "vcs.ref.head.revision": "f" * 40,
        "vcs.ref.head.type": "branch",
        "vcs.repository.name": "it",
        "vcs.repository.url.full": "https://github.com/me/it",
    }
    job, step = (attributes(collector.spans[name][0]) for name in ("unit", "Set up"))
    assert job == {
        "cicd.pipeline.task.name": "unit",
        "cicd.pipeline.task.run.id": "901",
        "cicd.pipeline.task.run.result": "failure",
        "cicd.pipeline.task.run.url.full": "https://github.com/me/it/actions/runs/17/job/901",
        "cicd.worker.name": "ubuntu-1",
        "error.type": "failure",
    }
    assert (step["cicd.pipeline.task.run.id"], step["cicd.pipeline.task.run.result"]) == ("901/1", "success")


@pytest.mark.parametrize(
    ("provider", "pages"),
    [
        ("gitlab", ["https://git.example.org/me/it/-/pipelines/17", "https://git.example.org/me/it/-/jobs/901"]),
        ("history", [None, None]),
    ],
)
def test_pages_are_those_of_the_provider(collector: Collector, provider: str, pages: list[str | None]) -> None:
    export(collector, traced(provider))
    _, resource = collector.spans["RUN ci"]
    job, _ = collector.spans["unit"]
    found = [resource.get("cicd.pipeline.run.url.full"), attributes(job).get("cicd.pipeline.task.run.url.full")]
    assert found == pages


def test_sending_again_gives_the_same_trace_and_another_attempt_another(collector: Collector) -> None:
    export(collector, traced())
    first = collector.bodies.pop("/v1/traces")
    export(collector, traced())
    assert collector.bodies.pop("/v1/traces") == first
    before = ExportTraceServiceRequest.FromString(first[0]).resource_spans[0].scope_spans[0].spans[0]
    run = traced()
    export(collector, TracedRun(replace(run.run, key=replace(run.run.key, attempt=3)), run.jobs))
    after, _ = collector.spans["RUN ci"]
    assert (before.trace_id, before.span_id) != (after.trace_id, after.span_id)


def test_durations_are_counted_by_pipeline_state_and_result(collector: Collector) -> None:
    longer = traced(finished_at=AT + timedelta(seconds=400), result=Result.SUCCESS)
    export(collector, traced(), longer, traced(workflow=""))
    metric = collector.metrics["cicd.pipeline.run.duration"]
    points = {tuple(sorted(attributes(point).values())): point for point in metric.histogram.data_points}
    assert {key: (point.count, point.sum) for key, point in points.items()} == {
        ("ci", "executing", "failure", "failure"): (1, 90.0),
        ("ci", "executing", "success"): (1, 400.0),
        ("ci", "pending"): (2, 25.0),
        ("executing", "failure", "failure", "me/it"): (1, 90.0),
        ("me/it", "pending"): (1, 12.5),
    }
    point = points["ci", "executing", "success"]
    assert (metric.unit, point.min, point.max, sum(point.bucket_counts)) == ("s", 400.0, 400.0, 1)
    bounds = list(point.explicit_bounds)
    assert bounds[list(point.bucket_counts).index(1) - 1] < 400 <= bounds[list(point.bucket_counts).index(1)]
    assert point.time_unix_nano - point.start_time_unix_nano == 86_400 * 10**9


def test_errors_are_failed_jobs_and_active_runs_have_no_span(collector: Collector) -> None:
    active = TracedRun(replace(traced().run, finished_at=None, result=None), ())
    bare = TracedRun(traced(result=Result.TIMEOUT).run, ())
    assert export(collector, traced(), bare, active) == 6
    found = {
        name: [(attributes(point), point.as_int) for point in collector.metrics[name].sum.data_points]
        for name in ("cicd.pipeline.run.errors", "cicd.pipeline.run.active")
    }
    assert found == {
        "cicd.pipeline.run.errors": [
            ({"cicd.pipeline.name": "ci", "error.type": "failure"}, 1),
            ({"cicd.pipeline.name": "ci", "error.type": "timeout"}, 1),
        ],
        "cicd.pipeline.run.active": [({"cicd.pipeline.name": "ci", "cicd.pipeline.run.state": "executing"}, 1)],
    }


@pytest.mark.parametrize(("is_delta", "temporality"), [(False, 2), (True, 1)], ids=["running totals", "delta"])
def test_counts_are_running_totals_or_those_of_the_window(
    collector: Collector, *, is_delta: bool, temporality: int
) -> None:
    active = TracedRun(replace(traced().run, finished_at=None, result=None), ())
    export(collector, traced(), active, terms=Terms(TERMS.window, is_delta=is_delta))
    metrics = collector.metrics
    assert metrics["cicd.pipeline.run.duration"].histogram.aggregation_temporality == temporality
    assert metrics["cicd.pipeline.run.errors"].sum.aggregation_temporality == temporality
    assert metrics["cicd.pipeline.run.active"].sum.aggregation_temporality == 2


def test_the_environment_may_name_the_service(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "our-ci")
    export(collector, traced())
    assert collector.spans["RUN ci"][1]["service.name"] == "our-ci"


def test_many_spans_go_in_several_requests(collector: Collector) -> None:
    runs = [TracedRun(replace(traced().run, key=RunKey("github", "me/it", str(n))), ()) for n in range(1_001)]
    assert export(collector, *runs) == 1_001
    assert len(collector.bodies["/v1/traces"]) == 2


def test_nothing_to_tell_sends_nothing(collector: Collector) -> None:
    assert (export(collector), collector.bodies) == (0, {})


def test_a_refusal_is_one_line_with_its_reason(collector: Collector, capsys: pytest.CaptureFixture[str]) -> None:
    collector.status = 400
    with pytest.raises(InputError, match="400") as caught:
        export(collector, traced())
    assert (caught.value.slug, str(caught.value).count("\n"), capsys.readouterr().err) == ("otel-refused", 0, "")


def test_the_console_shows_what_would_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    send([traced()], TERMS, open_console(), servers=SERVERS)
    decoder, text, shown = json.JSONDecoder(), capsys.readouterr().out, []
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        shown.append(document)
        text = text[end:]
    assert [document.get("name", "metrics") for document in shown][:2] == ["RUN ci", "unit"]
    assert "resource_metrics" in shown[-1]
