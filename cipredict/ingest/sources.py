"""PATH arguments into streams of report bytes: files, folders, globs, gzip, zip and tar archives, standard input.

Nothing is unpacked to disk, so a member's name is never a path, only a label. No archive is held in memory either,
but for one inside another: zip members are read through the archive's directory, tar archives front to back. How much
a path may unpack to is bounded (limits.py). A path that gives nothing, and damage inside an archive, is a `Report` like
that of any other file.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from cipredict.ingest.interface import READ_ERRORS, Report, invalid_report
from cipredict.ingest.limits import MAX_ARCHIVE_BYTES, MAX_NESTED_BYTES, MAX_REPORT_BYTES, Budget, LimitMet, Metered
from cipredict.ingest.paths import expand, label, spell_suffixes

_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2")
JUNIT_SUFFIXES = (".xml", ".xml.gz")
REPORT_SUFFIXES = (*JUNIT_SUFFIXES, ".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".trx")
"""What counts as a report in a folder or archive; a file that is named is opened whatever its suffix."""

_UNREADABLE_MEMBER = (*READ_ERRORS, RuntimeError, NotImplementedError)
"""Besides damage: what zipfile raises for an encrypted member, and for a compression that this Python does not know."""

_UNREADABLE_ARCHIVE = (*_UNREADABLE_MEMBER, ValueError)
"""Besides that: names that are not in the encoding that they claim."""

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Source:
    """One report's bytes. Read `stream` before taking the next source: tar archives and handles move on.

    `name` is the path as given, and for a member `archive.zip!folder/report.xml`.
    """

    name: str
    stream: BinaryIO


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is looked for behind one path, and how much it may unpack to."""

    suffixes: tuple[str, ...]
    budget: Budget

    def is_report(self, name: str) -> bool:
        return name.lower().endswith(self.suffixes)


def open_sources(
    paths: Iterable[str],
    *,
    standard_input: BinaryIO,
    suffixes: tuple[str, ...] = JUNIT_SUFFIXES,
    max_report_bytes: int = MAX_REPORT_BYTES,
) -> Iterator[Source | Report]:
    """Give every report behind the paths, in order, each file once; `-` is `standard_input`, plain or gzipped.

    `suffixes` are those of reports in folders and archives.

    Raises
    ------
    InputError
        Before anything is read: no path gives a file.
    """
    files = expand(paths, suffixes)
    return _open_all(files, standard_input, lambda size: _Wanted(suffixes, Budget(max_report_bytes, size)))


def _open_all(
    files: Iterable[str | Report], standard_input: BinaryIO, wanted_of: Callable[[int | None], _Wanted]
) -> Iterator[Source | Report]:
    for file in files:
        if isinstance(file, Report):
            yield file
            continue
        name = "-" if file == "-" else label(Path(file).as_posix())
        try:
            if file == "-":
                yield Source(name, _unzipped(standard_input, wanted_of(None).budget))
                continue
            with Path(file).open("rb") as stream:
                size = os.fstat(stream.fileno())
                wanted = wanted_of(size.st_size if stat.S_ISREG(size.st_mode) else None)
                if _is_archive(file):
                    yield from _open_archive(name, stream, wanted)
                else:
                    yield Source(name, _unzipped(stream, wanted.budget))
        except READ_ERRORS as error:
            yield invalid_report(name, f"cannot be read ({_reason(error)})")


def _is_archive(name: str) -> bool:
    return name.lower().endswith((".zip", *_TAR_SUFFIXES))


