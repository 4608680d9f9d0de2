"""Reading a pipeline plan back: every problem of a document is found before it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cipredict.errors import CipredictError, InputError
from cipredict.plans.document import read_plan
from cipredict.plans.fields import Fields, parse_made_from
from cipredict.plans.pipeline_plan import SCHEMA, PipelinePlan, PlannedJob, SkippedStage, verify_plan


def read_pipeline_plan(path: Path) -> PipelinePlan:
    """Read a plan file; raises InputError where it cannot be read or is not a whole pipeline plan."""
    return parse_pipeline_plan(read_plan(path, schemas=(SCHEMA,)), where=str(path))


def parse_pipeline_plan(document: Mapping[str, object], *, where: str = "The document") -> PipelinePlan:
    """Build a plan from its document, and check it as it was checked before it was written.

    Raises
    ------
    InputError
        Naming every field that is missing or of the wrong kind, or the check that fails.
    """
    problems: list[str] = []
    fields = Fields(document, problems, "")
    plan = PipelinePlan(
        name=fields.text("name"),
        made_from=parse_made_from(fields.inner("made_from")),
        jobs=tuple(map(_job, fields.inner_list("jobs"))),
        skipped=tuple(SkippedStage(one.text("stage"), one.text("reason")) for one in fields.inner_list("skipped")),
        **{key: fields.number(key) for key in _SECONDS},
        critical=fields.texts("critical"),
        chain=fields.texts("chain"),
        utilisation=_numbers(fields.inner("utilisation"), document.get("utilisation")),
        limits={name: round(units) for name, units in _numbers(fields.inner("limits"), document.get("limits")).items()},
        reasons=fields.texts("reasons"),
    )
    if not problems:
        try:
            verify_plan(plan)
        except CipredictError as error:
            problems.append(error.message)
    if problems:
        raise InputError(f"{where} is not a whole pipeline plan: {'; '.join(problems)}.", slug="plan-unreadable")
    return plan


_SECONDS = ("makespan_s", "p10_s", "p50_s", "p90_s", "lower_bound_s", "unlimited_s", "serial_s")


def _numbers(fields: Fields, value: object) -> dict[str, float]:
    return {str(name): fields.number(str(name)) for name in value} if isinstance(value, dict) else {}


def _job(fields: Fields) -> PlannedJob:
    return PlannedJob(
        name=fields.text("name"),
        stage=fields.text("stage"),
        needs=fields.texts("needs"),
        start_s=fields.number("start_s"),
        end_s=fields.number("end_s"),
        low_s=fields.number("low_s"),
        high_s=fields.number("high_s"),
        slack_s=fields.number("slack_s"),
        basis=fields.text("basis"),
        source=fields.text("source"),
        reason=fields.text("reason"),
    )
