"""Decisions as JSON contracts: what a workflow, a plugin or a person reads after cipredict has decided."""
