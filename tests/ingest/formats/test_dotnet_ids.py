"""How cases of .NET are called, from the names that its reports give."""

from __future__ import annotations

import pytest

from cipredict.ingest.formats.dotnet_ids import dotnet_id


@pytest.mark.parametrize(
    ("full_name", "class_name", "expected"),
    [
        pytest.param("Shop.CartTests.Total", "Shop.CartTests", "Shop.CartTests::Total", id="class in front"),
        pytest.param("Total", "Shop.CartTests", "Shop.CartTests::Total", id="class apart"),
        pytest.param("Shop.CartTests+Inner.Total", "", "Shop.CartTests+Inner::Total", id="nested"),
        pytest.param("Shop.CartTests.Total(a: 1.5)", "", "Shop.CartTests::Total(a: 1.5)", id="dots in arguments"),
        pytest.param("Total", "", "Total", id="no class"),
        pytest.param("adds 1.5 to the cart", "", "adds 1.5 to the cart", id="a display name"),
        pytest.param("[Clean-up (Shop.CartTests)]", "", "[Clean-up (Shop.CartTests)]", id="no method"),
    ],
)
def test_class_and_method_are_told_apart(full_name: str, class_name: str, expected: str) -> None:
    assert expected == dotnet_id(full_name, class_name)
