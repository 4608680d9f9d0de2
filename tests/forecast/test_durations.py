"""Seconds of known and unknown cases."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import pytest

from cipredict.errors import InputError
from cipredict.forecast.bundle import Bundle
from cipredict.forecast.durations import DEFAULT_S, DurationTable
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.forecast.state import State


def known(case_id: str, seconds: float) -> DurationForecast:
    return DurationForecast(case_id, seconds, seconds / 2, seconds * 2, Basis.HISTORY, 4)


FACTORS = {"ubuntu": [1.0, 0.5], "windows 3.12": [3.0, 1.0]}

TABLE = DurationTable(
    known(case_id, seconds)
    for case_id, seconds in {
        "a/test_x.py::TestA::test_f[1]": 1.0,
        "a/test_x.py::TestA::test_f[2]": 3.0,
        "a/test_x.py::TestA::test_g": 8.0,
        "a/test_x.py::test_h": 20.0,
        "a/test_y.py::test_i": 60.0,
        "b/test_z.py::test_j": 900.0,
    }.items()
)


@pytest.mark.parametrize(
    ("case_id", "expected"),
    [
        pytest.param("a/test_x.py::TestA::test_f[3]", 2.0, id="function: its other parameters"),
        pytest.param("a/test_x.py::TestA::test_new", 3.0, id="class"),
        pytest.param("a/test_x.py::TestNew::test_new", 8.0, id="file, the most alike"),
        pytest.param("a/test_new.py::test_new", 20.0, id="folder, the most alike"),
        pytest.param("c/test_new.py::test_new", 20.0, id="suite, the most alike"),
    ],
)
def test_an_unknown_case_takes_the_median_of_its_nearest_scope(case_id: str, expected: float) -> None:
    forecast = TABLE.expected(case_id)
    assert (expected, Basis.FALLBACK, 0) == (forecast.expected_s, forecast.basis, forecast.runs)
    assert forecast.low_s < expected < forecast.high_s


def test_a_known_case_answers_for_itself() -> None:
    assert known("a/test_y.py::test_i", 60.0) == TABLE.expected("a/test_y.py::test_i")


def test_a_case_that_is_a_whole_file_takes_its_folders_median() -> None:
    table = DurationTable([known("a/one.txt", 1.0), known("b/two.txt", 9.0), known("b/three.txt", 9.0)])
    assert table.expected("b/new.txt").expected_s == 9.0


def test_an_empty_table_answers_the_default() -> None:
    forecast = DurationTable([]).expected("a.py::b")
    assert (forecast.expected_s, forecast.basis) == (DEFAULT_S, Basis.FALLBACK)


def test_known_share_counts_cases_with_history() -> None:
    assert TABLE.known_share(["a/test_y.py::test_i", "new"]) == 0.5
    assert TABLE.known_share([]) == 0.0
    assert "a/test_y.py::test_i" in TABLE
    assert "new" not in TABLE


def test_a_bundles_columns_become_forecasts(make_bundle: Callable[..., Bundle]) -> None:
    ids = ["a.py::measured", "a.py::never"]
    columns = {"runs": array("f", [3, 0]), "peak_memory_bytes": array("f", [4096, 0])}
    members = {"cases/members/net.f32": array("f", [2.5, 0]).tobytes()}
    bundle = make_bundle(
        State.blank(ids),
        entries={**{f"cases/{name}.f32": values.tobytes() for name, values in columns.items()}, **members},
        case_members=("net",),
    )
    table = DurationTable.from_bundle(bundle)
    assert table.known() == ["a.py::measured"]
    assert DurationForecast("a.py::measured", 2.0, 1.0, 4.0, Basis.HISTORY, 3, 4096) == table.expected("a.py::measured")
    assert table.expected("a.py::never").basis == Basis.FALLBACK
    assert table.individual(bundle, [*ids, "x"]) == {"a.py::measured": {"net": 2.5}, "a.py::never": {}, "x": {}}


def test_a_flavour_scales_what_is_known(make_bundle: Callable[..., Bundle]) -> None:
    factors = {f"cases/flavours/{name}.f32": array("f", values).tobytes() for name, values in FACTORS.items()}
    bundle = make_bundle(State.blank(["a.py::one", "a.py::two"]), entries=factors)
    table = DurationTable.from_bundle(bundle, flavour="windows 3.12")
    assert DurationForecast("a.py::one", 6.0, 3.0, 12.0, Basis.HISTORY, 3) == table.expected("a.py::one")
    assert DurationTable.for_plans(bundle, flavour="ubuntu").expected("a.py::two").expected_s == 1.0
    assert DurationTable.from_bundle(bundle).expected("a.py::one").expected_s == 2.0
    with pytest.raises(InputError, match=r"known: 'ubuntu', 'windows 3\.12'"):
        DurationTable.from_bundle(bundle, flavour="beos")
