"""A scorer that brings its process down; a module of its own, because every such process imports it."""

from __future__ import annotations

import os

from cipredict.audio.interface import FileScore, Pair


def die(pair: Pair, **_: object) -> FileScore:
    """Stand for a scorer written in C that crashes on one file."""
    if pair.name == "b":
        os._exit(139)
    return FileScore(pair.name, {"pesq_nb": 1.0})
