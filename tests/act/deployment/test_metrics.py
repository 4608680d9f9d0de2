"""Metrics read from a server that answers as Prometheus does, and from commands."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from cipredict.act.deployment.interface import Release, Role, Server
from cipredict.act.deployment.metrics import Metrics
from cipredict.plans.rollout import Metric, Reading

CANARY = [Server(9003, Release("v2", ()), Role.CANARY), Server(9004, Release("v2", ()), Role.CANARY)]
BASELINE = [Server(9005, Release("v1", ()), Role.BASELINE)]


class Prometheus(ThreadingHTTPServer):
    """Answers every query with what it was given; documents as of the HTTP API, /api/v1/query."""

    answers: dict[str, object]
    asked: list[tuple[str, str | None]]
    status = 200
    pause_s = 0.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = {}, []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Prometheus)
        time.sleep(server.pause_s)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        (query,) = parse_qs(body)["query"]
        server.asked.append((query, self.headers["Authorization"]))
        answer = json.dumps(server.answers.get(query, server.answers.get("*"))).encode()
        self.send_response(server.status if self.path == "/api/v1/query" else 404)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def prometheus() -> Iterator[Prometheus]:
    with Prometheus() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


def vector(*values: str) -> dict[str, object]:
    result = [{"metric": {"pod": str(n)}, "value": [1764040000.1, value]} for n, value in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def read(metric: Metric, *, times: int = 1) -> Reading:
    """Look until a metric has been asked so often."""
    metrics = Metrics([metric])
    (reading,) = metrics.look(CANARY, BASELINE)
    assert "has not been read yet" == reading.problem
    deadline = time.monotonic() + 10
    for _ in range(times):
        before = reading
        while reading is before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
            (reading,) = metrics.look(CANARY, BASELINE)
    return reading


def asking(prometheus: Prometheus, **others: object) -> Metric:
    metric = {"query": "q", "limit": 1.0, "interval_s": 0.0, "timeout_s": 5.0, **others}
    return Metric("load", prometheus=prometheus.address, **metric)  # type: ignore[arg-type]  # fields by name


def test_a_query_is_asked_of_the_canary_and_of_the_baseline(
    prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    query = 'sum(rate(errors{release="{release}",role="{role}"}[1m]))'
    prometheus.answers = {
        'sum(rate(errors{release="v2",role="canary"}[1m]))': vector("0.25"),
        'sum(rate(errors{release="v1",role="baseline"}[1m]))': vector("0.125"),
    }
    reading = read(asking(prometheus, query=query, ratio=1.5, token_variable="TOKEN"))  # noqa: S106  # its name
    assert ((0.25,), 0.125, "") == reading[1:]
    assert {"Bearer secret"} == {token for _, token in prometheus.asked}


def test_the_baseline_is_not_asked_where_nothing_is_compared(prometheus: Prometheus) -> None:
    prometheus.answers = {"*": {"status": "success", "data": {"resultType": "scalar", "result": [1764040000, "3"]}}}
    assert ((3.0,), None, "") == read(asking(prometheus))[1:]
    assert [("q", None)] == prometheus.asked[:1]


def test_as_many_values_are_kept_as_must_lie_beyond_the_limit(prometheus: Prometheus) -> None:
    prometheus.answers = {"*": vector("2")}
    assert (2.0, 2.0, 2.0) == read(asking(prometheus, in_a_row=3), times=5).values


@pytest.mark.parametrize(
    ("status", "answer", "problem"),
    [
        (200, vector(), "its query gives 0 series"),
        (200, vector("1", "2"), "its query gives 2 series; aggregate them, as by sum()"),
        (200, vector("NaN"), "its value is NaN"),
        (200, vector("+Inf"), "its value is +Inf"),
        (200, {"data": {"resultType": "matrix", "result": []}}, "its query gives a matrix, no number"),
        (400, {"status": "error", "error": "parse error: unexpected end"}, "answers 400: parse error: unexpected end"),
        (503, "busy", "answers 503: Service Unavailable"),
        (200, "hello", "gives no answer of Prometheus"),
        (200, {"data": {}}, "gives no answer of Prometheus"),
    ],
)
def test_what_is_no_number_says_why(prometheus: Prometheus, status: int, answer: object, problem: str) -> None:
    prometheus.status, prometheus.answers = status, {"*": answer}
    reading = read(asking(prometheus))
    assert () == reading.values
    assert problem in reading.problem


def test_a_value_before_a_gap_is_not_in_a_row_with_one_after_it(prometheus: Prometheus) -> None:
    prometheus.answers = {"*": vector("NaN")}
    metrics = Metrics([asking(prometheus)])
    seen: set[tuple[float, ...]] = set()
    deadline = time.monotonic() + 5
    while len(seen) < 3 and time.monotonic() < deadline:
        (reading,) = metrics.look(CANARY, BASELINE)
        if reading.problem != "has not been read yet":
            seen.add(reading.values)
            prometheus.answers = {"*": vector("5")}
        time.sleep(0.01)
    assert {(), (5.0,), (5.0, 5.0)} == seen


def test_nobody_waits_for_a_slow_prometheus(prometheus: Prometheus) -> None:
    prometheus.pause_s, prometheus.answers = 0.4, {"*": vector("1")}
    metrics = Metrics([asking(prometheus)])
    begin_s = time.monotonic()
    for _ in range(5):
        metrics.look(CANARY, BASELINE)
    assert time.monotonic() - begin_s < 0.3
    assert "does not answer: timed out" in read(asking(prometheus, timeout_s=0.1)).problem


def test_a_prometheus_that_is_not_there_is_a_problem_of_the_reading() -> None:
    reading = read(Metric("load", prometheus="http://127.0.0.1:9", query="q", limit=1))
    assert "http://127.0.0.1:9/api/v1/query does not answer: [Errno 111] Connection refused" == reading.problem


def command(script: str, *words: str, timeout_s: float = 20.0) -> Metric:
    return Metric("load", command=(sys.executable, "-c", script, *words), limit=1, timeout_s=timeout_s)


def test_a_command_is_told_what_it_is_asked_about() -> None:
    script = "import os, sys; print(len(os.environ['CIPREDICT_PORTS'].split()) + float(sys.argv[1] == 'v2-canary') / 4)"
    assert (2.25,) == read(command(script, "{release}-{role}")).values


@pytest.mark.parametrize(
    ("metric", "problem"),
    [
        (command("print('many')"), "'many' is no number"),
        (command("print()"), "'' is no number"),
        (command("exit(3)"), "exited with 3"),
        (command("import time; time.sleep(9)", timeout_s=0.2), "took more than 0.2 s"),
        (Metric("load", command=("/no/such/program",), limit=1), "No such file or directory"),
    ],
)
def test_a_command_that_gives_no_number_says_why(metric: Metric, problem: str) -> None:
    reading = read(metric)
    assert () == reading.values
    assert problem in reading.problem
