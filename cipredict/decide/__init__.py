"""Forecast and facts into plans: pure functions without clock, environment, files or randomness."""
