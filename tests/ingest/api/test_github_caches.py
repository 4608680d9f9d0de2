"""GitHub's caches from a real HTTP server: every page, what is closed, and deleting with patience."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("requests", reason="the store extra is not installed")
pytest.importorskip("cachecontrol", reason="the store extra is not installed")

from cipredict.cli.app import main  # after the skips
from cipredict.errors import InputError
from cipredict.ingest.api.github_caches import GitHubCaches

if TYPE_CHECKING:
    from tests.ingest.api.conftest import ApiServer, Clock, OpenApi, Query, Serve

pytestmark = pytest.mark.learn
SAMPLE = Path(__file__).parents[3] / "data" / "samples" / "cache" / "github_caches.json"
BASE = "repos/octo/shop"


@pytest.fixture
def held() -> dict[int, Any]:
    """What the server keeps, by id; Any: JSON."""
    return {entry["id"]: entry for entry in json.loads(SAMPLE.read_text(encoding="utf-8"))["actions_caches"]}


@pytest.fixture
def server(serve: Serve, held: dict[int, Any], make_page: Callable[..., Any]) -> ApiServer:
    """octo/shop with five caches in pages of two, and pull request 8 open."""

    def route(path: str, query: Query) -> object:
        if path == BASE:
            return {"default_branch": "main"}
        if path == f"{BASE}/pulls":
            return [{"number": 8}] if query["state"] == "open" else None
        return make_page(list(held.values()), query, 2, "actions_caches") if path.endswith("/caches") else None

    server = serve(route)
    server.delete = lambda path: held.pop(int(path.rpartition("/")[2]), None) is not None
    return server


def test_every_page_is_read_and_closed_pull_requests_are_known(server: ApiServer, open_api: OpenApi) -> None:
    found = GitHubCaches(open_api(server), "octo/shop").read()

    assert ["1", "2", "3", "4", "5"] == [entry.entry_id for entry in found.entries]
    assert (400_000_000, "refs/heads/main") == (found.entries[0].size_bytes, found.entries[0].ref)
    assert ("refs/heads/main", frozenset({"refs/pull/7/merge"})) == (found.default_ref, found.closed_refs)
    assert 3 == len(server.asked("/actions/caches"))


def test_without_caches_of_pull_requests_nobody_asks_for_them(
    server: ApiServer, open_api: OpenApi, held: dict[int, Any]
) -> None:
    del held[3], held[4]

    assert frozenset() == GitHubCaches(open_api(server), "octo/shop").read().closed_refs
    assert [] == server.asked("/pulls")


def test_deleting_twice_is_no_error(server: ApiServer, open_api: OpenApi, held: dict[int, Any]) -> None:
    caches = GitHubCaches(open_api(server), "octo/shop")
    entry = caches.read().entries[0]

    assert (True, False) == (caches.delete(entry), caches.delete(entry))
    assert 1 not in held


@pytest.mark.parametrize(
    ("status", "headers", "slept"),
    [
        pytest.param(429, {"Retry-After": "7"}, [7.0], id="rate limit"),
        pytest.param(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1791547230"}, [31.0], id="used up"),
        pytest.param(502, {}, [], id="bad gateway"),
    ],
)
def test_deleting_has_patience(
    status: int,
    headers: dict[str, str],
    slept: list[float],
    server: ApiServer,
    open_api: OpenApi,
    clock: Clock,
    make_fault: Callable[..., Any],
    held: dict[int, Any],
) -> None:
    caches = GitHubCaches(open_api(server), "octo/shop")
    entry = caches.read().entries[0]
    server.faults.append(make_fault("DELETE", status=status, headers=headers))

    assert caches.delete(entry)
    assert slept == clock.slept
    assert 1 not in held


def test_a_token_that_may_not_delete_is_said(
    server: ApiServer, open_api: OpenApi, make_fault: Callable[..., Any]
) -> None:
    caches = GitHubCaches(open_api(server), "octo/shop")
    entry = caches.read().entries[0]
    server.faults.append(make_fault("DELETE", status=403, times=9))

    with pytest.raises(InputError, match="does not let this token delete") as refused:
        caches.delete(entry)
    assert "api-forbidden" == refused.value.slug


def prune(server: ApiServer, *options: str) -> int:
    base = f"{server.url}/api/v3"
    return main(["cache", "prune", "--github", "octo/shop", "--base-url", base, "--quota", "1.2GB", *options])


def test_a_plan_deletes_nothing(
    server: ApiServer, held: dict[int, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "s3cret")

    assert 0 == prune(server, "--format", "json") == prune(server, "--plan")
    assert 5 == len(held)
    document = json.loads(capsys.readouterr().out)
    assert [("1", "superseded"), ("3", "closed")] == [(one["id"], one["reason"]) for one in document["delete"]]
    assert "Bearer s3cret" == server.seen[0].headers["Authorization"]


def test_apply_deletes_what_the_plan_says(
    server: ApiServer, held: dict[int, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "s3cret")

    assert 0 == prune(server, "--apply")
    assert {2, 4, 5} == held.keys()
    assert "Deleted 2 entries." in capsys.readouterr().err
