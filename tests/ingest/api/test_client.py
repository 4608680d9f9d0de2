"""What the client says when it gives up, how long it waits, and whom it tells the token."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

requests = pytest.importorskip("requests", reason="the store extra is not installed")
pytest.importorskip("cachecontrol", reason="the store extra is not installed")

from cipredict.errors import InputError  # noqa: E402  # after the skips
from cipredict.ingest.api.client import Api, Patience, limit_s  # noqa: E402
from cipredict.ingest.api.session import Host  # noqa: E402

if TYPE_CHECKING:
    from tests.ingest.api.conftest import ApiServer, Clock, OpenApi, Serve

pytestmark = pytest.mark.learn
NOW = 1_791_547_200.0  # 2026-10-09 12:00 UTC


@pytest.fixture
def server(serve: Serve) -> ApiServer:
    return serve(lambda _path, _query: {"total_count": 0})


@pytest.mark.parametrize(
    ("status", "words", "slug"),
    [
        pytest.param(401, "GitHub refuses the token (401).", "api-token", id="expired token"),
        pytest.param(403, "does not let this token read /api/v3/repos/x (403)", "api-forbidden", id="forbidden"),
        pytest.param(404, "GitHub knows no /api/v3/repos/x", "api-not-found", id="not found"),
        pytest.param(410, "GitHub knows no /api/v3/repos/x", "api-not-found", id="gone"),
        pytest.param(500, "GitHub answered /api/v3/repos/x with 500", "api-unavailable", id="down"),
        pytest.param(503, "GitHub answered /api/v3/repos/x with 503", "api-unavailable", id="overloaded"),
        pytest.param(422, "GitHub answered /api/v3/repos/x with 422", "api-unavailable", id="anything else"),
    ],
)
def test_a_refusal_names_its_remedy(
    status: int, words: str, slug: str, server: ApiServer, open_api: OpenApi, make_fault: Callable[..., Any]
) -> None:
    server.faults.append(make_fault("repos/x", status=status, times=99))

    with pytest.raises(InputError) as caught:
        open_api(server).get("repos/x")

    assert words in str(caught.value)
    assert (slug, 2) == (caught.value.slug, caught.value.exit_code)
    assert "s3cret" not in str(caught.value)


def test_without_a_token_it_says_so(server: ApiServer, open_api: OpenApi, make_fault: Callable[..., Any]) -> None:
    server.faults.append(make_fault("repos/x", status=401))
    with pytest.raises(InputError, match=r"GitHub wants a token \(401\)\. Set GITHUB_TOKEN"):
        open_api(server, token="").get("repos/x")

    assert "Authorization" not in server.seen[0].headers


def test_what_may_be_missing_is_none(server: ApiServer, open_api: OpenApi) -> None:
    server.route = lambda _path, _query: None

    assert open_api(server).get("repos/x", may_miss=True) is None
    assert [] == list(open_api(server).pages("repos/x", may_miss=True))


def test_a_server_that_is_not_there_costs_one_line(tmp_path: Path) -> None:
    host = Host("GitHub", "http://127.0.0.1:9/api/v3", token="s3cret")  # noqa: S106  # no real one
    api = Api(host, patience=Patience(tries=2, backoff_s=0, sleep=lambda _: None))

    with pytest.raises(InputError, match=r"GitHub cannot be reached.*run the same command again.*\[api-unavailable\]"):
        api.download("repos/x", tmp_path / "x")
    assert 1 == api.requests


def test_an_answer_nested_too_deeply_is_no_crash(
    server: ApiServer, open_api: OpenApi, make_fault: Callable[..., Any]
) -> None:
    server.faults.append(make_fault("repos/x", body=b"[" * 100_000, times=9))

    with pytest.raises(InputError, match="api-answer"):
        open_api(server).get("repos/x")


def test_an_address_without_an_api_is_told_from_a_hiccup(
    server: ApiServer, open_api: OpenApi, make_fault: Callable[..., Any], clock: Clock
) -> None:
    server.faults.append(make_fault("repos/x", body=b"<html>", times=9))
    with pytest.raises(InputError, match=r"no JSON; is --base-url right\? \[api-answer\]"):
        open_api(server).get("repos/x")

    assert (3, 2) == (len(server.seen), len(clock.slept))


def test_a_ring_of_redirects_ends(server: ApiServer, open_api: OpenApi) -> None:
    server.redirects["/api/v3/repos/x"] = f"{server.url}/api/v3/repos/x"

    with pytest.raises(InputError, match=r"TooManyRedirects"):
        open_api(server).get("repos/x")


def test_a_redirect_on_the_same_host_keeps_the_token(server: ApiServer, open_api: OpenApi) -> None:
    """A renamed repository."""
    server.redirects["/api/v3/repos/old"] = f"{server.url}/api/v3/repos/new"

    assert {"total_count": 0} == open_api(server).get("repos/old")
    assert ["Bearer s3cret"] * 2 == [seen.headers["Authorization"] for seen in server.seen]


def test_a_next_page_elsewhere_gets_no_token(
    serve: Serve, server: ApiServer, open_api: OpenApi, make_fault: Callable[..., Any]
) -> None:
    elsewhere = serve(lambda _path, _query: {"total_count": 0})
    server.faults.append(make_fault("repos/x", headers={"Link": f'<{elsewhere.url}/api/v3/stolen>; rel="next"'}))

    assert 2 == len(list(open_api(server).pages("repos/x")))
    assert "Authorization" not in elsewhere.seen[0].headers


def test_the_token_is_not_written_to_the_cache(server: ApiServer, open_api: OpenApi, tmp_path: Path) -> None:
    """GitHub's answers vary by Authorization, and CacheControl would keep its value with them."""
    cache = tmp_path / "cache"
    for _ in range(2):
        api = open_api(server, cache=cache)
        api.get("repos/x")

    kept = [file.read_bytes() for file in cache.rglob("*") if file.is_file() and file.suffix != ".lock"]
    assert (1, 1) == (api.unchanged, len(kept))
    assert b"s3cret" not in b"".join(kept)


