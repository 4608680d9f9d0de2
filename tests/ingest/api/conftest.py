"""A real HTTP server that answers as GitHub and GitLab do, from data/samples, and misbehaves when told to."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from cipredict.settings import Settings

if TYPE_CHECKING:
    from cipredict.cli.storing import Tally
    from cipredict.ingest.api.client import Api

SAMPLES = Path(__file__).parents[3] / "data" / "samples"
SINCE, UNTIL = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 9, tzinfo=UTC)
Json = Any  # samples are whatever the APIs say
Query = Mapping[str, str]


@dataclass
class Fault:
    """What happens instead of the answer to the next `times` requests whose address contains `part`."""

    part: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut_off: int = 0
    delay_s: float = 0.0
    times: int = 1


@dataclass
class Seen:
    path: str
    headers: Mapping[str, str]


@dataclass
class ApiServer:
    """Answers `route(path, query)`, JSON or bytes; None is a 404."""

    route: Callable[[str, Query], Json]
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    after: Callable[[str], None] = lambda _: None
    sends_length: bool = True
    delete: Callable[[str], bool] = lambda _: False

    def asked(self, part: str) -> list[Seen]:
        return [seen for seen in self.seen if part in seen.path]

    def take_fault(self, path: str) -> Fault | None:
        fault = next((fault for fault in self.faults if fault.times > 0 and fault.part in path), None)
        if fault is not None:
            fault.times -= 1
        return fault


def _handler(server: ApiServer) -> type[BaseHTTPRequestHandler]:  # noqa: C901  # a class around its server
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: the kernel would hold the second one back for 40 ms

        def do_GET(self) -> None:
            server.seen.append(Seen(self.path, dict(self.headers.items())))
            path = urlsplit(self.path).path
            fault = server.take_fault(self.path) or Fault("")
            time.sleep(fault.delay_s)
            if path in server.redirects:
                self._send(302, b"", {"Location": server.redirects[path]})
                return
            status, body, headers = self._answer()
            if fault.status != 200:
                status, body = fault.status, fault.body if fault.body is not None else b'{"message": "no"}'
            elif fault.body is not None:
                body = fault.body
            self._send(status, body, {**headers, **fault.headers}, cut_off=fault.cut_off)
            server.after(self.path)

        def do_DELETE(self) -> None:
            server.seen.append(Seen(f"DELETE {self.path}", dict(self.headers.items())))
            fault = server.take_fault(f"DELETE {self.path}")
            if fault is not None:
                self._send(fault.status, b'{"message": "no"}', fault.headers)
                return
            self._send(204 if server.delete(unquote(self.path)) else 404, b"", {})

        def _answer(self) -> tuple[int, bytes, dict[str, str]]:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            document = server.route(unquote(parts.path).partition("/v")[2][2:], query)
            if document is None:
                return 404, b'{"message": "Not Found"}', {}
            headers = {"Cache-Control": "private, max-age=60, s-maxage=60", "Vary": "Accept, Authorization"}
            if isinstance(document, bytes):
                return 200, document, {}
            if isinstance(document, Page):
                headers |= document.headers(server.url, self.path)
                document = document.body
            body = json.dumps(document).encode()
            etag = f'"{hashlib.sha256(body).hexdigest()}"'
            if self.headers.get("If-None-Match") == etag:
                return 304, b"", {**headers, "ETag": etag}
            return 200, body, {**headers, "ETag": etag}

        def _send(self, status: int, body: bytes, headers: Mapping[str, str], *, cut_off: int = 0) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if server.sends_length or status == 304:
                self.send_header("Content-Length", str(len(body)))
            else:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body[: len(body) - cut_off] if cut_off else body)
            self.close_connection = bool(cut_off) or not server.sends_length

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@dataclass
class Page:
    """One page of a list, with the link to the next one."""

    items: list[Json]
    query: Query
    size: int
    name: str = ""

    @property
    def number(self) -> int:
        return int(self.query.get("page", "1"))

    @property
    def body(self) -> Json:
        items = self.items[(self.number - 1) * self.size : self.number * self.size]
        return {"total_count": len(self.items), self.name: items} if self.name else items

    def headers(self, base: str, path: str) -> dict[str, str]:
        if self.number * self.size >= len(self.items):
            return {}
        bare = re.sub(r"[?&]page=\d+", "", path)
        return {"Link": f'<{base}{bare}{"&" if "?" in bare else "?"}page={self.number + 1}>; rel="next"'}


class Serve(Protocol):
    def __call__(self, route: Callable[[str, Query], Json]) -> ApiServer: ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers on free ports; they end with the test."""
    running: list[ThreadingHTTPServer] = []

    def start(route: Callable[[str, Query], Json]) -> ApiServer:
        server = ApiServer(route)
        http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
        http.daemon_threads = True
        server.url = f"http://127.0.0.1:{http.server_port}"
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append(http)
        return server

    yield start
    for http in running:
        http.shutdown()
        http.server_close()


