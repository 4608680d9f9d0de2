"""An ingest from GitHub ends in the same store, whatever the network and the server do meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("cachecontrol", reason="the store extra is not installed")
pytest.importorskip("duckdb", reason="the store extra is not installed")

from cipredict.cli import run_taking, storing  # after the skips
from cipredict.errors import InputError
from cipredict.ingest.api import github as github_api
from cipredict.ingest.api.github import GitHubRuns
from cipredict.ingest.api.wish import Known, Wish
from cipredict.records import Change, RunKey, RunRecord

if TYPE_CHECKING:
    from tests.ingest.api.conftest import ApiServer, Clock, GitHub, Ingest, Json, OpenApi, Query, Serve

pytestmark = pytest.mark.learn
Contents = Callable[[Path], dict[str, list[Any]]]
REPORT = '<testsuite name="pytest"><testcase classname="tests.test_a" name="test_b" time="0.5"/></testsuite>'


@pytest.fixture
def server(serve: Serve, github: GitHub) -> ApiServer:
    return serve(github.route)


_CALM: list[dict[str, list[Any]]] = []


@pytest.fixture
def undisturbed(
    serve: Serve, github: GitHub, ingest: Ingest, contents: Contents, tmp_path: Path
) -> dict[str, list[Any]]:
    """What the store holds when nothing goes wrong; found out once."""
    if not _CALM:
        store = tmp_path / "undisturbed" / "history.duckdb"
        ingest(serve(type(github)().route), store)
        _CALM.append(contents(store))
    return _CALM[0]


def test_everything_of_the_samples_is_stored(server: ApiServer, ingest: Ingest, store: Path) -> None:
    tally = ingest(server, store)

    assert (7, 12, 1, 7) == (tally.runs, tally.jobs, tally.skipped_jobs, tally.steps)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"part": "/runs?", "status": 429, "headers": {"Retry-After": "7"}}, id="429 with Retry-After"),
        pytest.param(
            {"part": "attempts/1/jobs", "status": 403, "headers": {"Retry-After": "30"}}, id="secondary limit"
        ),
        pytest.param({"part": "/runs?", "status": 502, "times": 2}, id="502 twice"),
        pytest.param({"part": "102/attempts/1/jobs", "status": 503}, id="503"),
        pytest.param({"part": "/runs?", "cut_off": 100}, id="truncated"),
        pytest.param({"part": "attempts/1/jobs", "body": b'{"total_count": 1, "jobs": [{"id"'}, id="half a JSON"),
        pytest.param({"part": "/runs?", "body": b"<html>Please log in</html>", "times": 2}, id="a page of HTML"),
        pytest.param({"part": "/runs?", "delay_s": 1.0}, id="slow"),
    ],
)
def test_a_fault_changes_nothing_in_the_end(
    fault: dict[str, Any],
    server: ApiServer,
    ingest: Ingest,
    store: Path,
    contents: Contents,
    undisturbed: dict[str, list[Any]],
    make_fault: Callable[..., Any],
    clock: Clock,
) -> None:
    clock.timeout_s = 0.5 if "delay_s" in fault else clock.timeout_s
    server.faults.append(make_fault(**fault))

    ingest(server, store)

    assert undisturbed == contents(store)
    assert server.faults[0].times == 0


def test_the_server_says_how_long_to_wait(
    server: ApiServer, ingest: Ingest, store: Path, clock: Clock, make_fault: Callable[..., Any]
) -> None:
    server.faults.append(make_fault("/runs?", status=429, headers={"Retry-After": "7"}))
    ingest(server, store)

    assert [7.0] == clock.slept
    assert ["GitHub wants us to wait until 2026-10-09 12:00:07 UTC."] == clock.told


@pytest.mark.parametrize("sends_length", [True, False])
def test_a_body_that_broke_off_is_not_kept(
    server: ApiServer,
    ingest: Ingest,
    store: Path,
    contents: Contents,
    undisturbed: dict[str, list[Any]],
    make_fault: Callable[..., Any],
    *,
    sends_length: bool,
) -> None:
    """Without a length nobody notices the end; the server would confirm the broken answer by its ETag for ever."""
    server.sends_length = sends_length
    server.faults.append(make_fault("/runs?", cut_off=300))

    ingest(server, store)

    assert undisturbed == contents(store)


def test_a_short_rate_limit_is_waited_for(
    server: ApiServer,
    ingest: Ingest,
    store: Path,
    contents: Contents,
    clock: Clock,
    undisturbed: dict[str, list[Any]],
    make_fault: Callable[..., Any],
) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(clock.now) + 60)}
    server.faults.append(make_fault("103/attempts/2/jobs", status=403, headers=headers))

    ingest(server, store)

    assert [61.0] == clock.slept
    assert undisturbed == contents(store)


def test_a_long_rate_limit_ends_the_ingest_and_the_next_one_goes_on(
    server: ApiServer,
    ingest: Ingest,
    store: Path,
    contents: Contents,
    clock: Clock,
    undisturbed: dict[str, list[Any]],
    make_fault: Callable[..., Any],
) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(clock.now) + 3600)}
    server.faults.append(make_fault("103/attempts/2/jobs", status=403, headers=headers))

    with pytest.raises(InputError, match=r"used up until 2026-10-09 13:00:01 UTC.*\[api-rate-limit\]"):
        ingest(server, store)
    before = {run["run_id"] for run in contents(store)["runs"]}
    server.seen.clear()
    ingest(server, store)

    assert {"101", "102", "103"} == before
    assert [] == server.asked("runs/101/")
    assert undisturbed == contents(store)


def test_a_second_ingest_fetches_only_what_has_not_ended(
    server: ApiServer, ingest: Ingest, store: Path, contents: Contents
) -> None:
    ingest(server, store)
    once = contents(store)
    server.seen.clear()

    tally = ingest(server, store)

    assert ["/api/v3/repos/octo/shop/actions/runs/106/attempts/1/jobs?per_page=100"] == [
        seen.path for seen in server.asked("/attempts/")
    ]
    assert 1 == tally.runs
    assert once == contents(store)


def test_what_has_not_changed_is_confirmed_by_its_etag(
    server: ApiServer, ingest: Ingest, open_api: OpenApi, store: Path
) -> None:
    ingest(server, store)
    server.seen.clear()
    api = open_api(server, cache=store.parent / "http-cache")

    documents = list(api.pages("repos/octo/shop/actions/runs/106/attempts/1/jobs", {"per_page": 100}))

    assert 2 == len(documents[0]["jobs"])  # type: ignore[index]  # JSON
    assert (1, 1) == (api.requests, api.unchanged)
    assert "If-None-Match" in server.seen[0].headers


def test_a_run_that_went_on_is_completed(
    server: ApiServer, github: GitHub, ingest: Ingest, store: Path, contents: Contents
) -> None:
    ingest(server, store)
    github.runs[0] |= {"status": "completed", "conclusion": "success", "updated_at": "2026-10-05T08:20:00Z"}
    for job in github.jobs["106/1"]["jobs"]:
        job |= {"status": "completed", "conclusion": "success", "completed_at": "2026-10-05T08:10:00Z"}
    github.jobs["106/1"]["jobs"][1]["started_at"] = "2026-10-05T08:04:00Z"

    ingest(server, store)

    [run] = [run for run in contents(store)["runs"] if run["run_id"] == "106"]
    queued = [job["queued_s"] for job in contents(store)["jobs"] if job["run_id"] == "106"]
    assert (datetime(2026, 10, 5, 8, 10, tzinfo=UTC), "success") == (run["finished_at"], run["result"])
    assert [8.0, 239.0] == queued


def test_a_run_that_arrives_between_two_pages_is_neither_lost_nor_doubled(
    server: ApiServer, github: GitHub, ingest: Ingest, store: Path, contents: Contents, serve: Serve, tmp_path: Path
) -> None:
    late = {**github.runs[1], "id": 107, "run_number": 47, "created_at": "2026-10-05T09:00:00Z"}
    github.jobs["107/1"] = {"total_count": 0, "jobs": []}

    def insert(path: str) -> None:
        if "/runs?" in path and late not in github.runs:
            github.runs.insert(0, late)

    server.after = insert
    ingest(server, store)
    ingest(serve(github.route), tmp_path / "calm.duckdb")

    assert contents(tmp_path / "calm.duckdb") == contents(store)
    assert 8 == len(contents(store)["runs"])


def test_a_run_that_is_deleted_between_two_pages_hides_no_other(
    server: ApiServer, github: GitHub, ingest: Ingest, store: Path, contents: Contents
) -> None:
    """What follows the deleted run moves one page up, past the reader."""

    def delete(path: str) -> None:
        if "/runs?" in path and len(github.runs) == 6:
            del github.runs[0]

    server.after = delete
    ingest(server, store)

    assert {"101", "102", "103", "104", "105"} <= {run["run_id"] for run in contents(store)["runs"]}


@pytest.mark.parametrize("part", ["/runs?", "/artifacts?", "/jobs?"])
def test_a_list_that_is_never_whole_is_told(
    part: str, serve: Serve, github: GitHub, open_api: OpenApi, tmp_path: Path
) -> None:
    """The server counts one object more than it shows, of the runs, of one run's artifacts or of its jobs."""

    def route(path: str, query: Query) -> Json:
        found = github.route(path, query)
        if not f"{path}?".endswith(part):
            return found
        body: Json = getattr(found, "body", found)
        return {**body, "total_count": body["total_count"] + 1}

    wish = Wish("octo/shop", datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 6, tzinfo=UTC), artifacts="none")
    runs = GitHubRuns(open_api(serve(route), cache=tmp_path / "cache"), wish, Known())
    assert list(runs.fetch())
    assert "lists that kept changing" in " ".join(runs.oddities)


