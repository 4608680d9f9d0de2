"""Advice weighs what is restored and what it costs; it is never taken in by a hit rate."""

from __future__ import annotations

import pytest

from cipredict.cache_stages import CacheStage
from cipredict.decide.caching.advice import Recommendation, advise
from cipredict.decide.caching.designs import DESIGNS, Snapshot
from cipredict.decide.caching.templates import TemplateDesign, hashed_patterns, unknown_parts

DAY_S = 86_400.0
STAGE = CacheStage("deps", key_files=("uv.lock",))
LOCKS, SOURCES = ("uv.lock",), ("**/*.py",)
QUOTA = 10**10


def history(runs: int = 100, *, change_every: int = 5) -> list[Snapshot]:
    """Give a run every six hours whose lock file moves a tenth of its packages now and then."""
    found = []
    for number in range(runs):
        age = number // change_every
        packages = frozenset(f"p{at}@{(age + at) // 10}" for at in range(10))
        globs: dict[tuple[str, ...], str] = {LOCKS: f"lock{age}", SOURCES: f"src{number}"}
        found.append(Snapshot(f"sha{number}", number * DAY_S / 4, f"lock{age}", "m", f"src{number}", packages, globs))
    return found


def test_the_highest_hit_rate_is_not_recommended_when_it_restores_what_is_out_of_date() -> None:
    advice = advise(STAGE, history(), list(DESIGNS.values()), quota_bytes=QUOTA)
    exact = {option.name: sum(run.outcome == "exact" for run in option.replay.runs) for option in advice.options}

    assert exact["week"] > exact["lock+restore"]
    assert "lock+restore" == advice.design
    assert advice.recommendation is Recommendation.CACHE


def test_only_stale_designs_are_worth_nothing() -> None:
    advice = advise(STAGE, history(), [DESIGNS["week"]], quota_bytes=QUOTA)

    assert (Recommendation.NO_CACHE, None) == (advice.recommendation, advice.design)


def test_a_present_key_that_restores_old_content_should_change() -> None:
    present = TemplateDesign("deps-constant")
    advice = advise(STAGE, history(), [*DESIGNS.values(), present], quota_bytes=QUOTA)

    assert (Recommendation.CHANGE_KEY, "lock+restore") == (advice.recommendation, advice.design)
    assert "out-of-date content in" in advice.reason


def test_a_present_key_without_restore_keys_should_change() -> None:
    present = TemplateDesign("deps-${{ hashFiles('uv.lock') }}")
    advice = advise(STAGE, history(), [*DESIGNS.values(), present], quota_bytes=QUOTA)

    assert (Recommendation.CHANGE_KEY, "lock+restore") == (advice.recommendation, advice.design)


def test_a_present_key_that_is_as_good_stays() -> None:
    present = TemplateDesign("${{ runner.os }}-deps-${{ hashFiles('uv.lock') }}", ("${{ runner.os }}-deps-",))
    advice = advise(STAGE, history(), [*DESIGNS.values(), present], quota_bytes=QUOTA)

    assert (Recommendation.CACHE, "present") == (advice.recommendation, advice.design)


def test_a_present_key_that_saves_every_run_should_change() -> None:
    present = TemplateDesign("deps-${{ github.sha }}", ("deps-",))
    advice = advise(STAGE, history(), [*DESIGNS.values(), present], quota_bytes=QUOTA)

    assert advice.recommendation is Recommendation.CHANGE_KEY


def test_a_cache_that_costs_more_than_it_spares_is_none() -> None:
    stage = CacheStage("deps", key_files=("uv.lock",), rebuild_s=5, restore_s=6, save_s=10)
    advice = advise(stage, history(), list(DESIGNS.values()), quota_bytes=QUOTA)

    assert (Recommendation.NO_CACHE, None) == (advice.recommendation, advice.design)
    assert "loses" in advice.reason


def test_a_few_runs_never_advise_against_a_cache() -> None:
    stage = CacheStage("deps", key_files=("uv.lock",), rebuild_s=60, restore_s=1, save_s=10)
    advice = advise(stage, history(runs=1), list(DESIGNS.values()), quota_bytes=QUOTA)

    assert advice.recommendation is Recommendation.CACHE
    assert any("first guess" in note for note in advice.notes)


def test_seconds_are_weighed_where_they_are_known() -> None:
    stage = CacheStage("deps", key_files=("uv.lock",), rebuild_s=100, restore_s=0, save_s=0)
    advice = advise(stage, history(runs=2, change_every=1), [DESIGNS["lock+restore"]], quota_bytes=QUOTA)
    [option] = advice.options

    assert option.saved_s == pytest.approx((0 + 90) / 2)  # a miss, then nine of ten packages


def test_an_entry_beyond_the_quota_is_said() -> None:
    stage = CacheStage("deps", key_files=("uv.lock",), size_bytes=QUOTA + 1)
    advice = advise(stage, history(), list(DESIGNS.values()), quota_bytes=QUOTA)

    assert any("does not fit" in note for note in advice.notes)


def test_a_stage_without_a_history_is_not_cached() -> None:
    advice = advise(STAGE, [], list(DESIGNS.values()), quota_bytes=QUOTA)

    assert (Recommendation.NO_CACHE, None) == (advice.recommendation, advice.design)


def test_patterns_of_hash_files_are_read_in_every_spelling() -> None:
    templates = ["a-${{ hashFiles('x', \"y\") }}", "b-${{ format('{0}', hashFiles('x''s\n  z')) }}", "c"]

    assert [("x", "y"), ("x's", "z")] == hashed_patterns(templates)


def test_a_template_is_filled_with_what_a_commit_has() -> None:
    [at] = history(runs=1)
    keys = TemplateDesign("${{ runner.os }}-${{hashFiles('uv.lock')}}-${{ github.sha }}", ("${{ matrix.py }}-",)).keys(
        at
    )

    assert "<runner.os>-lock0-sha0" == keys.primary
    assert ("<matrix.py>-",) == keys.restore


def test_a_pattern_that_matches_nothing_leaves_an_empty_text() -> None:
    [at] = history(runs=1)

    assert "deps-" == TemplateDesign("deps-${{ hashFiles('nothing') }}").keys(at).primary


def test_what_a_step_made_is_taken_for_a_constant_and_said() -> None:
    assert ["steps.week.outputs.now"] == list(unknown_parts(["${{ steps.week.outputs.now }}-${{ github.sha }}"]))
