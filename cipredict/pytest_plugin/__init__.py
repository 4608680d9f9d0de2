"""The pytest plugin: follows a plan inside pytest's collection. Registered as `cipredict` (entry point `pytest11`).

Without its options it adds eight option names and does nothing else; the modules below load only when one is used.

- `choice`    which ids run and in which order: pure, knows no pytest
- `selector`  hooks that deselect and order, also on the workers of pytest-xdist
- `queue_*`   hooks behind `--cipredict-queue`: the loop, its xdist scheduler, batches to cases
- `recorder`  hooks behind `--cipredict-report`
- `quarantine` hooks that keep the failures of quarantined cases out of the exit code
- `collector` hooks behind `--cipredict-collect`, which `cipredict.act.collect` uses

Standard library, pytest and `cipredict.plans` only; for a queue also `cipredict.act.queue`, where a Redis client may
load.
"""

from __future__ import annotations

import argparse

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; their values stay plain strings, which pytest-xdist can forward."""
    group = parser.getgroup("cipredict", "following a cipredict plan")
    group.addoption(
        "--cipredict-plan",
        metavar="PLAN.json",
        action="append",
        default=[],
        help="Follow this selection plan or shard plan; name the option twice to follow one of each.",
    )
    group.addoption(
        "--cipredict-shard",
        metavar="I/N",
        help="Run shard I of N, counted from 1: as the shard plan says, else an even share of the ids.",
    )
    group.addoption(
        "--cipredict-order",
        action="store_true",
        help="Run the cases in the plan's order, cases it does not know first.",
    )
    group.addoption(
        "--cipredict-report",
        metavar="FILE",
        help="Write outcome, seconds and memory of every phase of every case, as JSON lines.",
    )
    group.addoption(
        "--cipredict-queue",
        metavar="URL",
        help="Share a queue with the other shards of the plan: dir:PATH or redis://HOST:PORT/DB.",
    )
    group.addoption(
        "--cipredict-build",
        metavar="KEY",
        help="Name of the build whose shards share the queue; by default the CI system's.",
    )
    group.addoption(
        "--cipredict-quarantine",
        metavar="PLAN.json",
        help="Report failures of the cases that this quarantine plan names, without turning the session red.",
    )
    group.addoption("--cipredict-collect", metavar="FILE", help=argparse.SUPPRESS)


def pytest_configure(config: pytest.Config) -> None:
    """Register the hooks that the options ask for.

    Raises
    ------
    pytest.UsageError
        An option cannot be meant (exit code 4). An unreadable plan is not the user's mistake: everything runs.
    """
    option = config.option
    if option.cipredict_collect:
        from cipredict.pytest_plugin.collector import register_collector  # noqa: PLC0415  # loads when asked for

        register_collector(config)  # lists what exists, whatever a plan in addopts says
        return
    if option.cipredict_plan or option.cipredict_shard or option.cipredict_order:
        from cipredict.pytest_plugin.selector import register_selector  # noqa: PLC0415  # loads when asked for

        register_selector(config)
    if option.cipredict_queue:
        from cipredict.pytest_plugin.queue_loop import register_queue  # noqa: PLC0415  # loads when asked for

        register_queue(config)
    if option.cipredict_quarantine:
        from cipredict.pytest_plugin.quarantine import register_quarantine  # noqa: PLC0415  # loads when asked for

        register_quarantine(config)
    if option.cipredict_report:
        from cipredict.pytest_plugin.recorder import register_recorder  # noqa: PLC0415  # loads when asked for

        register_recorder(config)
