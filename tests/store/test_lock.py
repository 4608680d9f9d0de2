"""One writer at a time: waiting, giving up, naming the holder. The holder is a real second process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

duckdb = pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.errors import EXIT_USAGE, StoreLocked  # noqa: E402  # after the skips
from cipredict.store.database import open_store  # noqa: E402
from cipredict.store.lock import Holder, parse_holder  # noqa: E402

pytestmark = pytest.mark.learn

HOLD = """
import sys
from pathlib import Path
from cipredict.store.database import open_store
with open_store(Path(sys.argv[1]), read_only=sys.argv[2] == "reader"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(path: Path, *, by: str = "writer") -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the file for the length of the block."""
    command = [sys.executable, "-c", HOLD, str(path), by]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.communicate()  # closes its stdin: it lets go and ends


class FakeClock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds

    def open(self, path: Path, *, wait_s: float, read_only: bool = False) -> None:
        with open_store(path, read_only=read_only, wait_s=wait_s, clock=self.clock, sleep=self.sleep):
            pass


@pytest.fixture
def existing(path: Path) -> Path:
    with open_store(path):
        pass
    return path


@pytest.mark.parametrize("read_only", [False, True])
def test_a_held_history_names_its_holder_and_the_wait(existing: Path, *, read_only: bool) -> None:
    fake = FakeClock()
    with held(existing) as holder, pytest.raises(StoreLocked) as raised:
        fake.open(existing, read_only=read_only, wait_s=3.0)
    assert f"is held by process {holder.pid} ({sys.executable} -c" in raised.value.message
    assert "gave up after 3.0 s" in raised.value.message
    assert raised.value.exit_code == EXIT_USAGE
    assert raised.value.slug == "store-locked"


def test_the_wait_is_bounded_and_its_pauses_grow(existing: Path) -> None:
    fake = FakeClock()
    with held(existing), pytest.raises(StoreLocked):
        fake.open(existing, wait_s=3.0)
    assert sum(fake.pauses) == pytest.approx(3.0)
    assert fake.pauses[:-1] == sorted(fake.pauses[:-1])
    assert max(fake.pauses) <= 0.5


def test_no_wait_tries_once(existing: Path) -> None:
    fake = FakeClock()
    with held(existing), pytest.raises(StoreLocked):
        fake.open(existing, wait_s=0)
    assert fake.pauses == []


def test_a_second_process_gets_the_lock_when_the_first_lets_go(existing: Path) -> None:
    with held(existing) as holder:

        def let_go(_seconds: float) -> None:
            holder.communicate()

        with open_store(existing, sleep=let_go) as store:
            assert store.connection.execute("select count(*) from runs").fetchall() == [(0,)]


def test_readers_share_the_file_among_processes(existing: Path) -> None:
    with held(existing, by="reader"), open_store(existing, read_only=True, wait_s=0) as store:
        assert store.connection.execute("select count(*) from runs").fetchall() == [(0,)]


def test_a_reader_keeps_a_writer_waiting(existing: Path) -> None:
    with held(existing, by="reader"), pytest.raises(StoreLocked), open_store(existing, wait_s=0):
        pass


# -- the line of those who wait ----------------------------------------------------------------------------------------


@contextmanager
def in_the_doorway(folder: Path) -> Iterator[None]:
    """Be the one who waits; raises BlockingIOError where somebody is already."""
    fcntl = pytest.importorskip("fcntl", reason="this system has no lock to line up by")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def test_who_waits_for_the_file_keeps_others_behind(existing: Path) -> None:
    def somebody_else_comes(_seconds: float) -> None:
        with pytest.raises(BlockingIOError), in_the_doorway(existing.parent):
            pass
        holder.communicate()

    with held(existing) as holder, open_store(existing, sleep=somebody_else_comes):
        pass


def test_who_has_the_file_stands_in_nobody_s_way(existing: Path) -> None:
    with open_store(existing), in_the_doorway(existing.parent):
        pass


def test_a_line_that_does_not_move_is_left_when_patience_ends(existing: Path) -> None:
    fake = FakeClock()
    with in_the_doorway(existing.parent):
        fake.open(existing, wait_s=1.0)
    assert sum(fake.pauses) == pytest.approx(1.0)
    assert max(fake.pauses) == pytest.approx(0.02)


def test_where_folders_cannot_be_locked_nobody_lines_up(existing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeClock()
    with in_the_doorway(existing.parent):
        monkeypatch.setattr("cipredict.store.lock.fcntl", None)
        fake.open(existing, wait_s=1.0)
    assert fake.pauses == []


MESSAGE = 'IO Error: Could not set lock on file "/x": Conflicting lock is held in /bin/python3 (PID 77). See also'


def test_the_command_line_comes_from_proc(tmp_path: Path) -> None:
    (tmp_path / "77").mkdir()
    (tmp_path / "77" / "cmdline").write_bytes(b"python\0-m\0cipredict\0train\0")
    assert parse_holder(MESSAGE, processes=tmp_path) == Holder(77, "python -m cipredict train")


def test_without_proc_the_program_must_do(tmp_path: Path) -> None:
    assert parse_holder(MESSAGE, processes=tmp_path) == Holder(77, "/bin/python3")


def test_a_long_command_line_is_cut(tmp_path: Path) -> None:
    (tmp_path / "77").mkdir()
    (tmp_path / "77" / "cmdline").write_bytes(b"python\0" + b"x" * 10_000)
    assert len(parse_holder(MESSAGE, processes=tmp_path).command) == 160


def test_a_message_without_holder_names_another_process() -> None:
    assert str(parse_holder("Could not set lock on file")) == "another process"
