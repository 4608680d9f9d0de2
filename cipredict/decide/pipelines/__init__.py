"""Pipelines as values: what they are made of, which stages a change needs, when each runs, how they get better."""
