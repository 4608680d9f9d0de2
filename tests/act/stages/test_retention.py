"""What goes and what stays, and why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.act.stages.interface import Stage, StageResult
from cipredict.act.stages.retention import DAY_S, Blob, Holdings, Use, delete, judge, read_holdings
from cipredict.act.stages.runner import Listener

if TYPE_CHECKING:
    from tests.act.stages.conftest import Workplace

NOW_S = 100 * DAY_S


def blob(name: str, *, age_days: float, size: int = 10, runs: Sequence[str] = ("1",), kept: float = 7) -> Blob:
    uses = tuple(Use(run, "build", name, kept) for run in runs)
    return Blob(Path("blobs") / name[:2] / name, size, NOW_S - age_days * DAY_S, uses)


def going(blobs: Sequence[Blob], *, going_on: frozenset[str] = frozenset(), **options: float) -> list[str]:
    verdict = judge(Holdings(tuple(blobs), going_on), now_s=NOW_S, **options)  # type: ignore[arg-type]  # a whole number of bytes
    assert sorted(blobs, key=name_of) == sorted(map(bare, (*verdict.going, *verdict.staying)), key=name_of)
    assert all(one.reason for one in (*verdict.going, *verdict.staying))
    return [one.path.name for one in verdict.going]


def name_of(blob: Blob) -> str:
    return blob.path.name


def bare(blob: Blob) -> Blob:
    return Blob(blob.path, blob.size_bytes, blob.used_s, blob.uses)


def test_each_stage_says_how_long() -> None:
    blobs = [blob("old", age_days=8), blob("young", age_days=6), blob("longer", age_days=20, kept=30)]
    assert ["old"] == going(blobs)
    assert ["longer", "old", "young"] == going(blobs, days=5)


def test_the_longest_of_several_uses_counts() -> None:
    both = Blob(Path("b"), 1, NOW_S - 10 * DAY_S, (Use("1", "a", "x", 7), Use("2", "b", "x", 14)))
    assert [] == going([both])


def test_what_nobody_mentions_goes_after_a_day() -> None:
    blobs = [blob("lost", age_days=1.1, runs=()), blob("fresh", age_days=0.1, runs=())]
    assert ["lost"] == going(blobs)


def test_a_run_that_is_going_on_keeps_what_it_made_and_what_nobody_mentions_yet() -> None:
    blobs = [
        blob("made", age_days=50, runs=("1", "2")),
        blob("unmentioned", age_days=50, runs=()),
        blob("other", age_days=50, runs=("1",)),
    ]
    assert ["other"] == going(blobs, going_on=frozenset({"2"}), max_bytes=0)


def test_the_oldest_go_until_the_rest_fits() -> None:
    blobs = [blob(f"b{age}", age_days=age) for age in (1, 2, 3, 4)] + [blob("expired", age_days=9)]
    assert ["expired", "b4", "b3"] == going(blobs, max_bytes=25)
    assert ["expired"] == going(blobs, max_bytes=40)


@given(
    st.lists(st.tuples(st.floats(0, 20), st.integers(0, 100), st.sampled_from([(), ("1",), ("2",)])), max_size=12),
    st.integers(0, 500),
)
def test_the_rest_fits_or_is_needed(facts: list[tuple[float, int, tuple[str, ...]]], max_bytes: int) -> None:
    blobs = [blob(f"b{at}", age_days=age, size=size, runs=runs) for at, (age, size, runs) in enumerate(facts)]
    verdict = judge(Holdings(tuple(blobs), frozenset({"2"})), now_s=NOW_S, max_bytes=max_bytes)
    free = [one for one in verdict.staying if "going on" not in one.reason]
    assert sum(one.size_bytes for one in verdict.staying) <= max_bytes or not sum(one.size_bytes for one in free)


# On disk


def test_what_stages_made_is_found_with_its_run_and_retention(place: Workplace) -> None:
    stage = Stage("build", (("sh", "-c", "mkdir dist; echo a > dist/a; echo b > dist/b"),), outputs=("dist",))
    seen: list[frozenset[str]] = []

    def look(_: StageResult) -> None:
        seen.append(read_holdings(place.folder.papers.parent).going_on)

    place.run([stage], listener=Listener(finished=look))
    holdings = read_holdings(place.folder.papers.parent)
    assert [[Use("1", "build", "dist/a", 7)], [Use("1", "build", "dist/b", 7)]] == sorted(
        [*one.uses] for one in holdings.blobs
    )
    assert ([frozenset({"1"})], frozenset()) == (seen, holdings.going_on)


def test_a_damaged_journal_is_told(place: Workplace) -> None:
    place.run([Stage("a", (("true",),))])
    with place.folder.journal.open("ab") as file:
        file.write(b"{broken\n")
    assert {"1": 1} == read_holdings(place.folder.papers.parent).damaged


@pytest.mark.parametrize("is_used_again", [True, False])
def test_what_was_made_again_meanwhile_stays(tmp_path: Path, is_used_again: bool) -> None:  # noqa: FBT001  # one flag, one test
    path = tmp_path / "blob"
    path.write_text("x")
    found = Blob(path, 1, path.stat().st_mtime)
    if is_used_again:
        os.utime(path, (1, 1))
    assert ("a run has made it again" if is_used_again else "") == delete(found)
    assert is_used_again is path.exists()


def test_what_cannot_be_deleted_says_why(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x").touch()
    found = Blob(tmp_path / "folder", 1, (tmp_path / "folder").stat().st_mtime)
    assert "Is a directory" == delete(found)
    assert "" == delete(Blob(tmp_path / "gone", 1, 0.0))
