"""Who wrote a suite, and what its cases are called: one rule per framework, whatever its reporter was told."""

from __future__ import annotations

import pytest

from cipredict.ingest.dialects import Dialect, Suite, detect_dialect, identify, relative_file


def case_id(suite: Suite, known_files: frozenset[str] = frozenset(), **attributes: str) -> str:
    suite.dialect = detect_dialect(suite, attributes, known_files)
    suite.is_pytest = suite.dialect in {Dialect.PYTEST_XUNIT1, Dialect.PYTEST_XUNIT2}
    return identify(suite, attributes, known_files)


@pytest.mark.parametrize(
    ("suite", "classname", "name", "file", "expected"),
    [
        pytest.param("cart", "cart adds", "cart adds", "src/a.test.js", "src/a.test.js::cart adds", id="default"),
        pytest.param("cart", "cart", "adds", "src/a.test.js", "src/a.test.js::cart adds", id="templates"),
        pytest.param("src/a.test.js", "cart", "adds", "", "src/a.test.js::cart adds", id="file as suite"),
        pytest.param("src/a.test.js", "", "adds", "", "src/a.test.js::adds", id="no describe"),
        pytest.param("cart", "cart adds", "cart adds", "", "cart::cart adds", id="no file"),
        pytest.param("x", "Test suite failed to run", "src/a.test.ts", "", "src/a.test.ts", id="did not load"),
        pytest.param("cart", " adds", "adds", "src/a.test.js", "src/a.test.js::adds", id="blank before"),
    ],
)  # fmt: skip
def test_jest_has_one_id_whatever_its_templates(
    suite: str, classname: str, name: str, file: str, expected: str
) -> None:
    found = case_id(Suite(suite, root_name="jest tests"), classname=classname, name=name, file=file)
    assert expected == found


@pytest.mark.parametrize(
    ("suite", "classname", "name", "expected"),
    [
        pytest.param(Suite("cart", "test/a.js", root_name="Mocha Tests"), "adds", "cart adds", "test/a.js::cart adds",
                     id="mocha-junit-reporter"),
        pytest.param(Suite("cart", "test/a.js", root_name="Mocha Tests"), "cart adds", "adds", "test/a.js::cart adds",
                     id="switched"),
        pytest.param(Suite("cart", "test/a.js", root_name="Mocha Tests"), "Cart", "adds", "test/a.js::Cart adds",
                     id="neither repeats the other"),
        pytest.param(Suite("Mocha Tests"), "cart", "adds", "cart adds", id="mocha's own"),
        pytest.param(Suite("Mocha Tests"), "cart adds", "adds", "cart adds adds", id="mocha's own never repeats"),
    ],
)  # fmt: skip
def test_mocha_is_called_by_its_full_title(suite: Suite, classname: str, name: str, expected: str) -> None:
    assert expected == case_id(suite, classname=classname, name=name)
    assert Dialect.MOCHA is suite.dialect


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("org.shop.CartTest.adds", "org.shop.CartTest::adds", id="Ant"),
        pytest.param("Shop.Tests.CartTests.Adds(price: 1.5)", "Shop.Tests.CartTests::Adds(price: 1.5)", id="xUnit.net"),
        pytest.param("Shop.Cart$Inner.adds", "Shop.Cart$Inner::adds", id="Java, nested"),
        pytest.param("adds. Then pays", "Rhino Collection::adds. Then pays", id="a sentence"),
        pytest.param("v1.2.3", "Rhino Collection::v1.2.3", id="a version"),
    ],
)
def test_a_qualified_name_without_a_class_holds_its_class(name: str, expected: str) -> None:
    assert expected == case_id(Suite("Rhino Collection"), name=name)


def test_a_qualified_name_with_a_class_stays_as_it_is() -> None:
    assert "Cart::org.shop.CartTest.adds" == case_id(Suite("s"), classname="Cart", name="org.shop.CartTest.adds")


@pytest.mark.parametrize(
    ("reported", "path"),
    [
        pytest.param("./src/a.js", "src/a.js", id="dot"),
        pytest.param("src\\a.js", "src/a.js", id="backslashes"),
        pytest.param("/home/ci/shop/src/a.js", "src/a.js", id="tracked tail"),
        pytest.param("C:\\shop\\src\\a.js", "src/a.js", id="Windows"),
        pytest.param("/home/ci/shop/other.js", "/home/ci/shop/other.js", id="unknown"),
    ],
)
def test_a_path_becomes_one_of_the_repository(reported: str, path: str) -> None:
    assert path == relative_file(reported, frozenset({"src/a.js"}))
