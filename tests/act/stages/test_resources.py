"""Who holds which devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.act.stages.interface import Devices, Limits, Stage
from cipredict.act.stages.resources import Pool, refuse_impossible
from cipredict.errors import UsageError

if TYPE_CHECKING:
    from tests.act.stages.conftest import Workplace

FOUR = Limits({"slots": 8, "gpu": 4}, devices={"gpu": Devices("CUDA_VISIBLE_DEVICES", ("0", "1", "GPU-a", "3"))})


def asking(name: str, gpus: int) -> Stage:
    return Stage(name, resources={"slots": 1, "gpu": gpus})


def test_a_stage_is_shown_the_devices_it_holds_and_no_others() -> None:
    pool = Pool(FOUR)
    assert ["0,1", "GPU-a", ""] == [
        pool.take(asking(name, gpus))["CUDA_VISIBLE_DEVICES"] for name, gpus in (("a", 2), ("b", 1), ("c", 0))
    ]
    assert (True, False) == (pool.fits(asking("d", 1)), pool.fits(asking("d", 2)))
    pool.release(asking("a", 2))
    assert "0,1" == pool.take(asking("d", 2))["CUDA_VISIBLE_DEVICES"]


def test_what_nobody_manages_is_left_as_it_is() -> None:
    assert {} == Pool(Limits({"slots": 1})).take(Stage("a"))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=30))
def test_no_device_is_held_twice_and_none_is_lost(steps: Sequence[tuple[int, bool]]) -> None:
    pool, held = Pool(FOUR), dict[str, tuple[Stage, set[str]]]()
    for number, (gpus, ends) in enumerate(steps):
        stage = asking(f"s{number}", gpus)
        if pool.fits(stage):
            names = pool.take(stage)["CUDA_VISIBLE_DEVICES"]
            held[stage.name] = (stage, set(filter(None, names.split(","))))
            assert gpus == len(held[stage.name][1])
        assert sum(len(names) for _, names in held.values()) == len(set().union(*(names for _, names in held.values())))
        if ends and held:
            pool.release(held.pop(next(iter(held)))[0])
    for stage, _ in held.values():
        pool.release(stage)
    assert "0,1,GPU-a,3" == pool.take(asking("last", 4))["CUDA_VISIBLE_DEVICES"]


def test_a_stage_that_is_skipped_may_ask_for_what_there_is_not() -> None:
    refuse_impossible([Stage("a", resources={"gpu": 1}, skip="nothing changed")], Limits())
    with pytest.raises(UsageError, match="Stage 'a' needs 1 gpu, and there are 0"):
        refuse_impossible([Stage("a", resources={"gpu": 1})], Limits())


def test_stages_that_run_at_once_see_different_devices(place: Workplace) -> None:
    script = (("sh", "-c", "echo $CUDA_VISIBLE_DEVICES >> seen; sleep 0.2"),)
    stages = [Stage(name, script, resources={"slots": 1, "gpu": 1}) for name in "abc"]
    limits = Limits({"slots": 3, "gpu": 2}, devices={"gpu": Devices("CUDA_VISIBLE_DEVICES", ("4", "7"))})
    place.run(stages, limits=limits)
    seen = place.lines("seen")
    assert (["4", "7"], 3) == (sorted(seen[:2]), len(seen))


def test_which_device_it_was_does_not_make_a_stage_run_again(place: Workplace) -> None:
    stages = [Stage("a", (("true",),), resources={"slots": 1, "gpu": 1}, inputs=())]
    for name in ("0", "1"):
        limits = Limits({"slots": 1, "gpu": 1}, devices={"gpu": Devices("CUDA_VISIBLE_DEVICES", (name,))})
        results = place.run(stages, limits=limits, resume=True)
    assert results["a"].is_reused
