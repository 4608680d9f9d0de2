from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cipredict.act.deployment.watch import Sample


def test_half_a_second_in_which_the_machine_was_busy_does_not_fill_the_sample() -> None:
    sample = Sample()
    for look in range(40):
        sample.add([0.9] * 500 if look in range(30, 35) else [0.001] * 20)
    values = sample.values()
    assert (400, 50) == (len(values), sum(value == 0.9 for value in values))


def test_the_first_looks_prove_nothing() -> None:
    sample = Sample()
    for _ in range(19):
        sample.add([0.001])
        assert [] == sample.values()
    sample.add([0.002])
    assert [0.001] * 19 + [0.002] == sample.values()


@given(st.lists(st.lists(st.floats(0, 1), max_size=50), min_size=20, max_size=80))
def test_what_is_kept_was_seen_and_is_bounded(looks: list[list[float]]) -> None:
    sample = Sample()
    for look in looks:
        sample.add(look)
    values = sample.values()
    assert len(values) <= 400
    assert set(values) <= {value for look in looks for value in look}
    assert not looks[-1] or looks[-1][0] in values
