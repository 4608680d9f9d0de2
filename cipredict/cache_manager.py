"""The Python API of caching: keys for a stage, and what caches will bring to a pipeline.

Named and shaped as in the brief; keys are of the lock files instead of the commit (a commit in the key never hits), and
the benefit is in seconds per run instead of a score against 0.5.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypedDict

from cipredict.cache_history import read_histories
from cipredict.cache_inputs import chance_of, head_of, repository_root, runner_dimensions, working_files
from cipredict.cache_stages import CacheStage, parse_stage, read_cache_stages
from cipredict.decide.caching.keys import build_keys, snapshot_of
from cipredict.decide.caching.prediction import predict_stage
from cipredict.decide.caching.provider import Keys
from cipredict.errors import SettingsError, UsageError

__all__ = ["CacheKeys", "CachePrediction", "IntelligentCacheManager"]

_COMMITS = 300


class CacheKeys(TypedDict):
    """A run's keys, best first: the exact one, what to restore instead, and what to restore instead of that."""

    primary: str
    secondary: str
    fallback_keys: list[str]


class CachePrediction(TypedDict):
    """Hit rates 0…1, None without a history; the score is seconds saved per run, None where seconds are unknown.

    `recommendation` is cache, no_cache or change_key.
    """

    predicted_hit_rate: float | None
    historical_hit_rate: float | None
    cache_benefit_score: float | None
    recommendation: str


class CachedStage(Protocol):
    """A stage of a pipeline; its cache is described under its name in pyproject.toml, or in an attribute `cache`."""

    @property
    def name(self) -> str:
        """Give its name."""


class Pipeline(Protocol):
    """Whatever has stages."""

    @property
    def stages(self) -> Iterable[CachedStage]:
        """Give them, in any order."""


@dataclass(frozen=True, slots=True)
class IntelligentCacheManager:
    """Makes keys and forecasts what caches bring.

    Attributes
    ----------
    cache_size_limit : bytes that the provider keeps
    folder : of the project, inside its checkout
    forecast : the bundle that the nightly job publishes; without it the replayed history speaks

    Raises
    ------
    UsageError
        The limit is not above 0.
    """

    cache_size_limit: int
    folder: Path = Path()
    forecast: Path = Path(".cipredict/forecast.bundle")

    def __post_init__(self) -> None:
        """Refuse a limit that nothing fits into."""
        if self.cache_size_limit <= 0:
            raise UsageError(f"cache_size_limit is {self.cache_size_limit}: not a number of bytes.", slug="bytes")

    def determine_cache_key(
        self, stage_config: CacheStage | Mapping[str, object], context: Mapping[str, object] | None = None
    ) -> CacheKeys:
        """Give the keys of a stage in this checkout.

        `stage_config` has the keys of `[tool.cipredict.cache.stages.NAME]` and `name`; `context` may hold
        `commit_hash` and `environment`, the variables of the runner.

        Raises
        ------
        UsageError
            The configuration holds something that it cannot, or its globs match no file.
        """
        stage = _stage(stage_config)
        known = context or {}
        environment = known.get("environment", os.environ)
        root = repository_root(self.folder)
        files, whole = working_files(root, stage)
        dimensions, _ = runner_dimensions(stage, environment if isinstance(environment, Mapping) else os.environ)
        sha = str(known.get("commit_hash") or head_of(root))
        keys = build_keys(stage, snapshot_of(files, sha=sha, at_s=time.time()), dimensions)
        if not whole.is_whole:  # a file that could not be read: a key that nobody saved under
            keys = Keys(f"{keys.primary}-{time.time_ns():x}", keys.restore)
        secondary, *others = keys.restore or ("",)
        return {"primary": keys.primary, "secondary": secondary, "fallback_keys": others}

    def predict_cache_effectiveness(self, pipeline: Pipeline) -> dict[str, CachePrediction]:
        """Forecast the next run of every stage; one without a described cache has nothing to key it by."""
        described = read_cache_stages(self.folder)
        configs: dict[str, CacheStage] = {}
        for stage in pipeline.stages:
            own = getattr(stage, "cache", None)
            if own is not None:
                configs[stage.name] = _stage(own, name=stage.name)
            elif stage.name in described:
                configs[stage.name] = described[stage.name]
        found: dict[str, CachePrediction] = {stage.name: _nothing() for stage in pipeline.stages}
        root = repository_root(self.folder)
        for history in read_histories(root, configs.values(), commits=_COMMITS, patterns={}):
            name = history.stage.name
            made = predict_stage(
                history.stage,
                history.snapshots,
                quota_bytes=self.cache_size_limit,
                chance=chance_of(self.forecast, root, name),
            )
            found[name] = {
                "predicted_hit_rate": made.predicted_hit_rate,
                "historical_hit_rate": made.historical_hit_rate,
                "cache_benefit_score": made.cache_benefit_score,
                "recommendation": made.recommendation.value,
            }
        return found


def _stage(config: CacheStage | Mapping[str, object], *, name: str = "deps") -> CacheStage:
    if isinstance(config, CacheStage):
        return config
    problems: list[str] = []
    fields = {key: list(value) if isinstance(value, tuple) else value for key, value in config.items() if key != "name"}
    stage = parse_stage(str(config.get("name", name)), fields, problems)
    if problems:
        raise SettingsError(f"stage_config: {'; '.join(problems)}.", slug="settings-value")
    return stage


def _nothing() -> CachePrediction:
    return {
        "predicted_hit_rate": None,
        "historical_hit_rate": None,
        "cache_benefit_score": None,
        "recommendation": "no_cache",
    }
