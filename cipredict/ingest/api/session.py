"""A session with one host: its token stays with it, and answers are kept with their ETags.

requests and urllib3 send, CacheControl keeps: an answer of 304 does not count against GitHub's rate limit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import requests
from cachecontrol import CacheControlAdapter
from cachecontrol.caches import FileCache
from cachecontrol.heuristics import BaseHeuristic
from cachecontrol.serialize import Serializer
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse, Retry

_SECRET_HEADERS = ("Authorization", "PRIVATE-TOKEN", "JOB-TOKEN")
_KEPT_S = 14 * 86_400.0
_STATUSES = (500, 502, 504)
"""What urllib3 repeats; 429, 403 and 503 may name a time, which `client` respects."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where an API is, how it is called in messages, and what it accepts as a token.

    Attributes
    ----------
    base_url : without a final slash
    header, token : sent to this host only; no token, no header
    remedy : what to do when the token is missing, wrong or too weak
    """

    name: str
    base_url: str
    token: str = field(default="", repr=False)
    header: str = "Authorization"
    remedy: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> tuple[str, str | None, int | None]:
        """Scheme, name and port: what a token must not leave."""
        return origin_of(self.base_url)


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Give scheme, name and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


class _TokenOfHost(requests.auth.AuthBase):
    """Adds the token to requests of its own host; a link to another place gets none."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        host = self._host
        if host.token and origin_of(request.url or "") == host.origin:
            scheme = "Bearer " if host.header == "Authorization" else ""
            request.headers[host.header] = scheme + host.token
        return request


class _MaskedSerializer(Serializer):
    """Writes a hash in place of the token: GitHub's answers vary by it, and the cache may be uploaded by a workflow."""

    def dumps(self, request: requests.PreparedRequest, response: HTTPResponse, body: bytes | None = None) -> bytes:
        return super().dumps(_masked(request), response, body)

    def prepare_response(
        self,
        request: requests.PreparedRequest,
        cached: Mapping[str, Any],  # Any: CacheControl's own type
        body_file: IO[bytes] | None = None,
    ) -> HTTPResponse | None:
        return super().prepare_response(_masked(request), cached, body_file)


def _masked(request: requests.PreparedRequest) -> requests.PreparedRequest:
    masked = request.copy()
    for header in _SECRET_HEADERS:
        if header in masked.headers:
            masked.headers[header] = hashlib.sha256(masked.headers[header].encode()).hexdigest()
    return masked


class _AskAgain(BaseHeuristic):
    """Has every kept answer confirmed by the server: pages of runs change within the minute that GitHub allows."""

    def update_headers(self, response: HTTPResponse) -> dict[str, str]:
        is_secret = "no-store" in response.headers.get("cache-control", "")
        return {} if is_secret else {"cache-control": "private, max-age=0"}

    def warning(self, response: HTTPResponse) -> None:  # noqa: ARG002  # CacheControl's signature
        return None


class Session(requests.Session):
    """Sends the host's token to the host alone, and keeps answers in a folder, or nowhere.

    On a redirect elsewhere every secret header is dropped: requests itself knows `Authorization` only.
    """

    def __init__(self, host: Host, *, cache: Path | None, retries: int, backoff_s: float) -> None:
        super().__init__()
        self._host = host
        self.auth = _TokenOfHost(host)
        self.headers.update({"User-Agent": "cipredict", "Accept": "application/json", **host.headers})
        retry = Retry(
            total=retries,
            status_forcelist=_STATUSES,
            allowed_methods={"GET", "DELETE"},
            backoff_factor=backoff_s,
            backoff_jitter=backoff_s,
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        self._cache = None if cache is None else _caching_adapter(cache, retry)
        for prefix in ("https://", "http://"):
            self.mount(prefix, self._cache or HTTPAdapter(max_retries=retry))

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Drop what is secret where a redirect leaves the host."""
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]  # of types-requests
        if origin_of(prepared_request.url or "") != self._host.origin:
            for header in _SECRET_HEADERS:
                prepared_request.headers.pop(header, None)

    def forget(self, url: str) -> None:
        """Drop a kept answer that turned out to be broken; the server would confirm it forever."""
        if self._cache is not None:
            self._cache.cache.delete(self._cache.controller.cache_url(url))


def _caching_adapter(folder: Path, retry: Retry) -> CacheControlAdapter:
    return CacheControlAdapter(
        FileCache(str(folder)), serializer=_MaskedSerializer(), heuristic=_AskAgain(), max_retries=retry
    )


def drop_old_answers(folder: Path, *, now: float) -> None:
    """Delete kept answers that nobody confirmed for two weeks: lists have another address every day."""
    for file in folder.rglob("*"):
        with suppress(OSError):  # another process may tidy up too
            if file.is_file() and file.stat().st_mtime < now - _KEPT_S:
                file.unlink()
