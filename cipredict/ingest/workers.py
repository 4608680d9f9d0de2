"""Reports read in worker processes, given in the order they were asked for, so that a store comes out the same.

The parent opens files and archives and hands over bytes; a worker parses them and hands back columns. Few or small
reports are read in the parent, and so is one too large to hand over, as a stream: memory stays flat. A worker that
dies (out of memory, killed) costs at most the report it was reading: whatever was under way is read again, each report
alone, and the one that ends its worker a second time is invalid.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, BinaryIO, TypeAlias, cast

from cipredict.ingest.interface import READ_ERRORS, Report, invalid_report
from cipredict.ingest.reports import read_report
from cipredict.records import CaseBatch, CaseRun, RunKey

MOST_JOBS = 4
HELD_BYTES = 8 * 1024**2
"""A larger report is read where it is, as a stream."""

WORTH_BYTES = 16 * 1024**2
"""Less than this is read before workers have started."""

Reader: TypeAlias = Callable[..., Iterator[CaseBatch | Report]]
"""The signature of `read_report`; a function of a module, because a worker imports it."""

Packed: TypeAlias = Report | tuple[CaseBatch, tuple[Any, ...]]  # Any: columns of six types


@dataclass(frozen=True, slots=True)
class Task:
    """One report to read, and under which names to give its cases. `stream` is valid until the next task is taken."""

    source: str
    stream: BinaryIO
    key: RunKey
    job_id: str = ""


@dataclass(slots=True)
class _Held:
    """The bytes of a task; what broke the stream, if anything did; and what is being made of them."""

    task: Task
    content: bytes
    damage: str = ""
    result: Future[list[Packed]] | None = None

    @property
    def stream(self) -> BinaryIO:
        return cast(BinaryIO, _Rejoined(self.content, damage=self.damage))

    def to_send(self) -> _Held:
        """Give what can travel to a worker: no stream, no future."""
        return _Held(replace(self.task, stream=io.BytesIO()), self.content, self.damage)


def default_jobs() -> int:
    """Give the number of processors that this process may use, at most four."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_JOBS, usable)


def read_reports(
    tasks: Iterable[Task | Report],
    *,
    known_files: frozenset[str] = frozenset(),
    jobs: int = 1,
    read: Reader = read_report,
) -> Iterator[tuple[Task | None, Iterable[CaseBatch | Report]]]:
    """Give each task with what its reader gives, in order, and the reports among the tasks at their place.

    Take all of one before the next.
    """
    reader = _Reader(read, known_files)
    pool = _Pool(reader, jobs)
    try:
        for task in tasks:
            held = _hold(task) if jobs > 1 and isinstance(task, Task) else task
            if not isinstance(held, Task):
                pool.add(held)
            while pool.waiting and (isinstance(held, Task) or pool.is_ahead):
                yield pool.take()
            if isinstance(held, Task):
                yield held, reader(held, held.stream)
        while pool.waiting:
            yield pool.take()
    finally:
        pool.close()


def _hold(task: Task) -> _Held | Task:
    """Take the bytes of a task into memory, or give it back with its stream as it was."""
    content = bytearray()
    try:
        while len(content) <= HELD_BYTES:
            chunk = task.stream.read(HELD_BYTES)
            if not chunk:
                return _Held(task, bytes(content))
            content += chunk
    except READ_ERRORS as error:
        return _Held(task, bytes(content), damage=str(error) or type(error).__name__)
    return replace(task, stream=cast(BinaryIO, _Rejoined(bytes(content), rest=task.stream)))


