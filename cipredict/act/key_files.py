"""The door to the files that a key is made of: paths and content ids of the working tree, as git would name them.

A tracked file that did not change has its id in the index, so 100,000 files need not be read. Any other file is hashed
as git would hash it, streamed: the same content gives the same id, tracked or not, here or on another runner.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from errno import ELOOP
from pathlib import Path
from posixpath import basename
from stat import S_ISREG

from cipredict.act.git import ask_git
from cipredict.errors import ChangeUnknown

_CHUNK_BYTES = 1 << 20
_LINK, _SUBMODULE = "120000", "160000"
GONE = "gone"
"""Instead of the id of a file that cannot be read: the run must get a key like no other."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """What matched in a working tree.

    Attributes
    ----------
    ids : path from the root → id of its content, sorted by path
    complaints : one line per file that could not be read, and per submodule that was not looked into
    has_git : False where the folder was walked instead
    """

    ids: dict[str, str]
    complaints: tuple[str, ...]
    has_git: bool

    @property
    def is_whole(self) -> bool:
        """Tell whether every file could be read."""
        return GONE not in self.ids.values()


def read_key_files(root: Path, is_key_file: Callable[[str], bool], *, patterns: Sequence[str] = ()) -> KeyFiles:
    """Give the key files below `root`: tracked, new and not ignored by git, or spelled out in `patterns`.

    `patterns` are the globs behind `is_key_file`. Never raises for a single file; links are followed to files, not to
    folders.
    """
    complaints: list[str] = []
    try:
        ids, doubtful = _indexed(root, is_key_file, complaints=complaints, names={basename(one) for one in patterns})
        has_git = True
    except ChangeUnknown:
        ids, doubtful, has_git = {}, [path for path in _walk(root) if is_key_file(path)], False
    doubtful.extend(path for path in patterns if path not in ids and is_key_file(path) and (root / path).is_file())
    algorithm = "sha256" if any(len(oid) == 64 for oid in ids.values()) else "sha1"
    for path in dict.fromkeys(doubtful):
        found = _hash(root / path, algorithm, complaints, name=path)
        if found is not None:
            ids[path] = found
    return KeyFiles(dict(sorted(ids.items())), tuple(complaints), has_git)


def _indexed(
    root: Path, is_key_file: Callable[[str], bool], *, complaints: list[str], names: set[str]
) -> tuple[dict[str, str], list[str]]:
    """Give ids that the index holds, and the paths whose content it does not tell."""
    ids: dict[str, str] = {}
    doubtful: list[str] = []
    for line in ask_git(root, "ls-files", "--stage", "-z").split("\0")[:-1]:
        facts, _, path = line.partition("\t")
        mode, oid, _ = facts.split(" ")
        if mode == _SUBMODULE:
            if any(is_key_file(f"{path}/{name}") for name in names):
                complaints.append(f"{path} is a submodule: its commit is in the key instead of its files.")
                ids[path] = oid
        elif is_key_file(path):
            if mode == _LINK:
                doubtful.append(path)
            else:
                ids[path] = oid
    for path in _changed(root):
        if path in ids:
            del ids[path]
            doubtful.append(path)
    others = ask_git(root, "ls-files", "--others", "--exclude-standard", "-z").split("\0")[:-1]
    doubtful.extend(path for path in others if is_key_file(path))
    return ids, [path for path in doubtful if os.path.lexists(root / path)]


def _changed(root: Path) -> Iterator[str]:
    """Give tracked paths whose content is not the index's; git compares contents where time stamps differ."""
    output = ask_git(
        root, "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=dirty"
    )
    for line in output.split("\0")[:-1]:
        yield line[3:]


def _walk(root: Path) -> Iterator[str]:
    """Give every file below a folder without git, from the root; links to folders are not followed."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name != ".git")
        at = Path(folder).relative_to(root)
        yield from ((at / name).as_posix() for name in sorted(files))


def _hash(path: Path, algorithm: str, complaints: list[str], *, name: str) -> str | None:
    """Give the id that git gives a file's content, or GONE and a complaint; None for a folder behind a link."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            if not S_ISREG(facts.st_mode):
                complaints.append(f"{name} is not a file: it is not in the key.")
                return None
            digest.update(b"blob %d\0" % facts.st_size)
            size = 0
            while chunk := file.read(_CHUNK_BYTES):
                size += len(chunk)
                digest.update(chunk)
    except IsADirectoryError:
        return None
    except OSError as error:
        complaints.append(f"{name} cannot be read ({_why(error)}): this run gets a key of its own.")
        return GONE
    if size != facts.st_size:
        complaints.append(f"{name} changed while it was read: this run gets a key of its own.")
        return GONE
    return digest.hexdigest()


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "it vanished, or is a link to nothing"
    return "a loop of links" if error.errno == ELOOP else str(error.strerror)


def key_files_at(root: Path, ref: str, is_key_file: Callable[[str], bool]) -> dict[str, str]:
    """Give the key files of a commit: path → id, sorted; raises ChangeUnknown where git does not know it."""
    output = ask_git(root, "ls-tree", "-r", "-z", "--full-tree", "--end-of-options", ref)
    found = {}
    for line in output.split("\0")[:-1]:
        facts, _, path = line.partition("\t")
        if is_key_file(path):
            found[path] = facts.split(" ")[2]
    return dict(sorted(found.items()))
