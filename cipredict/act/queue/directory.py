"""A queue in a shared folder: a file per batch, moved by `rename`, which is atomic on every local file system.

::

    PATH/<key>/pending/7            a batch that nobody has
               claimed/7~2~f3a1     batch 7, claimed by shard 2 under its token
               done/7~2~0           batch 7, the first that shard 2 finished
               shards/2~f3a1        a registration; its modification time is the heartbeat
               started/2            shard 2 was here

Files are empty, what they say is in their names. Ages are differences of times that the file system itself set, so the
clocks of machines do not matter. For one machine or a file system that all share; not for caches of CI systems, which
copy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cipredict.act.queue.interface import Done, Owner, QueueState, QueueUnreachable

_FOLDERS = ("pending", "claimed", "done", "shards", "started")


class DirectoryQueue:
    """The door to one queue below a folder; made with its batches pending by whoever comes first."""

    def __init__(self, folder: Path, key: str, *, batches: int, token: str) -> None:
        self._root = folder / key
        with _reachable(folder):
            self._clock = folder / f"{key}~{token}.clock"
            if not self._root.is_dir():
                self._fill(folder / f"{key}~{token}.new", batches)

    def _fill(self, new: Path, batches: int) -> None:
        """Make the whole queue aside and move it into place: of several that do so, one succeeds."""
        for name in _FOLDERS:
            (new / name).mkdir(parents=True)
        for batch in range(batches):
            (new / "pending" / str(batch)).touch()
        try:
            new.rename(self._root)
        except OSError:
            shutil.rmtree(new)
            if not self._root.is_dir():
                raise

    def register(self, owner: Owner) -> None:
        """Enter the new attempt before the old one ends, so that the shard is never unknown."""
        with _reachable(self._root):
            (self._root / "started" / str(owner.shard)).touch()
            self._registration(owner).touch()
            for other in self._root.glob(f"shards/{owner.shard}~*"):
                if other != self._registration(owner):
                    other.unlink(missing_ok=True)

    def beat(self, owner: Owner) -> bool:
        """Touch the registration, which must exist."""
        with _reachable(self._root):
            try:
                os.utime(self._registration(owner))
            except FileNotFoundError:
                self._require_queue()
                return False
            return True

    def revoke(self, owner: Owner) -> None:
        """Remove the registration."""
        with _reachable(self._root):
            self._registration(owner).unlink(missing_ok=True)

    def look(self) -> QueueState:
        """List the folders, registrations last: whoever is seen to claim has registered before."""
        with _reachable(self._root):
            claimed = {int(batch): Owner(int(shard), token) for batch, shard, token in self._names("claimed")}
            done = {int(batch): Done(int(shard), int(position)) for batch, shard, position in self._names("done")}
            started = frozenset(int(name) for (name,) in self._names("started"))
            return QueueState(claimed, done, self._silent_s(), started)

    def take(self, batch: int, owner: Owner) -> bool:
        """Move a pending batch to the owner."""
        return self._move(self._root / "pending" / str(batch), self._claim(batch, owner))

    def finish(self, batch: int, owner: Owner, *, position: int) -> bool:
        """Move the claim to what is done."""
        return self._move(self._claim(batch, owner), self._root / "done" / f"{batch}~{owner.shard}~{position}")

    def give_back(self, batch: int, owner: Owner) -> None:
        """Move the claim back."""
        self._move(self._claim(batch, owner), self._root / "pending" / str(batch))

    def close(self) -> None:
        """Remove this process's clock."""
        with suppress(OSError):
            self._clock.unlink(missing_ok=True)

    def _registration(self, owner: Owner) -> Path:
        return self._root / "shards" / f"{owner.shard}~{owner.token}"

    def _claim(self, batch: int, owner: Owner) -> Path:
        return self._root / "claimed" / f"{batch}~{owner.shard}~{owner.token}"

    def _names(self, folder: str) -> Iterator[list[str]]:
        return (name.split("~") for name in os.listdir(self._root / folder))  # noqa: PTH208  # names only, and fast

    def _silent_s(self) -> dict[Owner, float]:
        self._clock.touch()
        now_s = self._clock.stat().st_mtime
        silent_s = {}
        for shard, token in self._names("shards"):
            owner = Owner(int(shard), token)
            with suppress(FileNotFoundError):  # revoked a moment ago
                silent_s[owner] = max(0.0, now_s - self._registration(owner).stat().st_mtime)
        return silent_s

    def _move(self, source: Path, target: Path) -> bool:
        with _reachable(self._root):
            try:
                source.rename(target)
            except FileNotFoundError:
                self._require_queue()
                return False
            return True

    def _require_queue(self) -> None:
        """Tell a file that is gone from a queue that is gone."""
        if not (self._root / "pending").is_dir():
            raise QueueUnreachable(f"The queue {self._root} is gone.", slug="queue-unreachable")


@contextmanager
def _reachable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise QueueUnreachable(f"The queue {path} cannot be used: {reason}.", slug="queue-unreachable") from error
    except ValueError as error:
        raise QueueUnreachable(f"The queue {path} holds files that are not ours.", slug="queue-unreachable") from error
