"""The hooks behind `--cipredict-collect FILE`: the exact collection, as JSON.

::

    {"schema": "cipredict.collection/1", "exitstatus": 2,
     "cases":  [{"id": "tests/test_a.py::test_b[x::y]", "markers": ["slow"]}],
     "errors": [{"id": "tests/test_broken.py", "message": "ImportError: no module named x"}]}

The output of `--collect-only -q` will not do: a second `-q` in addopts turns it into counts per file, and what plugins
print mixes with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

COLLECTION_SCHEMA = "cipredict.collection/1"
_OWN_MARKERS = frozenset({"filterwarnings", "parametrize", "skip", "skipif", "usefixtures", "xfail"})


def register_collector(config: pytest.Config) -> None:
    """Write the collection at the end of the session, in the one process that has it."""
    if not hasattr(config, "workerinput"):
        path = config.invocation_params.dir / config.option.cipredict_collect
        config.pluginmanager.register(Collector(path), "cipredict_collector")


class Collector:
    """Gathers cases and broken files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._errors: list[Mapping[str, object]] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be collected, with the last line of its traceback."""
        if report.failed:
            lines = report.longreprtext.strip().splitlines() or [""]
            self._errors.append({"id": report.nodeid, "message": lines[-1].removeprefix("E").strip()})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write what was collected; a session that ended earlier leaves no file, which the reader notices."""
        document = {
            "schema": COLLECTION_SCHEMA,
            "exitstatus": int(session.exitstatus),
            "cases": [{"id": item.nodeid, "markers": _markers(item)} for item in session.items],
            "errors": self._errors,
        }
        self._path.write_text(json.dumps(document), encoding="utf-8")


def _markers(item: pytest.Item) -> list[str]:
    """Name the markers of a case, its class and its module, sorted; pytest's own say nothing about belonging."""
    return sorted({marker.name for marker in item.iter_markers()} - _OWN_MARKERS)
