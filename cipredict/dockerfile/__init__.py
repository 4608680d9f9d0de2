"""Dockerfiles: a parser that knows where everything stands, stages, `.dockerignore`, edits that leave the rest alone.

The ground floor of the container commands: standard library only, imported by `decide`, `act` and `cli` alike. What is
read here is what BuildKit reads, instruction by instruction and line by line (`benchmarks/container/parser.py`).
"""
