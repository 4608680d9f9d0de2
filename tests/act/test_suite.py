"""A suite runs in its copy, bounded in time, and leaves no process behind."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from cipredict.act.suite import SuiteRunner

CHILD = "import time, pathlib; time.sleep(4); pathlib.Path({mark!r}).write_text('alive')"


@pytest.fixture(autouse=True)
def _quick_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def project(folder: Path, body: str) -> Path:
    (folder / "shop.py").write_text("price = 5\n", encoding="utf-8")
    (folder / "test_shop.py").write_text(f"import shop\n\ndef test_price():\n    {body}\n", encoding="utf-8")
    return folder


def test_a_report_comes_back_and_the_copy_is_what_is_imported(tmp_path: Path) -> None:
    folder = project(tmp_path, f"assert shop.__file__ == {str(tmp_path / 'shop.py')!r}")
    run = SuiteRunner().run(folder, timeout_s=60)
    assert (run.exit_code, run.has_answer, run.timed_out) == (0, True, False)
    assert b'name="test_price"' in run.report
    assert not list(folder.rglob("*.pyc"))


def test_arguments_reach_pytest_and_a_usage_error_is_no_answer(tmp_path: Path) -> None:
    run = SuiteRunner(("--no-such-option",)).run(project(tmp_path, "pass"), timeout_s=60)
    assert (run.exit_code, run.has_answer) == (4, False)
    assert run.last_words


def test_time_is_up_for_a_loop_and_for_what_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    child = CHILD.format(mark=str(mark))
    body = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    started = time.monotonic()
    run = SuiteRunner().run(project(tmp_path, body), timeout_s=3)
    assert (run.timed_out, run.exit_code, run.has_answer) == (True, None, False)
    assert time.monotonic() - started < 20
    time.sleep(4)
    assert not mark.exists()


def test_stopping_ends_running_suites_and_starts_no_more(tmp_path: Path) -> None:
    runner, runs = SuiteRunner(), []
    folder = project(tmp_path, "import time; time.sleep(60)")
    thread = threading.Thread(target=lambda: runs.append(runner.run(folder, timeout_s=60)))
    thread.start()
    time.sleep(0.5)
    runner.stop()
    thread.join(timeout=20)
    assert [run.has_answer for run in runs] == [False]
    assert runner.run(folder, timeout_s=60).exit_code is None
