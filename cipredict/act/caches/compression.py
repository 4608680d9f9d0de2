"""zstd where its program is installed, else gzip: what an archive is written and read through."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

ZSTD, GZIP = "zstd", "gzip"


def best_compression() -> str:
    """Give what this machine compresses with."""
    return ZSTD if shutil.which("zstd") else GZIP


@contextmanager
def compressing(target: IO[bytes], method: str) -> Iterator[IO[bytes]]:
    """Give a stream whose bytes arrive in `target` compressed; equal bytes give equal bytes.

    Raises
    ------
    OSError
        The program failed.
    """
    if method == GZIP:
        with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6, mtime=0, filename="") as stream:
            yield stream  # type: ignore[misc]  # a stream in all but name
        return
    with subprocess.Popen(["zstd", "-q", "-3", "-c"], stdin=subprocess.PIPE, stdout=target) as process:  # noqa: S607  # no shell, no input in the command
        assert process.stdin is not None  # noqa: S101  # for the type checker: it is a pipe
        yield process.stdin
        process.stdin.close()
    if process.returncode:
        raise OSError(f"zstd ended with {process.returncode}")


@contextmanager
def decompressing(source: IO[bytes], method: str) -> Iterator[IO[bytes]]:
    """Give what `source` held before it was compressed.

    Raises
    ------
    OSError
        The program failed, or is not installed.
    """
    if method == GZIP:
        with gzip.GzipFile(fileobj=source, mode="rb") as stream:
            yield stream  # type: ignore[misc]  # a stream in all but name
        return
    command = ["zstd", "-q", "-d", "-c"]
    with subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603  # as above
        assert process.stdout is not None  # noqa: S101  # as above
        yield process.stdout
        process.stdout.read()
    if process.returncode:
        raise OSError(f"zstd ended with {process.returncode}")
