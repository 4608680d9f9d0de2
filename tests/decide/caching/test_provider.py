"""The provider model: GitHub's lookup order, immutability, expiry and quota, and GitLab's exact fallbacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.caching.provider import GITHUB, GITLAB, CacheModel, Keys, Outcome, Restored, Rules

DAY_S = 86_400.0
PULL, MAIN = "refs/pull/7/merge", "main"


def model_of(*saved: tuple[str, str, float], rules: Rules = GITHUB) -> CacheModel[str]:
    """Save (key, scope, time) in order; an entry's content is `scope:key`."""
    model: CacheModel[str] = CacheModel(rules)
    for key, scope, at_s in saved:
        model.save(key, f"{scope}:{key}", scope=scope, now_s=at_s)
    return model


def told(found: Restored[str]) -> tuple[Outcome, str | None]:
    return found.outcome, found.entry.content if found.entry else None


def test_the_key_itself_wins_over_newer_ones_that_begin_with_it() -> None:
    model = model_of(("a-1", MAIN, 0), ("a-12", MAIN, 1))

    assert (Outcome.EXACT, "main:a-1") == told(model.restore(Keys("a-1"), now_s=2))


def test_the_key_as_a_prefix_comes_before_restore_keys() -> None:
    model = model_of(("a-12", MAIN, 0), ("b-9", MAIN, 1))

    assert (Outcome.PREFIX, "main:a-12") == told(model.restore(Keys("a-1", ("b-", "a-")), now_s=2))


def test_restore_keys_are_tried_in_order_and_the_newest_created_wins() -> None:
    model = model_of(("b-1", MAIN, 0), ("b-2", MAIN, 1), ("c-1", MAIN, 2))
    model.restore(Keys("b-1"), now_s=3)  # used later, but created earlier

    assert (Outcome.PREFIX, "main:b-2") == told(model.restore(Keys("x", ("b-", "c-")), now_s=4))


def test_a_prefix_in_the_own_scope_wins_over_an_exact_match_on_the_default_branch() -> None:
    model = model_of(("a-1", MAIN, 0), ("a-0", PULL, 1))

    assert (Outcome.PREFIX, f"{PULL}:a-0") == told(model.restore(Keys("a-1", ("a-",)), scopes=(PULL, MAIN), now_s=2))


def test_a_run_sees_its_own_scope_and_the_default_branch_only() -> None:
    model = model_of(("a-1", PULL, 0))

    assert (Outcome.MISS, None) == told(model.restore(Keys("a-1", ("a-",)), scopes=(MAIN,), now_s=1))
    assert (Outcome.MISS, None) == told(model.restore(Keys("a-1"), scopes=("refs/pull/8/merge", MAIN), now_s=1))


def test_another_version_never_matches() -> None:
    model: CacheModel[str] = CacheModel()
    model.save("a", "x", version="zstd", now_s=0)

    assert model.restore(Keys("a"), version="gzip", now_s=1).outcome is Outcome.MISS
    assert model.restore(Keys("a"), version="zstd", now_s=1).outcome is Outcome.EXACT


def test_entries_never_change() -> None:
    model = model_of(("a", MAIN, 0))

    assert not model.save("a", "other", now_s=1)
    assert (Outcome.EXACT, "main:a") == told(model.restore(Keys("a"), now_s=2))


def test_an_entry_expires_after_seven_days_without_use_and_use_keeps_it() -> None:
    model = model_of(("a", MAIN, 0), ("b", MAIN, 0))
    model.restore(Keys("a"), now_s=6 * DAY_S)

    assert model.restore(Keys("b"), now_s=8 * DAY_S).outcome is Outcome.MISS
    assert model.restore(Keys("a"), now_s=13 * DAY_S).outcome is Outcome.EXACT
    assert model.restore(Keys("a"), now_s=20 * DAY_S + 1).outcome is Outcome.MISS


def test_the_quota_pushes_out_what_was_used_longest_ago() -> None:
    model: CacheModel[str] = CacheModel(Rules(quota_bytes=10))
    model.save("a", "a", size_bytes=4, now_s=0)
    model.save("b", "b", size_bytes=4, now_s=1)
    model.restore(Keys("a"), now_s=2)
    model.save("c", "c", size_bytes=4, now_s=3)

    assert ["a", "c"] == [entry.key for entry in model.entries]
    assert 4 == model.evicted_bytes


def test_gitlab_falls_back_to_equal_keys_only_and_replaces_what_is_saved_again() -> None:
    model = model_of(("a-1", MAIN, 0), rules=GITLAB)

    assert model.restore(Keys("a-2", ("a-",)), now_s=400 * DAY_S).outcome is Outcome.MISS
    assert model.restore(Keys("a-2", ("a-1",)), now_s=400 * DAY_S).outcome is Outcome.PREFIX
    assert model.save("a-1", "new", now_s=401 * DAY_S)
    assert (Outcome.EXACT, "new") == told(model.restore(Keys("a-1"), now_s=402 * DAY_S))


STEPS = st.lists(
    st.tuples(st.sampled_from(["a-1", "a-2", "a-12", "b-1"]), st.integers(0, 9), st.integers(0, 5)), max_size=30
)


@given(STEPS, st.integers(1, 20))
def test_no_more_than_the_quota_is_ever_kept(steps: list[tuple[str, int, int]], quota: int) -> None:
    model: CacheModel[str] = CacheModel(Rules(quota_bytes=quota))
    now_s = 0.0
    for key, size, days in steps:
        now_s += days * DAY_S
        model.save(key, key, size_bytes=size, now_s=now_s)

        assert sum(entry.size_bytes for entry in model.entries) <= quota


@given(STEPS, st.sampled_from(["a-1", "a-2", "a-", "b-1", "x"]))
def test_the_model_agrees_with_a_naive_reading_of_the_rules(steps: list[tuple[str, int, int]], wanted: str) -> None:
    model: CacheModel[int] = CacheModel()
    naive: list[tuple[str, float, float, int]] = []  # key, created, used, content
    now_s = 0.0
    for number, (key, _, days) in enumerate(steps):
        now_s += days * DAY_S
        naive = [entry for entry in naive if now_s - entry[2] <= 7 * DAY_S]
        model.save(key, number, now_s=now_s)
        if all(entry[0] != key for entry in naive):
            naive.append((key, now_s, now_s, number))
    fitting = [entry for entry in naive if entry[0] == wanted]
    fitting = fitting or [entry for entry in naive if entry[0].startswith(wanted)][-1:]
    fitting = fitting or [entry for entry in naive if entry[0].startswith("b-")][-1:]
    found = model.restore(Keys(wanted, ("b-",)), now_s=now_s)

    assert [entry[3] for entry in fitting] == ([found.entry.content] if found.entry else [])


@pytest.mark.parametrize("outcome", list(Outcome))
def test_outcomes_are_words(outcome: Outcome) -> None:
    assert outcome.value == outcome.name.lower()
