"""Paths inside an image, and the files of the context that an instruction selects and where they land."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from cipredict.dockerfile.ignore import glob_pattern

UNKNOWN_FOLDER = "/?"
"""Stands for the working folder that a base image brings along."""

_GLOB = frozenset("*?[")


def is_glob(path: str) -> bool:
    """Tell whether a path holds wildcards."""
    return not _GLOB.isdisjoint(path)


def absolute(path: str, folder: str) -> str:
    """Give the normal form of a path inside the image.

    >>> absolute("./a/../b/", "/app"), absolute("/x//y", "/app")
    ('/app/b', '/x/y')
    """
    return posixpath.normpath(posixpath.join(folder, path)).replace("//", "/")


def overlap(one: str, other: str) -> bool:
    """Tell whether one of two absolute paths is the other or lies below it."""
    return one == other or _below(one, other) or _below(other, one)


def _below(path: str, folder: str) -> bool:
    return folder == "/" or path.startswith(f"{folder}/")


def relative_source(path: str) -> str:
    """Give a source of COPY as paths of the context are written; the whole context is a dot."""
    return posixpath.normpath("/" + path).lstrip("/") or "."


@dataclass(frozen=True, slots=True)
class Selection:
    """Files of the context: what a COPY or a bind mount reads, or that part of it which lands at `wanted`.

    Attributes
    ----------
    sources : paths or globs, a dot for the whole context
    excludes : globs of `--exclude`
    destination : absolute, with a final slash where it is a folder for sure
    wanted : absolute; empty means all
    """

    sources: tuple[str, ...]
    excludes: tuple[str, ...] = ()
    destination: str = ""
    wanted: str = ""
    keeps_parents: bool = False

    def matcher(self) -> Callable[[str], bool]:
        """Give a test for paths of the context."""
        roots = [_root_finder(source) for source in self.sources]
        excluded = [glob_pattern(pattern).fullmatch for pattern in self.excludes]

        def selects(path: str) -> bool:
            found = [root for find in roots if (root := find(path)) is not None]
            if not found or any(match(path) for match in excluded):
                return False
            return not self.wanted or any(overlap(self._landing(path, root), self.wanted) for root in found)

        return selects

    def _landing(self, path: str, root: str) -> str:
        """Say where a file lands that was selected as `root`, which is itself or a folder above it."""
        folder = self.destination.rstrip("/") or "/"
        if self.keeps_parents:
            return posixpath.join(folder, path)
        if root == path:
            is_folder = self.destination.endswith("/") or len(self.sources) > 1 or any(map(is_glob, self.sources))
            return posixpath.join(folder, posixpath.basename(path)) if is_folder else folder
        return posixpath.join(folder, path if root == "." else path[len(root) + 1 :])


@lru_cache(maxsize=4096)
def _root_finder(source: str) -> Callable[[str], str | None]:
    """Give what finds the part of a path that a source names: the path, a folder above it, or nothing."""
    if source == ".":
        return lambda _: "."
    if not is_glob(source):
        prefix = f"{source}/"
        return lambda path: source if path == source or path.startswith(prefix) else None
    match = glob_pattern(source).fullmatch
    depth = source.count("/") + 1

    def find(path: str) -> str | None:
        parts = path.split("/")
        head = "/".join(parts[:depth])
        if "**" not in source:
            return head if len(parts) >= depth and match(head) else None
        heads = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
        return next((one for one in heads if match(one)), None)

    return find
