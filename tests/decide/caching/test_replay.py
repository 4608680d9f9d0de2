"""Designs replayed on small histories whose outcomes can be told by hand, and on the real ones of the research page."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.caching.designs import DESIGNS, Snapshot, week_of
from cipredict.decide.caching.provider import GITHUB, Outcome, Rules
from cipredict.decide.caching.replay import Replay, replay

DAY_S = 86_400.0
SHARED = Path(__file__).parents[4] / "shared" / "data" / "cache" / "keys"
OLD, NEW = frozenset({"a@1", "b@1"}), frozenset({"a@2", "b@1"})


def commit(
    number: int, lock: str, packages: frozenset[str] | None = None, *, day: float = 0.0, manifest: str = "m"
) -> Snapshot:
    return Snapshot(f"sha{number}", day * DAY_S + number, lock, manifest, f"src{number}", packages)


TWO_LOCKS = [commit(0, "old", OLD), commit(1, "old", OLD), commit(2, "new", NEW), commit(3, "new", NEW)]


def outcomes(found: Replay) -> list[str]:
    return [run.outcome.value for run in found.runs]


@pytest.mark.parametrize(
    ("design", "expected"),
    [
        pytest.param("lock", ["miss", "exact", "miss", "exact"], id="lock"),
        pytest.param("lock+restore", ["miss", "exact", "prefix", "exact"], id="lock+restore"),
        pytest.param("lock+sha", ["miss", "prefix", "prefix", "prefix"], id="a sha in the key never hits"),
        pytest.param("manifest", ["miss", "exact", "exact", "exact"], id="manifest"),
        pytest.param("week", ["miss", "exact", "exact", "exact"], id="week"),
        pytest.param("week-lock", ["miss", "exact", "prefix", "exact"], id="week-lock"),
        pytest.param("source", ["miss", "prefix", "prefix", "prefix"], id="source"),
    ],
)
def test_every_design_finds_what_its_key_says(design: str, expected: list[str]) -> None:
    assert expected == outcomes(replay(DESIGNS[design], TWO_LOCKS))


def test_a_manifest_key_hits_with_what_is_out_of_date() -> None:
    found = replay(DESIGNS["manifest"], TWO_LOCKS)

    assert [False, False, True, True] == [run.is_stale for run in found.runs]
    assert [0.0, 1.0, 0.5, 0.5] == [run.coverage for run in found.runs]


def test_a_prefix_hit_counts_by_the_packages_that_it_restores() -> None:
    found = replay(DESIGNS["lock+restore"], TWO_LOCKS)

    assert [0.0, 1.0, 0.5, 1.0] == [run.coverage for run in found.runs]
    assert 0.0 == found.stale


def test_restored_packages_are_saved_again() -> None:
    found = replay(DESIGNS["lock+restore"], TWO_LOCKS)

    assert 1.5 == found.runs[-1].bloat  # a@1 is still in it


def test_another_lock_file_with_the_same_packages_is_not_out_of_date() -> None:
    history = [commit(0, "old", OLD), commit(1, "reformatted", OLD)]

    assert 0.0 == replay(DESIGNS["manifest"], history).stale


def test_without_packages_every_other_lock_file_is_out_of_date() -> None:
    history = [commit(0, "old"), commit(1, "new")]
    found = replay(DESIGNS["manifest"], history)

    assert 0.5 == found.stale
    assert found.coverage is None
    assert found.bloat is None


def test_nothing_survives_a_long_break() -> None:
    history = [commit(0, "old", OLD), commit(1, "old", OLD, day=8)]

    assert ["miss", "miss"] == outcomes(replay(DESIGNS["lock+restore"], history))


def test_a_quota_that_holds_one_entry_keeps_the_newest() -> None:
    history = [commit(0, "a", OLD), commit(1, "b", OLD), commit(2, "a", OLD)]
    found = replay(DESIGNS["lock"], history, rules=Rules(quota_bytes=10), size_bytes=10)

    assert ["miss", "miss", "miss"] == outcomes(found)
    assert 20 == found.evicted_bytes
    assert 10 == found.peak_bytes


def test_an_empty_history_has_no_shares() -> None:
    found = replay(DESIGNS["lock"], [])

    assert found.coverage is None
    assert 0 == found.peak_bytes


def test_weeks_are_iso_weeks_in_utc() -> None:
    assert "2026W01" == week_of(1_767_225_600.0)  # 2026-01-01, a Thursday


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=40), st.sampled_from(sorted(DESIGNS))
)
def test_shares_add_up_and_exact_hits_of_lock_keys_are_fresh(steps: list[tuple[int, int]], design: str) -> None:
    history, day = [], 0.0
    for number, (lock, days) in enumerate(steps):
        day += days
        history.append(commit(number, f"lock{lock}", frozenset({f"p@{lock}", "q@1"}), day=day))
    found = replay(DESIGNS[design], history, rules=GITHUB)

    assert pytest.approx(1.0) == sum(found.share(outcome) for outcome in Outcome)
    assert found.saves == pytest.approx(1 - found.share(Outcome.EXACT))
    if "lock" in DESIGNS[design].needs:
        assert 0.0 == found.stale
        assert all(run.coverage == 1.0 for run in found.runs if run.outcome is Outcome.EXACT)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("repository", "component", "expected"),
    [
        ("mozilla__bugbug", "pip", (0.55, 0.44, 0.01)),
        ("dexidp__dex", "go", (0.64, 0.31, 0.05)),
        ("buildkite__test-engine-client", "go", (0.82, 0.10, 0.07)),
    ],
)
def test_real_histories_agree_with_the_research_table(
    repository: str, component: str, expected: tuple[float, ...]
) -> None:
    path = SHARED / f"{repository}.csv"
    if not path.is_file():
        pytest.skip("needs ../shared/data/cache")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["mainline"] == "1" and row[f"{component}:lock"]]
    history = [Snapshot(row["commit"], float(row["commit_time"]), row[f"{component}:lock"]) for row in rows[-1500:]]
    began = time.process_time()
    found = replay(DESIGNS["lock+restore"], history)
    seconds = time.process_time() - began

    assert expected == pytest.approx([found.share(outcome) for outcome in Outcome], abs=0.0051)
    assert seconds < 0.3
