"""Every mutant is one small fault inside a function, and applies to the bytes it was found in."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.mutate.mutants import Mutant, find_mutants
from cipredict.mutate.operators import OPERATORS
from cipredict.mutate.order import in_turn, order_mutants

REAL_FILES = sorted((Path(__file__).parents[2] / "cipredict" / "decide").glob("*.py"))[:4]


def mutated(body: str) -> list[str]:
    source = f"def f(a, b):\n    {body}\n".encode()
    return [mutant.apply(source).decode().split("\n    ", 1)[1].rstrip("\n") for mutant in find_mutants("p.py", source)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("g(a < b)", ["pass", "g((a <= b))"], id="comparison and lost call"),
        pytest.param("return a and b", ["return None", "return (a or b)"], id="boolean and return"),
        pytest.param("a.x = b % 7", ["pass", "a.x = (b * 7)", "a.x = b % (8)"], id="arithmetic and constant"),
        pytest.param("a += 1", ["a -= 1", "pass", "a += (2)"], id="in place"),
        pytest.param("return True", ["return None", "return False"], id="truth"),
        pytest.param("if a: raise b", ["if (not a): raise b", "if a: pass"], id="condition and lost raise"),
        pytest.param("for a in b: break", ["for a in b: continue"], id="jump"),
        pytest.param("x = 'ü' 'v'; return None", ["x = ('XXüv'); return None"], id="text is counted in bytes"),
        pytest.param("'''Doc.'''", [], id="docstring"),
        pytest.param("x: 'Text' = a", [], id="annotation"),
        pytest.param("x = f'{a + 1}'", [], id="f-string"),
    ],
)
def test_operators_make_these_faults(body: str, expected: list[str]) -> None:
    assert sorted(expected) == sorted(mutated(body))


def test_only_bodies_of_functions_are_touched() -> None:
    source = (
        b"X = 1\n@deco(2)\nclass A:\n    y = 3\n    def m(self, z=4):\n        def inner():\n            return 5\n"
    )
    found = find_mutants("p.py", source)
    assert {mutant.function for mutant in found} == {"A.m.inner"}
    assert {mutant.lines for mutant in found} == {(6, 7)}


@pytest.mark.parametrize("path", REAL_FILES, ids=lambda path: path.name)
def test_mutants_of_real_files_compile_and_differ(path: Path) -> None:
    source = path.read_bytes()
    original = ast.dump(ast.parse(source))
    found = find_mutants(path.name, source)
    for mutant in found[::3]:
        assert ast.dump(ast.parse(mutant.apply(source))) != original
        assert mutant.operator in OPERATORS
        assert mutant.lines[0] <= mutant.line <= mutant.lines[1]
    assert len({mutant.mutant_id for mutant in found}) == len(found)


@pytest.mark.parametrize("source", [b"", b"def f(:", b"\xff\xfe", b"x = 1\x00"])
def test_what_is_no_python_has_no_mutants(source: bytes) -> None:
    assert find_mutants("p.py", source) == []


def mutant(path: str, function: str, number: int) -> Mutant:
    first = 10 * int(function[1:])
    return Mutant(path, function, (first, first + 9), first, "constant", number, number, "1", "digest")


MUTANTS = st.dictionaries(
    st.sampled_from(["a.py", "b.py", "c.py"]),
    st.lists(st.tuples(st.sampled_from(["f0", "f1", "f2"]), st.integers(0, 99)), min_size=1, max_size=9, unique=True),
)


@given(MUTANTS, st.dictionaries(st.sampled_from(["a.py", "b.py"]), st.frozensets(st.integers(0, 29))))
def test_the_order_has_every_mutant_once_recent_functions_first(
    raw: dict[str, list[tuple[str, int]]], recent: dict[str, frozenset[int]]
) -> None:
    mutants = {path: [mutant(path, *one) for one in of_path] for path, of_path in raw.items()}
    ordered = order_mutants(mutants, recent)
    everything = [one for of_path in mutants.values() for one in of_path]
    assert sorted(one.mutant_id for one in ordered) == sorted(one.mutant_id for one in everything)
    fresh = [bool(recent.get(one.path, frozenset()) & set(range(one.lines[0], one.lines[1] + 1))) for one in ordered]
    assert fresh == sorted(fresh, reverse=True)
    assert ordered == order_mutants(mutants, recent)


def test_a_short_budget_reaches_every_path_and_function() -> None:
    mutants = {path: [mutant(path, f"f{number % 3}", number) for number in range(9)] for path in ("a.py", "b.py")}
    first = order_mutants(mutants, {})[:6]
    assert {(one.path, one.function) for one in first} == {(path, f"f{n}") for path in mutants for n in range(3)}
    assert [one.path for one in first] == ["a.py", "b.py"] * 3


@given(st.lists(st.lists(st.integers())))
def test_taking_turns_loses_nothing(queues: list[list[int]]) -> None:
    assert sorted(in_turn(queues)) == sorted(item for queue in queues for item in queue)


def test_a_fault_applies_only_to_the_file_it_was_found_in() -> None:
    [found] = find_mutants("p.py", b"def f():\n    return 1 < a\n")[:1]
    with pytest.raises(ValueError, match=r"p\.py has changed"):
        found.apply(b"def f():\n    return 2 < a\n")
