"""What real workflow files make of the readers, the rules and the edits.

Run: ``python benchmarks/pipelines/workflows.py FOLDER...``: every `*.yml` below a folder `workflows`, and every
`.gitlab-ci.yml`. For each file: read or refused with a line; the text comes back byte for byte; all edits together, and
then each alone, change what they say and nothing else; what was edited has no such edit left. One table on stdout.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cipredict.cli.pipeline_planning import read_workflow
from cipredict.cli.pipeline_workflows import edited
from cipredict.decide.pipelines.estimates import Estimate
from cipredict.decide.pipelines.improvement import apply_edits
from cipredict.decide.pipelines.workflow_rules import edits_of, improve_workflow
from cipredict.errors import InputError
from cipredict.forecast.interface import Basis
from cipredict.ingest.workflows.github import parse_github_workflow
from cipredict.ingest.workflows.nodes import File


def find(folders: list[str]) -> Iterator[Path]:
    """Give each text once: copies of a repository hold the same files."""
    seen = set()
    for folder in map(Path, folders):
        for path in sorted(folder.rglob("*.y*ml")):
            if path.parent.name == "workflows" or path.name == ".gitlab-ci.yml":
                data = path.read_bytes()
                if data not in seen:
                    seen.add(data)
                    yield path


def known(series: str) -> Estimate:
    return Estimate(600.0, 500.0, 900.0, Basis.HISTORY, series)


def main() -> None:
    tally: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    began = time.process_time()
    for path in find(sys.argv[1:]):
        tally["files"] += 1
        try:
            workflow = read_workflow(path)
        except InputError as error:
            tally["refused"] += 1
            print(f"refused: {error}")
            continue
        tally["jobs"] += len(workflow.jobs)
        assert apply_edits(workflow.text, ()).encode() == path.read_bytes()
        found = improve_workflow(workflow, history=known, p_fail={job.job_id: 0.0 for job in workflow.jobs})
        rules.update(f"{one.rule}{' (edit)' if one.edits else ''}" for one in found)
        edits = edits_of(found)
        text, kept = edited(workflow, edits)
        tally["edits"] += len(edits)
        tally["edits left out"] += len(edits) - len(kept)
        if kept:
            tally["edited files"] += 1
            again = parse_github_workflow(File(str(path), text))
            left = edits_of(improve_workflow(again, history=known))
            assert not [edit for edit in left if edit.path in {one.path for one in kept}], path
            old, new = workflow.text.splitlines(), text.splitlines()
            changed = sum(line not in new for line in old)
            assert changed <= len(kept), path
    tally["CPU seconds"] = round(time.process_time() - began)
    for name, count in [*tally.items(), *sorted(rules.items())]:
        print(f"{name:24} {count}")


if __name__ == "__main__":
    main()
