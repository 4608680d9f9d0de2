"""The runner's side of a cluster: stages go out as tasks, their logs are followed, a worker's death is seen.

All machines see the project's folder under one path: stages run there, and their logs and artifacts lie there, as
with the local runner. A stage whose worker dies counts as failed once, and is started again where it has `retries`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cipredict.act.cluster.guardian import Order
from cipredict.act.cluster.work import StartedElsewhere, carry_out, stop
from cipredict.act.stages.interface import Outcome, Stage, StageResult, Workshop
from cipredict.act.stages.output import Lines
from cipredict.errors import UsageError

if TYPE_CHECKING:
    from distributed import Client, Future

_LOOK_S = 0.05
_CHUNK_BYTES = 1024 * 1024
_WORKERS_EVERY_S = 1.0
_TRIES = 100
"""So often no worker may know a stage that is to be stopped: it has just been taken, or its worker is gone."""
_ALONE_S = 30.0
"""A cluster without any worker for so long fails the stages that wait for one: restarts take seconds."""


class _GivenUp(Exception):
    """The cluster cannot bring a stage to its end; why."""


class Cluster:
    """An executor of stages."""

    def __init__(self, client: Client, *, alone_s: float = _ALONE_S) -> None:
        self._client = client
        self._alone_s = alone_s
        self._busy: Counter[str] = Counter()

    @property
    def slots(self) -> int:
        """Count the threads of all workers: so many stages run at once."""
        return sum(worker["nthreads"] for worker in self._workers().values())

    def resource(self, name: str) -> Sequence[int]:
        """Give how much of a resource each worker declares (`dask worker --resources gpu=1`)."""
        return [int(worker["resources"].get(name, 0)) for worker in self._workers().values()]

    async def __call__(self, stage: Stage, shop: Workshop) -> StageResult:
        """Run a stage on some worker, again where its worker dies and it may be retried."""
        for attempt in range(1, stage.retries + 2):
            try:
                result = await self._run_once(replace(stage, retries=stage.retries + 1 - attempt), shop)
            except StartedElsewhere as death:
                reason = f"its worker {death} died; with `retries` it is started again"
                result = StageResult(stage.name, Outcome.FAILURE, reason, attempts=attempt)
                await asyncio.sleep(shop.limits.grace_s)  # so long may what that worker had started take to end
            else:
                return replace(result, attempts=result.attempts + attempt - 1)
        return result

    async def _run_once(self, stage: Stage, shop: Workshop) -> StageResult:
        clock = asyncio.get_running_loop().time
        begin_s = clock()
        token = uuid.uuid4().hex[:12]
        claim = shop.folder.papers / "claims" / token
        claim.parent.mkdir(parents=True, exist_ok=True)
        away = replace(shop, cookie=f"{shop.cookie}.{token}", watch=_unwatched)
        units = {name: amount for name, amount in stage.resources.items() if amount and any(self.resource(name))}
        place = self._idlest(units)
        tail = _Tail(shop, stage.name)
        self._busy.update(place)
        future = self._client.submit(
            carry_out,
            Order(stage, away, str(claim)),
            key=f"stage-{token}",
            resources=units,
            workers=place,
            allow_other_workers=True,
            retries=0,
            priority=-stage.priority,
        )
        try:
            await self._follow(future, tail)
            return self._result(future)
        except asyncio.CancelledError:
            await self._stop(future, claim)
            raise
        except _GivenUp as why:
            self._abandon(future, claim)
            return StageResult(stage.name, Outcome.FAILURE, str(why), duration_s=clock() - begin_s)
        finally:
            self._busy.subtract(place)
            tail.end()

    def _idlest(self, units: Mapping[str, int]) -> Sequence[str]:
        """Give the worker with the most free threads; Dask may put a stage behind one that it takes for short."""
        able = {
            address: (self._busy[address] - worker["nthreads"], address)
            for address, worker in self._workers().items()
            if all(worker["resources"].get(name, 0) >= amount for name, amount in units.items())
        }
        return [min(able, key=able.__getitem__)] if able else []

    async def _follow(self, future: Future[StageResult], tail: _Tail) -> None:
        """Wait for the end, showing what the stage prints; give up where there is nobody to run it."""
        clock = asyncio.get_running_loop().time
        seen_s = looked_s = clock()
        while not future.done():
            await asyncio.sleep(_LOOK_S)
            tail.show()
            if clock() - looked_s < _WORKERS_EVERY_S:
                continue
            looked_s = clock()
            if self._workers():
                seen_s = looked_s
            elif looked_s - seen_s > self._alone_s:
                raise _GivenUp(f"the cluster had no worker for {self._alone_s:g} s")

    @staticmethod
    def _result(future: Future[StageResult]) -> StageResult:
        """Give what became of a task; raises StartedElsewhere where its worker died."""
        if future.cancelled():
            raise _GivenUp("the scheduler of the cluster no longer answers")
        error = future.exception()
        if isinstance(error, StartedElsewhere):
            raise error
        if error is not None:
            raise _GivenUp(f"the cluster gave it up: {' '.join(str(error).split())[:300]}")
        return future.result()

    async def _stop(self, future: Future[StageResult], claim: Path) -> None:
        """End a stage wherever it is; cancelled again, end it at once."""
        if not self._abandon(future, claim):
            return
        is_asked, tries = False, 0
        while not future.done() and tries < _TRIES:
            try:
                if not is_asked:
                    is_asked = await asyncio.to_thread(self._ask_to_stop, claim)
                    tries += 1
                await asyncio.sleep(_LOOK_S)
            except asyncio.CancelledError:
                is_asked, tries = False, 0

    def _abandon(self, future: Future[StageResult], claim: Path) -> bool:
        """Let nobody start a stage from now on; True where somebody has, and must be told to stop."""
        try:
            claim.touch(exist_ok=False)
        except FileExistsError:
            return True
        self._client.cancel([future], force=True)
        return False

    def _ask_to_stop(self, claim: Path) -> bool:
        """Tell every worker, so that the one that has it hears it; give whether one has."""
        with suppress(OSError):  # the scheduler is gone, and with it the workers' tasks
            return any(self._client.run(stop, str(claim), on_error="ignore").values())
        return False

    def _workers(self) -> Mapping[str, Mapping[str, Any]]:  # Any: what the scheduler tells about each
        workers: Mapping[str, Mapping[str, Any]] = self._client.scheduler_info(n_workers=-1)["workers"]
        return workers


class _Tail:
    """What a stage adds to its log, shown as it comes."""

    def __init__(self, shop: Workshop, stage: str) -> None:
        self._path = shop.folder.log(stage)
        self._at = self._path.stat().st_size if self._path.exists() else 0
        self._lines = Lines(lambda line: shop.watch(stage, line))

    def show(self) -> None:
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._at)
            while chunk := file.read(_CHUNK_BYTES):
                self._at += len(chunk)
                self._lines.show(chunk)

    def end(self) -> None:
        self.show()
        self._lines.end()


@contextmanager
def open_cluster(scheduler: str | None, *, workers: int, patience_s: float = 10.0) -> Iterator[Cluster]:
    """Give the cluster of a scheduler, or one of `workers` processes on this machine for as long as the block lasts.

    Raises
    ------
    UsageError
        No scheduler answers there, or it has no worker.
    """
    from distributed import Client, LocalCluster  # noqa: PLC0415  # the extra `dask`, only where it is asked for

    if scheduler is None:
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0") as local,
            Client(local) as client,
        ):
            yield Cluster(client)
        return
    try:
        client = Client(scheduler, timeout=patience_s, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"No Dask scheduler answers at {scheduler}.", slug="dask-scheduler") from error
    with client:
        cluster = Cluster(client)
        if not cluster.slots:
            raise UsageError(f"The Dask scheduler at {scheduler} has no worker.", slug="dask-scheduler")
        yield cluster


def _unwatched(_stage: str, _line: str) -> None:
    """Show nothing on a worker: the log is followed where the runner is."""
