"""The hooks that make a session follow its plans.

Under pytest-xdist the controller reads the plans once and sends them to its workers, so that every worker collects the
same cases in the same order even when the file changes or is not on the worker's machine::

    controller  reads plans -> workerinput["cipredict_plans"]      <- workeroutput["cipredict_emptied"]
    worker      decodes     -> deselects and orders its collection -> says whether it deselected everything

A plan that cannot be read makes every case run, in every shard: another shard may hold a good copy of it, and an even
share here would leave out what that shard expects of this one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import pytest

from cipredict.errors import InputError
from cipredict.plans.document import read_plan
from cipredict.plans.gpu_tests import GPU_MARKER
from cipredict.pytest_plugin.choice import (
    SELECTION_SCHEMA,
    SHARD_SCHEMA,
    Choice,
    Shard,
    arrange,
    choose,
    describe,
    parse_shard,
    read_selection,
    read_sharding,
)

_INPUT = "cipredict_plans"
_OUTPUT = "cipredict_emptied"


class WorkerNode(Protocol):
    """What we use of pytest-xdist's WorkerController; `workeroutput` is missing when the worker crashed."""

    workerinput: dict[str, object]
    workeroutput: dict[str, object]


@dataclass(frozen=True, slots=True)
class _Plans:
    """The plan documents of a session, at most one of each schema, and why they cannot be followed, if so."""

    selection: Mapping[str, object] | None = None
    sharding: Mapping[str, object] | None = None
    problem: str = ""


def register_selector(config: pytest.Config) -> None:
    """Read the plans and hook into collection.

    Raises
    ------
    pytest.UsageError
        The shard is not I/N, a named plan does not exist, or two plans are of the same kind.
    """
    shard = _shard(config.option.cipredict_shard)
    workerinput = getattr(config, "workerinput", None)
    plans = _read_plans(config) if workerinput is None else _decode_plans(workerinput[_INPUT])
    config.pluginmanager.register(Selector(config, plans, shard), "cipredict_selector")


def _shard(text: str | None) -> Shard | None:
    try:
        return parse_shard(text) if text else None
    except ValueError as error:
        raise pytest.UsageError(f"--cipredict-shard {error}.") from error


def _read_plans(config: pytest.Config) -> _Plans:
    found: dict[str, Mapping[str, object]] = {}
    problems = []
    for name in config.option.cipredict_plan:
        path = config.invocation_params.dir / name
        if not path.is_file():
            raise pytest.UsageError(f"--cipredict-plan: there is no file {path}.")
        try:
            document = read_plan(path, schemas=(SELECTION_SCHEMA, SHARD_SCHEMA))
        except InputError as error:
            problems.append(error.message)
            continue
        if found.setdefault(str(document["schema"]), document) is not document:
            raise pytest.UsageError(f"--cipredict-plan: {path} is the second plan of its kind, name one.")
    return _Plans(found.get(SELECTION_SCHEMA), found.get(SHARD_SCHEMA), " ".join(problems))


def _decode_plans(text: str) -> _Plans:
    return _Plans(*json.loads(text))


def _encode_plans(plans: _Plans) -> str:
    return json.dumps([plans.selection, plans.sharding, plans.problem])


def _choice(plans: _Plans, shard: Shard | None, *, keeps_order: bool) -> Choice:
    """Combine plans and options.

    Raises
    ------
    ValueError
        Saying why the plans cannot be followed.
    """
    if plans.problem:
        raise ValueError(plans.problem)
    return Choice(
        read_selection(plans.selection) if plans.selection else None,
        read_sharding(plans.sharding) if plans.sharding else None,
        shard,
        keeps_order=keeps_order,
    )