def test_another_token_is_not_served_from_the_cache(server: ApiServer, open_api: OpenApi, tmp_path: Path) -> None:
    open_api(server, cache=tmp_path).get("repos/x")
    open_api(server, cache=tmp_path, token="other").get("repos/x")  # noqa: S106  # no real one

    assert ["If-None-Match" in seen.headers for seen in server.seen] == [False, False]


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        pytest.param(200, {"Retry-After": "5"}, None, id="no refusal"),
        pytest.param(403, {}, None, id="forbidden for another reason"),
        pytest.param(403, {"Retry-After": "5"}, 5.0, id="GitHub's secondary limit"),
        pytest.param(429, {}, 60.0, id="nothing said"),
        pytest.param(429, {"Retry-After": "Fri, 09 Oct 2026 12:00:30 GMT"}, 30.0, id="a date"),
        pytest.param(429, {"Retry-After": "Fri, 09 Oct 2026 11:00:00 GMT"}, 0.0, id="a date that has passed"),
        pytest.param(429, {"Retry-After": "soon"}, 60.0, id="nonsense"),
        pytest.param(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1791547260"}, 61.0, id="GitHub's limit"),
        pytest.param(429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "1791547210"}, 11.0, id="GitLab's limit"),
        pytest.param(403, {"X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "1791547260"}, None, id="limit not met"),
        pytest.param(503, {"Retry-After": "9"}, 9.0, id="maintenance"),
        pytest.param(429, {"Retry-After": "9" * 400}, 366 * 86_400.0, id="for ever"),
    ],
)
def test_how_long_to_wait(status: int, headers: dict[str, str], expected: float | None) -> None:
    response = requests.Response()
    response.status_code, response._content = status, b"{}"
    response.headers.update(headers)

    assert limit_s(response, now=NOW) == expected


def test_a_secondary_limit_is_known_by_its_words() -> None:
    response = requests.Response()
    response.status_code, response._content = 403, b'{"message": "You have exceeded a secondary rate limit."}'

    assert limit_s(response, now=NOW) == 60.0


def test_pauses_double_around_the_backoff() -> None:
    pauses = [Patience(backoff_s=2.0).pause_s(attempt) for attempt in (1, 2, 3) for _ in range(50)]

    assert all(1.5 <= pause <= 2.5 for pause in pauses[:50])
    assert all(6.0 <= pause <= 10.0 for pause in pauses[100:])
    assert len(set(pauses)) > 100


def test_kept_answers_are_dropped_after_two_weeks(
    server: ApiServer, open_api: OpenApi, clock: Clock, tmp_path: Path
) -> None:
    open_api(server, cache=tmp_path).get("repos/x")
    clock.now = time.time() + 13 * 86_400
    open_api(server, cache=tmp_path).get("repos/x")
    clock.now += 15 * 86_400
    open_api(server, cache=tmp_path).get("repos/x")

    assert [False, True, False] == ["If-None-Match" in seen.headers for seen in server.seen]
