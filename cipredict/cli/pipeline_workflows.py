"""`pipeline import` and `optimize`: read workflows, find what to improve, edit at their lines, read again, compare."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict.cli.outputs import warn
from cipredict.cli.pipeline_knowledge import advised_caches, caches_for, failure_rates, know
from cipredict.cli.pipeline_planning import is_workflow, load_pipeline, read_workflow, stage_history, write_text
from cipredict.decide.pipelines.improvement import Edit, Improvement, apply_edits, expected_plain
from cipredict.decide.pipelines.stage_rules import optimise_stages
from cipredict.decide.pipelines.workflow_graph import stages_of
from cipredict.decide.pipelines.workflow_rules import edits_of, improve_workflow
from cipredict.errors import EXIT_OK, EXIT_USAGE, InputError, UsageError
from cipredict.ingest.workflows.github import parse_github_workflow
from cipredict.ingest.workflows.nodes import File
from cipredict.plans.document import canonical_json
from cipredict.render.pipelines.findings import render_findings, render_jobs

if TYPE_CHECKING:
    from cipredict.settings import Settings
    from cipredict.workflow_records import WorkflowRecord


def import_files(sources: Sequence[Path], *, output_format: str) -> tuple[str, int]:
    """Read every file; a bad one is refused by name and line, and does not sink the others."""
    read, refused = _read_all(sources)
    code = EXIT_USAGE if refused else EXIT_OK
    if output_format == "json":
        files = [
            {
                "path": one.path,
                "provider": one.provider,
                "name": one.name,
                "jobs": [_job(job) for job in map(asdict, one.jobs)],
            }
            for one in read
        ]
        return canonical_json({"files": files, "refused": refused}), code
    return "".join(f"{render_jobs(one)}\n\n" for one in read), code


def _job(job: dict[str, object]) -> dict[str, object]:
    kept = ("job_id", "needs", "runs_on", "timeout", "environment", "uses", "legs", "block")
    return {key: list(value) if isinstance(value := job[key], tuple) else value for key in kept}


def _read_all(sources: Sequence[Path]) -> tuple[list[WorkflowRecord], list[str]]:
    read, refused = [], []
    for source in sources:
        try:
            read.append(read_workflow(source))
        except InputError as error:
            refused.append(error.message)
            warn(str(error))
    return read, refused


def optimise_files(
    sources: Sequence[Path],
    settings: Settings,
    *,
    write: bool,
    patch: Path | None,
    output_format: str,
    p_fail: tuple[str, ...],
    max_parallel: int,
) -> str:
    """Find, edit, compare; give what stdout shows."""
    probabilities = dict(map(_probability, p_fail))
    history = stage_history(settings)
    workflows = [source for source in sources if is_workflow(source)]
    read, refused = _read_all(workflows)
    if refused and not read:
        raise InputError(f"No file can be read: {refused[0]}", slug="workflow-shape")
    findings: dict[str, tuple[Improvement, ...]] = {
        str(source): _optimise_definition(source, settings, p_fail=probabilities, max_parallel=max_parallel)
        for source in sources
        if source not in workflows
    }
    patches = []
    advised = advised_caches(settings) if read else ()
    for workflow in read:
        rates = failure_rates(workflow.name or workflow.path, settings)
        by_job = {job.job_id: rates[shown] for job in workflow.jobs if (shown := job.name or job.job_id) in rates}
        found = improve_workflow(
            workflow,
            history=history,
            p_fail={**by_job, **probabilities},
            caches=caches_for(stages_of(workflow), advised),
            max_parallel=max_parallel,
            default_branch=settings.default_branch or "main",
        )
        text, kept = edited(workflow, edits_of(found))
        findings[workflow.path] = tuple(
            one
            if all(edit in kept for edit in one.edits)
            else replace(one, edits=(), refused="not together with the other edits: run this again, or edit by hand")
            for one in found
        )
        patches.append(_diff(workflow, text))
        if write and text != workflow.text:
            write_text(Path(workflow.path), text)
            sys.stderr.write(f"cipredict: {workflow.path}: {len(kept)} edits.\n")
    if patch is not None:
        write_text(patch, "".join(patches))
    if output_format == "json":
        return canonical_json({path: [asdict(one) for one in found] for path, found in findings.items()})
    return "".join(f"{render_findings(path, [asdict(one) for one in found])}\n" for path, found in findings.items())


def _optimise_definition(
    source: Path, settings: Settings, *, p_fail: Mapping[str, float], max_parallel: int
) -> tuple[Improvement, ...]:
    """Find what to improve in a pipeline of our own; its author writes it down."""
    pipeline = load_pipeline(source)
    if pipeline.max_parallel_jobs is None:
        pipeline = replace(pipeline, max_parallel_jobs=max_parallel)
    return optimise_stages(pipeline, know(pipeline, settings, p_fail=p_fail)).improvements


def edited(workflow: WorkflowRecord, edits: Sequence[Edit]) -> tuple[str, tuple[Edit, ...]]:
    """Give the text with the edits that do exactly what they say: what they make is parsed again and compared.

    An alias can carry an edit to a second place; such an edit is left out.
    """
    if _does_as_said(workflow, edits):
        return apply_edits(workflow.text, edits), tuple(edits)
    kept = tuple(edit for edit in edits if _does_as_said(workflow, [edit]))
    if not _does_as_said(workflow, kept):
        return workflow.text, ()
    return apply_edits(workflow.text, kept), kept


def _does_as_said(workflow: WorkflowRecord, edits: Sequence[Edit]) -> bool:
    try:
        again = parse_github_workflow(File(workflow.path, apply_edits(workflow.text, edits)))
    except InputError:
        return not edits and workflow.provider == "gitlab"
    return again.plain == expected_plain(dict(workflow.plain), edits)


def _diff(workflow: WorkflowRecord, text: str) -> str:
    old, new = workflow.text.splitlines(keepends=True), text.splitlines(keepends=True)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(old, new, f"a/{workflow.path}", f"b/{workflow.path}")
    )


def _probability(text: str) -> tuple[str, float]:
    job, _, number = text.rpartition("=")
    try:
        p = float(number)
    except ValueError:
        p = -1.0
    if not job or not 0 <= p <= 1:
        raise UsageError(f"--p-fail: '{text}' is not JOB=PROBABILITY, such as lint=0.05.", slug="probability")
    return job, p
