"""Byte streams as the decoders need them: from the beginning again, counted, in UTF-8."""

from __future__ import annotations

import codecs
import io
from typing import BinaryIO, cast

CHUNK_BYTES = 64 * 1024
_UTF16_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class Rewound(io.RawIOBase):
    """A stream whose head was looked at, from its beginning; `size_bytes` counts what was taken so far."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream
        self.size_bytes = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's WriteableBuffer is private
        """Fill the buffer from the head first."""
        wanted = len(buffer)
        if self._head:
            chunk, self._head = self._head[:wanted], self._head[wanted:]
        else:
            chunk = self._stream.read(wanted)
        buffer[: len(chunk)] = chunk
        self.size_bytes += len(chunk)
        return len(chunk)


class _Recoded(io.RawIOBase):
    """Another encoding's bytes as UTF-8; what cannot be decoded becomes U+FFFD."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._ready = b""
        self._has_ended = False

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # as above
        """Fill the buffer."""
        while not self._ready and not self._has_ended:
            chunk = self._stream.read(CHUNK_BYTES)
            self._has_ended = not chunk
            self._ready = self._decoder.decode(chunk, final=self._has_ended).encode("utf-8", "replace")
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


def utf8(stream: BinaryIO) -> io.BufferedReader:
    """Give JSON's bytes in UTF-8 without a byte order mark: PowerShell's `>` writes UTF-16."""
    buffered: io.BufferedReader = io.BufferedReader(cast(io.RawIOBase, stream), CHUNK_BYTES)
    mark = buffered.peek(4)[:4]
    if mark[:2] in _UTF16_MARKS:
        return io.BufferedReader(_Recoded(cast(BinaryIO, buffered), _UTF16_MARKS[mark[:2]]))
    if mark.startswith(codecs.BOM_UTF8):
        buffered.read(len(codecs.BOM_UTF8))
    return buffered
