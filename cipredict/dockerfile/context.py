"""The build context: which files there are, what is in them, and how they changed from commit to commit.

Paths are relative to the context's folder, with slashes. An identity is whatever changes when content or mode do: git's
mode and blob id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from cipredict.dockerfile.ignore import IgnoreFile


class ContextFile(NamedTuple):
    """A file of the context as it is now."""

    size_bytes: int
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What stands in the context now; `read` gives a file's text, or nothing where it is missing, binary or huge."""

    files: Mapping[str, ContextFile] = field(default_factory=dict)
    read: Callable[[str], str | None] = field(default=lambda _: None, compare=False)
    _visible: dict[IgnoreFile, list[str]] = field(default_factory=dict, compare=False, repr=False)

    def visible(self, ignore: IgnoreFile) -> list[str]:
        """Give the files that the builder gets; asked often, so it is remembered."""
        if ignore not in self._visible:
            self._visible[ignore] = [path for path in self.files if not ignore.excludes(path)]
        return self._visible[ignore]

    def has_folder(self, path: str) -> bool:
        """Tell whether something lies below a path."""
        return path in {"", "."} or any(name.startswith(f"{path}/") for name in self.files)


class ContextCommit(NamedTuple):
    """A commit: the identities that it gave to paths, none for those it removed."""

    sha: str
    changes: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class ContextHistory:
    """Consecutive commits, the oldest first; `base` is the tree before the first of them, path to identity."""

    base: Mapping[str, str] = field(default_factory=dict)
    commits: tuple[ContextCommit, ...] = ()

    def since_change(self, paths: Set[str]) -> ContextHistory:
        """Give the commits after the last one that changed one of some paths."""
        changed = [at for at, commit in enumerate(self.commits) if not paths.isdisjoint(commit.changes)]
        if not changed:
            return self
        tree: dict[str, str | None] = dict(self.base)
        for commit in self.commits[: changed[-1] + 1]:
            tree |= commit.changes
        present = {path: identity for path, identity in tree.items() if identity is not None}
        return ContextHistory(present, self.commits[changed[-1] + 1 :])
