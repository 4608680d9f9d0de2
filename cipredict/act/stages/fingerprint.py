"""What the result of a stage depends on, as one digest: equal fingerprints need not run twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from cipredict.act.stages.artifacts import digest, find_files
from cipredict.act.stages.interface import Stage, StageResult


def fingerprint(stage: Stage, tree: Path, needed: Iterable[StageResult], *, tree_id: str) -> str:
    """Give 64 hex digits over commands, declared environment, input files, and what the needed stages made.

    `tree_id` stands for the whole tree, a commit and its local changes; a stage that does not declare its inputs
    depends on that. What a command reads besides (the machine, the network, the clock) is not in it.
    """
    inputs = find_files(tree, stage.inputs or ())
    document = {
        "commands": stage.commands,
        "environment": dict(stage.environment),
        "folder": stage.folder,
        "outputs": stage.outputs,
        "services": [[service.name, service.command] for service in stage.services],
        "inputs": [[path.relative_to(tree).as_posix(), digest(path)] for path in inputs],
        "tree": "" if stage.inputs is not None else tree_id,
        "needs": sorted(
            [result.stage, result.outcome.value, *(f"{made.path}={made.sha256}" for made in result.artifacts)]
            for result in needed
        ),
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
