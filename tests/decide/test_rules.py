"""The rules that no forecast overrules."""

from __future__ import annotations

import pytest

from cipredict.decide.rules import PathRules, always_running, everything_because, is_drawn, moves_nothing
from cipredict.forecast.interface import Basis, CaseForecast
from cipredict.plans.selection_plan import Reason
from cipredict.settings import IGNORED_GLOBS, RUN_ALL_GLOBS

KNOWN = frozenset({"src/cart.py", "gone/test_old.py"})
RULES = PathRules(
    RUN_ALL_GLOBS, IGNORED_GLOBS, KNOWN.__contains__, files=frozenset({"tests/test_cart.py", "docs/test_a.py"})
)


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        pytest.param(["src/cart.py"], "", id="known source"),
        pytest.param(["tests/test_cart.py"], "", id="file of a candidate"),
        pytest.param(["gone/test_old.py"], "", id="deleted file of a known case"),
        pytest.param(["README.md", "docs/x/y.png"], "", id="only prose"),
        pytest.param(["src/cart.py", "uv.lock"], "uv.lock can move any case", id="lockfile"),
        pytest.param([".github/workflows/ci.yml"], ".github/workflows/ci.yml can move any case", id="ci file"),
        pytest.param(["docs/conftest.py"], "docs/conftest.py can move any case", id="run_all beats ignored"),
        pytest.param(["src/new.py"], "nothing is known of what src/new.py moves", id="unmapped source"),
        pytest.param(["tests/data.sql"], "nothing is known of what tests/data.sql moves", id="unmapped test data"),
        pytest.param([], "the change names no path", id="empty change"),
    ],
)
def test_everything_runs_because(paths: list[str], why: str) -> None:
    assert why == everything_because(paths, RULES, runs=20, min_runs=20)


def test_a_thin_history_skips_nothing() -> None:
    assert (
        everything_because(["src/cart.py"], RULES, runs=19, min_runs=20) == "the history holds 19 runs, fewer than 20"
    )


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param(["README.md"], True, id="prose"),
        pytest.param(["README.md", "src/cart.py"], False, id="prose and source"),
        pytest.param(["docs/test_a.py"], False, id="a candidate in an ignored folder"),
    ],
)
def test_only_ignored_paths_move_nothing(paths: list[str], *, expected: bool) -> None:
    assert expected == moves_nothing(paths, RULES)


def test_the_stated_share_of_commits_is_drawn() -> None:
    drawn = sum(is_drawn(f"{number:040x}", 0.05) for number in range(4000))
    assert drawn / 4000 == pytest.approx(0.05, abs=0.015)


def test_every_shard_draws_alike_and_a_larger_share_keeps_the_drawn() -> None:
    commits = [f"{number:040x}" for number in range(500)]
    few, many = ({commit for commit in commits if is_drawn(commit, share)} for share in (0.05, 0.2))
    assert few == {commit for commit in commits if is_drawn(commit, 0.05)}
    assert few < many


@pytest.mark.parametrize(
    ("commit", "share", "expected"),
    [
        pytest.param("", 1.0, False, id="unknown commit"),
        pytest.param("abc", 0.0, False, id="nothing"),
        pytest.param("abc", 1.0, True, id="everything"),
    ],
)
def test_who_is_drawn_at_the_ends(commit: str, share: float, *, expected: bool) -> None:
    assert expected == is_drawn(commit, share)


def case(case_id: str, *, runs: int = 9, is_red: bool = False, failed: bool = False) -> CaseForecast:
    return CaseForecast(case_id, 0.0, 1.0, Basis.MODEL, runs, is_red, failed)


def test_each_rule_has_its_reason_and_the_strongest_is_told() -> None:
    forecasts = [
        case("a.py::new", runs=0, is_red=True),
        case("changed.py::x", is_red=True),
        case("a.py::red", is_red=True, failed=True),
        case("a.py::failed", failed=True),
        case("smoke/a.py::x"),
        case("a.py::x"),
    ]
    expected = {
        "a.py::new": Reason.NEW,
        "changed.py::x": Reason.CHANGED,
        "a.py::red": Reason.RED_AT_BASE,
        "a.py::failed": Reason.FAILED_RECENTLY,
        "smoke/a.py::x": Reason.MUST_RUN,
    }
    assert expected == always_running(forecasts, changed=frozenset({"changed.py"}), must_run=["smoke/"])


def test_without_a_rule_nobody_always_runs() -> None:
    assert always_running([case("a.py::x")], changed=frozenset(), must_run=()) == {}
