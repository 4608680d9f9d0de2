"""Releases onto servers: processes, load balancers, and the engine that walks a deployment through its steps."""
