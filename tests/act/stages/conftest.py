"""Runs of real processes in a folder of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cipredict.act.stages.interface import Limits, RunFolder, Stage, StageResult
from cipredict.act.stages.runner import Judge, Listener, RunResult, run_stages

Results = dict[str, StageResult]


class Workplace:
    """Runs stages, by default four at a time, with hardly any patience."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "tree"
        self.tree.mkdir()
        self.folder = RunFolder(folder / "runs" / "1", self.tree)
        self.result = RunResult((), 0.0, was_cancelled=False)

    def run(
        self,
        stages: Sequence[Stage],
        *,
        slots: int = 4,
        limits: Limits | None = None,
        tree_id: str = "tree",
        resume: bool = False,
        judge: Judge = lambda _: "",
        listener: Listener | None = None,
    ) -> Results:
        self.result = run_stages(
            stages,
            self.folder,
            limits=limits or Limits({"slots": slots}, grace_s=0.3),
            tree_id=tree_id,
            resume=resume,
            judge=judge,
            listener=listener,
        )
        return {result.stage: result for result in self.result.results}

    def log(self, stage: str) -> str:
        return self.folder.log(stage).read_text(encoding="utf-8")

    def lines(self, name: str) -> list[str]:
        path = self.tree / name
        return path.read_text(encoding="utf-8").split() if path.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)
