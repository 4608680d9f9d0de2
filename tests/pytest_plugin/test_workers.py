"""What controller and worker of pytest-xdist tell each other, against nodes that only record it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from cipredict.pytest_plugin.selector import Selector, register_selector


@dataclass
class Node:
    workerinput: dict[str, object] = field(default_factory=dict)
    workeroutput: dict[str, object] = field(default_factory=dict)


@dataclass
class Session:
    exitstatus: int = pytest.ExitCode.NO_TESTS_COLLECTED


class CrashedNode:
    """A worker that never said goodbye."""

    workerinput: dict[str, object]
    workeroutput: dict[str, object]


def selector(pytester: pytest.Pytester, *, of_worker: Node | None = None) -> Selector:
    (pytester.path / "plan.json").write_text('{"schema": "cipredict.selection-plan/1", "id": "p", "cases": []}')
    config = pytester.parseconfig("-p", "cipredict", "--cipredict-plan=plan.json")
    if of_worker:
        vars(config).update(workerinput=of_worker.workerinput, workeroutput=of_worker.workeroutput)
    register_selector(config)
    found = config.pluginmanager.get_plugin("cipredict_selector")
    assert isinstance(found, Selector)
    return found


pytest_plugins = ["pytester"]


def finish(found: Selector) -> int:
    session = Session()
    found.pytest_sessionfinish(session, session.exitstatus)  # type: ignore[arg-type]  # only its exit status is used
    return session.exitstatus


def test_a_worker_follows_the_plan_that_it_was_sent(pytester: pytest.Pytester) -> None:
    node = Node()
    controller = selector(pytester)
    controller.pytest_configure_node(node)

    worker = selector(pytester, of_worker=node)

    assert worker.pytest_report_header() == controller.pytest_report_header()
    assert "selection plan p" in worker.pytest_report_header()


@pytest.mark.parametrize("is_emptied", [True, False])
def test_a_worker_says_whether_the_plan_left_it_nothing(pytester: pytest.Pytester, *, is_emptied: bool) -> None:
    node = Node()
    selector(pytester).pytest_configure_node(node)
    worker = selector(pytester, of_worker=node)
    worker.note_collection(before=3, after=0 if is_emptied else 3)

    assert finish(worker) == pytest.ExitCode.NO_TESTS_COLLECTED
    assert node.workeroutput == {"cipredict_emptied": is_emptied}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param([Node(workeroutput={"cipredict_emptied": True})] * 2, pytest.ExitCode.OK, id="all"),
        pytest.param([Node(workeroutput={"cipredict_emptied": True}), Node()], 5, id="one"),
        pytest.param([Node(workeroutput={"cipredict_emptied": True}), CrashedNode()], 5, id="crashed"),
        pytest.param([], 5, id="no-worker"),
    ],
)
def test_the_controller_succeeds_only_where_the_plan_emptied_every_worker(
    pytester: pytest.Pytester, nodes: list[Node], expected: int
) -> None:
    controller = selector(pytester)
    for node in nodes:
        controller.pytest_testnodedown(node)

    assert finish(controller) == expected
