"""PATH arguments into streams of report bytes: files, folders, globs, gzip, zip and tar archives, standard input.

Nothing is unpacked to disk, and no archive is held in memory: zip members are read through the archive's directory,
tar archives front to back. A path that the user named and that is missing is the user's mistake and raises; damage
inside an archive is a `Report` like that of any other file.
"""

from __future__ import annotations

import glob
import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from cipredict.errors import InputError
from cipredict.ingest.interface import READ_ERRORS, Report, invalid_report

_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2")
JUNIT_SUFFIXES = (".xml", ".xml.gz")
REPORT_SUFFIXES = (*JUNIT_SUFFIXES, ".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".trx")
"""What counts as a report in a folder or archive; a file that is named is opened whatever its suffix."""

_UNREADABLE_MEMBER = (RuntimeError, NotImplementedError)
"""What zipfile raises for an encrypted member, and for a compression method that this Python does not know."""

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Source:
    """One report's bytes. Read `stream` before taking the next source: tar archives and handles move on.

    `name` is the path as given, and for a member `archive.zip!folder/report.xml`.
    """

    name: str
    stream: BinaryIO


def open_sources(
    paths: Iterable[str], *, standard_input: BinaryIO, suffixes: tuple[str, ...] = JUNIT_SUFFIXES
) -> Iterator[Source | Report]:
    """Give every report behind the paths, in order, each file once; `-` is `standard_input`, plain or gzipped.

    `suffixes` are those of reports in folders and archives.

    Raises
    ------
    InputError
        Before anything is read: a path does not exist, a glob matches nothing, a folder holds no report.
    """
    files = [file for path in paths for file in _expand(path, suffixes)]
    return _open_all(dict.fromkeys(files), standard_input, suffixes)


def _expand(path: str, suffixes: tuple[str, ...]) -> list[str]:
    if path == "-" or Path(path).is_file():
        return [path]
    if Path(path).is_dir():
        found = sorted(
            str(file) for file in Path(path).rglob("*") if _is_report(file.name, suffixes) and file.is_file()
        )
        if not found:
            raise InputError(f"The folder {path} holds no {_spell(suffixes)} file.", slug="input-empty")
        return found
    if glob.has_magic(path):
        found = sorted(file for file in glob.glob(path, recursive=True) if Path(file).is_file())  # noqa: PTH207  # an absolute pattern is fine
        if not found:
            raise InputError(f"Nothing matches {path}.", slug="input-missing")
        return found
    if Path(path).exists():  # a pipe: `<(command)` in a shell
        return [path]
    raise InputError(f"{path} does not exist.", slug="input-missing")


def _is_report(name: str, suffixes: tuple[str, ...]) -> bool:
    return name.lower().endswith(suffixes)


def _spell(suffixes: tuple[str, ...]) -> str:
    return ", ".join(f"*{suffix}" for suffix in suffixes if not suffix.endswith(".gz"))


def _open_all(files: Iterable[str], standard_input: BinaryIO, suffixes: tuple[str, ...]) -> Iterator[Source | Report]:
    for file in files:
        try:
            if file == "-":
                yield Source("-", _unzipped(standard_input))
            elif file.lower().endswith(".zip"):
                yield from open_zip(Path(file), suffixes)
            elif file.lower().endswith(_TAR_SUFFIXES):
                yield from open_tar(Path(file), suffixes)
            else:
                with Path(file).open("rb") as stream:
                    yield Source(Path(file).as_posix(), _unzipped(stream))
        except READ_ERRORS as error:
            yield invalid_report(Path(file).as_posix(), f"cannot be read ({_reason(error)})")


def open_zip(path: Path, suffixes: tuple[str, ...] = JUNIT_SUFFIXES) -> Iterator[Source | Report]:
    """Give the reports of a zip archive; a damaged or encrypted member does not hide the others."""
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if _is_report(member.filename, suffixes)]
        if not members:
            yield invalid_report(path.as_posix(), f"holds no {_spell(suffixes)} file")
        for member in members:
            name = f"{path.as_posix()}!{member.filename}"
            try:
                stream = archive.open(member)
            except (*READ_ERRORS, *_UNREADABLE_MEMBER) as error:
                yield invalid_report(name, f"cannot be read ({_reason(error)})")
                continue
            with stream:
                yield Source(name, _unzipped(cast(BinaryIO, stream)))


def open_tar(path: Path, suffixes: tuple[str, ...] = JUNIT_SUFFIXES) -> Iterator[Source | Report]:
    """Give the reports of a tar archive, compressed or not, front to back; damage ends it with a `Report`."""
    is_empty = True
    try:
        with tarfile.open(path, mode="r|*") as archive:
            for member in archive:
                is_report = member.isfile() and _is_report(member.name, suffixes)
                stream = archive.extractfile(member) if is_report else None
                if stream is not None:
                    is_empty = False
                    yield Source(
                        f"{path.as_posix()}!{member.name.removeprefix('./')}", _unzipped(cast(BinaryIO, stream))
                    )
    except READ_ERRORS as error:
        yield invalid_report(path.as_posix(), f"damaged archive ({_reason(error)})")
    else:
        if is_empty:
            yield invalid_report(path.as_posix(), f"holds no {_spell(suffixes)} file")


def _unzipped(stream: BinaryIO) -> BinaryIO:
    """Look at the first two bytes: CI systems serve gzipped reports under plain names, and the other way round."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream))
    if buffered.peek(2)[:2] == _GZIP_MAGIC:
        return cast(BinaryIO, gzip.GzipFile(fileobj=buffered))
    return cast(BinaryIO, buffered)


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
