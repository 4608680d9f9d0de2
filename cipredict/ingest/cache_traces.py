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
                yield from _Columns(next(rows, []), self).requests(rows)
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
        self._trace = trace
        self._places = {name.strip().lower(): place for place, name in enumerate(header)}
        self._shares = trace.prefix_shares
        self._only = [(self._needed(name), value) for name, value in trace.only.items()]
        self._key, self._size = self._needed("key"), self._needed("size")
        nowhere = len(self._places)
        self._cost, self._stream = self._places.get("cost", nowhere), self._places.get("stream", nowhere)
        self._kind = self._places.get("kind", self._places.get("cls", nowhere))
        self._share = self._places.get("prefix_share", nowhere)

    def _needed(self, name: str) -> int:
        if name in self._places:
            return self._places[name]
        found = ", ".join(self._places) or "nothing"
        raise InputError(f"The trace {self._trace.path} has no column '{name}', but {found}.", slug="cache-trace")

    def requests(self, rows: Iterable[list[str]]) -> Iterator[CacheRequest]:
        """Read rows; one that is no request is counted. A loop of its own, since traces hold millions of rows."""
        shares, other_share = self._shares, self._shares.get("", 1.0)
        width, of_key, of_size = len(self._places), self._key, self._size
        of_cost, of_stream, of_kind, of_share = self._cost, self._stream, self._kind, self._share
        for row in rows:
            if len(row) != width:
                row[:] = (row + [""] * width)[:width]
            row.append("")  # behind the last one is the place of every column that is not there
            if self._only and not all(row[place] == value for place, value in self._only):
                continue
            key, stream, kind, share = row[of_key], row[of_stream], row[of_kind], row[of_share]
            try:
                size_bytes = int(row[of_size])
                cost = float(row[of_cost]) if row[of_cost] else 1.0
                prefix_share = float(share) if share else shares.get(kind, other_share)
            except ValueError:
                self._trace.bad_rows += any(row)
                continue
            if size_bytes < 0 or not 0 <= cost < inf or not 0 <= prefix_share <= 1 or not key:
                self._trace.bad_rows += 1
                continue
            # a stream may be spelled like a key, and a key without a stream is its own
            yield CacheRequest(key, size_bytes, f"stream {stream}" if stream else key, cost, prefix_share, kind)


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
