"""A GitHub workflow file into a record. What GitHub itself refuses is refused here too, with file and line."""

from __future__ import annotations

import re

import yaml

from cipredict.ingest.workflows.matrix import MOST_LEGS, DynamicMatrix, expand_matrix
from cipredict.ingest.workflows.nodes import File, block_of, child, pairs, plain, scalar, scalars
from cipredict.workflow_records import EventRecord, JobRecord, NeedPlace, StepRecord, WorkflowRecord

_READ = re.compile(r"needs\s*(?:\.\s*([A-Za-z_][\w-]*)|\[\s*'([^']+)'\s*\])")
_READ_ALL = re.compile(r"needs\s*\.\s*\*|(?:toJSON|tojson)\s*\(\s*needs\s*\)|join\s*\(\s*needs")
_JOB_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def parse_github_workflow(file: File) -> WorkflowRecord:
    """Build the record of a parsed file.

    Raises
    ------
    InputError
        It is no workflow, or one that GitHub refuses: unknown needs, a cycle, an expression that does not end.
    """
    root = file.root
    _check_expressions(file, root)
    jobs_node = child(root, "jobs")
    if not isinstance(jobs_node, yaml.MappingNode) or not jobs_node.value:
        raise file.complain(root, "a workflow has jobs")
    jobs = tuple(_job(file, name, key, node=value) for name, key, value in pairs(jobs_node))
    _check_needs(file, jobs_node, jobs)
    concurrency = child(root, "concurrency")
    whole = plain(root)
    assert isinstance(whole, dict)  # noqa: S101  # for mypy: the root is a mapping
    return WorkflowRecord(
        path=file.path,
        provider="github",
        text=file.text,
        plain=whole,
        jobs=jobs,
        name=scalar(child(root, "name")),
        events=_events(child(root, "on")),
        has_concurrency=concurrency is not None,
        cancels=scalar(child(concurrency, "cancel-in-progress")),
        jobs_line=next(key.start_mark.line for name, key, _ in pairs(root) if name == "jobs"),
    )


def _events(node: yaml.Node | None) -> dict[str, EventRecord]:
    if not isinstance(node, yaml.MappingNode):
        return {name: EventRecord() for name in scalars(node)}
    return {
        name: EventRecord(
            branches=(*scalars(child(value, "branches")), *scalars(child(value, "branches-ignore"))),
            tags=scalars(child(value, "tags")),
            paths=(*scalars(child(value, "paths")), *scalars(child(value, "paths-ignore"))),
            line=-1 if node.flow_style else key.start_mark.line,
            column=key.start_mark.column,
            is_empty=isinstance(value, yaml.ScalarNode) and not value.value,
        )
        for name, key, value in pairs(node)
    }


def _job(file: File, name: str, key: yaml.Node, *, node: yaml.Node) -> JobRecord:
    if not _JOB_ID.fullmatch(name):
        raise file.complain(key, f"'{name}' is no id of a job")
    if not isinstance(node, yaml.MappingNode):
        raise file.complain(key, f"the job '{name}' is no mapping")
    steps, uses = child(node, "steps"), scalar(child(node, "uses"))
    if not uses and child(node, "runs-on") is None:
        raise file.complain(key, f"the job '{name}' has neither 'runs-on' nor 'uses'")
    strategy = child(node, "strategy")
    matrix = child(strategy, "matrix")
    environment = child(node, "environment")
    needs = tuple(dict.fromkeys(scalars(child(node, "needs"))))
    whole = plain(node)
    assert isinstance(whole, dict)  # noqa: S101  # for mypy: checked above
    return JobRecord(
        job_id=name,
        block=block_of(node),
        needs=needs,
        name=scalar(child(node, "name")),
        runs_on=str(plain(child(node, "runs-on"))),
        condition=scalar(child(node, "if")),
        timeout=scalar(child(node, "timeout-minutes")),
        environment=scalar(environment) or scalar(child(environment, "name")),
        uses=uses,
        legs=_legs(file, matrix),
        has_matrix=matrix is not None,
        fail_fast=scalar(child(strategy, "fail-fast")),
        strategy=block_of(strategy) if strategy is not None else None,
        steps=tuple(_step(step) for step in steps.value) if isinstance(steps, yaml.SequenceNode) else (),
        outputs=tuple(output for output, _, _ in pairs(child(node, "outputs"))),
        reads=_reads(node, needs),
        need_places=_need_places(child(node, "needs")),
        plain=whole,
    )


