"""The hooks behind `--cipredict-queue`: the shards of a plan share one queue of batches.

The queue is opened before collection. Where it cannot be reached by then, the session runs its static share, which is
complete and disjoint with the others', and says so. From then on every case stays collected, because any may come, and
the loop below takes the place of pytest's. Under pytest-xdist the controller claims, its workers run (`queue_xdist`).
"""

from __future__ import annotations

import os
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import pytest

from cipredict.act.queue.address import QueueAddress, open_door, parse_address, queue_key
from cipredict.act.queue.interface import Owner, QueueUnreachable
from cipredict.act.queue.member import QueueMember
from cipredict.errors import UsageError
from cipredict.ingest.environment import detect_run
from cipredict.plans.shard_queue import Batch
from cipredict.pytest_plugin.queue_cases import indexes_by_batch, read_batches
from cipredict.pytest_plugin.queue_feed import QueueFeed, TakenBatch
from cipredict.pytest_plugin.recorder import Recorder
from cipredict.pytest_plugin.selector import Selector, WorkerNode

if TYPE_CHECKING:
    from cipredict.pytest_plugin.queue_xdist import QueueScheduling

_INPUT = "cipredict_queue"
_POLL_S = 0.5
_OPTION = "--cipredict-queue"


def register_queue(config: pytest.Config) -> None:
    """Open the queue, in the one process that claims; a worker of pytest-xdist keeps the cases of all shards.

    Raises
    ------
    pytest.UsageError
        The address cannot be meant.
    """
    selector = config.pluginmanager.get_plugin("cipredict_selector")
    if not isinstance(selector, Selector):
        raise pytest.UsageError(f"{_OPTION} needs --cipredict-plan and --cipredict-shard.")
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        if workerinput.get(_INPUT):
            selector.keep_all_shards()
        return
    try:
        address = parse_address(config.option.cipredict_queue, option=_OPTION)
    except UsageError as error:
        raise pytest.UsageError(error.message) from error
    try:
        queue = _open_queue(config, selector, address)
    except (ValueError, QueueUnreachable) as error:
        selector.warn_of_queue(str(error).partition(" [")[0].rstrip("."))
        return
    selector.keep_all_shards()
    config.pluginmanager.register(queue, "cipredict_queue")


def _open_queue(config: pytest.Config, selector: Selector, address: QueueAddress) -> QueueSession:
    """Register this shard.

    Raises
    ------
    ValueError, QueueUnreachable
        Saying why there is no queue to follow.
    """
    document, shard = selector.shard_document, selector.shard
    if document is None or shard is None:
        raise ValueError("There is no shard plan to follow")
    try:
        batches = read_batches(document)
    except ValueError as error:
        raise ValueError(f"The shard plan has no queue: {error}") from error
    key = queue_key(str(document.get("id", "?")), config.option.cipredict_build or _build())
    owner = Owner(shard.number - 1, uuid.uuid4().hex[:12])
    door = open_door(address, key, batches=len(batches), token=owner.token)
    member = QueueMember(door, batches, owner, lease_s=address.lease_s)
    replayed = member.open()
    member.start_heartbeat()
    feed = QueueFeed(member, batches, shard=owner.shard, replayed=replayed)
    header = f"cipredict: queue {address} of shard plan {document.get('id', '?')}, shard {shard}"
    return QueueSession(config, member, feed, wait_s=address.wait_s, header=header, batches=batches)


def _build() -> str:
    """Name the CI run, the same in all its jobs and attempts."""
    run = detect_run(os.environ)
    return f"{run.provider} {run.repository} {run.run_id}" if run else "local"