class _Rejoined(io.RawIOBase):
    """Bytes that were read already, then what follows them: the rest of the stream, or the error that ended it."""

    def __init__(self, begin: bytes, *, rest: BinaryIO | None = None, damage: str = "") -> None:
        self._begin = io.BytesIO(begin)
        self._rest = rest
        self._damage = damage

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        data = self._begin.read(size)
        if not data and self._damage:
            raise EOFError(self._damage)
        return data or (self._rest.read(-1 if size is None else size) if self._rest else b"")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a task in this process."""

    read: Reader
    known_files: frozenset[str]

    def __call__(self, task: Task, stream: BinaryIO) -> Iterator[CaseBatch | Report]:
        return self.read(stream, source=task.source, key=task.key, job_id=task.job_id, known_files=self.known_files)


class _Pool:
    """What waits, in order; workers that start once it is enough; a spare one for what was under way when one died."""

    def __init__(self, reader: _Reader, jobs: int) -> None:
        self.waiting: deque[_Held | Report] = deque()
        self._reader = reader
        self._jobs = jobs
        self._held_bytes = 0
        self._workers: ProcessPoolExecutor | None = None
        self._spare: ProcessPoolExecutor | None = None

    @property
    def is_ahead(self) -> bool:
        """As much is under way as keeps the workers busy."""
        return self._workers is not None and len(self.waiting) > 2 * self._jobs

    def add(self, held: _Held | Report) -> None:
        """Queue, and hand over what waits once that is worth the start of the workers."""
        self.waiting.append(held)
        if isinstance(held, _Held):
            self._held_bytes += len(held.content)
        if self._workers is not None:
            self._start([held])
        elif self._held_bytes >= WORTH_BYTES:
            self._start(self.waiting)

    def take(self) -> tuple[Task | None, Iterable[CaseBatch | Report]]:
        """Give the oldest; where no worker has started, it is read here."""
        held = self.waiting.popleft()
        if isinstance(held, Report):
            return None, (held,)
        if held.result is None:
            self._held_bytes -= len(held.content)
            return held.task, self._reader(held.task, held.stream)
        try:
            packed = held.result.result()
        except BrokenProcessPool:
            packed = self._retry(held)
        return held.task, map(_unpack, packed)

    def close(self) -> None:
        for executor in (self._workers, self._spare):
            if executor is not None:
                executor.shutdown(wait=False, cancel_futures=True)

    def _start(self, waiting: Iterable[_Held | Report]) -> None:
        for held in waiting:
            if isinstance(held, _Held):
                held.result = self._submit(held)

    def _submit(self, held: _Held) -> Future[list[Packed]]:
        self._workers = self._workers or self._executor(self._jobs)
        try:
            return self._workers.submit(_work, held.to_send())
        except BrokenProcessPool:
            self._workers = self._executor(self._jobs)
            return self._workers.submit(_work, held.to_send())

    def _retry(self, held: _Held) -> list[Packed]:
        """Read alone what was under way when a worker died."""
        try:
            self._spare = self._spare or self._executor(1)
            return self._spare.submit(_work, held.to_send()).result()
        except BrokenProcessPool:
            self._spare = None
            return [invalid_report(held.task.source, "reading it ended the worker process: killed, or out of memory")]

    def _executor(self, jobs: int) -> ProcessPoolExecutor:
        spawn = multiprocessing.get_context("spawn")  # a fork would inherit threads and an open store
        return ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_prepare, initargs=(self._reader,))


_prepared: _Reader | None = None
"""In a worker: how to read. Sent once, because tracked files may be many."""


def _prepare(reader: _Reader) -> None:
    global _prepared  # noqa: PLW0603  # the initializer of a worker has no other place
    _prepared = reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C too, and closes the pool
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Leave when the parent was killed: the queue between them never ends by itself."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(held: _Held) -> list[Packed]:
    assert _prepared is not None  # noqa: S101  # the initializer ran
    return [_pack(item) for item in _prepared(held.task, held.stream)]


def _pack(item: CaseBatch | Report) -> Packed:
    """Turn cases into columns: a fifth of the price of pickling named tuples one by one."""
    if isinstance(item, Report):
        return item
    return replace(item, cases=()), tuple(zip(*item.cases, strict=True))


def _unpack(packed: Packed) -> CaseBatch | Report:
    if isinstance(packed, Report):
        return packed
    batch, columns = packed
    cases = tuple(map(tuple.__new__, repeat(CaseRun), zip(*columns, strict=True)))
    return replace(batch, cases=cases)
