"""A run: every stage once what it needs is done, as many at a time as the limits allow.

The graph is walked by one asyncio loop. What has been finished is in the journal before anything that needs it starts,
so a run that is killed at any moment goes on where it was (`resume`), and repeats nothing whose inputs are the same.
"""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cipredict.act.stages.approvals import wait_for_answer
from cipredict.act.stages.artifacts import keep, put_back
from cipredict.act.stages.attempts import run_commands
from cipredict.act.stages.fingerprint import fingerprint
from cipredict.act.stages.interface import Executor, Limits, Outcome, RunFolder, Stage, StageResult, When, Workshop
from cipredict.act.stages.journal import Account, Journal, read_journal
from cipredict.act.stages.processes import sweep
from cipredict.act.stages.resources import Pool, refuse_impossible
from cipredict.errors import UsageError

_FAILED = frozenset({Outcome.FAILURE, Outcome.TIMEOUT, Outcome.BLOCKED})
Judge = Callable[[StageResult], str]
"""Gives why the gates behind a stage that succeeded say no; empty where they do not."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told what happens, as it happens; nobody by default.

    Attributes
    ----------
    started : with the name of a stage
    printed : with the name of a stage and a line
    finished : with what became of it
    """

    started: Callable[[str], None] = lambda _: None
    printed: Callable[[str, str], None] = lambda _, __: None
    finished: Callable[[StageResult], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class RunResult:
    """What became of a run; `results` in the order in which the stages ended.

    Attributes
    ----------
    duration_s : from the first stage to the last
    was_cancelled : somebody stopped it
    """

    results: tuple[StageResult, ...]
    duration_s: float
    was_cancelled: bool
    red: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_green(self) -> bool:
        """Nothing that matters failed."""
        return not self.red and not self.was_cancelled


def run_stages(
    stages: Sequence[Stage],
    folder: RunFolder,
    *,
    limits: Limits,
    tree_id: str,
    resume: bool = False,
    judge: Judge = lambda _: "",
    listener: Listener | None = None,
    executor: Executor = run_commands,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RunResult:
    """Run the stages of an acyclic graph; names are unique and every need is one of them.

    SIGINT and SIGTERM cancel: processes are asked to stop, and a second signal kills them at once.

    Raises
    ------
    UsageError
        A stage needs more than there is, or waits for itself; the run is going on, or exists without `resume`.
    JournalBroken
        The journal cannot be written; all processes were stopped.
    """
    refuse_impossible(stages, limits)
    account = read_journal(folder.journal)
    if account.cookies and not resume:
        raise UsageError(f"{folder.papers} holds a run already; resume it, or name another.", slug="run-exists")
    journal = Journal(folder.journal, now=now)
    try:
        run = _Run(stages, folder, limits, account=account, journal=journal, judge=judge, tree_id=tree_id)
        run.listener = listener or Listener()
        run.executor = executor
        return asyncio.run(run.walk())
    finally:
        journal.close()


class _Run:
    def __init__(
        self,
        stages: Sequence[Stage],
        folder: RunFolder,
        limits: Limits,
        *,
        account: Account,
        journal: Journal,
        judge: Judge,
        tree_id: str,
    ) -> None:
        self.listener = Listener()
        self.executor: Executor = run_commands
        self._folder = folder
        self._limits = limits
        self._account = account
        self._journal = journal
        self._judge = judge
        self._tree_id = tree_id
        self._waiting = {stage.name: stage for stage in sorted(stages, key=lambda stage: (stage.priority, stage.name))}
        self._stages = dict(self._waiting)
        self._results: dict[str, StageResult] = {}
        self._pool = Pool(limits)
        self._running: dict[asyncio.Task[StageResult], Stage] = {}
        self._is_cancelled = False
        self._cookie = uuid.uuid4().hex

    async def walk(self) -> RunResult:
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        for cookie in self._account.cookies:  # what a killed runner left behind would run beside its successor
            await sweep(cookie)
        self._journal.write("run-started", cookie=self._cookie, stages=list(self._stages))
        try:
            with _signals(self._interrupt):
                await self._walk()
        finally:
            await self._stop_all()
        result = RunResult(
            tuple(self._results.values()), loop.time() - begin_s, self._is_cancelled, red=frozenset(self._red())
        )
        self._journal.write("run-finished", is_green=result.is_green, duration_s=result.duration_s)
        return result

    async def _walk(self) -> None:
        while self._waiting or self._running:
            for stage in self._ready():
                self._start(stage)
            if not self._running:
                if self._waiting:
                    names = ", ".join(sorted(self._waiting))
                    raise UsageError(
                        f"These stages wait for each other, or for none there is: {names}.", slug="stage-cycle"
                    )
                break
            done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                stage = self._running.pop(task)
                self._pool.release(stage)
                self._finish(_result_of(task, stage))

    def _ready(self) -> Iterator[Stage]:
        """Give the stages that may start now; those that will not run at all are finished on the way."""
        settled = True
        while settled:
            settled = False
            for stage in [stage for stage in self._waiting.values() if self._results.keys() >= set(stage.needs)]:
                verdict = self._refused(stage)
                if verdict:
                    del self._waiting[stage.name]
                    self._finish(verdict)
                    settled = True
        for stage in [stage for stage in self._waiting.values() if self._results.keys() >= set(stage.needs)]:
            if self._pool.fits(stage):
                del self._waiting[stage.name]
                yield stage

    def _refused(self, stage: Stage) -> StageResult | None:
        """Say why a stage whose needs are done does not run."""
        if self._is_cancelled:
            return StageResult(stage.name, Outcome.CANCELLED, "the run was cancelled")
        if stage.skip:
            return StageResult(stage.name, Outcome.SKIPPED, stage.skip)
        bad = [name for name in stage.needs if not self._lets_on(name)]
        if stage.when is When.ON_SUCCESS and bad:
            outcome = Outcome.CANCELLED
            return StageResult(stage.name, outcome, f"{bad[0]}: {self._results[bad[0]].outcome.value}")
        if stage.when is When.ON_FAILURE and not bad:
            return StageResult(stage.name, Outcome.SKIPPED, "nothing failed")
        return None

    def _lets_on(self, name: str) -> bool:
        outcome = self._results[name].outcome
        return outcome.is_good or (self._stages[name].may_fail and outcome in _FAILED)

    def _start(self, stage: Stage) -> None:
        devices = self._pool.take(stage)
        self._running[asyncio.create_task(self._run_stage(stage, devices), name=stage.name)] = stage

    async def _run_stage(self, stage: Stage, devices: Mapping[str, str]) -> StageResult:
        try:
            mark, earlier = await asyncio.to_thread(self._look_back, stage)
            if earlier:
                return replace(earlier, is_reused=True)
            self._journal.write("stage-started", stage=stage.name)
            self.listener.started(stage.name)
            return replace(await self._carry_out(stage, devices), fingerprint=mark)
        except OSError as error:  # a disk that is full, a file that vanished
            reason = f"{error.filename or 'its files'}: {error.strerror}"
            return StageResult(stage.name, Outcome.FAILURE, reason)

    def _look_back(self, stage: Stage) -> tuple[str, StageResult | None]:
        """Give the fingerprint, and the earlier result that still holds, with its artifacts put back."""
        needed = [self._results[name] for name in stage.needs]
        mark = fingerprint(stage, self._folder.tree, needed, tree_id=self._tree_id)
        earlier = self._account.finished.get(stage.name)
        if earlier and earlier.outcome is Outcome.SUCCESS and earlier.fingerprint == mark:
            return mark, earlier if put_back(self._folder.blobs, self._folder.tree, earlier.artifacts) else None
        return mark, None

    async def _carry_out(self, stage: Stage, devices: Mapping[str, str]) -> StageResult:
        """Ask, or run the commands, keep what they made, and then ask the gates behind them."""
        if stage.approval:
            return await wait_for_answer(stage.name, stage.approval, self._folder.approval(stage.name))
        shop = Workshop(self._folder, self._limits, self._cookie, self.listener.printed, devices)
        result = await self.executor(stage, shop)
        if result.outcome is not Outcome.SUCCESS:
            return result
        return await asyncio.to_thread(self._keep_and_judge, stage, result)

    def _keep_and_judge(self, stage: Stage, result: StageResult) -> StageResult:
        result = replace(
            result, artifacts=keep(self._folder.blobs, self._folder.tree, stage.outputs, days=stage.retention_days)
        )
        blocked = self._judge(result)
        return replace(result, outcome=Outcome.BLOCKED, reason=blocked) if blocked else result

    def _finish(self, result: StageResult) -> None:
        self._results[result.stage] = result
        if not result.is_reused:
            self._journal.finish_stage(result)
        self.listener.finished(result)

    def _interrupt(self) -> None:
        """Cancel; a second time, do not wait for what was asked to stop: the end of the run kills it."""
        self._is_cancelled = True
        for task in self._running:
            task.cancel()  # the second time, out of the wait for a process that was asked to stop

    async def _stop_all(self) -> None:
        """After an error of ours: nothing goes on behind the back of a run that ended."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await sweep(self._cookie)

    def _red(self) -> Iterator[str]:
        for name, result in self._results.items():
            if not result.outcome.is_good and not self._stages[name].may_fail:
                yield name


def _result_of(task: asyncio.Task[StageResult], stage: Stage) -> StageResult:
    if task.cancelled():
        return StageResult(stage.name, Outcome.CANCELLED, "the run was cancelled")
    return task.result()


@contextmanager
def _signals(interrupt: Callable[[], None]) -> Iterator[None]:
    """Cancel on SIGINT and SIGTERM inside the block; outside the main thread signals are somebody else's."""
    loop = asyncio.get_running_loop()
    numbers: Mapping[signal.Signals, None] = dict.fromkeys((signal.SIGINT, signal.SIGTERM))
    with suppress(ValueError, RuntimeError, NotImplementedError):
        for number in numbers:
            loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        with suppress(ValueError, RuntimeError, NotImplementedError):
            for number in numbers:
                loop.remove_signal_handler(number)
