"""Records in few words, and a store in an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from cipredict.records import CaseBatch, CaseRun, Change, RunKey, RunRecord, Verdict

if TYPE_CHECKING:
    from cipredict.store.database import Store

FIRST_HOUR = datetime(2024, 5, 1, tzinfo=UTC)


class MakeRun(Protocol):
    def __call__(
        self,
        number: int,
        *,
        changes: tuple[Change, ...] | None = None,
        sha: str = "",
        branch: str = "main",
        event: str = "push",
        minutes: float | None = 30,
    ) -> RunRecord: ...


class MakeBatch(Protocol):
    def __call__(self, number: int, *cases: CaseRun, source: str = "r.xml", job_id: str = "") -> CaseBatch: ...


class MakeCase(Protocol):
    def __call__(self, case_id: str, letter: str = ".", duration_s: float | None = 1.0) -> CaseRun: ...


class At(Protocol):
    def __call__(self, hour: float) -> datetime: ...


@pytest.fixture
def at() -> At:
    """Give the time `hour` hours after the first."""
    return lambda hour: FIRST_HOUR + timedelta(hours=hour)


@pytest.fixture
def make_run(at: At) -> MakeRun:
    """Make run `number`, which starts at that hour and takes half of it."""

    def make(
        number: int,
        *,
        changes: tuple[Change, ...] | None = None,
        sha: str = "",
        branch: str = "main",
        event: str = "push",
        minutes: float | None = 30,
    ) -> RunRecord:
        return RunRecord(
            key=RunKey("github", "me/it", str(number)),
            started_at=at(number),
            finished_at=None if minutes is None else at(number + minutes / 60),
            sha=sha,
            branch=branch,
            event=event,
            changes=changes,
        )

    return make


@pytest.fixture
def make_case() -> MakeCase:
    """Make a case; the letter is pytest's."""
    verdicts = {".": Verdict.PASSED, "F": Verdict.FAILED, "E": Verdict.ERROR, "s": Verdict.SKIPPED}

    def make(case_id: str, letter: str = ".", duration_s: float | None = 1.0) -> CaseRun:
        return CaseRun(case_id, verdicts[letter], duration_s)

    return make


@pytest.fixture
def make_batch() -> MakeBatch:
    """Make a report of run `number`."""

    def make(number: int, *cases: CaseRun, source: str = "r.xml", job_id: str = "") -> CaseBatch:
        return CaseBatch(RunKey("github", "me/it", str(number)), source, cases, job_id)

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".cipredict" / "history.duckdb"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    pytest.importorskip("duckdb", reason="the store extra is not installed")
    from cipredict.store.database import open_store  # noqa: PLC0415  # needs the extra

    with open_store(path) as opened:
        yield opened
