"""coverage.py's own sqlite file, `.coverage`. No coverage.py is needed to read it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from cipredict.errors import InputError
from cipredict.ingest.coverage.interface import Executed

MAGIC = b"SQLite format 3\0"


def read_data_file(path: Path) -> Iterator[Executed]:
    """Give what each context executed, measured by line (`line_bits`) or by branch (`arc`).

    The file lists executed lines only: it says nothing about the share of a file.

    Raises
    ------
    InputError
        Damaged, or of a schema that is not coverage.py's.
    """
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            for file, context, numbits in connection.execute(_LINES):
                yield Executed(file, context, lines_of_numbits(numbits))
            for file, context, first, last in connection.execute(_ARCS):
                yield Executed(file, context, [line for line in (first, last) if line > 0])
        finally:
            connection.close()
    except (sqlite3.Error, TypeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a coverage.py data file ({error}).", slug="coverage-format") from error


_LINES = """
select file.path, context.context, line_bits.numbits
from line_bits join file on file.id = line_bits.file_id join context on context.id = line_bits.context_id
"""
_ARCS = """
select file.path, context.context, arc.fromno, arc.tono
from arc join file on file.id = arc.file_id join context on context.id = arc.context_id
"""
"""Both tables always exist; one of them is empty. Negative line numbers mean entering and leaving a code object."""


def lines_of_numbits(numbits: bytes) -> list[int]:
    """Give the line numbers of coverage.py's bit map, least significant bit first.

    >>> lines_of_numbits(bytes([0b110, 0b1]))
    [1, 2, 8]
    """
    return [index * 8 + bit for index, byte in enumerate(numbits) for bit in range(8) if byte & 1 << bit]
