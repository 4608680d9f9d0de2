"""`ingest github` and `ingest gitlab` from files: what is stored, and what a mistake costs."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("cachecontrol", reason="the store extra is not installed")

from cipredict.cli.app import main  # after the skips
from cipredict.cli.run_changes import Changes
from cipredict.ingest.runs import Attempt
from cipredict.records import Change, RunKey, RunRecord
from cipredict.store.database import open_store
from cipredict.store.queries import load_complete_runs, load_jobs, load_runs

pytestmark = pytest.mark.learn
SAMPLES = Path(__file__).parents[2] / "data" / "samples"
DUMP = str(SAMPLES / "github" / "runs.json")
NOW = datetime(2026, 11, 1, 12, 34, 56, tzinfo=UTC)
LATER = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in (
        *("CIPREDICT_STORE", "GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_API_URL", "CI_API_V4_URL"),
        *("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN"),
    ):
        monkeypatch.delenv(variable, raising=False)


def test_dumps_and_webhooks_of_github_are_stored(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = [str(SAMPLES / "github" / name) for name in ("runs.json", "webhooks.jsonl")]
    assert main(["ingest", "github", files[0], "--from", files[1], "--store", "h.duckdb"]) == 0

    captured = capsys.readouterr()
    assert "" == captured.out
    assert "runs" in captured.err
    with open_store(tmp_path / "h.duckdb", read_only=True) as store:
        runs = {row["run_id"]: row["workflow"] for row in load_runs(store, LATER).to_pylist()}
        jobs = [(row["name"], row["queued_s"]) for row in load_jobs(store, LATER).to_pylist()]
        complete = load_complete_runs(store, provider="github", repository="octo/shop").to_pylist()
    assert {"101", "102", "103", "104", "105", "106", "201"} == set(runs)
    assert [("gpu tests", 720.0)] == jobs
    assert [] == complete  # nobody knows whether a dump has every job


def test_hooks_of_gitlab_are_stored(tmp_path: Path) -> None:
    assert main(["ingest", "gitlab", str(SAMPLES / "gitlab" / "webhooks.jsonl"), "--store", "h.duckdb"]) == 0

    with open_store(tmp_path / "h.duckdb", read_only=True) as store:
        [run] = load_runs(store, LATER).to_pylist()
    assert ("gitlab", "shop/backend", "faster-cart", "success") == (
        run["provider"],
        run["repository"],
        run["branch"],
        run["result"],
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["github"], "Which repository? Give --repo owner/name. [api-repository]", id="no repository"),
        pytest.param(["gitlab"], "Give --project owner/name. [api-repository]", id="no project"),
        pytest.param(["github", "--repo", "a/b", "--since", "soon"], "'soon' is neither", id="no time"),
        pytest.param(["github", "--repo", "a/b", "--wait", "long"], "--wait: 'long'", id="no duration"),
        pytest.param(["github", "--repo", "a/b", "--base-url", "ghe"], "'ghe' is no address", id="no address"),
        pytest.param(["github", "gone.json"], "gone.json does not exist", id="no file"),
        pytest.param(["github", str(SAMPLES / "gitlab" / "pipelines.json")], "[ingest-nothing]", id="another format"),
        pytest.param(["github", DUMP, "--since", "30d"], "--since asks the API; files are taken in whole", id="since"),
        pytest.param(["github", "--from", DUMP, "--branch", "b", "--changes"], "--branch, --changes ask", id="two"),
        pytest.param(["gitlab", DUMP, "--no-tests"], "--tests asks the API", id="tests"),
    ],
)
def test_a_mistake_costs_exit_2(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", *arguments]) == 2

    captured = capsys.readouterr()
    assert words in captured.err
    assert "Traceback" not in captured.err


def test_a_dump_of_github_is_not_gitlabs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", "gitlab", DUMP]) == 2
    assert f"invalid: {DUMP}: holds runs for `cipredict ingest github`" in capsys.readouterr().err


# -- changes -----------------------------------------------------------------------------------------------------------


def _run(sha: str, parent_sha: str = "") -> Attempt:
    return Attempt(RunRecord(RunKey("github", "o/r", "1"), NOW, sha=sha, parent_sha=parent_sha))


def _git(*arguments: str) -> str:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_git_says_what_a_run_changed(tmp_path: Path) -> None:
    _git("init", "-q")
    for text in ("1\n", "1\n2\n"):
        (tmp_path / "a.py").write_text(text)
        _git("add", "a.py")
        _git("commit", "-q", "-m", "change")
    head, parent = _git("rev-parse", "HEAD"), _git("rev-parse", "HEAD~1")

    [against_parent, unknown] = Changes(tmp_path).fill([_run(head), _run("0" * 39 + "1", "base")])

    assert isinstance(against_parent, Attempt)
    assert isinstance(unknown, Attempt)
    assert (parent, (Change("a.py", 1, 0),)) == (against_parent.run.parent_sha, against_parent.run.changes)
    assert ("base", None) == (unknown.run.parent_sha, unknown.run.changes)


def test_where_git_does_not_know_the_api_is_asked_once_a_commit(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(run: RunRecord) -> tuple[Change, ...]:
        asked.append(run.sha)
        return (Change("b.py"),)

    filled = list(Changes(tmp_path, ask_api=ask).fill([_run("aa"), _run("aa"), _run("bb"), _run("")]))

    assert ["aa", "bb"] == asked
    assert [(Change("b.py"),)] * 3 + [None] == [item.run.changes for item in filled if isinstance(item, Attempt)]


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target", "merge_request_event"])
def test_the_last_commit_of_a_request_is_not_its_change(tmp_path: Path, event: str) -> None:
    run = RunRecord(RunKey("github", "o/r", "1"), NOW, sha="aa", event=event)
    changes = Changes(tmp_path, ask_api=lambda _: (Change("b.py"),))

    [unknown] = changes.fill([Attempt(run)])
    [known] = changes.fill([Attempt(replace(run, parent_sha="bb"))])

    assert [None, (Change("b.py"),)] == [item.run.changes for item in (unknown, known) if isinstance(item, Attempt)]
