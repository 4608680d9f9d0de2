"""An ingest from GitLab: retried, bridged and child pipelines, test reports, and the same store after every fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("cachecontrol", reason="the store extra is not installed")
pytest.importorskip("duckdb", reason="the store extra is not installed")

from cipredict.errors import InputError  # after the skips
from cipredict.ingest.api.gitlab import GitLabRuns
from cipredict.ingest.api.wish import Known, Wish
from cipredict.records import Change, RunKey, RunRecord

if TYPE_CHECKING:
    from tests.ingest.api.conftest import ApiServer, Clock, GitLab, Ingest, OpenApi, Serve

pytestmark = pytest.mark.learn
Contents = Callable[[Path], dict[str, list[Any]]]
REPORT = '<testsuite name="rspec"><testcase classname="Cart" name="totals" time="0.5"/></testsuite>'
WISH = Wish("shop/backend", datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))


@pytest.fixture
def server(serve: Serve, gitlab: GitLab) -> ApiServer:
    return serve(gitlab.route)


def test_pipelines_children_and_retries_are_stored(
    server: ApiServer, ingest: Ingest, store: Path, contents: Contents
) -> None:
    ingest(server, store, provider="gitlab")

    found = contents(store)
    assert [("301", 1), ("301", 2), ("302", 1), ("303", 1), ("304", 1)] == [
        (run["run_id"], run["attempt"]) for run in found["runs"]
    ]
    assert [True, True, True, True, False] == [run["is_complete"] for run in found["runs"]]
    assert "docs pipeline" in {job["name"] for job in found["jobs"]}  # a bridge
    assert [
        ("tests/test_cart.py::TestCart::test_total", "passed"),
        ("tests/test_cart.py::test_db", "error"),
        ("tests/test_cart.py::test_price[�x]", "failed"),
        ("tests/test_cart.py::test_slow", "skipped"),
    ] == [(case["case_id"], case["verdict"]) for case in found["cases"]]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"part": "/pipelines?", "status": 429, "headers": {"Retry-After": "3"}}, id="429"),
        pytest.param({"part": "302/jobs", "status": 502, "times": 2}, id="502 twice"),
        pytest.param({"part": "302/test_report", "cut_off": 40}, id="truncated"),
        pytest.param({"part": "301/bridges", "delay_s": 1.0}, id="slow"),
    ],
)
def test_a_fault_changes_nothing_in_the_end(
    fault: dict[str, Any],
    server: ApiServer,
    ingest: Ingest,
    store: Path,
    contents: Contents,
    tmp_path: Path,
    make_fault: Callable[..., Any],
    clock: Clock,
) -> None:
    ingest(server, tmp_path / "calm" / "history.duckdb", provider="gitlab")
    clock.timeout_s = 0.5 if "delay_s" in fault else clock.timeout_s
    server.faults.append(make_fault(**fault))

    ingest(server, store, provider="gitlab")

    assert contents(tmp_path / "calm" / "history.duckdb") == contents(store)
    assert 0 == server.faults[0].times


def test_a_second_ingest_fetches_what_runs_or_was_retried(
    server: ApiServer, gitlab: GitLab, ingest: Ingest, store: Path, contents: Contents
) -> None:
    ingest(server, store, provider="gitlab")
    once = contents(store)
    server.seen.clear()
    ingest(server, store, provider="gitlab")

    assert {"304"} == {seen.path.split("/")[6].partition("?")[0] for seen in server.asked("/jobs")}
    assert once == contents(store)

    gitlab.pipelines[1] |= {"status": "success", "updated_at": "2026-10-05T10:06:10.000Z"}
    gitlab.details["302"] |= gitlab.pipelines[1]
    retried = {**gitlab.jobs["302"][0], "id": 3013, "status": "success"}
    times = {"created_at": "2026-10-05T10:00:00Z", "started_at": "2026-10-05T10:00:05Z"}
    gitlab.jobs["302"].append({**retried, **times, "finished_at": "2026-10-05T10:06:09Z"})
    ingest(server, store, provider="gitlab")

    assert [("302", 1, "failure"), ("302", 2, "success")] == [
        (run["run_id"], run["attempt"], run["result"]) for run in contents(store)["runs"] if run["run_id"] == "302"
    ]


def test_artifacts_of_a_job_become_its_cases(
    server: ApiServer, gitlab: GitLab, ingest: Ingest, store: Path, contents: Contents, make_zip: Callable[..., bytes]
) -> None:
    gitlab.zips["3002"] = make_zip(rspec=REPORT)
    for _ in range(2):
        ingest(server, store, provider="gitlab", artifacts="rspec 1*", test_reports=False)

    assert [("301", 1, "Cart::totals")] == [
        (case["run_id"], case["attempt"], case["case_id"]) for case in contents(store)["cases"]
    ]
    assert 1 == len(server.asked("jobs/3002/artifacts"))
    assert [] == server.asked("test_report")


def test_a_wrong_token_costs_one_line(
    server: ApiServer, ingest: Ingest, store: Path, make_fault: Callable[..., Any]
) -> None:
    server.faults.append(make_fault("/pipelines?", status=401))

    with pytest.raises(InputError, match=r"GitLab refuses the token \(401\)\. Set GITLAB_TOKEN.*\[api-token\]"):
        ingest(server, store, provider="gitlab")


def test_a_pipeline_that_vanished_is_not_stored(
    server: ApiServer, gitlab: GitLab, ingest: Ingest, store: Path, contents: Contents
) -> None:
    del gitlab.details["301"]
    ingest(server, store, provider="gitlab")

    assert "301" not in {run["run_id"] for run in contents(store)["runs"]}


def test_the_api_says_what_changed(server: ApiServer, open_api: OpenApi) -> None:
    runs = GitLabRuns(open_api(server, provider="gitlab"), WISH, Known())
    run = RunRecord(RunKey("gitlab", "shop/backend", "302"), WISH.since, sha="b2" * 20, parent_sha="a1" * 20)

    assert runs.changes(run) == (Change("src/cart.py", 2, 1), Change("new.py", None, None, "R", "old.py"))
    assert runs.changes(RunRecord(run.key, WISH.since, sha="b2" * 20)) is None


def test_a_job_token_does_not_follow_a_redirect(
    serve: Serve, server: ApiServer, open_api: OpenApi, tmp_path: Path
) -> None:
    storage = serve(lambda _path, _query: b"zip")
    server.redirects["/api/v4/projects/12/jobs/1/artifacts"] = f"{storage.url}/api/v4/signed"

    assert open_api(server, provider="gitlab job").download("projects/12/jobs/1/artifacts", tmp_path / "a.zip")

    assert "s3cret" == server.seen[0].headers["JOB-TOKEN"]
    assert "s3cret" not in str(storage.seen)
    assert b"zip" == (tmp_path / "a.zip").read_bytes()
