"""Traces of caches, CSV with a header, plain or gzipped, into requests: as often as wanted, and never all at once.

`time,key,size` as the public traces have it, and where known `cost`, `stream` (the same cache in other versions),
`kind` or `cls` (of what is cached) and `prefix_share` (what is left to rebuild after a hit by prefix).
"""

from __future__ import annotations

import csv
import gzip
import io
import mmap
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import IO

from cipredict.cache_records import NEVER, CacheKey, CacheRequest
from cipredict.errors import InputError, cannot_read

PREFIX_SHARES: Mapping[str, float] = {"deps": 0.05, "": 0.4}
"""What is left to rebuild by kind, "" for any other: 5 % of the packages change with a lock file, as measured on 22
histories of dependencies; 40 % of a build is an assumption."""

_GZIP = b"\x1f\x8b"
_DAMAGED = (EOFError, UnicodeDecodeError, csv.Error, gzip.BadGzipFile)
"""EOFError: a gzip that was cut off."""

_PAGE = 1 << 17
"""Positions in one mapped piece of the file of next uses, 1 MB: a multiple of every system's granularity."""


@dataclass(slots=True)
class CacheTrace:
    """A trace that can be read again and again; `bad_rows` is what the last reading skipped.

    Attributes
    ----------
    prefix_shares : by kind, "" for any other, where no column says it
    only : values that columns must have, such as the repository whose quota is simulated
    """

    path: Path
    prefix_shares: Mapping[str, float] = field(default_factory=lambda: PREFIX_SHARES)
    only: Mapping[str, str] = field(default_factory=dict)
    bad_rows: int = 0

    def __iter__(self) -> Iterator[CacheRequest]:
        """Give the requests in the order of the file; a row that is none is counted and left out.

        Raises
        ------
        InputError
            Not readable, no such trace, or damaged half-way.
        """
        self.bad_rows = 0
        try:
            with _opened(self.path) as file:
                rows = csv.reader(file)
                columns = _Columns(next(rows, []), self)
                for row in rows:
                    if columns.is_wanted(row):
                        request = columns.request(row)
                        if request is not None:
                            yield request
                        else:
                            self.bad_rows += bool(row)
        except _DAMAGED as error:
            raise InputError(f"The trace {self.path} is damaged: {error}.", slug="cache-trace") from error
        except OSError as error:
            raise cannot_read(self.path, error) from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == _GZIP
        raw.seek(0)
        binary = gzip.GzipFile(fileobj=raw) if is_gzip else raw
        with io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as text:
            yield text


class _Columns:
    """Where in a row what is."""

    def __init__(self, header: Sequence[str], trace: CacheTrace) -> None:
        self._path = trace.path
        self._places = {name.strip().lower(): place for place, name in enumerate(header)}
        self._shares = trace.prefix_shares
        self._other_share = trace.prefix_shares.get("", 1.0)
        self._only = [(self._needed(name), value) for name, value in trace.only.items()]
        self._key, self._size = self._needed("key"), self._needed("size")
        self._cost, self._stream = self._places.get("cost"), self._places.get("stream")
        self._kind = self._places.get("kind", self._places.get("cls"))
        self._share = self._places.get("prefix_share")

    def _needed(self, name: str) -> int:
        if name in self._places:
            return self._places[name]
        found = ", ".join(self._places) or "nothing"
        raise InputError(f"The trace {self._path} has no column '{name}', but {found}.", slug="cache-trace")

    def is_wanted(self, row: Sequence[str]) -> bool:
        """Tell whether a row has the values asked for; a row too short to tell is a bad one, and wanted."""
        return all(place >= len(row) or row[place] == value for place, value in self._only)

    def request(self, row: Sequence[str]) -> CacheRequest | None:
        """Read a row; None where it is no request."""
        try:
            key, size_bytes = row[self._key], int(row[self._size])
            stream = key if self._stream is None else row[self._stream]
            kind = "" if self._kind is None else row[self._kind]
            cost = 1.0 if self._cost is None else float(row[self._cost])
            known = None if self._share is None else row[self._share]
            share = float(known) if known else self._shares.get(kind, self._other_share)
        except (ValueError, IndexError):
            return None
        if size_bytes < 0 or not 0 <= cost < inf or not 0 <= share <= 1 or not key:
            return None
        # a stream may be spelled like a key, and a key without a stream is its own
        name = f"stream {stream}" if self._stream is not None and stream else key
        return CacheRequest(key, size_bytes, name, cost, share, kind)


@contextmanager
def next_uses(requests: Iterable[CacheRequest]) -> Iterator[Callable[[int], int]]:
    """Tell, for the length of the block, the position of the next request of the key at a position; `NEVER` for none.

    They lie in a file that is mapped piece by piece, 8 bytes each, so that memory grows with the keys alone.
    """
    with tempfile.TemporaryFile() as file:
        positions = _Positions(file)
        last: dict[CacheKey, int] = {}
        for position, request in enumerate(requests):
            positions.append(NEVER)
            before = last.get(request.key)
            if before is not None:
                positions.put(before, position)
            last[request.key] = position
        last.clear()
        try:
            yield positions.get
        finally:
            positions.close()


class _Positions:
    """Whole numbers in a file. The system writes back the pieces that nobody touches."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._maps: list[mmap.mmap] = []
        self._pages: list[memoryview[int]] = []
        self._length = 0

    def append(self, number: int) -> None:
        if self._length % _PAGE == 0:
            self._grow()
        self._length += 1
        self.put(self._length - 1, number)

    def put(self, place: int, number: int) -> None:
        self._pages[place // _PAGE][place % _PAGE] = number

    def get(self, place: int) -> int:
        return self._pages[place // _PAGE][place % _PAGE]

    def _grow(self) -> None:
        start = len(self._maps) * _PAGE * 8
        self._file.truncate(start + _PAGE * 8)
        self._maps.append(mmap.mmap(self._file.fileno(), _PAGE * 8, offset=start))
        self._pages.append(memoryview(self._maps[-1]).cast("q"))

    def close(self) -> None:
        for page in self._pages:
            page.release()
        for mapped in self._maps:
            mapped.close()