def load(name: str) -> Json:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


@dataclass
class GitHub:
    """The repository octo/shop, with pages of two."""

    runs: list[Json] = field(default_factory=lambda: load("github/runs.json")["workflow_runs"])
    attempts: Json = field(default_factory=lambda: load("github/attempts.json"))
    jobs: Json = field(default_factory=lambda: load("github/jobs.json"))
    artifacts: Json = field(default_factory=lambda: load("github/artifacts.json"))
    page_size: int = 2
    zips: dict[str, bytes] = field(default_factory=dict)

    def route(self, path: str, query: Query) -> Json:
        path = path.removeprefix("repos/octo/shop/")
        if match := re.fullmatch(r"actions/(?:workflows/([\w.]+)/)?runs", path):
            return self._list(match[1], query)
        if match := re.fullmatch(r"actions/runs/(\d+)/attempts/(\d+)(/jobs)?", path):
            return self._attempt(f"{match[1]}/{match[2]}", query, is_jobs=bool(match[3]))
        if match := re.fullmatch(r"actions/runs/(\d+)/artifacts", path):
            return self.artifacts.get(match[1], {"total_count": 0, "artifacts": []})
        if match := re.fullmatch(r"actions/artifacts/(\d+)/zip", path):
            return self.zips.get(match[1])
        if path == "actions/workflows":
            return {"total_count": 1, "workflows": [{"id": 9001, "name": "CI", "path": ".github/workflows/ci.yml"}]}
        return load("github/compare.json") if path.startswith("compare/") else None

    def _attempt(self, name: str, query: Query, *, is_jobs: bool) -> Json:
        if not is_jobs:
            return self.attempts.get(name)
        listed = self.jobs.get(name)
        return listed and Page(listed["jobs"], query, self.page_size, "jobs")

    def _list(self, workflow: str | None, query: Query) -> Json:
        since, until = query["created"].split("..")
        runs = [run for run in self.runs if since <= run["created_at"] <= until]
        if workflow not in {None, "9001", "ci.yml"}:
            return None
        if branch := query.get("branch"):
            runs = [run for run in runs if run["head_branch"] == branch]
        return Page(runs, query, self.page_size, "workflow_runs")


