"""`cipredict ingest github` and `gitlab` from the command line to the store, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
