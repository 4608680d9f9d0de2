"""Doors to systems outside: git, pytest's collection. One module per door."""