def zip_of(**members: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.xml", text)
    return stream.getvalue()


@dataclass
class GitLab:
    """The project shop/backend, with pages of two."""

    pipelines: list[Json] = field(default_factory=lambda: load("gitlab/pipelines.json"))
    details: Json = field(default_factory=lambda: load("gitlab/pipeline.json"))
    jobs: Json = field(default_factory=lambda: load("gitlab/jobs.json"))
    zips: dict[str, bytes] = field(default_factory=dict)

    def route(self, path: str, query: Query) -> Json:
        path = path.removeprefix("projects/shop/backend/")
        if path == "pipelines":
            is_child = query.get("source") == "parent_pipeline"
            return Page(load("gitlab/child_pipelines.json") if is_child else self.pipelines, query, 2)
        if match := re.fullmatch(r"pipelines/(\d+)(?:/(\w+))?", path):
            return self._pipeline(match[1], match[2], query)
        if match := re.fullmatch(r"jobs/(\d+)/artifacts", path):
            return self.zips.get(match[1])
        return load("gitlab/compare.json") if path == "repository/compare" else None

    def _pipeline(self, number: str, part: str | None, query: Query) -> Json:
        if part == "jobs":
            assert query["include_retried"] == "true"
            return Page(self.jobs[number], query, 2) if number in self.jobs else None
        if part == "bridges":
            return load("gitlab/bridges.json").get(number, [])
        if part == "test_report":
            return load("gitlab/test_report.json").get(number, {"total_count": 0, "test_suites": []})
        return self.details.get(number)


@dataclass
class Clock:
    """Time that passes only while somebody sleeps; `timeout_s` alone is real."""

    now: float = datetime(2026, 10, 9, 12, tzinfo=UTC).timestamp()
    slept: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    timeout_s: float = 20.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Ingest(Protocol):
    def __call__(self, server: ApiServer, store: Path, **wishes: Json) -> Tally: ...


class OpenApi(Protocol):
    def __call__(
        self, server: ApiServer, *, provider: str = ..., token: str = ..., cache: Path | None = ...
    ) -> Api: ...


@pytest.fixture
def open_api(clock: Clock) -> Iterator[OpenApi]:
    """Open an API that never really sleeps."""
    pytest.importorskip("cachecontrol", reason="the store extra is not installed")
    from cipredict.ingest.api.client import Api, Patience  # noqa: PLC0415  # needs the extra
    from cipredict.ingest.api.github import github_host  # noqa: PLC0415
    from cipredict.ingest.api.gitlab import gitlab_host  # noqa: PLC0415

    opened: list[Api] = []

    def start(
        server: ApiServer,
        *,
        provider: str = "github",
        token: str = "s3cret",  # noqa: S107  # no real one
        cache: Path | None = None,
    ) -> Api:
        hosts = {
            "github": github_host(f"{server.url}/api/v3", token),
            "gitlab": gitlab_host(f"{server.url}/api/v4", token),
            "gitlab job": gitlab_host(f"{server.url}/api/v4", token, is_job_token=True),
        }
        patience = Patience(
            tries=3,
            backoff_s=0,
            longest_wait_s=120,
            timeout_s=clock.timeout_s,
            clock=lambda: clock.now,
            sleep=clock.sleep,
            tell=clock.told.append,
        )
        opened.append(Api(hosts[provider], cache=cache, patience=patience))
        return opened[-1]

    yield start
    for api in opened:
        api.close()


@pytest.fixture
def ingest(open_api: OpenApi) -> Ingest:
    """Ask a server for everything the store does not have, and store it."""
    pytest.importorskip("duckdb", reason="the store extra is not installed")
    from cipredict.cli.run_reading import load_known  # noqa: PLC0415  # needs the extra
    from cipredict.cli.run_taking import take_in_runs  # noqa: PLC0415
    from cipredict.ingest.api.github import GitHubRuns  # noqa: PLC0415
    from cipredict.ingest.api.gitlab import GitLabRuns  # noqa: PLC0415
    from cipredict.ingest.api.wish import Wish  # noqa: PLC0415

    def run(server: ApiServer, store: Path, *, provider: str = "github", **wishes: Json) -> Tally:
        name = "octo/shop" if provider == "github" else "shop/backend"
        wish = Wish(**{"repository": name, "since": SINCE, "until": UNTIL, **wishes})
        known = load_known(wish, Settings(store=store), provider)
        api = open_api(server, provider=provider, cache=store.parent / "http-cache")
        reader = GitHubRuns(api, wish, known) if provider == "github" else GitLabRuns(api, wish, known)
        return take_in_runs(reader.fetch(), store)

    return run


_QUESTIONS = {
    "runs": "select * exclude (run_seq) from runs order by all",
    "jobs": "select run_id, attempt, jobs.* exclude (run_seq) from jobs join runs using (run_seq) order by all",
    "steps": "select run_id, attempt, steps.* exclude (run_seq) from steps join runs using (run_seq) order by all",
    "cases": (
        "select run_id, attempt, case_id, verdict, duration_s, attempts from case_runs"
        " join cases using (case_seq) join runs using (run_seq) order by all"
    ),
    "reports": "select * exclude (read_at) from reports order by all",
}


def stored(path: Path) -> dict[str, list[Json]]:
    """Give everything in a store that does not depend on the order or the time of its taking in."""
    from cipredict.store.database import open_store  # noqa: PLC0415  # needs the extra

    with open_store(path, read_only=True) as store:
        return {
            name: store.connection.sql(question).to_arrow_table().to_pylist() for name, question in _QUESTIONS.items()
        }


@pytest.fixture
def contents() -> Callable[[Path], dict[str, list[Json]]]:
    return stored


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "history.duckdb"


@pytest.fixture
def github() -> GitHub:
    return GitHub()


@pytest.fixture
def gitlab() -> GitLab:
    return GitLab()


@pytest.fixture
def make_zip() -> Callable[..., bytes]:
    return zip_of


@pytest.fixture
def make_fault() -> Callable[..., Fault]:
    return Fault


@pytest.fixture
def make_page() -> Callable[..., Page]:
    """Make a page of a list."""
    return Page
