"""A GitLab CI file into a record: stages, needs, `extends`, `parallel:matrix`. Includes are named, not followed."""

from __future__ import annotations

from itertools import product

import yaml

from cipredict.ingest.workflows.nodes import File, block_of, child, pairs, plain, scalars
from cipredict.workflow_records import Block, JobRecord, Plain, StepRecord, WorkflowRecord

_GLOBALS = frozenset(
    {
        "default",
        "include",
        "stages",
        "variables",
        "workflow",
        "image",
        "services",
        "cache",
        "before_script",
        "after_script",
        "spec",
        "pages_domain",
        "types",
    }
)
_STAGES = (".pre", "build", "test", "deploy", ".post")
_DEEPEST = 11
"""GitLab's limit on chains of `extends`."""


def parse_gitlab_file(file: File) -> WorkflowRecord:
    """Build the record of a parsed file; raises InputError naming file and line."""
    root = file.root
    keys = {name: key for name, key, _ in pairs(root)}
    templates = {
        name: value for name, _, value in pairs(root) if name not in _GLOBALS and isinstance(value, yaml.MappingNode)
    }
    stages = _stages(root)
    merged = {name: _merge(file, name, templates, keys=keys) for name in templates if not name.startswith(".")}
    by_stage: dict[str, list[str]] = {stage: [] for stage in stages}
    for name, job in merged.items():
        stage = _text(job.get("stage")) or "test"
        if stage not in by_stage:
            raise file.complain(keys[name], f"the job '{name}' is in the stage '{stage}', which does not exist")
        by_stage[stage].append(name)
    jobs = tuple(
        _job(name, job, block=block_of(templates[name]), needs=_needs(name, job, stages=stages, by_stage=by_stage))
        for name, job in merged.items()
    )
    for record in jobs:
        for need in record.needs:
            if need not in merged and child(root, "include") is None:
                message = f"the job '{record.job_id}' needs '{need}', which does not exist"
                raise file.complain(keys[record.job_id], message)
    whole = plain(root)
    assert isinstance(whole, dict)  # noqa: S101  # for mypy: the root is a mapping
    return WorkflowRecord(file.path, "gitlab", file.text, whole, jobs, jobs_line=root.start_mark.line)


def _stages(root: yaml.Node) -> tuple[str, ...]:
    own = scalars(child(root, "stages"))
    return (".pre", *(name for name in own if name not in {".pre", ".post"}), ".post") if own else _STAGES


def _merge(
    file: File, name: str, templates: dict[str, yaml.MappingNode], *, keys: dict[str, yaml.Node], depth: int = 0
) -> dict[str, Plain]:
    """Give a job on top of what it extends, mappings merged deeply, the last template strongest."""
    if depth > _DEEPEST:
        raise file.complain(keys[name], f"'{name}' extends itself, or through more than {_DEEPEST} others")
    own = plain(templates[name])
    merged: dict[str, Plain] = {}
    for base in scalars(child(templates[name], "extends")):
        if base in templates:
            merged = _deep(merged, _merge(file, base, templates, keys=keys, depth=depth + 1))
        elif child(file.root, "include") is None:
            raise file.complain(keys[name], f"'{name}' extends '{base}', which does not exist")
    return _deep(merged, own if isinstance(own, dict) else {})


def _deep(below: dict[str, Plain], above: dict[str, Plain]) -> dict[str, Plain]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _deep(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _needs(
    name: str, job: dict[str, Plain], *, stages: tuple[str, ...], by_stage: dict[str, list[str]]
) -> tuple[str, ...]:
    """Give the jobs that it waits for: its `needs`, else all of the last earlier stage that has jobs."""
    if "needs" in job:
        value = job["needs"]
        entries = value if isinstance(value, list) else [value]
        named = (_text(entry.get("job")) if isinstance(entry, dict) else _text(entry) for entry in entries)
        return tuple(dict.fromkeys(one for one in named if one and one != name))
    place = stages.index(_text(job.get("stage")) or "test")
    return next((tuple(by_stage[stage]) for stage in reversed(stages[:place]) if by_stage[stage]), ())


def _job(name: str, job: dict[str, Plain], *, block: Block, needs: tuple[str, ...]) -> JobRecord:
    environment = job.get("environment")
    script = job.get("script", [])
    rules = job.get("rules", [])
    is_manual = job.get("when") == "manual" or any(
        isinstance(rule, dict) and rule.get("when") == "manual" for rule in (rules if isinstance(rules, list) else [])
    )
    return JobRecord(
        job_id=name,
        block=block,
        needs=needs,
        name=name,
        runs_on=str(job.get("tags", "")),
        condition=str(rules) if rules else "",
        timeout=_text(job.get("timeout")),
        environment=_text(environment.get("name")) if isinstance(environment, dict) else _text(environment),
        legs=_legs(job.get("parallel", "")),
        has_matrix="parallel" in job,
        uses="trigger" if "trigger" in job else "",
        steps=tuple(StepRecord(run=str(line)) for line in (script if isinstance(script, list) else [script])),
        is_manual=is_manual,
        plain=job,
    )


def _legs(parallel: Plain) -> tuple[dict[str, str], ...] | None:
    if isinstance(parallel, str):
        if not parallel:
            return ({},)
        return tuple({"index": str(at)} for at in range(1, int(parallel) + 1)) if parallel.isdigit() else None
    entries = parallel.get("matrix") if isinstance(parallel, dict) else None
    if not isinstance(entries, list):
        return None
    legs: list[dict[str, str]] = []
    for entry in entries:
        if not isinstance(entry, dict):
            return None
        axes = [[str(one) for one in (value if isinstance(value, list) else [value])] for value in entry.values()]
        legs += [dict(zip(entry, values, strict=True)) for values in product(*axes)]
    return tuple(legs) or None


def _text(value: Plain | None) -> str:
    return value if isinstance(value, str) else ""
