"""Prices."""

from shop.prices import add_tax


def test_add_tax():
    assert add_tax(10, 0.5) == 15
