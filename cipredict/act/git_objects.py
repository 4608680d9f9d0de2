"""The door to git's objects: commits, trees and files of the past, read without a checkout.

One `git cat-file --batch` serves any number of reads, so that 1,500 commits cost one process. Nothing here fetches.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from cipredict.act.git import ask_git
from cipredict.errors import ChangeUnknown

Matcher = Callable[[str], bool]
_TREE, _SUBMODULE = "40000", "160000"


class PastCommit(NamedTuple):
    """A commit on the way to the head; `at_s` is when it was committed, in seconds since 1970."""

    sha: str
    tree: str
    at_s: float
    author: str
    parents: int


def mainline(folder: Path, *, commits: int, head: str = "HEAD", timeout_s: float = 120.0) -> list[PastCommit]:
    """Give the last commits that led to `head` along first parents, oldest first.

    Raises
    ------
    ChangeUnknown
        No git, no repository, no such head, or no answer in time.
    """
    command = ("log", "--first-parent", f"--max-count={commits}", "--no-show-signature", "--no-color")
    layout = "--format=%H%x00%T%x00%ct%x00%aN%x00%P%x00"
    output = ask_git(folder, *command, layout, "--end-of-options", head, "--", timeout_s=timeout_s)
    fields = output.split("\0")[:-1]
    rows = zip(*(fields[at::5] for at in range(5)), strict=True)
    found = [
        PastCommit(sha.lstrip("\n"), tree, float(at), author, len(parents.split()))
        for sha, tree, at, author, parents in rows
    ]
    return found[::-1]


class GitObjects:
    """Reads objects by their id; use as a context manager, from one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> GitObjects:
        """Start git."""
        try:
            self._process = subprocess.Popen(
                ["git", "cat-file", "--batch"],  # noqa: S607  # whichever git the machine uses
                cwd=self._folder,
                env=os.environ
                | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            message = f"git cannot be run in {self._folder}: {error.strerror}."
            raise ChangeUnknown(message, slug="git-missing") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End git, whatever happened."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def read(self, name: str) -> bytes:
        """Give an object's content; `name` is an id, or whatever else git resolves without a line break.

        Raises
        ------
        ChangeUnknown
            The clone does not hold it, or git ended.
        """
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ChangeUnknown("git was not started.", slug="git-failed")
        try:
            process.stdin.write(f"{name}\n".encode())
            process.stdin.flush()
        except OSError as error:
            raise ChangeUnknown("`git cat-file` ended early.", slug="git-failed") from error
        head = process.stdout.readline().split()
        if len(head) != 3:
            message = f"This clone does not hold {name}."
            hint = "It is partial or damaged: `git fetch --refetch --no-filter` gets everything."
            raise ChangeUnknown(message, slug="git-object-missing", hint=hint)
        content = process.stdout.read(int(head[2]))
        process.stdout.read(1)
        return content


class RoleFiles(NamedTuple):
    """The files of one role in a tree: a digest of paths and contents, empty where none matches, and their blobs."""

    digest: str
    blobs: tuple[tuple[str, str], ...]


_Level = tuple[tuple[bytes, tuple[tuple[str, str], ...]], ...]
"""Per role: the digest of what matches below a folder, and the blobs of listed roles."""


@dataclass(slots=True)
class TreeDigests:
    """Digests of the files of several roles, tree by tree; a folder that did not change is not looked at again.

    Attributes
    ----------
    roles : name → whether a path, from the root, belongs to it
    listed : roles whose blobs are wanted; of a role with thousands of files the digest is enough
    submodules : paths of submodules met on the way, whose files no tree holds
    """

    objects: GitObjects
    roles: Mapping[str, Matcher]
    listed: frozenset[str] = frozenset()
    submodules: set[str] = field(default_factory=set)
    _seen: dict[tuple[str, str], _Level] = field(default_factory=dict)

    def read(self, tree: str) -> dict[str, RoleFiles]:
        """Give every role's files; raises ChangeUnknown where the clone does not hold an object."""
        level = self._level(tree, "")
        return {
            name: RoleFiles(digest.hex()[:16], blobs) for name, (digest, blobs) in zip(self.roles, level, strict=True)
        }

    def _level(self, tree: str, prefix: str) -> _Level:
        known = self._seen.get((tree, prefix))
        if known is not None:
            return known
        parts: list[list[bytes]] = [[] for _ in self.roles]
        blobs: list[list[tuple[str, str]]] = [[] for _ in self.roles]
        for mode, name, oid in parse_tree(self.objects.read(tree), oid_bytes=len(tree) // 2):
            path = prefix + name
            if mode == _TREE:
                for at, (digest, below) in enumerate(self._level(oid, f"{path}/")):
                    if digest:
                        parts[at].append(name.encode() + b"/" + digest)
                        blobs[at].extend(below)
            elif mode == _SUBMODULE:
                self.submodules.add(path)
            else:
                self._take(path, oid, parts=parts, blobs=blobs)
        level = tuple(
            (sha256(b"\0".join(found)).digest() if found else b"", tuple(listed))
            for found, listed in zip(parts, blobs, strict=True)
        )
        self._seen[tree, prefix] = level
        return level

    def _take(
        self, path: str, oid: str, *, parts: Sequence[list[bytes]], blobs: Sequence[list[tuple[str, str]]]
    ) -> None:
        name = path.rpartition("/")[2]
        for at, (role, is_member) in enumerate(self.roles.items()):
            if is_member(path):
                parts[at].append(name.encode() + b"\0" + bytes.fromhex(oid))
                if role in self.listed:
                    blobs[at].append((path, oid))


def parse_tree(content: bytes, *, oid_bytes: int) -> Iterator[tuple[str, str, str]]:
    """Give mode, name and id of a tree's entries: `mode SP name NUL id`, the id in 20 or 32 raw bytes."""
    at = 0
    while at < len(content):
        space = content.index(b" ", at)
        end = content.index(b"\0", space)
        oid = content[end + 1 : end + 1 + oid_bytes]
        yield content[at:space].decode(), content[space + 1 : end].decode(errors="surrogateescape"), oid.hex()
        at = end + 1 + oid_bytes
