"""Who goes, in which order, and who never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cipredict.cache_records import CacheEntry, stream_of
from cipredict.decide.caching.eviction.pruning import PrunePlan, Reason, plan_prune, plan_room

MAIN, PULL = "refs/heads/main", "refs/pull/7/merge"
START = datetime(2026, 10, 1, tzinfo=UTC)


def versions(stream: str, *numbers: int, ref: str = MAIN) -> list[CacheEntry]:
    return [
        CacheEntry(f"{stream}{number}", f"{stream}-{number:08x}", 10, START + timedelta(hours=number), START, "", ref)
        for number in numbers
    ]


def gone(plan: PrunePlan) -> list[str]:
    return [removal.entry.entry_id for removal in plan.removals]


def test_nothing_goes_while_everything_fits() -> None:
    plan = plan_prune(versions("uv", 1, 2, 3), 30, default_ref=MAIN)

    assert () == plan.removals
    assert plan.is_within_quota


def test_superseded_versions_go_before_closed_pull_requests_and_these_before_lru() -> None:
    old, new = versions("uv", 1, 2)
    closed = CacheEntry("closed", "uv-00000009", 10, START, START + timedelta(days=9), "", PULL)
    branch = CacheEntry("branch", "uv-00000008", 10, START, START, "", "refs/heads/next")
    entries = [new, branch, closed, old]

    assert ["uv1"] == gone(plan_prune(entries, 35, default_ref=MAIN, closed_refs=frozenset({PULL})))
    plan = plan_prune(entries, 10, default_ref=MAIN, closed_refs=frozenset({PULL}))
    assert ["uv1", "closed", "branch"] == gone(plan)
    assert [Reason.SUPERSEDED, Reason.CLOSED, Reason.UNUSED] == [removal.reason for removal in plan.removals]


def test_the_newest_of_each_stream_of_the_default_branch_never_goes() -> None:
    entries = [*versions("uv", 1, 2), *versions("npm", 1), *versions("uv", 3, ref=PULL)]
    plan = plan_prune(entries, 1, default_ref=MAIN)

    assert {"uv1", "uv3"} == set(gone(plan))
    assert (2, False) == (plan.protected, plan.is_within_quota)


def test_another_version_of_paths_is_another_stream() -> None:
    one, other = (CacheEntry(str(n), "uv-0000000a", 10, START, START, f"version {n}", MAIN) for n in (1, 2))

    assert () == plan_prune([one, other], 1, default_ref=MAIN).removals


def test_of_equals_the_one_used_longest_ago_goes_first() -> None:
    refs = ["refs/heads/a", "refs/heads/b", "refs/heads/c"]
    entries = [
        CacheEntry(ref[-1], "uv-0000000a", 10, START, START + timedelta(hours=hours), "", ref)
        for ref, hours in zip(refs, (2, 1, 3), strict=True)
    ]

    assert ["b", "a"] == gone(plan_prune(entries, 10, default_ref=MAIN))


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 40), st.sampled_from([MAIN, PULL, ""])),
        max_size=20,
    ),
    st.integers(1, 300),
)
def test_a_plan_fits_or_only_the_protected_are_left(rows: list[tuple[int, int, int, str]], quota: int) -> None:
    entries = [
        CacheEntry(str(at), f"s{stream}-{at:08x}", size, START + timedelta(hours=born), START, "", ref)
        for at, (stream, born, size, ref) in enumerate(rows)
    ]
    plan = plan_prune(entries, quota, default_ref=MAIN)

    assert sorted(entries, key=id) == sorted([*plan.kept, *(one.entry for one in plan.removals)], key=id)
    newest_of_main = {stream_of(one.key) for one in entries if one.ref == MAIN}
    assert newest_of_main == {stream_of(one.key) for one in plan.kept if one.ref == MAIN}
    assert plan.is_within_quota or len(plan.kept) == plan.protected
    assert plan.is_within_quota == (sum(one.size_bytes for one in plan.kept) <= quota)


def test_room_in_a_cache_of_our_own_is_made_of_anything() -> None:
    assert ["uv1"] == [one.entry_id for one in plan_room(versions("uv", 1, 2), 10, quota_bytes=20) or ()]
    assert ["uv2"] == [one.entry_id for one in plan_room(versions("uv", 2), 15, quota_bytes=20) or ()]
    assert [] == plan_room([], 20, quota_bytes=20)
    assert plan_room([], 21, quota_bytes=20) is None


def test_hashes_and_dates_do_not_make_a_stream() -> None:
    assert "Linux-x64-pip-*-py3.12" == stream_of("Linux-x64-pip-5d41402abc4b-py3.12")
    assert "deps-*" == stream_of("deps-2026W41") == stream_of("deps-2026-10-08")
    assert "ubuntu-24.04-python-3.12" == stream_of("ubuntu-24.04-python-3.12")
