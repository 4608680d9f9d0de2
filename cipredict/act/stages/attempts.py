"""One stage from its first command to its last retry: processes, time limit, services, log."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from cipredict.act.stages.interface import Outcome, Service, Stage, StageResult, Workshop
from cipredict.act.stages.output import StageLog
from cipredict.act.stages.processes import Running, start, stop, sweep

_READY_PAUSE_S = 0.1


class _Ended(Exception):  # how an attempt ends early, not an error
    def __init__(self, outcome: Outcome, reason: str, exit_code: int | None = None) -> None:
        super().__init__(reason)
        self.result = (outcome, reason, exit_code)


async def run_commands(stage: Stage, shop: Workshop) -> StageResult:
    """Run a stage's commands, again after a failure as often as it may; never raises for what they do.

    Raises OSError where the log cannot be opened.
    """
    clock = asyncio.get_running_loop().time
    begin_s = clock()
    log = StageLog(
        shop.folder.log(stage.name),
        limit_bytes=shop.limits.log_bytes,
        watch=lambda line: shop.watch(stage.name, line),
    )
    try:
        for attempt in range(1, stage.retries + 2):
            if attempt > 1:
                await asyncio.sleep(stage.backoff_s * 2 ** (attempt - 2))
                log.write(f"[cipredict: attempt {attempt}]\n".encode())
            outcome, reason, exit_code = await _Attempt(stage, shop, log).run()
            if outcome is Outcome.SUCCESS:
                break
    finally:
        log.close()
    if log.problem:
        reason = "; ".join(filter(None, (reason, f"the log is cut: {log.problem}")))
    return StageResult(stage.name, outcome, reason, exit_code, attempt, clock() - begin_s)


class _Attempt:
    def __init__(self, stage: Stage, shop: Workshop, log: StageLog) -> None:
        self._stage = stage
        self._shop = shop
        self._log = log
        self._cookie = f"{shop.cookie}.{uuid.uuid4().hex[:12]}"
        self._left = 0

    async def run(self) -> tuple[Outcome, str, int | None]:
        stage = self._stage
        try:
            async with asyncio.timeout(stage.timeout_s), self._services(stage.services):
                for command in stage.commands:
                    await self._run_command(command)
        except TimeoutError:
            return Outcome.TIMEOUT, f"took more than {stage.timeout_s:g} s", None
        except _Ended as end:
            return end.result
        reason = f"left {self._left} processes running; they were killed" if self._left else ""
        return Outcome.SUCCESS, reason, 0

    async def _run_command(self, command: tuple[str, ...]) -> None:
        async with self._process(command, "command") as process:
            exit_code = await process.wait()
        if exit_code:
            raise _Ended(Outcome.FAILURE, _spell_exit(command, exit_code), exit_code)

    @asynccontextmanager
    async def _process(self, command: tuple[str, ...], role: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Give a running process, and end it with all its children however the block is left."""
        cookie = f"{self._cookie}.{role}"
        folder = self._shop.folder.tree / self._stage.folder
        environment = {**self._stage.environment, **self._shop.environment}
        try:
            running = await start(command, folder=folder, environment=environment, cookie=cookie)
        except OSError as error:
            reason = f"{command[0]}: cannot be started in {folder} ({error.strerror})"
            raise _Ended(Outcome.FAILURE, reason, 127) from error
        pump = asyncio.create_task(self._log.pump(running.output))
        try:
            yield running.process
        finally:
            await asyncio.shield(self._end(running, pump, cookie=cookie))

    async def _end(self, running: Running, pump: asyncio.Task[None], *, cookie: str) -> None:
        process = running.process
        if process.returncode is None:
            await stop(process, cookie=cookie, grace_s=self._shop.limits.grace_s)
        else:
            self._left += await sweep(cookie)
        try:
            async with asyncio.timeout(self._shop.limits.grace_s):
                await pump  # ends at once, unless somebody escaped with the other end of the pipe
        except TimeoutError:
            self._log.write(b"\n[cipredict: a process that hides goes on printing; the stage does not wait for it]\n")
        running.pipe.close()

    @asynccontextmanager
    async def _services(self, services: Sequence[Service]) -> AsyncIterator[None]:
        """Keep services running around the block, each started once the one before is ready."""
        if not services:
            yield
            return
        service, *others = services
        async with self._process(service.command, f"service {service.name}") as process:
            await self._wait_ready(service, process)
            async with self._services(others):
                yield

    async def _wait_ready(self, service: Service, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(service.ready_within_s):
                while process.returncode is None and not await self._answers(service):
                    await asyncio.sleep(_READY_PAUSE_S)
        except TimeoutError:
            reason = f"service {service.name} was not ready within {service.ready_within_s:g} s"
            raise _Ended(Outcome.FAILURE, reason) from None
        if process.returncode is not None:
            raise _Ended(Outcome.FAILURE, f"service {service.name} ended with {process.returncode}")

    async def _answers(self, service: Service) -> bool:
        if not service.ready:
            return True
        async with self._process(service.ready, "probe") as probe:
            return await probe.wait() == 0


def _spell_exit(command: tuple[str, ...], exit_code: int) -> str:
    how = f"was ended by signal {-exit_code}" if exit_code < 0 else f"exited with {exit_code}"
    return f"{command[0]} {how}"
