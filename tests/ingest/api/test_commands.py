"""`cipredict ingest github` and `gitlab` from the command line to the store, over real HTTP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

pytest.importorskip("cachecontrol", reason="the store extra is not installed")
pytest.importorskip("duckdb", reason="the store extra is not installed")

from cipredict.cli.app import main  # after the skips

if TYPE_CHECKING:
    from tests.ingest.api.conftest import GitHub, GitLab, Serve

pytestmark = pytest.mark.learn
Contents = Callable[[Path], dict[str, list[Any]]]
TOKEN = "s3cret"  # noqa: S105  # no real one


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("CIPREDICT_STORE", "GITHUB_ACTIONS", "GITLAB_CI", "GH_TOKEN", "CI_JOB_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("GITHUB_TOKEN", "GITLAB_TOKEN"):
        monkeypatch.setenv(variable, TOKEN)


def test_github_twice(
    serve: Serve, github: GitHub, contents: Contents, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(github.route)
    command = ["ingest", "github", "--repo", "octo/shop", "--since", "2026-10-01", "--base-url", server.url]
    assert main([*command, "--changes"]) == 0
    first = capsys.readouterr()
    once = contents(tmp_path / ".cipredict" / "history.duckdb")
    assert main(command) == 0
    second = capsys.readouterr()

    assert 7 == len(once["runs"])
    assert once == contents(tmp_path / ".cipredict" / "history.duckdb")
    assert "1 jobs of an earlier attempt listed again." in first.err
    assert (first.out, second.out) == ("", "")
    [numbers] = [line.split() for line in second.err.splitlines() if line.strip()[:1].isdigit()]
    assert ["1", "6"] == [numbers[0], numbers[6]]  # runs, known before
    assert TOKEN not in first.err + second.err
    assert {f"Bearer {TOKEN}"} == {seen.headers["Authorization"] for seen in server.seen}


def test_gitlab(serve: Serve, gitlab: GitLab, contents: Contents, tmp_path: Path) -> None:
    server = serve(gitlab.route)
    command = ["ingest", "gitlab", "--project", "shop/backend", "--since", "2026-10-01", "--store", "h.duckdb"]
    assert main([*command, "--base-url", f"{server.url}/api/v4"]) == 0

    found = contents(tmp_path / "h.duckdb")
    assert (5, 4) == (len(found["runs"]), len(found["cases"]))


def test_an_expired_token_costs_one_line_and_exit_2(
    serve: Serve, github: GitHub, capsys: pytest.CaptureFixture[str], make_fault: Callable[..., Any]
) -> None:
    server = serve(github.route)
    server.faults.append(make_fault("/runs?", status=401))

    assert main(["ingest", "github", "--repo", "octo/shop", "--base-url", server.url]) == 2
    assert [True] == ["[api-token]" in line for line in capsys.readouterr().err.splitlines()]


def test_events_in_artifacts_reach_the_ledger_once(
    serve: Serve, github: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By numbers, not by the names in the archive, which are anybody's; a damaged archive sinks nothing else."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("events/a.jsonl", "../../b.jsonl", "plans/c.json"):
            archive.writestr(name, '{"kind": "note", "at": "2026-10-01T09:00:00+00:00", "run": {}, "body": {}}\n')
    github.artifacts["101"]["artifacts"] = [
        {"id": 701, "name": "plan", "created_at": "2026-10-01T09:05:08Z"},
        {"id": 702, "name": "plan", "created_at": "2026-10-01T09:05:08Z"},
        {"id": 703, "name": "plan", "expired": True, "created_at": "2026-10-01T09:05:08Z"},
    ]
    github.artifacts["101"]["total_count"] = 3
    github.zips = {"701": stream.getvalue(), "702": b"no zip"}
    server = serve(github.route)
    command = ["ingest", "github", "--repo", "octo/shop", "--since", "2026-10-01", "--base-url", server.url]
    assert main([*command, "--event-artifacts", "plan"]) == 0
    first = capsys.readouterr().err
    assert main([*command, "--event-artifacts", "plan"]) == 0

    assert "Took in 2 events." in first
    assert "1 artifacts with events that cannot be read." in first
    assert "1 artifacts that have expired." in first
    assert sorted(path.name for path in (tmp_path / ".cipredict" / "artifact-events" / "701").iterdir()) == [
        "0.jsonl",
        "1.jsonl",
    ]
    assert not list(tmp_path.parent.glob("*.jsonl"))
    assert len(server.asked("artifacts/701/zip")) == 1


def test_the_last_night_says_where_the_next_one_begins(
    serve: Serve, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    """It begins three days before the end of the latest run that is known whole, here on the 6th at 9."""
    server = serve(github.route)
    command = ["ingest", "github", "--repo", "octo/shop", "--base-url", server.url]
    assert main([*command, "--since", "2026-10-01"]) == 0
    assert main([*command, "--since", "last"]) == 0
    capsys.readouterr()

    asked = [unquote(seen.path) for seen in server.asked("/actions/runs?")]
    began = {path.partition("created=")[2].partition("..")[0] for path in asked}
    assert began == {"2026-10-01T00:00:00Z", "2026-10-03T09:00:00Z"}
