"""How a release reaches everybody, and when it must not: strategies, analysis, verdicts. Pure functions."""
