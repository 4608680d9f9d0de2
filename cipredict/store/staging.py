"""Folders beside the history for a store that is merged into it later, removed even after a kill."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # caught below

_PREFIX = ".cipredict-staged-"
_STALE_S = 3600


@contextmanager
def staging_folder(store: Path) -> Iterator[Path]:
    """Give a folder beside `store` for the length of the block, after removing those that killed processes left.

    The kernel drops a process's lock on its folder when it dies. Where folders cannot be locked, an hour without a
    write tells.
    """
    store.parent.mkdir(parents=True, exist_ok=True)
    for left in store.parent.glob(f"{_PREFIX}*"):
        _remove_if_abandoned(left)
    with TemporaryDirectory(prefix=_PREFIX, dir=store.parent) as name, _held(Path(name)):
        yield Path(name)


def _remove_if_abandoned(folder: Path) -> None:
    with _held(folder) as is_ours, suppress(FileNotFoundError):  # its owner may be done meanwhile
        is_filled = any(folder.iterdir())  # an empty one may be about to be locked
        if _is_stale(folder) if is_ours is None else is_ours and (is_filled or _is_stale(folder)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_stale(folder: Path) -> bool:
    return time.time() - max(path.stat().st_mtime for path in (folder, *folder.iterdir())) > _STALE_S


@contextmanager
def _held(folder: Path) -> Iterator[bool | None]:
    """Lock a folder; tell whether it was free, None where folders cannot be locked."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield None
        return
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (OSError, AttributeError):  # a file system, or a system, without such locks
        return None
    return True
