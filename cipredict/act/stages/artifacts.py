"""Files that stages make, kept by content: equal files once, whatever stage or run made them.

A blob appears under its digest only when it is whole (written aside, then renamed), so a kill leaves no wrong content.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from cipredict.act.stages.interface import Artifact

_CHUNK_BYTES = 1024 * 1024


def keep(blobs: Path, tree: Path, patterns: Iterable[str], *, days: int = 7) -> tuple[Artifact, ...]:
    """Store the files that the globs find under `tree`, sorted by path, to be kept for so many days (`retention`).

    Raises
    ------
    OSError
        A file cannot be read, or the disk is full.
    """
    return tuple(_keep_file(blobs, tree, path, days=days) for path in find_files(tree, patterns))


def find_files(tree: Path, patterns: Iterable[str]) -> list[Path]:
    """Give the files that globs find, sorted; a folder means all in it. Links out of the tree are left out."""
    root = tree.resolve()
    found = {path for pattern in patterns for path in _expand(tree, pattern)}
    return sorted(path for path in found if path.is_file() and path.resolve().is_relative_to(root))


def put_back(blobs: Path, tree: Path, artifacts: Iterable[Artifact]) -> bool:
    """Make the tree hold these files as they were; False, changing nothing, where one is no longer kept."""
    wanted = [artifact for artifact in artifacts if not _is_there(tree / artifact.path, artifact)]
    if not all(_is_there(_blob(blobs, artifact.sha256), artifact) for artifact in wanted):
        return False
    for artifact in wanted:
        path = tree / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        _copy(_blob(blobs, artifact.sha256), path)
        path.chmod(0o755 if artifact.is_executable else 0o644)
    return True


def digest(path: Path) -> str:
    """Give a file's sha256, in hex."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            sha.update(chunk)
    return sha.hexdigest()


def _expand(tree: Path, pattern: str) -> Iterator[Path]:
    for path in tree.glob(pattern):
        if path.is_dir():
            yield from path.rglob("*")
        else:
            yield path


def _keep_file(blobs: Path, tree: Path, path: Path, *, days: int) -> Artifact:
    facts = path.stat()
    name = digest(path)
    blob = _blob(blobs, name)
    artifact = Artifact(
        path.relative_to(tree).as_posix(), name, facts.st_size, bool(facts.st_mode & 0o100), retention_days=days
    )
    if not _is_there(blob, artifact):
        blob.parent.mkdir(parents=True, exist_ok=True)
        _copy(path, blob)
    os.utime(blob)  # the age that counts for pruning is that of the last use
    return artifact


def _is_there(path: Path, artifact: Artifact) -> bool:
    """Tell whether a file holds an artifact's content; a damaged blob counts as missing."""
    return path.is_file() and path.stat().st_size == artifact.size_bytes and digest(path) == artifact.sha256


def _copy(source: Path, target: Path) -> None:
    handle, unfinished = tempfile.mkstemp(dir=target.parent, prefix=".unfinished-")
    try:
        with os.fdopen(handle, "wb") as file, source.open("rb") as content:
            shutil.copyfileobj(content, file, _CHUNK_BYTES)
        Path(unfinished).replace(target)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _blob(blobs: Path, sha256: str) -> Path:
    return blobs / sha256[:2] / sha256
