"""Folders and files into one tar and back, by the number of the path that they belong to.

::

    0                  the first path: a file, or a folder
    0/lib/a.py         what is in it
    1                  the second path

Names say nothing about where things go: that the reader knows. An archive comes from a place that other jobs write to:
a member that could land elsewhere, or is neither file, folder nor a link inside its own path, is refused.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import IO

_EXECUTABLE_AND_WRITABLE = 0o777
_UNREADABLE = (tarfile.TarError, EOFError, UnicodeError, OverflowError)


class Unsafe(Exception):
    """A member that must not be packed or unpacked, and why."""


def pack(paths: Sequence[Path], stream: IO[bytes]) -> int:
    """Write what is at the paths, in alphabetical order; give the number of members. What is not there is left out.

    Raises
    ------
    Unsafe
        A link that leads out of its path, or a device.
    OSError
        Unreadable, or changed while it was read.
    """
    count = 0
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for number, path in enumerate(paths):
            for found, name in _walk(path, str(number)):
                _add(tar, found, name)
                count += 1
    return count


def _walk(path: Path, name: str) -> Iterator[tuple[Path, str]]:
    if not os.path.lexists(path):
        return
    yield path, name
    if path.is_dir() and not path.is_symlink():
        for child in sorted(path.iterdir(), key=lambda one: one.name):
            yield from _walk(child, f"{name}/{child.name}")


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    tar.inodes = {}  # type: ignore[attr-defined]  # hard links become files: a reader need not follow them
    member = tar.gettarinfo(path, arcname=name)
    if member is None:
        raise Unsafe(f"{path} is a socket")
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    if reason := _refusal(member):
        raise Unsafe(f"{path} {reason}")
    if member.isreg():
        with path.open("rb") as file:
            tar.addfile(member, file)
    else:
        tar.addfile(member)


def unpack(stream: IO[bytes], targets: Sequence[Path]) -> int:
    """Create what an archive holds of each path at the target of its number, none of which exists; give the members.

    Raises
    ------
    Unsafe
        A member that could land elsewhere: what was created before it has to be thrown away.
    OSError
        Damaged, or not writable.
    """
    count, seen, folders = 0, _Seen(len(targets)), []
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                seen.check(member)
                number, _, rest = member.name.partition("/")
                path = targets[int(number)] / rest if rest else targets[int(number)]
                _create(tar, member, path)
                if member.isdir():
                    folders.append((path, member))
                count += 1
    except _UNREADABLE as error:
        raise OSError(f"no archive: {error}") from error
    for path, member in reversed(folders):  # children first: a folder may be read-only
        _finish(path, member)
    return count


class _Seen:
    """What an archive held so far, to refuse what comes twice or goes through a link."""

    def __init__(self, paths: int) -> None:
        self._paths = paths
        self._names: set[str] = set()
        self._links: set[str] = set()

    def check(self, member: tarfile.TarInfo) -> None:
        """Refuse a member by its name, its kind, and what went before."""
        reason = _refusal(member)
        number = member.name.partition("/")[0]
        if not (number.isascii() and number.isdecimal() and int(number) < self._paths):
            reason = "belongs to no path"
        elif member.name in self._names:
            reason = "comes twice"
        elif any(parent in self._links for parent in _parents(member.name)):
            reason = "goes through a link"
        if reason:
            raise Unsafe(f"{member.name} {reason}")
        self._names.add(member.name)
        if member.issym():
            self._links.add(member.name)


def _parents(name: str) -> Iterator[str]:
    while name := dirname(name):
        yield name


def _refusal(member: tarfile.TarInfo) -> str:
    """Say what is wrong with one member, whatever else there is; empty where nothing is."""
    if normpath(member.name) != member.name or member.name.startswith(("/", "..")) or "\\" in member.name:
        return "has a name that leads elsewhere"
    if not (member.isreg() or member.isdir() or member.issym()):
        return "is neither a file nor a folder"
    if member.issym():
        path = member.name.partition("/")[0]
        goal = normpath(join(dirname(member.name), member.linkname))
        if member.linkname.startswith("/") or (goal != path and not goal.startswith(f"{path}/")):
            return f"links to {member.linkname}, outside of what is cached"
    return ""


def _create(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if member.isdir():
        path.mkdir(exist_ok=True)
    elif member.issym():
        path.symlink_to(member.linkname)
    else:
        source = tar.extractfile(member)
        with path.open("xb") as file:
            shutil.copyfileobj(source, file, 1 << 18)  # type: ignore[arg-type]  # a regular member has a stream
        _finish(path, member)


def _finish(path: Path, member: tarfile.TarInfo) -> None:
    path.chmod(stat.S_IMODE(member.mode) & _EXECUTABLE_AND_WRITABLE)
    os.utime(path, (member.mtime, member.mtime))
