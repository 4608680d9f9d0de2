"""The import graph: found by reading, in the layouts that projects have."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from cipredict.ingest import imports
from cipredict.ingest.imports import read_imports


def edges(root: Path, files: dict[str, str]) -> dict[str, list[str]]:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    found: dict[str, list[str]] = {}
    for edge in read_imports(root, files):
        found.setdefault(edge.importer, []).append(edge.imported)
    return found


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(imports).failed == 0


def test_the_sample_project_is_connected_through_src(samples: Path) -> None:
    root = samples / "project"
    files = [path.relative_to(root).as_posix() for path in root.rglob("*.py")]
    assert [
        ("src/shop/cart.py", "src/shop/prices.py"),
        ("tests/test_cart.py", "src/shop/__init__.py"),
        ("tests/test_cart.py", "src/shop/cart.py"),
        ("tests/test_prices.py", "src/shop/__init__.py"),
        ("tests/test_prices.py", "src/shop/prices.py"),
    ] == sorted(edge for edge in read_imports(root, files) if edge != ("src/shop/cart.py", "src/shop/__init__.py"))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param("import shop.cart", ["shop/__init__.py", "shop/cart.py"], id="import"),
        pytest.param(
            "import shop.cart as c, shop.tax.eu", ["shop/__init__.py", "shop/cart.py", "shop/tax/eu.py"], id="two"
        ),
        pytest.param("from shop import cart", ["shop/__init__.py", "shop/cart.py"], id="module of a package"),
        pytest.param("from shop.cart import total", ["shop/__init__.py", "shop/cart.py"], id="name of a module"),
        pytest.param("from shop import *", ["shop/__init__.py"], id="star"),
        pytest.param("def f():\n    import shop", ["shop/__init__.py"], id="inside a function"),
        pytest.param("import json, numpy", [], id="not of this repository"),
    ],
)
def test_spellings_of_an_import(tmp_path: Path, statement: str, expected: list[str]) -> None:
    files = {"shop/__init__.py": "", "shop/cart.py": "", "shop/tax/eu.py": "", "test_a.py": statement}
    assert expected == edges(tmp_path, files).get("test_a.py", [])


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param("from . import eu", ["shop/tax/eu.py"], id="sibling module"),
        pytest.param("from .eu import rate", ["shop/tax/eu.py"], id="sibling's name"),
        pytest.param("from ..cart import total", ["shop/cart.py"], id="parent"),
        pytest.param("from ... import a", ["a.py"], id="root"),
        pytest.param("from ..... import a", ["a.py"], id="beyond the root"),
    ],
)
def test_relative_imports(tmp_path: Path, statement: str, expected: list[str]) -> None:
    files = {"a.py": "", "shop/cart.py": "", "shop/tax/eu.py": "", "shop/tax/us.py": statement}
    assert expected == edges(tmp_path, files).get("shop/tax/us.py", [])


def test_tests_without_packages_import_their_neighbours(tmp_path: Path) -> None:
    files = {"tests/unit/helpers.py": "", "tests/unit/test_a.py": "import helpers"}
    assert {"tests/unit/test_a.py": ["tests/unit/helpers.py"]} == edges(tmp_path, files)


@pytest.mark.parametrize("content", ["def f(:", "\0", "x = '\\d'", "(" * 5_000, "# -*- coding: nope -*-", "import b"])
def test_a_file_that_does_not_parse_hides_no_other(tmp_path: Path, content: str) -> None:
    found = edges(tmp_path, {"b.py": "", "a.py": "import b", "odd.py": content})
    assert ["b.py"] == found["a.py"]


def test_a_tracked_file_that_was_deleted_has_no_edges(tmp_path: Path) -> None:
    assert [] == list(read_imports(tmp_path, ["gone.py"]))
