"""The door to linters, type checkers and scanners: ready-made stages, and what they said with how they ended."""
