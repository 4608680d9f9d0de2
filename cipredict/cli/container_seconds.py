"""What CI's steps say about the seconds of container builds."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from cipredict.decide.containers.step_seconds import BuildSeconds
from cipredict.errors import UsageError

BUILDS = (
    r"docker[ /-]?(compose )?build|build-push-action|buildx (build|bake)|kaniko|buildah|build and push|build.*\bimage"
)
"""Names of steps that build an image, as GitHub shows them and people call them."""


def read_build_steps(store: Path | None, step: str) -> tuple[BuildSeconds, ...]:
    """Give the builds that the history knows; `step` is a part of the step's name, or of a job's where it has no steps.

    Raises
    ------
    UsageError
        No such step, or several that may be meant.
    """
    if store is None:
        return ()
    from cipredict.store.build_steps import load_build_steps  # noqa: PLC0415  # duckdb, for a store only
    from cipredict.store.database import open_store  # noqa: PLC0415

    pattern = re.escape(step) if step else BUILDS
    with open_store(store, read_only=True) as door:
        rows = load_build_steps(door, datetime.now(UTC), pattern=pattern).to_pylist()
    rows = [row for row in rows if row["step"] == step] or rows
    names = Counter(str(row["step"]) for row in rows)
    if not names:
        wanted = f"'{step}'" if step else "that builds an image"
        raise UsageError(
            f"{store} knows no step {wanted}.", slug="container-step", hint="Name a part of it with --step."
        )
    if len(names) > 1:
        shown = ", ".join(f"'{name}'" for name, _ in names.most_common(5))
        raise UsageError(f"Several steps may be meant: {shown}.", slug="container-step", hint="Name one with --step.")
    return tuple(BuildSeconds(row["sha"], row["duration_s"]) for row in rows)
