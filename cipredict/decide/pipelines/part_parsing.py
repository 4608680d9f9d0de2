"""Caches, case plans and times of a pipeline.toml, and what a stage may not combine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cipredict.decide.pipelines.table import Table, choice, text, texts, truth
from cipredict.plans.pipeline_model import Stage
from cipredict.plans.pipeline_parts import Cache, CacheUse, CaseMode, CasePlan

_FIELD = r"(\*|[0-9]{1,2}(-[0-9]{1,2})?)(/[0-9]{1,2})?"
_CRON = re.compile(rf"{_FIELD}(,{_FIELD})*( {_FIELD}(,{_FIELD})*){{4}}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_.-]*", re.ASCII)
_SCOPE = re.compile(r"[a-z-]+", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_GOALS = ("target", "confidence")
_PLACEHOLDERS = ("{run}", "{os}", "{files}")


def crons(value: object) -> tuple[str, ...]:
    """Take times in cron's form, five fields of numbers: both providers read them so."""
    found = texts(value)
    for cron in found:
        if not _CRON.fullmatch(cron):
            raise ValueError(f"is no time in cron's form, such as '17 3 * * *': {cron!r}")
    return found


def parse_caches(value: object, stage: str, problems: list[str]) -> tuple[Cache, ...]:
    """Read the caches of a stage, by name."""
    if not isinstance(value, Mapping):
        raise TypeError(f"must be a table of caches, not {value!r}")
    return tuple(
        _cache(str(name), Table(item, problems, where=f"stage '{stage}', cache '{name}'"))
        for name, item in value.items()
    )


def _cache(name: str, table: Table) -> Cache:
    cache = Cache(
        name,
        paths=table.take("paths", texts, ()),
        key=table.take("key", text, ""),
        restore=table.take("restore", texts, ()),
        files=table.take("files", texts, ()),
        use=table.take("use", choice(CacheUse), CacheUse.KEEP),
        saves_always=table.take("saves_always", truth, False),  # noqa: FBT003  # the default
    )
    if not cache.paths or not cache.key:
        table.complain("needs 'paths' and 'key'")
    for template in (cache.key, *cache.restore):
        if not _KEY.fullmatch(_plain(template)):
            known = ", ".join(_PLACEHOLDERS)
            table.complain(f"a key holds letters, digits, -, _, . and {known}: {template!r}")
    if ("{files}" in cache.key) != bool(cache.files):
        table.complain("'{files}' in the key and 'files' go together")
    table.refuse_rest("files, key, paths, restore, saves_always, use")
    return cache


def _plain(template: str) -> str:
    for placeholder in _PLACEHOLDERS:
        template = template.replace(placeholder, "")
    return template


def parse_case_plan(value: object, stage: str, problems: list[str]) -> CasePlan:
    """Read how the cases of a stage are planned; one goal at most."""
    table = Table(value, problems, where=f"stage '{stage}', plan")
    goals = {name: goal for name in _GOALS if (goal := table.take(name, text, ""))}
    if len(goals) > 1:
        table.complain(f"give one of {', '.join(_GOALS)}")
    goal, goal_text = next(iter(goals.items()), ("", ""))
    if not re.fullmatch(r"[0-9.]*[a-z0-9.]*%?", goal_text, re.ASCII):
        table.complain(f"'{goal}' is a share or a duration, such as 30% or 10m: {goal_text!r}")
    plan = CasePlan(
        mode=table.take("mode", choice(CaseMode), CaseMode.SHARD),
        goal=goal,
        goal_text=goal_text,
        cases=table.take("cases", text, "known"),
        is_fewest=table.take("fewest", truth, False),  # noqa: FBT003  # the default
    )
    if plan.cases not in {"known", "collect"}:
        table.complain("'cases' is one of known, collect")
    if goal and plan.mode is CaseMode.SHARD:
        table.complain(f"'{goal}' needs a mode that selects: select-shard or observe")
    table.refuse_rest("cases, confidence, fewest, mode, target")
    return plan


def odd_parts(stage: Stage) -> Iterator[str]:
    """Give what does not fit together."""
    if stage.plan and (stage.shards < 2 or stage.matrix):
        yield "'plan' divides cases among 'shards', 2 or more, and goes with no matrix"
    for scope, access in stage.permissions.items():
        if not _SCOPE.fullmatch(scope) or access not in {"read", "write"}:
            yield f"a permission is a scope with read or write, such as actions = 'read': {scope} = {access!r}"
    for variable, secret in stage.secrets.items():
        if not _VARIABLE.fullmatch(variable) or not _VARIABLE.fullmatch(secret):
            yield f"'secrets' holds names of variables and secrets: {variable} = {secret!r}"
