"""What a stage prints: into its log up to a limit, and line by line to whoever watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

_CHUNK_BYTES = 64 * 1024
_LONGEST_LINE = 4096


class Lines:
    """Chunks into lines, for whoever watches."""

    def __init__(self, watch: Callable[[str], None]) -> None:
        self._watch = watch
        self._line = b""

    def show(self, chunk: bytes) -> None:
        """Show the lines that are complete, and the rest once it is too long."""
        *lines, self._line = (self._line + chunk).split(b"\n")
        for line in lines:
            self._watch(_text(line))
        if len(self._line) > _LONGEST_LINE:
            self.end()

    def end(self) -> None:
        """Show the rest."""
        if self._line:
            self._watch(_text(self._line))
            self._line = b""


class StageLog:
    """A log file with a limit; a full disk ends the log, not the stage.

    Attributes
    ----------
    dropped_bytes : not written
    problem : why the log stopped before its limit; empty where it did not
    """

    def __init__(self, path: Path, *, limit_bytes: int, watch: Callable[[str], None]) -> None:
        self.dropped_bytes = 0
        self.problem = ""
        self._left_bytes = limit_bytes
        self._lines = Lines(watch)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    async def pump(self, stream: asyncio.StreamReader) -> None:
        """Take everything that comes: a process whose pipe is full would wait for ever."""
        while chunk := await stream.read(_CHUNK_BYTES):
            self.write(chunk)

    def write(self, chunk: bytes) -> None:
        """Append; show the lines that are complete."""
        kept = b"" if self.problem else chunk[: self._left_bytes]
        try:
            self._file.write(kept)
        except OSError as error:
            self.problem, kept = error.strerror or type(error).__name__, b""
        self._left_bytes -= len(kept)
        self.dropped_bytes += len(chunk) - len(kept)
        self._lines.show(kept)

    def close(self) -> None:
        """Show the rest, and say in the log what is not in it."""
        self._lines.end()
        if self.dropped_bytes and not self.problem:
            self._file.write(f"\n[cipredict: {self.dropped_bytes} further bytes were dropped]\n".encode())
        self._file.close()


def _text(line: bytes) -> str:
    return line[:_LONGEST_LINE].decode("utf-8", "replace").rstrip("\r")
