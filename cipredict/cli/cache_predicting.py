"""`cache predict` from options to forecasts: the history of every stage, the change where it is known, the bundle."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict.act.git import changed_paths
from cipredict.act.git_objects import GitObjects, TreeDigests
from cipredict.cache_history import LockPackages, read_histories
from cipredict.cache_inputs import chance_of, repository_root
from cipredict.cache_stages import CacheStage, choose_stage, read_cache_stages
from cipredict.cli.cache_seconds import with_measured_seconds
from cipredict.cli.outputs import warn
from cipredict.decide.caching.file_globs import key_files_matcher
from cipredict.decide.caching.prediction import KnownChange, StagePrediction, predict_stage
from cipredict.errors import UsageError
from cipredict.plans.document import canonical_json
from cipredict.render.caching import FORMATS, PredictionRow, render_predictions

if TYPE_CHECKING:
    from cipredict.settings import Settings


def predict_stages(
    settings: Settings, *, stage: str | None, base: str | None, commits: int, quota_bytes: int
) -> list[StagePrediction]:
    """Forecast every described stage; with a base the outcome follows from the change.

    Raises
    ------
    ChangeUnknown
        git cannot tell what changed, or there is no history.
    """
    root = repository_root(Path.cwd())
    stages = read_cache_stages(Path.cwd())
    wanted = list(stages.values()) if stage is None and stages else [choose_stage(stages, stage)]
    base_sha = changed_paths(base, cwd=root).base_sha if base else None
    histories = read_histories(root, wanted, commits=commits, patterns={})
    for history in histories:
        for complaint in history.complaints:
            warn(f"{complaint} Its commits count without packages.")
    return [
        predict_stage(
            with_measured_seconds(history.stage, settings.store)[0],
            history.snapshots,
            quota_bytes=quota_bytes,
            change=_known_change(root, history.stage, base_sha) if base_sha else None,
            chance=chance_of(settings.forecast, root, history.stage.name),
        )
        for history in histories
    ]


def _known_change(root: Path, stage: CacheStage, base_sha: str) -> KnownChange:
    """Compare the head's key files with the base's, and the packages that they pin."""
    with GitObjects(root) as objects:
        digests = TreeDigests(objects, {"lock": key_files_matcher(stage.key_files)}, frozenset({"lock"}))
        head, before = (digests.read(tree_of(objects, ref))["lock"] for ref in ("HEAD", base_sha))
        packages = LockPackages(objects)
        needed, held = packages.of(head.blobs), packages.of(before.blobs)
    coverage = len(needed & held) / len(needed) if needed and held is not None else None
    return KnownChange(head.digest == before.digest, coverage)


def tree_of(objects: GitObjects, ref: str) -> str:
    """Give the id of a commit's tree."""
    return objects.read(f"{ref}^{{commit}}").split(b"\n", 1)[0].removeprefix(b"tree ").decode()


def show_predictions(predictions: Sequence[StagePrediction], *, output_format: str) -> None:
    """Write the table to stderr, and the document to stdout where it was asked for."""
    if output_format not in FORMATS:
        raise UsageError(f"Unknown format '{output_format}': choose from {', '.join(FORMATS)}.", slug="unknown-format")
    rows = [
        PredictionRow(
            stage=one.stage,
            predicted=one.predicted_hit_rate,
            historical=one.historical_hit_rate,
            coverage=one.expected_coverage,
            saved_s=one.cache_benefit_score,
            by=one.served_by,
            recommendation=one.recommendation,
            reason=one.reason,
        )
        for one in predictions
    ]
    sys.stderr.write("".join(f"{part}\n" for part in render_predictions(rows)))
    if output_format == "json":
        sys.stdout.write(canonical_json({"stages": [asdict(one) for one in predictions]}))
