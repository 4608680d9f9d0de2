"""`cipredict cache`: what is kept, and what goes."""

from __future__ import annotations

from cipredict.cli import cache_store
from cipredict.cli.options import make_app

cache = make_app("Make cache keys, say what they bring, keep what pays.")
apps = {"cache": cache}
cache_store.register(cache)


@cache.callback()
def _group() -> None:
    """Make a group of it however few commands it has."""