def _need_places(node: yaml.Node | None) -> dict[str, NeedPlace]:
    if isinstance(node, yaml.ScalarNode):
        return {
            node.value: NeedPlace(node.start_mark.line, node.start_mark.column, node.end_mark.column, is_line=False)
        }
    if not isinstance(node, yaml.SequenceNode):
        return {}
    return {
        scalar(one): NeedPlace(
            one.start_mark.line, one.start_mark.column, one.end_mark.column, is_line=not node.flow_style
        )
        for one in node.value
    }


def _legs(file: File, matrix: yaml.Node | None) -> tuple[dict[str, str], ...] | None:
    if matrix is None:
        return ({},)
    try:
        legs = expand_matrix(plain(matrix))
    except DynamicMatrix:
        return None
    if not legs:
        raise file.complain(matrix, "the matrix has no combination, which GitHub refuses")
    if len(legs) > MOST_LEGS:
        raise file.complain(matrix, f"the matrix has {len(legs)} combinations, GitHub allows {MOST_LEGS}")
    return legs


def _step(node: yaml.Node) -> StepRecord:
    inputs = child(node, "with")
    return StepRecord(
        name=scalar(child(node, "name")),
        uses=scalar(child(node, "uses")),
        run=scalar(child(node, "run")),
        condition=scalar(child(node, "if")),
        inputs={name: str(plain(value)) for name, _, value in pairs(inputs)},
        block=block_of(node),
    )


def _reads(node: yaml.Node, needs: tuple[str, ...]) -> frozenset[str]:
    """Give the needs that are read: the `needs` context holds direct needs only, so those edges must stay."""
    found: set[str] = set()
    for text in _texts(node):
        if _READ_ALL.search(text):
            return frozenset(needs)
        found.update(one or other for one, other in _READ.findall(text))
    return frozenset(found)


def _texts(node: yaml.Node) -> list[str]:
    texts, stack = [], [node]
    while stack:
        one = stack.pop()
        if isinstance(one, yaml.ScalarNode):
            texts.append(one.value)
        elif isinstance(one, yaml.MappingNode):
            stack += [value for _, value in one.value]
        else:
            stack += one.value
    return texts


def _check_expressions(file: File, root: yaml.Node) -> None:
    """Refuse `${{` without its `}}`."""
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, yaml.ScalarNode):
            rest = node.value
            while "${{" in rest:
                _, _, rest = rest.partition("${{")
                if "}}" not in rest:
                    raise file.complain(node, "an expression begins with ${{ and does not end")
                _, _, rest = rest.partition("}}")
        elif isinstance(node, yaml.MappingNode):
            stack += [value for _, value in node.value]
        else:
            stack += node.value


def _check_needs(file: File, node: yaml.Node, jobs: tuple[JobRecord, ...]) -> None:
    known = {job.job_id: job.needs for job in jobs}
    keys = {name: key for name, key, _ in pairs(node)}
    for job in jobs:
        for name in job.needs:
            if name not in known:
                raise file.complain(keys[job.job_id], f"the job '{job.job_id}' needs '{name}', which does not exist")
    done: set[str] = set()
    while ready := [name for name, needs in known.items() if name not in done and done.issuperset(needs)]:
        done.update(ready)
    if stuck := [name for name in known if name not in done]:
        raise file.complain(keys[stuck[0]], f"the jobs {', '.join(stuck)} need each other in a cycle")
