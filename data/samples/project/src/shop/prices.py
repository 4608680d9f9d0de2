"""Prices."""


def add_tax(price, share):
    """Give the price with tax."""
    if share < 0:
        raise ValueError("negative tax")
    return price * (1 + share)
