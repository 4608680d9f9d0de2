"""Cases with every outcome that pytest knows."""

import unittest

import pytest
from shop.cart import total


@pytest.fixture
def broken_setup():
    raise RuntimeError("setup")


@pytest.fixture
def broken_teardown():
    yield
    raise RuntimeError("teardown")


class TestCart:
    def test_total(self):
        assert total([10]) == 12

    class TestEmpty:
        def test_nothing(self):
            assert total([]) == 0


class CartCase(unittest.TestCase):
    def test_old_style(self):
        assert total([1]) > 1


@pytest.mark.parametrize("text", ["a b", "x::y", "a/b.py", "[br]", "ü", "tab\t"])
def test_parameters(text):
    assert text


def test_fails():
    assert total([1]) == 1


def test_setup_error(broken_setup):
    pass


def test_teardown_error(broken_teardown):
    pass


def test_fails_twice(broken_teardown):
    assert False


@pytest.mark.skip(reason="later")
def test_skipped():
    pass


@pytest.mark.xfail
def test_expected_failure():
    assert False
