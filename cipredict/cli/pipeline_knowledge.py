"""What predictors know of a pipeline, for `optimize`: seconds from the bundle, failures from the store, caches advised.

Each of them may be missing: the rules then leave to people what they cannot weigh.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict.cli.outputs import warn
from cipredict.cli.pipeline_planning import stage_history
from cipredict.decide.caching.advice import Advice, Recommendation
from cipredict.decide.pipelines.improvement import CacheAdvice
from cipredict.decide.pipelines.stage_rules import Knowledge
from cipredict.errors import ChangeUnknown, StoreError, UsageError
from cipredict.plans.pipeline_model import Pipeline, Stage

if TYPE_CHECKING:
    from cipredict.settings import Settings

LEAST_RUNS = 10
"""Of a job with fewer, nothing is said about how often it fails."""

_COMMITS, _QUOTA_BYTES = 300, 10 * 10**9
_INSTALLERS = {
    "uv": r"\buv (sync|pip|run)\b",
    "poetry": r"\bpoetry install\b",
    "pdm": r"\bpdm (install|sync)\b",
    "pylock": r"\bpip install\b",
    "pipenv": r"\bpipenv (install|sync)\b",
    "npm": r"\bnpm (ci|install|i)\b",
    "pnpm": r"\bpnpm (install|i)\b",
    "yarn": r"\byarn( install)?\b",
    "bun": r"\bbun (install|i)\b",
    "cargo": r"\bcargo (build|test|check|clippy|install|run)\b",
    "go": r"\bgo (build|test|mod|vet|run)\b",
    "bundler": r"\bbundle (install|exec)\b",
    "pip-constraints": r"\bpip install\b",
    "pip": r"\bpip install\b",
}
"""Kind of a guessed cache → what installs from it."""


def know(pipeline: Pipeline, settings: Settings, *, p_fail: Mapping[str, float]) -> Knowledge:
    """Gather what is known of a pipeline's stages; `p_fail` was given by hand and counts more than the history."""
    return Knowledge(
        history=stage_history(settings),
        p_fail={**failure_rates(pipeline.name, settings), **p_fail},
        caches=caches_for(pipeline.complete(), advised_caches(settings), setup=pipeline.setup),
    )


def failure_rates(workflow: str, settings: Settings) -> dict[str, float]:
    """Give how often each job of a workflow fails, by Jeffreys' rule for shares; nothing without a store."""
    if not settings.store.exists():
        return {}
    from cipredict.store.database import open_store  # noqa: PLC0415  # duckdb, where there is a store
    from cipredict.store.queries import load_job_failures  # noqa: PLC0415

    try:
        with open_store(settings.store, read_only=True) as door:
            rows = load_job_failures(door, datetime.now(UTC), workflow=workflow).to_pylist()
    except StoreError as error:
        warn(f"{error} Nothing predicts failures.")
        return {}
    return {row["job"]: (row["failures"] + 0.5) / (row["runs"] + 1) for row in rows if row["runs"] >= LEAST_RUNS}


def advised_caches(settings: Settings) -> tuple[Advice, ...]:
    """Ask the cache advisor about this checkout; nothing outside of one, or without a lock file."""
    from cipredict.cli.cache_advice import advise_stages  # noqa: PLC0415  # reads the git history

    try:
        found = advise_stages(Path.cwd(), stage=None, commits=_COMMITS, quota_bytes=_QUOTA_BYTES, store=settings.store)
    except (ChangeUnknown, UsageError) as error:
        warn(f"{error} No cache is advised.")
        return ()
    return tuple(advice for advice in found if advice.recommendation is not Recommendation.NO_CACHE)


def caches_for(stages: Iterable[Stage], advised: Iterable[Advice], *, setup: str = "") -> dict[str, CacheAdvice]:
    """Give each stage the cache of its name, else that of whatever it installs with."""
    by_name = {advice.stage.name: advice for advice in advised}
    found = {}
    for stage in stages:
        commands = f"{setup if stage.setup is None else stage.setup}\n{stage.command}"
        fitting = [by_name[stage.name]] if stage.name in by_name else _installed(commands, by_name)
        if fitting:
            found[stage.name] = _joined(fitting)
    return found


def _installed(commands: str, by_name: Mapping[str, Advice]) -> list[Advice]:
    return [advice for name, advice in by_name.items() if _uses(commands, name)]


def _uses(commands: str, name: str) -> bool:
    kinds = sorted((kind for kind in _INSTALLERS if name == kind or name.startswith(f"{kind}-")), key=len)
    return bool(kinds) and re.search(_INSTALLERS[kinds[-1]], commands) is not None


def _joined(advised: list[Advice]) -> CacheAdvice:
    """Join what one stage installs: all paths under one key of all files; seconds only where each has some."""
    saved = [option.saved_s or 0.0 for advice in advised for option in advice.options if option.name == advice.design]
    return CacheAdvice(
        paths=tuple(dict.fromkeys(path for advice in advised for path in advice.stage.paths)),
        key_files=tuple(dict.fromkeys(path for advice in advised for path in advice.stage.key_files)),
        saves_s=sum(saved),
    )
