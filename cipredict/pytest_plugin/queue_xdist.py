"""A scheduler of pytest-xdist that takes its cases from the queue: the controller claims, its workers run.

A worker needs to know its next case before it runs one, so each holds one case more than it runs. When the queue gives
nothing more the workers are told so, run what they hold and end: what a dead shard returns after that moment is left to
shards that are still running, or to the dead one's next attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler.load import LoadScheduling

from cipredict.pytest_plugin.case_ids import reported_case_id

if TYPE_CHECKING:
    import pytest
    from xdist.workermanage import WorkerController

    from cipredict.pytest_plugin.queue_loop import QueueSession

_HELD = 2
"""Cases that a worker has: the one it runs, and the next."""


class QueueScheduling(LoadScheduling):  # type: ignore[misc]  # pytest-xdist is optional and untyped here
    """LoadScheduling whose pending cases come in batches, and go out one by one."""

    def __init__(self, config: pytest.Config, log: object, queue: QueueSession) -> None:
        super().__init__(config, log)
        self.collection: list[str] | None = None
        self._queue = queue
        self._feed = queue.feed
        self._is_exhausted = False

    @property
    def tests_finished(self) -> bool:
        """Tell that the workers may end; not before the queue gives nothing more."""
        return self._is_exhausted and bool(super().tests_finished)

    def schedule(self) -> None:
        """Begin once all workers have collected the same, and go on when a worker is replaced."""
        if self.collection is None:
            if not self._check_nodes_have_same_collection():
                return
            collected: list[str] = next(iter(self.node2collection.values()))
            self.collection = collected
            self._queue.learn_collection([reported_case_id(self.config, nodeid) for nodeid in collected])
        for _ in range(_HELD):  # in turn, so that a short queue serves all workers
            for node in self.nodes:
                self._fill(node, up_to=_HELD - 1)
        for node in self.nodes:
            self.check_schedule(node)

    def check_schedule(self, node: WorkerController, duration: float = 0) -> None:  # noqa: ARG002  # xdist's signature
        """Keep a worker supplied, or tell it that nothing more comes."""
        if not node.shutting_down:
            self._fill(node, up_to=_HELD)
            if self._is_exhausted and not self.pending:
                node.shutdown()

    def _fill(self, node: WorkerController, *, up_to: int) -> None:
        while len(self.node2pending[node]) < up_to and self._has_pending_case():
            self._send_tests(node, 1)

    def _has_pending_case(self) -> bool:
        if not self.pending and not self._is_exhausted:
            batch = self._feed.next_batch() if self._feed.check() else None
            self.pending.extend(batch.indexes if batch else ())
            self._is_exhausted = batch is None
        return bool(self.pending)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Count the case before the worker gets another."""
        self._feed.ran(item_index)
        super().mark_test_complete(node, item_index, duration)

    def remove_node(self, node: WorkerController) -> str | None:
        """Count the case in which a worker crashed: pytest-xdist reports it as failed."""
        running = self.node2pending[node][:1]
        crashed: str | None = super().remove_node(node)
        for index in running if crashed is not None else ():
            self._feed.ran(index)
        return crashed
