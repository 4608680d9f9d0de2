"""Rewrites of a Dockerfile, one module per rule: each proposes a text and says which conditions make it safe."""
