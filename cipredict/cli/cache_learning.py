"""The nightly half of `cache predict`: the stored commits of every described cache, learned from and published."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict.cache_stages import read_cache_stages

if TYPE_CHECKING:
    from cipredict.settings import Settings


def learn_cache_hits(settings: Settings) -> None:
    """Add the forecast of cache hits to the bundle that was just published; nothing where no stage is described."""
    stages = read_cache_stages(Path.cwd())
    if not stages:
        return
    from cipredict.decide.caching.file_globs import key_files_matcher  # noqa: PLC0415
    from cipredict.forecast.bundle import extend_bundle  # noqa: PLC0415
    from cipredict.forecast.cache_hits import ENTRY, Committed  # noqa: PLC0415
    from cipredict.learn.cache_hits import keyed_commits, study_hits  # noqa: PLC0415  # the training libraries
    from cipredict.learn.recipe import read_recipe  # noqa: PLC0415
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.queries import load_commits  # noqa: PLC0415

    with open_store(settings.store, read_only=True) as store:
        rows = load_commits(store, datetime.now(UTC)).to_pylist()
    if settings.repository:
        rows = [row for row in rows if row["repository"] == settings.repository]
    commits = []
    for _, touched in groupby(rows, key=lambda row: row["sha"]):
        paths = list(touched)
        commit = Committed(paths[0]["committed_at"].timestamp(), paths[0]["author"] or "")
        commits.append((commit, [row["path"] for row in paths if row["path"]]))
    by_stage = {name: keyed_commits(commits, key_files_matcher(stage.key_files)) for name, stage in stages.items()}
    study = study_hits(by_stage, read_recipe("cache_hit"))
    graphs = {f"graphs/{name}.onnx": graph for name, graph in study.graphs.items()}
    forecast_id = extend_bundle(settings.forecast, {ENTRY: study.model.to_bytes(), **graphs})
    sys.stderr.write(f"Cache hits are forecast by {study.model.served_by} ({forecast_id}).\n")
