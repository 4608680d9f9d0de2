"""All improvements of an imported workflow. Deployments, approvals, smoke gates and side effects keep their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from cipredict.decide.pipelines import hygiene
from cipredict.decide.pipelines.estimates import StageHistory, estimate_stages, no_history
from cipredict.decide.pipelines.graph_rules import GateDecision, cost_of, guarded, implied_needs, without_needs
from cipredict.decide.pipelines.improvement import CacheAdvice, Edit, Improvement
from cipredict.decide.pipelines.workflow_graph import (
    PARALLEL_JOBS,
    Gains,
    is_guard,
    passes_artifacts,
    reads_results,
    releases,
    stages_of,
)
from cipredict.workflow_records import JobRecord, Plain, WorkflowRecord


def improve_workflow(
    workflow: WorkflowRecord,
    *,
    history: StageHistory = no_history,
    p_fail: Mapping[str, float] | None = None,
    caches: Mapping[str, CacheAdvice] | None = None,
    max_parallel: int = PARALLEL_JOBS,
    default_branch: str = "main",
) -> tuple[Improvement, ...]:
    """Find what to improve; `p_fail` holds predicted probabilities by job, `caches` what the cache advisor found.

    Text edits are made for GitHub only: of GitLab files the graph alone is judged.
    """
    gains = Gains(workflow.name or workflow.path, history, max_parallel=max_parallel)
    found = [
        *_implied(workflow, gains),
        *_order_only(workflow, gains, p_fail=p_fail or {}, history=history),
        *_mergeable(workflow),
        *_twice(workflow),
    ]
    if workflow.provider == "github":
        found += [
            *hygiene.timeouts(workflow, history),
            *hygiene.concurrency(workflow),
            *hygiene.path_filters(workflow),
            *hygiene.caches(workflow, caches or {}),
            *hygiene.double_runs(workflow, default_branch=default_branch),
            *hygiene.fail_fast(workflow),
        ]
    return tuple(found)


def _implied(workflow: WorkflowRecord, gains: Gains) -> Iterator[Improvement]:
    stages = stages_of(workflow)
    for name, implied in implied_needs(stages).items():
        job = workflow.job(name)
        for need in implied:
            refused = _why_edge_stays(job, need) or _why_implied_stays(workflow, job, between=guarded(stages, need))
            after = without_needs(stages, name, [need])
            gain, unlimited = gains.gain(stages, after)
            yield Improvement(
                "implied-need",
                name,
                f"needs '{need}', which its other needs imply",
                why_safe="it waits for the same jobs; neither needs.X nor a result of that job is read"
                if not refused
                else "",
                saves="an edge to read and to keep right",
                gain_s=gain,
                unlimited_gain_s=unlimited,
                edits=() if refused else _drop_need(workflow, job, need),
                refused=refused,
            )


def _why_edge_stays(job: JobRecord, need: str) -> str:
    if need in job.reads:
        return f"it reads needs.{need}, and that holds direct needs only"
    if reads_results(job):
        return "its condition asks how its needs ended"
    if releases(job):
        return "it deploys or publishes"
    return ""


def _why_implied_stays(workflow: WorkflowRecord, job: JobRecord, *, between: Sequence[str]) -> str:
    """Tell where the longer way does not carry what the direct edge does."""
    if workflow.provider == "gitlab":
        return "GitLab passes artifacts along direct needs only"
    others = (workflow.job(name) for name in between if name != job.job_id)
    if any(reads_results(other) for other in others):
        return "a job on the longer way runs whatever happened before it"
    return ""


def _drop_need(workflow: WorkflowRecord, job: JobRecord, need: str) -> tuple[Edit, ...]:
    """Delete one need where it is written; nothing where it is not written in one of the usual forms."""
    place = job.need_places.get(need)
    if place is None:
        return ()
    rest: list[Plain] = [name for name in job.needs if name != need]
    path = ("jobs", job.job_id, "needs")
    line = workflow.text.splitlines()[place.line]
    if not rest:
        is_whole = line.split("#")[0].strip() in {f"needs: {need}", f"needs: [{need}]"}
        return (Edit(place.line, place.line + 1, "", path, None),) if is_whole else ()
    if place.is_line:
        return (Edit(place.line, place.line + 1, "", path, rest),) if line.strip() == f"- {need}" else ()
    if len({one.line for one in job.need_places.values()}) > 1:
        return ()
    head, tail = line[: place.column], line[place.end :].lstrip()
    tail = tail[1:].lstrip() if tail.startswith(",") else tail
    if tail.startswith("]"):
        head = head.rstrip().removesuffix(",")
    return (Edit(place.line, place.line + 1, head + tail, path, rest),)


def _order_only(
    workflow: WorkflowRecord, gains: Gains, *, p_fail: Mapping[str, float], history: StageHistory
) -> Iterator[Improvement]:
    """Weigh each edge that carries nothing but an order."""
    stages = stages_of(workflow)
    estimates = estimate_stages(workflow.name or workflow.path, stages, history)
    seconds = {name: estimate.expected_s for name, estimate in estimates.items()}
    implied = implied_needs(stages)
    for job in workflow.jobs:
        for need in job.needs:
            if need in implied.get(job.job_id, ()) or need not in seconds:
                continue
            gate = workflow.job(need)
            refused = _why_edge_stays(job, need) or _why_gate_stays(gate, job)
            if refused == _CARRIES:
                continue
            after = without_needs(stages, job.job_id, [need])
            gain, unlimited = gains.gain(stages, after)
            yield _weigh(
                job,
                gate,
                gain=gain,
                unlimited=unlimited,
                refused=refused,
                p_fail=p_fail.get(need),
                cost_s=cost_of(stages, [job.job_id, *guarded(stages, job.job_id)], seconds),
                edits=_drop_need(workflow, job, need),
            )


_CARRIES = "artifacts or outputs may pass between them"


def _why_gate_stays(gate: JobRecord, job: JobRecord) -> str:
    if gate.outputs or passes_artifacts(gate, job):
        return _CARRIES
    if releases(gate):
        return f"'{gate.job_id}' changes something outside"
    if is_guard(gate):
        return f"'{gate.job_id}' is a smoke gate by its name"
    return ""


def _weigh(
    job: JobRecord,
    gate: JobRecord,
    *,
    gain: float,
    unlimited: float,
    refused: str,
    p_fail: float | None,
    cost_s: float,
    edits: tuple[Edit, ...],
) -> Improvement:
    what = f"waits for '{gate.job_id}' only for the order"
    if not refused and p_fail is None:
        refused = "nothing predicts how often that job fails, which decides whether waiting pays"
    decision = GateDecision(p_fail or 0.0, cost_s, gain)
    if not refused and decision.keeps:
        refused = f"waiting pays: {decision}"
    return Improvement(
        "parallelise",
        job.job_id,
        what,
        why_safe="" if refused else f"nothing passes between them, and starting at once pays: {decision}",
        gain_s=gain,
        unlimited_gain_s=unlimited,
        edits=() if refused else edits,
        refused=refused,
    )


_SHAPE = ("runs-on", "needs", "if", "permissions", "container", "services", "env", "defaults")


def _mergeable(workflow: WorkflowRecord) -> Iterator[Improvement]:
    """Find jobs that differ in their last steps only."""
    for one, other in combinations(workflow.jobs, 2):
        shared = _shared_setup(one, other)
        if shared < 2 or not _same_shape(one, other):
            continue
        yield Improvement(
            "merge",
            f"{one.job_id} + {other.job_id}",
            f"the same runner, needs, condition and first {shared} steps",
            saves=f"one of two setups of {shared} steps; the later of the two ends later",
            refused="required checks may name them: merge them by hand",
        )


def _same_shape(one: JobRecord, other: JobRecord) -> bool:
    plainest = not any(
        job.has_matrix or job.uses or job.outputs or releases(job) or is_guard(job) for job in (one, other)
    )
    return plainest and all(one.plain.get(key) == other.plain.get(key) for key in _SHAPE)


def _shared_setup(one: JobRecord, other: JobRecord) -> int:
    count = 0
    for mine, theirs in zip(one.steps, other.steps, strict=False):
        if (mine.uses, mine.run, mine.inputs, mine.condition) != (
            theirs.uses,
            theirs.run,
            theirs.inputs,
            theirs.condition,
        ):
            break
        count += 1
    return count


def _twice(workflow: WorkflowRecord) -> Iterator[Improvement]:
    """Find jobs that do the same."""
    for one, other in combinations(workflow.jobs, 2):
        if _essence(one) == _essence(other) and not releases(one):
            yield Improvement(
                "duplicate-job",
                f"{one.job_id} + {other.job_id}",
                "the same steps on the same runner under the same condition",
                saves="one of the two",
                refused="required checks may name them: delete one by hand",
            )


def _essence(job: JobRecord) -> dict[str, object]:
    return {key: value for key, value in job.plain.items() if key not in {"name", "needs"}}


def edits_of(improvements: Sequence[Improvement]) -> tuple[Edit, ...]:
    """Give the edits that can be made at once: those of one place once, and no edge that makes another one redundant.

    A need is implied through other edges. Where one is dropped for that reason no other edge goes: the next run of the
    same command looks at what is left.
    """
    rules = {improvement.rule for improvement in improvements if improvement.edits}
    taken: dict[tuple[str, ...], Edit] = {}
    for improvement in improvements:
        if improvement.rule == "parallelise" and ("implied-need" in rules or any("needs" in path for path in taken)):
            continue
        for edit in improvement.edits:
            taken.setdefault(edit.path, edit)
    return tuple(taken.values())
