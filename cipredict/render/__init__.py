"""Plans and query results into text for people and outputs for CI: pure functions."""
