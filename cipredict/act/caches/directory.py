"""A cache in a folder that jobs of one machine, or of machines with a common file system, share.

::

    DIR/entries/<hash of version and key>.json    a key, and the digest of its archive; its mtime is its last use
        blobs/<sha256>                            an archive under its digest: two keys with one content share it
        staging/                                  what is being written; its writer holds a lock on it
        lock                                      held while something is published or deleted

An archive is checked against its digest before anything of it is unpacked, and is unpacked beside its place before it
replaces what is there. So a kill at any moment, a torn write or a flipped bit makes a miss, and never wrong content.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp, mkstemp
from typing import IO, Any

from cipredict.act.caches.archive import Unsafe, pack, unpack
from cipredict.act.caches.compression import best_compression, compressing, decompressing
from cipredict.cache_records import CacheEntry, CacheOutcome

try:
    import fcntl

    _locks = True
except ImportError:  # Windows: the renames still hold, but two writers may both tidy up
    _locks = False

_RESTORING = ".cipredict-restore-"
_STALE_S = 3600
_CHUNK = 1 << 20

Room = Callable[[Sequence[CacheEntry], int], Sequence[CacheEntry] | None]
"""Entries that are there, bytes that come → entries that leave; None where the bytes do not fit whatever leaves."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore found; `complaints` say why something that looked like a hit was none."""

    outcome: CacheOutcome
    matched_key: str = ""
    size_bytes: int | None = None
    complaints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a save: `reason` is empty where it was stored."""

    size_bytes: int
    reason: str = ""
    evicted: tuple[CacheEntry, ...] = ()


def version_of(paths: Sequence[str], method: str) -> str:
    """Give what two entries of one key differ in: the list of paths and the compressor, as GitHub has it."""
    return hashlib.sha256("|".join((*paths, method)).encode()).hexdigest()


class DirectoryCache:
    """One folder. Any number of processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries, self._blobs = folder / "entries", folder / "blobs"
        self._staging = folder / "staging"

    def entries(self) -> list[CacheEntry]:
        """Give what is there, the newest first; an entry that cannot be read is none."""
        found = (self._read(path) for path in self._entries.glob("*.json"))
        return sorted(
            (entry for entry in found if entry), key=lambda entry: (entry.created_at, entry.key), reverse=True
        )

    def restore(self, key: str, restore_keys: Sequence[str], paths: Sequence[str]) -> Restored:
        """Restore the entry of `key`, or the newest one of which `key` or a restore key, in their order, is a prefix.

        Raises
        ------
        OSError
            The place of a path cannot be written.
        """
        complaints: list[str] = []
        _remove_abandoned(paths)
        for entry in self._candidates(key, restore_keys, version_of(paths, best_compression())):
            complaint = self._restore(entry, paths)
            if not complaint:
                outcome = CacheOutcome.EXACT if entry.key == key else CacheOutcome.PREFIX
                return Restored(outcome, entry.key, entry.size_bytes, tuple(complaints))
            complaints.append(f"{entry.key}: {complaint}")
            self.delete([entry])
        return Restored(CacheOutcome.MISS, complaints=tuple(complaints))

    def _candidates(self, key: str, restore_keys: Sequence[str], version: str) -> Iterator[CacheEntry]:
        entries = [entry for entry in self.entries() if entry.version == version]
        yield from (entry for entry in entries if entry.key == key)
        seen = {key}
        for prefix in (key, *restore_keys):
            for entry in entries:
                if entry.key.startswith(prefix) and entry.key not in seen:
                    seen.add(entry.key)
                    yield entry

    def _restore(self, entry: CacheEntry, paths: Sequence[str]) -> str:
        """Put an entry in its place; say why it was not done."""
        manifest = self._entries / entry.entry_id
        try:
            document = json.loads(manifest.read_bytes())
            blob = (self._blobs / document["sha256"]).open("rb")
        except (OSError, ValueError, KeyError, TypeError):
            return "its archive is gone"
        with blob:
            if _digest(blob) != document["sha256"]:
                return "its archive is damaged"
            blob.seek(0)
            try:
                _replace(blob, str(document["compression"]), [Path(path).expanduser() for path in paths])
            except Unsafe as error:
                return f"its archive is refused: {error}"
            except EOFError as error:
                return f"its archive is damaged: {error}"
        with suppress(OSError):
            os.utime(manifest)
        return ""

    def save(self, key: str, paths: Sequence[str], *, room: Room) -> Saved:
        """Store what is at the paths under a key that nobody has used; what is there already never changes.

        Raises
        ------
        Unsafe
            Something at the paths cannot be restored safely.
        OSError
            The paths cannot be read, or the folder cannot be written.
        """
        for folder in (self._entries, self._blobs, self._staging):
            folder.mkdir(parents=True, exist_ok=True)
        method = best_compression()
        version = version_of(paths, method)
        manifest = self._entries / f"{_hash(version, key)}.json"
        if self._is_whole(manifest):
            return Saved(0, "the key is there already")
        with self._staged() as (path, file):
            with compressing(file, method) as stream:
                members = pack([Path(path).expanduser() for path in paths], stream)
            if not members:
                return Saved(0, "nothing is at its paths")
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            about: dict[str, Any] = {"key": key, "version": version, "compression": method, "sha256": _digest(file)}
            about["size_bytes"] = path.stat().st_size
            about["created_at"] = datetime.now(UTC).isoformat()
            return self._publish(path, manifest, about, room=room)

    def _publish(self, path: Path, manifest: Path, about: dict[str, Any], *, room: Room) -> Saved:  # Any: JSON
        size_bytes = int(about["size_bytes"])
        with self._locked():
            self._tidy()
            if self._is_whole(manifest):
                return Saved(size_bytes, "the key is there already")
            evicted = room(self.entries(), size_bytes)
            if evicted is None:
                return Saved(size_bytes, "it does not fit")
            self._delete(evicted)
            path.replace(self._blobs / about["sha256"])
            unfinished = path.with_name(f"{path.name}.json")
            unfinished.write_text(json.dumps(about), encoding="utf-8")
            unfinished.replace(manifest)
        return Saved(size_bytes, evicted=tuple(evicted))

    def delete(self, entries: Iterable[CacheEntry]) -> None:
        """Remove entries, and the archives that nobody else has."""
        with self._locked():
            self._delete(entries)

    def _delete(self, entries: Iterable[CacheEntry]) -> None:
        for entry in entries:
            (self._entries / entry.entry_id).unlink(missing_ok=True)
        self._tidy()

    def _tidy(self) -> None:
        """Remove entries without an archive, archives without an entry, and what writers that are gone left behind."""
        for manifest in self._entries.glob("*.json"):
            if not self._is_whole(manifest):
                manifest.unlink(missing_ok=True)
        wanted = {self._sha256(path) for path in self._entries.glob("*.json")}
        for blob in self._blobs.glob("*"):
            if blob.name not in wanted:
                blob.unlink(missing_ok=True)
        for path in self._staging.glob("*"):
            if _is_abandoned(path):
                path.unlink(missing_ok=True)

    @contextmanager
    def _staged(self) -> Iterator[tuple[Path, IO[bytes]]]:
        """Give a file to write that others leave alone while we live, and that is gone afterwards."""
        descriptor, name = mkstemp(dir=self._staging)
        with os.fdopen(descriptor, "w+b") as file:
            if _locks:
                fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield Path(name), file
            finally:
                Path(name).unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / "lock").open("ab") as file:
            if _locks:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _read(self, path: Path) -> CacheEntry | None:
        try:
            document = json.loads(path.read_bytes())
            return CacheEntry(
                entry_id=path.name,
                key=str(document["key"]),
                size_bytes=int(document["size_bytes"]),
                created_at=datetime.fromisoformat(document["created_at"]),
                used_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
                version=str(document["version"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _is_whole(self, manifest: Path) -> bool:
        """Tell that an entry can be read and its archive is there; whether that is intact only reading it tells."""
        return self._read(manifest) is not None and (self._blobs / self._sha256(manifest)).is_file()

    def _sha256(self, path: Path) -> str:
        try:
            return str(json.loads(path.read_bytes())["sha256"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""


def _hash(version: str, key: str) -> str:
    return hashlib.sha256(f"{version}\0{key}".encode()).hexdigest()[:40]


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _replace(blob: IO[bytes], method: str, paths: Sequence[Path]) -> None:
    """Unpack beside each path, and when all is there put it in its place.

    Raises EOFError where the archive is damaged, since OSError means that the place cannot be written.
    """
    stagings = [_beside(path) for path in paths]
    try:
        targets = [staging / "new" for staging in stagings]
        try:
            with decompressing(blob, method) as stream:
                unpack(stream, targets)
        except OSError as error:
            raise EOFError(str(error)) from error
        for path, staging, target in zip(paths, stagings, targets, strict=True):
            if os.path.lexists(target):
                _swap(path, target, staging / "old")
    finally:
        for staging in stagings:
            _remove_tree(staging)


def _swap(path: Path, new: Path, old: Path) -> None:
    """Put `new` where `path` is; where that fails, what was there is there again."""
    was_there = os.path.lexists(path)
    if was_there:
        path.rename(old)
    try:
        new.rename(path)
    except OSError:
        if was_there:
            old.rename(path)
        raise


def _remove_tree(folder: Path) -> None:
    """Remove a folder with the read-only ones in it, such as Go's module cache has."""
    for inside, _, _ in os.walk(folder):
        with suppress(OSError):
            Path(inside).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return Path(mkdtemp(prefix=_RESTORING, dir=path.parent))


def _remove_abandoned(paths: Sequence[str]) -> None:
    """Remove what restores that were killed left beside their places, an hour later."""
    for parent in {Path(path).expanduser().parent for path in paths}:
        for left in parent.glob(f"{_RESTORING}*"):
            with suppress(OSError):
                if left.stat().st_mtime < time.time() - _STALE_S:
                    _remove_tree(left)


def _is_abandoned(path: Path) -> bool:
    """Tell that the writer of a staged file is gone: the system drops its lock; without locks, an hour must do."""
    try:
        with path.open("rb") as file:
            if _locks:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            return time.time() - path.stat().st_mtime > _STALE_S
    except OSError:
        return False
