"""Doors to caches: a folder that machines share, and what a provider keeps for a repository."""