def _open_archive(
    name: str, stream: BinaryIO, wanted: _Wanted, *, is_nested: bool = False
) -> Iterator[Source | Report]:
    """Give the reports of an archive; damage, or a limit, ends it with a `Report`."""
    is_empty = True
    members = _zip_members if name.lower().endswith(".zip") else _tar_members
    try:
        for item in members(name, stream, wanted):
            is_empty = False
            if isinstance(item, Source) and _is_archive(item.name):
                yield from _open_nested(item, wanted, is_nested=is_nested)
            elif isinstance(item, Source):
                yield Source(item.name, _unzipped(item.stream, wanted.budget))
            else:
                yield item
    except LimitMet as error:
        yield invalid_report(name, f"refused: {error}")
    except _UNREADABLE_ARCHIVE as error:
        yield invalid_report(name, f"damaged archive ({_reason(error)})")
    else:
        if is_empty:
            yield invalid_report(name, f"holds no {spell_suffixes(wanted.suffixes)} file")


def _open_nested(item: Source, wanted: _Wanted, *, is_nested: bool) -> Iterator[Source | Report]:
    if is_nested:
        yield invalid_report(item.name, "an archive in an archive in an archive: not opened")
        return
    try:
        content = Metered(item.stream, wanted.budget, limit_bytes=MAX_NESTED_BYTES).read()
    except _UNREADABLE_MEMBER as error:
        yield invalid_report(item.name, f"cannot be read ({_reason(error)})")
    else:
        yield from _open_archive(item.name, io.BytesIO(content), wanted, is_nested=True)


def _zip_members(name: str, stream: BinaryIO, wanted: _Wanted) -> Iterator[Source | Report]:
    """Give reports and archives of a zip archive; a damaged or encrypted member does not hide the others."""
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            wanted.budget.enter_member()
            if not (wanted.is_report(member.filename) or _is_archive(member.filename)):
                continue
            member_name = label(f"{name}!{member.filename}")
            if stat.S_ISLNK(member.external_attr >> 16):
                yield invalid_report(member_name, "is a link: not followed")
                continue
            try:
                opened = archive.open(member)
            except _UNREADABLE_MEMBER as error:
                yield invalid_report(member_name, f"cannot be read ({_reason(error)})")
                continue
            with opened:
                yield Source(member_name, cast(BinaryIO, opened))


def _tar_members(name: str, stream: BinaryIO, wanted: _Wanted) -> Iterator[Source | Report]:
    """Give reports and archives of a tar archive, compressed or not, front to back."""
    plain = Metered(_decompressed(stream), wanted.budget, limit_bytes=MAX_ARCHIVE_BYTES)
    with tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            wanted.budget.enter_member()
            archive.members = []  # type: ignore[attr-defined]  # tarfile remembers every header that it has passed
            if not (wanted.is_report(member.name) or _is_archive(member.name)) or member.isdir():
                continue
            member_name = label(f"{name}!{member.name.removeprefix('./')}")
            opened = archive.extractfile(member) if member.isfile() and not member.issparse() else None
            if opened is None:
                is_link = member.islnk() or member.issym()
                yield invalid_report(
                    member_name, "is a link: not followed" if is_link else "is no plain file: not opened"
                )
            else:
                yield Source(member_name, cast(BinaryIO, opened))


def _decompressed(stream: BinaryIO) -> BinaryIO:
    buffered = _buffered(stream)
    head = buffered.peek(6)
    for magic, opener in _COMPRESSIONS.items():
        if head.startswith(magic):
            return cast(BinaryIO, opener(buffered))
    return buffered


_COMPRESSIONS: dict[bytes, Callable[[BinaryIO], object]] = {
    _GZIP_MAGIC: lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}


def _unzipped(stream: BinaryIO, budget: Budget) -> BinaryIO:
    """Look at the first two bytes: CI systems serve gzipped reports under plain names, and the other way round."""
    buffered = _buffered(stream)
    is_gzip = buffered.peek(2)[:2] == _GZIP_MAGIC
    plain = gzip.GzipFile(fileobj=buffered) if is_gzip else buffered
    return cast(BinaryIO, Metered(cast(BinaryIO, plain), budget, limit_bytes=budget.report_bytes))


def _buffered(stream: BinaryIO) -> io.BufferedReader:
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream))


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
