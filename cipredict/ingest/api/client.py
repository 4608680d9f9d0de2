"""Asking one API: what comes back is whole, or the ingest ends with one line that names a remedy.

What the libraries cannot know is here: rate limits in the words of GitHub and GitLab, and bodies that break off.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

import requests
from requests.exceptions import InvalidProxyURL, ProxyError, SSLError, TooManyRedirects
from urllib3.exceptions import MaxRetryError

from cipredict.errors import InputError
from cipredict.ingest.api.session import Host, Session, drop_old_answers

Parameters: TypeAlias = Mapping[str, str | int]
Answer = TypeVar("Answer")
_BROKEN_OFF = (requests.RequestException, ValueError)
"""ValueError: the body is no JSON."""

_FINAL = (SSLError, ProxyError, InvalidProxyURL, TooManyRedirects)
"""What the next try would meet again."""

_LIMITED = frozenset({403, 429, 503})
_GONE = frozenset({404, 410})
_SECONDARY_LIMIT_S = 60.0
"""GitHub's advice where its secondary limit comes without `Retry-After`."""

_YEAR_S = 366 * 86_400.0
_RESUME = "What was read is stored: run the same command again, and it goes on from there."


def _say_nothing(_message: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try. Tests give a clock and a sleep of their own.

    Attributes
    ----------
    tries : of a request whose answer breaks off, or that the server wants to see later
    backoff_s : before the second try, more or less; it doubles
    longest_wait_s : for a rate limit; a longer one ends the ingest
    timeout_s : without a byte from the server
    tell : gets a line for people before a long sleep
    """

    tries: int = 5
    backoff_s: float = 1.0
    longest_wait_s: float = 300.0
    timeout_s: float = 30.0
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    tell: Callable[[str], None] = _say_nothing

    def pause_s(self, attempt: int) -> float:
        """Give the pause after a failed try, counted from 1."""
        return self.backoff_s * 2.0 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311  # no secret


class Api:
    """One host. Not thread-safe; counts what it asked, and what the server confirmed as unchanged.

    Every method raises InputError where it gives up.
    """

    def __init__(self, host: Host, *, cache: Path | None = None, patience: Patience | None = None) -> None:
        self.host = host
        self.requests = 0
        self.unchanged = 0
        self._patience = patience or Patience()
        retries, backoff_s = self._patience.tries - 1, self._patience.backoff_s
        if cache is not None:
            drop_old_answers(cache, now=self._patience.clock())
        self._session = Session(host, cache=cache, retries=retries, backoff_s=backoff_s)

    def close(self) -> None:
        """Let the connections go."""
        self._session.close()

    def get(self, path: str, parameters: Parameters | None = None, *, may_miss: bool = False) -> object:
        """Give the JSON at a path below the base address; None where it is gone and `may_miss`."""
        found = self._ask(self._url(path), parameters, _read_json, may_miss=may_miss)
        return None if found is None else found[0]

    def pages(
        self, path: str, parameters: Parameters | None = None, *, may_miss: bool = False, is_kept: bool = True
    ) -> Iterator[object]:
        """Give page after page, as the `Link` headers lead; none where it is gone and `may_miss`.

        Say `is_kept=False` for what will not be asked for again.
        """
        url: str | None = self._url(path)
        while url is not None:
            found = self._ask(url, parameters, _read_json, may_miss=may_miss, is_kept=is_kept)
            if found is None:
                return
            document, url = found
            parameters = None  # the link has them
            yield document

    def download(self, path: str, target: Path) -> bool:
        """Save what is at a path or an address; False where it is gone. Never kept in the cache."""

        def save(response: requests.Response) -> bool:
            with target.open("wb") as file:
                for chunk in response.iter_content(1 << 18):
                    file.write(chunk)
            return True

        return self._ask(self._url(path), None, save, may_miss=True, is_kept=False) is not None

    def delete(self, path: str) -> bool:
        """Delete what is at a path; False where it is gone already. Trying again does no harm."""
        return (
            self._ask(self._url(path), None, lambda _: True, may_miss=True, is_kept=False, method="DELETE") is not None
        )

    def _url(self, path: str) -> str:
        return path if path.startswith(("https://", "http://")) else f"{self.host.base_url}/{path.lstrip('/')}"

    def _ask(
        self,
        url: str,
        parameters: Parameters | None,
        read: Callable[[requests.Response], Answer],
        *,
        may_miss: bool,
        is_kept: bool = True,
        method: str = "GET",
    ) -> Answer | None:
        for attempt in range(1, self._patience.tries + 1):
            try:
                with self._send(url, parameters, is_kept=is_kept, method=method) as response:
                    if response.ok:
                        return self._read(response, read)
                    pause_s = self._wait_s(response, attempt)
            except _BROKEN_OFF as error:
                if attempt == self._patience.tries or _is_final(error):
                    raise self._broken(url, error) from error
                pause_s = self._patience.pause_s(attempt)
            if pause_s is None or attempt == self._patience.tries:
                break
            self._patience.sleep(pause_s)
        if response.status_code in _GONE and may_miss:
            return None
        raise self._refusal(response)

    def _send(
        self, url: str, parameters: Parameters | None, *, is_kept: bool, method: str = "GET"
    ) -> requests.Response:
        headers = None if is_kept else {"Cache-Control": "no-store"}
        self.requests += 1
        response = self._session.request(
            method, url, params=parameters, headers=headers, timeout=self._patience.timeout_s, stream=True
        )
        self.unchanged += bool(getattr(response, "from_cache", False))
        return response

    def _read(self, response: requests.Response, read: Callable[[requests.Response], Answer]) -> Answer:
        try:
            return read(response)
        except ValueError:
            self._session.forget(response.url)
            raise

    def _wait_s(self, response: requests.Response, attempt: int) -> float | None:
        """Give the seconds after which to ask again, None for never.

        Raises
        ------
        InputError
            The limit lasts longer than our patience.
        """
        patience, now = self._patience, self._patience.clock()
        wait_s = limit_s(response, now=now)
        if wait_s is None:
            return patience.pause_s(attempt) if response.status_code == 503 else None
        until = f"{datetime.fromtimestamp(now + wait_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
        if wait_s > patience.longest_wait_s:
            hint = _RESUME if self.host.token else f"{self.host.remedy} {_RESUME}"
            message = f"The rate limit of {self.host.name} is used up until {until}; --wait is shorter."
            raise InputError(message, hint=hint, slug="api-rate-limit")
        patience.tell(f"{self.host.name} wants us to wait until {until}.")
        return wait_s

    def _broken(self, url: str, error: Exception) -> InputError:
        path = urlsplit(url).path
        if isinstance(error, ValueError) and not isinstance(error, requests.RequestException):
            message = f"{self.host.name} answered {path} with something that is no JSON; is --base-url right?"
            return InputError(message, slug="api-answer")
        message = f"{self.host.name} cannot be reached, or breaks off ({path}: {_reason(error)})."
        return InputError(message, hint=_RESUME, slug="api-unavailable")

    def _refusal(self, response: requests.Response) -> InputError:
        name, path, status = self.host.name, urlsplit(response.url).path, response.status_code
        if status == 401:
            what = "refuses the token" if self.host.token else "wants a token"
            return InputError(f"{name} {what} (401).", hint=self.host.remedy, slug="api-token")
        if status == 403:
            verb = "delete" if response.request.method == "DELETE" else "read"
            message = f"{name} does not let this token {verb} {path} (403)."
            return InputError(message, hint=self.host.remedy, slug="api-forbidden")
        if status in _GONE:
            message = f"{name} knows no {path}, or hides it from this token ({status})."
            return InputError(message, hint=self.host.remedy, slug="api-not-found")
        return InputError(f"{name} answered {path} with {status}.", hint=_RESUME, slug="api-unavailable")


def _read_json(response: requests.Response) -> tuple[object, str | None]:
    """Give the document and the address of the next page."""
    try:
        document = json.loads(response.content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return document, response.links.get("next", {}).get("url")


def limit_s(response: requests.Response, *, now: float) -> float | None:
    """Give the seconds that a server wants us to wait; None where it did not say so."""
    if response.status_code not in _LIMITED:
        return None
    headers = response.headers
    if after := headers.get("Retry-After"):
        return min(_retry_after_s(after, now=now), _YEAR_S)
    reset = headers.get("X-RateLimit-Reset") or headers.get("RateLimit-Reset") or ""
    remaining = headers.get("X-RateLimit-Remaining") or headers.get("RateLimit-Remaining")
    if remaining == "0" and reset.isdecimal():
        return min(max(0.0, float(reset) - now) + 1.0, _YEAR_S)
    is_limited = response.status_code == 429 or "rate limit" in response.text.lower()
    return _SECONDARY_LIMIT_S if is_limited else None


def _retry_after_s(text: str, *, now: float) -> float:
    """Read seconds or a date."""
    try:
        return max(0.0, float(text) if text.strip().isdecimal() else parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return _SECONDARY_LIMIT_S


def _is_final(error: Exception) -> bool:
    """Tell that urllib3 has tried often enough already, or that trying is no use."""
    return isinstance(error, _FINAL) or _gave_up(error) is not None


def _gave_up(error: Exception) -> MaxRetryError | None:
    return error.args[0] if error.args and isinstance(error.args[0], MaxRetryError) else None


def _reason(error: Exception) -> str:
    """Give the innermost cause, without addresses: those of downloads are signed."""
    gave_up = _gave_up(error)
    return type(gave_up.reason if gave_up and gave_up.reason else error).__name__