class Selector:
    """Deselects and orders the collection of one process, and turns "no tests" into success where that was the plan."""

    def __init__(self, config: pytest.Config, plans: _Plans, shard: Shard | None) -> None:
        self._config = config
        self._plans = plans
        self._is_worker = hasattr(config, "workerinput")
        self._warnings: list[str] = []
        self._emptied: list[bool] = []  # one entry per process that collected
        try:
            self._choice = _choice(plans, shard, keeps_order=not config.option.cipredict_order)
        except ValueError as error:
            self._choice = Choice()
            self._warn(f"The plan cannot be followed: {str(error).rstrip('.')}.")
        self._check_fit()

    def _check_fit(self) -> None:
        choice, sharding, shard = self._choice, self._choice.sharding, self._choice.shard
        if sharding and not shard:
            self._warn("A shard plan needs --cipredict-shard I/N.")
        elif sharding and shard and sharding.count != shard.count:
            self._warnings.append(
                f"The shard plan holds {sharding.count} shards, --cipredict-shard is {shard}. "
                f"Its shards are dealt out to {shard.count} jobs, which is complete but not balanced. "
                "[plugin-shard-count]"
            )
        if not choice.keeps_order and not choice.selection and not self._warnings:
            self._warnings.append(
                "--cipredict-order needs a selection plan. Cases run in pytest's order. [plugin-no-order]"
            )

    @property
    def shard(self) -> Shard | None:
        """Give the shard to run; None also where the plans cannot be followed."""
        return self._choice.shard

    @property
    def shard_document(self) -> Mapping[str, object] | None:
        """Give the shard plan, if one is followed and made for as many shards as there are."""
        sharding, shard = self._choice.sharding, self._choice.shard
        fits = sharding is not None and shard is not None and sharding.count == shard.count
        return self._plans.sharding if fits else None

    def keep_all_shards(self) -> None:
        """Leave the choice among shards to a queue."""
        self._choice = replace(self._choice, sharding=None, shard=None)

    def warn_of_queue(self, why: str) -> None:
        """Say that there is no queue."""
        self._warnings.append(f"The queue is not used: {why}. Cases are divided as without it. [plugin-queue-unused]")

    def _warn(self, what: str) -> None:
        self._warnings.append(f"{what} Every case runs. [plugin-plan-ignored]")

    def pytest_report_header(self) -> str:
        """Name the plan in the header."""
        return f"cipredict: {describe(self._choice)}"

    @pytest.hookimpl(trylast=True)  # after -k, -m and fixture grouping, before xdist appends its group to the ids
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Drop the cases that do not run here, and order the rest if asked to."""
        before = len(items)
        try:
            self._follow(items)
        except Exception as error:  # noqa: BLE001  # a session never fails on our account: in doubt, run
            self._warn(f"This is a bug of cipredict, please report it: {error!r}.")
        self.note_collection(before=before, after=len(items))

    def note_collection(self, *, before: int, after: int) -> None:
        """Note whether the plan took every case that `-k`, `-m` and the like had left."""
        self._emptied.append(before > 0 and after == 0)

    def _follow(self, items: list[pytest.Item]) -> None:
        marked = {item.nodeid for item in items if item.get_closest_marker(GPU_MARKER)}
        chosen = choose([item.nodeid for item in items], self._choice, needs_gpu=marked)
        kept = [item for item in items if item.nodeid in chosen]
        dropped = [item for item in items if item.nodeid not in chosen]
        ordered = [kept[i] for i in arrange([item.nodeid for item in kept], self._choice)]
        if dropped:
            self._config.hook.pytest_deselected(items=dropped)
        items[:] = ordered

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerNode) -> None:
        """Hand the plans to a worker of pytest-xdist."""
        node.workerinput[_INPUT] = _encode_plans(self._plans)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: WorkerNode) -> None:
        """Note whether a worker deselected everything; a crashed one did not."""
        output: Mapping[str, object] = getattr(node, "workeroutput", {})
        self._emptied.append(output.get(_OUTPUT) is True)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Exit with 0 instead of 5 only where every process had cases and our plan deselected all of them."""
        emptied = bool(self._emptied) and all(self._emptied)
        if self._is_worker:
            output: dict[str, object] = self._config.workeroutput  # type: ignore[attr-defined]  # set by xdist
            output[_OUTPUT] = emptied
        elif emptied and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was not followed, also under `-q`, which hides the header."""
        for line in self._lines():
            terminalreporter.write_line(line, yellow=True)

    def pytest_unconfigure(self) -> None:
        """Say the same on stderr when there is no terminal reporter."""
        if not self._is_worker and not self._config.pluginmanager.hasplugin("terminalreporter"):
            sys.stderr.writelines(f"{line}\n" for line in self._lines())

    def _lines(self) -> Sequence[str]:
        return [f"cipredict: warning: {warning}" for warning in self._warnings]
