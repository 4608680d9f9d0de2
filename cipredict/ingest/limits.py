"""How much one path may unpack to: what stands between a zip bomb and the machine.

A limit that is met ends the report or the archive with a reason; what was read before it counts.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import BinaryIO

MAX_REPORT_BYTES = 4 * 1024**3
MAX_ARCHIVE_BYTES = 16 * 1024**3
MAX_MEMBERS = 100_000
MAX_NESTED_BYTES = 64 * 1024**2
"""An archive inside an archive is held in memory."""

MAX_RATIO = 1000
HARMLESS_BYTES = 100 * 1024**2
"""Up to here, no ratio is too high. Deflate itself stops at 1032; xz and archives in archives do not."""


class LimitMet(OSError):
    """The bytes behind a path are more than anybody's report; one of the errors that reading may raise."""


@dataclass(slots=True)
class Budget:
    """What may still be read from one path, its archive's members together.

    `packed_bytes` is the size of the path on disk, None where nobody knows it.
    """

    report_bytes: int = MAX_REPORT_BYTES
    packed_bytes: int | None = None
    spent_bytes: int = field(default=0, init=False)
    members: int = field(default=0, init=False)

    def spend(self, count: int) -> None:
        """Count bytes that came out of decompression.

        Raises
        ------
        LimitMet
        """
        self.spent_bytes += count
        if self.spent_bytes > MAX_ARCHIVE_BYTES:
            raise LimitMet(f"unpacks to more than {_size(MAX_ARCHIVE_BYTES)}")
        if self.packed_bytes is not None and self.spent_bytes > max(HARMLESS_BYTES, MAX_RATIO * self.packed_bytes):
            raise LimitMet(f"unpacks to more than {MAX_RATIO} times its size")

    def enter_member(self) -> None:
        """Count a member of an archive, of whatever kind.

        Raises
        ------
        LimitMet
        """
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise LimitMet(f"holds more than {MAX_MEMBERS} members")


class Metered(io.RawIOBase):
    """A stream that pays for what it gives, out of a budget and up to its own limit."""

    def __init__(self, stream: BinaryIO, budget: Budget, *, limit_bytes: int) -> None:
        self._stream = stream
        self._budget = budget
        self._limit_bytes = limit_bytes
        self._given_bytes = 0

    def readable(self) -> bool:
        """Say yes: `io` asks."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Give at most one byte more than the limit allows.

        Raises
        ------
        LimitMet
        """
        most = self._limit_bytes - self._given_bytes + 1
        data = self._stream.read(most if size is None or size < 0 else min(size, most))
        self._given_bytes += len(data)
        if self._given_bytes > self._limit_bytes:
            raise LimitMet(f"larger than {_size(self._limit_bytes)}")
        self._budget.spend(len(data))
        return data


def _size(count: int) -> str:
    return f"{count / 1024**3:g} GB" if count >= 1024**3 else f"{count / 1024**2:g} MB"