def test_a_run_that_vanished_is_not_stored_without_its_jobs(
    server: ApiServer, github: GitHub, ingest: Ingest, store: Path, contents: Contents
) -> None:
    del github.jobs["105/1"]
    ingest(server, store)

    assert "105" not in {run["run_id"] for run in contents(store)["runs"]}


def test_a_run_whose_jobs_are_not_all_listed_is_fetched_again(
    server: ApiServer, github: GitHub, ingest: Ingest, store: Path, contents: Contents
) -> None:
    """The server says three jobs and shows two, as it does for a moment after the run has ended."""
    whole = github.route
    server.route = lambda path, query: (
        {**github.jobs["101/1"], "jobs": github.jobs["101/1"]["jobs"][:2]} if "101/att" in path else whole(path, query)
    )
    ingest(server, store)
    server.route = whole
    ingest(server, store)

    assert 3 == sum(job["run_id"] == "101" for job in contents(store)["jobs"])


def test_time_is_cut_until_a_query_gives_few_enough(
    server: ApiServer,
    ingest: Ingest,
    store: Path,
    contents: Contents,
    undisturbed: dict[str, list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(github_api, "MOST_RUNS", 2)

    ingest(server, store)

    assert undisturbed == contents(store)
    assert len({seen.path.partition("created=")[2][:50] for seen in server.asked("/runs?")}) > 3


def test_many_runs_of_one_second_do_not_cut_for_ever(
    server: ApiServer, github: GitHub, ingest: Ingest, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github_api, "MOST_RUNS", 2)
    for run in github.runs:
        run["created_at"] = "2026-10-02T00:00:00Z"

    assert 7 == ingest(server, store).runs


@pytest.mark.parametrize("step", ["add_jobs", "add_case_batches", "add_reports", "add_runs"])
def test_a_kill_while_storing_costs_one_chunk(
    server: ApiServer,
    ingest: Ingest,
    store: Path,
    contents: Contents,
    undisturbed: dict[str, list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    """Runs are written last: none is taken for complete whose jobs were lost."""
    monkeypatch.setattr(run_taking, "CHUNK_RUNS", 3)
    real, calls = getattr(storing, step), iter(range(99))

    def killed_once(*arguments: object) -> object:
        if next(calls) == 1:
            raise MemoryError
        return real(*arguments)

    monkeypatch.setattr(storing, step, killed_once)
    with pytest.raises(MemoryError):
        ingest(server, store)
    assert 3 == sum(run["is_complete"] for run in contents(store)["runs"])
    ingest(server, store)

    assert undisturbed == contents(store)


def test_an_expired_token_costs_one_line_and_what_came_before_is_kept(
    server: ApiServer, ingest: Ingest, store: Path, contents: Contents, make_fault: Callable[..., Any]
) -> None:
    server.faults.append(make_fault("runs/102/", status=401, times=9))

    with pytest.raises(InputError, match=r"GitHub refuses the token \(401\)\. Set GITHUB_TOKEN .*\[api-token\]"):
        ingest(server, store)

    assert ["101"] == [run["run_id"] for run in contents(store)["runs"]]


@pytest.mark.parametrize(
    ("wishes", "runs"),
    [
        pytest.param({"workflow": "CI"}, 7, id="a workflow by name"),
        pytest.param({"workflow": "ci.yml"}, 7, id="by file"),
        pytest.param({"branch": "main"}, 5, id="a branch"),
        pytest.param({"since": datetime(2026, 10, 3, tzinfo=UTC)}, 3, id="later ones"),
    ],
)
def test_a_narrower_wish_brings_fewer_runs(
    wishes: dict[str, Any], runs: int, server: ApiServer, ingest: Ingest, store: Path
) -> None:
    assert runs == ingest(server, store, **wishes).runs


def test_an_unknown_workflow_names_the_known_ones(server: ApiServer, ingest: Ingest, store: Path) -> None:
    with pytest.raises(InputError, match=r"no workflow 'CD'; there are: CI"):
        ingest(server, store, workflow="CD")


# -- artifacts ---------------------------------------------------------------------------------------------------------


def test_reports_in_artifacts_become_cases_of_the_run(
    server: ApiServer, github: GitHub, ingest: Ingest, store: Path, contents: Contents, make_zip: Callable[..., bytes]
) -> None:
    github.zips["501"] = make_zip(report=REPORT)

    ingest(server, store, artifacts="reports-*")

    [case] = contents(store)["cases"]
    assert ["101", 1, "tests/test_a.py::test_b", "passed", 0.5, 1] == list(case.values())
    assert ["octo/shop/artifacts/501.zip!report.xml"] == [report["source"] for report in contents(store)["reports"]]
    assert [] == server.asked("artifacts/502/")


def test_artifacts_are_read_once_even_if_their_run_came_earlier(
    server: ApiServer, github: GitHub, ingest: Ingest, store: Path, contents: Contents, make_zip: Callable[..., bytes]
) -> None:
    github.zips["501"] = make_zip(report=REPORT)
    ingest(server, store)
    for _ in range(2):
        ingest(server, store, artifacts="reports-*")

    assert 1 == len(server.asked("artifacts/501/zip"))
    assert 1 == len(contents(store)["cases"])


def test_a_download_that_breaks_off_is_repeated(
    server: ApiServer,
    github: GitHub,
    ingest: Ingest,
    store: Path,
    contents: Contents,
    make_zip: Callable[..., bytes],
    make_fault: Callable[..., Any],
) -> None:
    github.zips["501"] = make_zip(report=REPORT)
    server.faults.append(make_fault("artifacts/501/zip", cut_off=50))

    ingest(server, store, artifacts="reports-*")

    assert 1 == len(contents(store)["cases"])


def test_a_damaged_artifact_is_an_invalid_report(
    server: ApiServer, github: GitHub, ingest: Ingest, store: Path
) -> None:
    github.zips["501"] = b"no zip"

    tally = ingest(server, store, artifacts="*ubuntu")

    assert [("octo/shop/artifacts/501.zip", "invalid")] == [(r.source, r.status.value) for r in tally.reports]
    assert 7 == tally.runs


def test_the_token_stays_with_its_host(
    server: ApiServer,
    ingest: Ingest,
    store: Path,
    contents: Contents,
    serve: Serve,
    make_zip: Callable[..., bytes],
) -> None:
    """Downloads are redirected to a storage host, which must not learn the token."""
    storage = serve(lambda _path, _query: make_zip(report=REPORT))
    server.redirects["/api/v3/repos/octo/shop/actions/artifacts/501/zip"] = f"{storage.url}/api/v3/signed"

    ingest(server, store, artifacts="reports-*")

    assert 1 == len(contents(store)["cases"])
    assert ["Bearer s3cret"] == [seen.headers.get("Authorization") for seen in server.asked("501/zip")]
    assert [None] == [seen.headers.get("Authorization") for seen in storage.seen]


# -- changes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parent_sha", ["a1" * 20, ""], ids=["against the base", "against the parent"])
def test_the_api_says_what_changed(server: ApiServer, open_api: OpenApi, github: GitHub, parent_sha: str) -> None:
    server.route = lambda path, query: github.route(path.replace("commits/", "compare/"), query)
    wish = Wish("octo/shop", datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
    runs = GitHubRuns(open_api(server), wish, Known())
    run = RunRecord(RunKey("github", "octo/shop", "102"), wish.since, sha="b2" * 20, parent_sha=parent_sha)

    assert runs.changes(run) == (
        Change("src/cart.py", 5, 2),
        Change("src/price.py", 0, 0, "R", "src/prices.py"),
        Change("logo.png", 0, 0, "A"),
    )


@pytest.mark.parametrize(
    "document", [pytest.param({"files": [{}] * 300}, id="cut at 300 files"), pytest.param({}, id="none listed")]
)
def test_a_change_that_is_not_listed_whole_is_unknown(
    serve: Serve, open_api: OpenApi, document: dict[str, Any]
) -> None:
    wish = Wish("octo/shop", datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
    runs = GitHubRuns(open_api(serve(lambda _path, _query: json.loads(json.dumps(document)))), wish, Known())
    run = RunRecord(RunKey("github", "octo/shop", "102"), wish.since, sha="b2" * 20)

    assert runs.changes(run) is None