class QueueSession:
    """Runs what the queue gives, tells what that was, and fails where the queue failed in mid-run."""

    def __init__(
        self,
        config: pytest.Config,
        member: QueueMember,
        feed: QueueFeed,
        *,
        batches: Sequence[Batch],
        wait_s: float,
        header: str,
    ) -> None:
        self._config = config
        self._member = member
        self.feed = feed
        self._batches = batches
        self._wait_s = wait_s
        self._header = header
        self._has_left = False

    def pytest_report_header(self) -> str:
        """Name queue and shard."""
        return self._header

    def learn_collection(self, case_ids: Sequence[str]) -> None:
        """Find out which batch every collected case belongs to."""
        self.feed.indexes = indexes_by_batch(self._batches, case_ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run batches in place of pytest's loop, which keeps the sessions that only collect or cannot even do that."""
        option = session.config.option
        is_broken = session.testsfailed and not option.continue_on_collection_errors
        if is_broken or option.collectonly or self._config.pluginmanager.hasplugin("dsession"):
            return None
        self.learn_collection([item.nodeid for item in session.items])
        QueueLoop(session, self.feed, wait_s=self._wait_s).run()
        return True

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: object) -> QueueScheduling:
        """Feed the workers of pytest-xdist from the queue, whatever `--dist` says."""
        from cipredict.pytest_plugin.queue_xdist import QueueScheduling  # noqa: PLC0415  # needs pytest-xdist

        return QueueScheduling(config, log, self)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerNode) -> None:
        """Tell a worker of pytest-xdist to keep the cases of all shards."""
        node.workerinput[_INPUT] = True

    @pytest.hookimpl(
        trylast=True
    )  # after all who settle the exit code, before the recorder, registered later, writes it
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Leave the queue; a session that could not run all that it had to is red."""
        self.feed.keep_unfinished()
        self._leave()
        if self.feed.problem is not None and session.exitstatus in {
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        }:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        recorder = self._config.pluginmanager.get_plugin("cipredict_recorder")
        if isinstance(recorder, Recorder):
            for batch in self.feed.taken:
                cases = len(batch.indexes)
                recorder.note("QueueBatch", {"batch": batch.number, "source": batch.source, "cases": cases})

    def pytest_unconfigure(self) -> None:
        """Leave the queue where no session came about."""
        self._leave()

    def _leave(self) -> None:
        if not self._has_left:
            self._has_left = True
            self._member.leave()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the batches came from, and loudly what went wrong."""
        terminalreporter.write_line(f"cipredict: queue: {describe_batches(self.feed.taken)}")
        if self.feed.problem is not None:
            why = str(self.feed.problem).partition(" [")[0]
            line = f"cipredict: error: {why} Not everything may have run: this session fails. [plugin-queue-lost]"
            terminalreporter.write_line(line, red=True)


def describe_batches(taken: Sequence[TakenBatch]) -> str:
    """Count batches and cases by where they came from.

    >>> describe_batches([TakenBatch(3, "own", (1, 2)), TakenBatch(9, "tail", (5,)), TakenBatch(4, "own", (3,))])
    '3 batches, 4 cases (own 3, tail 1)'
    """
    cases: Counter[str] = Counter()
    for batch in taken:
        cases[batch.source] += len(batch.indexes)
    sources = ", ".join(f"{source} {count}" for source, count in cases.items())
    return f"{len(taken)} batches, {cases.total()} cases" + (f" ({sources})" if sources else "")


class QueueLoop:
    """pytest's loop over the items, for items that come in batches."""

    def __init__(self, session: pytest.Session, feed: QueueFeed, *, wait_s: float) -> None:
        self._session = session
        self._feed = feed
        self._wait_s = wait_s
        self._coming: deque[int] = deque()

    def run(self) -> None:
        """Run until nothing can come any more, or the queue is lost."""
        session = self._session
        while self._wait_for_more() and self._feed.check():
            index = self._coming.popleft()
            follower = session.items[self._coming[0]] if self._coming else cast("pytest.Item", NextItem(self._peek))
            session.config.hook.pytest_runtest_protocol(item=session.items[index], nextitem=follower)
            self._feed.ran(index)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)

    def _has_more(self) -> bool:
        if not self._coming:
            batch = self._feed.next_batch()
            self._coming.extend(batch.indexes if batch else ())
        return bool(self._coming)

    def _peek(self) -> pytest.Item | None:
        return self._session.items[self._coming[0]] if self._has_more() else None

    def _wait_for_more(self) -> bool:
        """Wait while others hold batches that would come back if they died; their own sessions tell if that is late."""
        deadline_s = time.monotonic() + self._wait_s
        while not self._has_more():
            if self._feed.is_over() or time.monotonic() >= deadline_s:
                return False
            time.sleep(_POLL_S)
        return True


class NextItem:
    """The item after the last of a batch, which is looked for only when the teardown of the last asks for it.

    Claiming earlier would keep a batch from idle shards while a long case runs; without a next item pytest would tear
    down fixtures that the next batch needs. False where nothing follows.
    """

    def __init__(self, find: Callable[[], pytest.Item | None]) -> None:
        self._find = find
        self._found: pytest.Item | None = None
        self._has_looked = False

    def _item(self) -> pytest.Item | None:
        if not self._has_looked:
            self._has_looked = True
            self._found = self._find()
        return self._found

    def __bool__(self) -> bool:
        return self._item() is not None

    def __getattr__(self, name: str) -> object:
        return getattr(self._item(), name)
