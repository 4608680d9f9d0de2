"""Measurements of benchmarks into verdicts: what became slower, how sure that is, since when. Pure functions on numpy.

Only `evidence` imports scipy. Reading result files is `ingest.benchmarks`, JSON contracts are in `plans`.
"""
