"""Whole sessions that share a queue: several real processes, deaths, retries, and a queue that fails."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cipredict.decide.division import ShardOptions
from cipredict.decide.shard import plan_shards
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.ids import case_file
from cipredict.plans.document import MadeFrom, write_plan

CASES = 24
SUITE = f"""
import os, time
import pytest

@pytest.mark.parametrize("i", range({CASES}))
def test_p(i):
    with open("ran.txt", "a") as log:
        log.write(f"{{os.environ['SHARD']}} {{i}}\\n")
    time.sleep(float(os.environ.get("SLEEP", "0.02")))
    assert os.environ.get("RED") != str(i)

def test_newcomer():
    with open("ran.txt", "a") as log:
        log.write(f"{{os.environ['SHARD']}} new\\n")
"""
IDS = [f"test_a.py::test_p[{number}]" for number in range(CASES)]


class Build:
    """A suite, its plan and the sessions of one build."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[str]] = []
        (folder / "test_a.py").write_text(SUITE)

    def plan(self, shards: int, *, tail: float = 0.2, whole_files: bool = False) -> None:
        cases = [DurationForecast(case, 1.0 + at / 10, 0.5, 9.0, Basis.HISTORY, 3) for at, case in enumerate(IDS)]
        options = ShardOptions(tail_share=tail, group_of=case_file if whole_files else None)
        plan = plan_shards(cases, shards, made_from=MadeFrom("0"), options=options)
        write_plan(self.folder / "plan.json", plan.to_document())

    def start(
        self, shard: str, *options: str, queue: str = "dir:q?lease=3s", **environment: str
    ) -> subprocess.Popen[str]:
        arguments = [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "cipredict",
                "-p",
                "no:cacheprovider",
                "--cipredict-plan=plan.json",
            ),
            *(f"--cipredict-shard={shard}", f"--cipredict-queue={queue}", "--cipredict-build=b", *options),
        ]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CIPREDICT_"))}
        process = subprocess.Popen(
            arguments,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "SHARD": shard[0], **environment},
        )
        self.processes.append(process)
        return process

    def run(self, shard: str, *options: str, queue: str = "dir:q?lease=3s", **environment: str) -> tuple[int, str]:
        process = self.start(shard, *options, queue=queue, **environment)
        output = process.communicate(timeout=120)[0]
        return process.returncode, output

    def ran(self) -> list[tuple[str, str]]:
        """Give (shard, case) of every run so far, in order."""
        path = self.folder / "ran.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(line.split()[0], line.split()[1]) for line in lines]

    def wait_for_runs(self, count: int, *, shard: str) -> None:
        deadline_s = time.monotonic() + 60
        while sum(who == shard for who, _ in self.ran()) < count:
            assert time.monotonic() < deadline_s, f"shard {shard} does not run"
            time.sleep(0.02)


def each_once() -> Counter[str]:
    return Counter([*map(str, range(CASES)), "new"])


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    made = Build(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def end(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(outputs)
    return outputs


def test_shards_together_run_every_case_once_and_say_where_their_batches_came_from(build: Build) -> None:
    build.plan(3)

    outputs = end([build.start(f"{number}/3", "-v", f"--cipredict-report=r{number}.jsonl") for number in (1, 2, 3)])

    assert Counter(case for _, case in build.ran()) == each_once()
    assert all("cipredict: queue: " in output for output in outputs)
    assert "cipredict: queue dir:q of shard plan" in outputs[0]
    reports = "".join(path.read_text() for path in build.folder.glob("r*.jsonl"))
    batches = [line for line in map(json.loads, reports.splitlines()) if line["$report_type"] == "QueueBatch"]
    assert sum(line["cases"] for line in batches) == CASES + 1
    assert {line["source"] for line in batches} >= {"own", "tail"}


def test_a_killed_shards_cases_are_run_by_the_others_and_its_retry_replays_only_what_it_finished(build: Build) -> None:
    build.plan(4)
    victim = build.start("1/4", SLEEP="0.3")
    build.wait_for_runs(2, shard="1")
    others = [build.start(f"{number}/4") for number in (2, 3, 4)]
    build.wait_for_runs(1, shard="4")
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    end(others)
    before_retry = build.ran()
    finished = [batch.name.split("~") for batch in build.folder.glob("q/*/done/*")]

    code, output = build.run("1/4")

    replayed = [case for _, case in build.ran()[len(before_retry) :]]
    by_others = [case for who, case in before_retry if who != "1"]
    assert code == 0, output
    assert any(shard == "0" for _, shard, _ in finished)
    assert Counter(replayed + by_others) == each_once()
    assert "replay" in output


def test_a_stopped_shard_that_wakes_after_its_lease_fails_loudly_and_runs_nothing_more(build: Build) -> None:
    build.plan(2)
    sleeper = build.start("1/2", queue="dir:q?lease=1s", SLEEP="0.3")
    build.wait_for_runs(2, shard="1")
    sleeper.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    code, output = build.run("2/2", queue="dir:q?lease=1s")
    assert code == 0, output
    count = len(build.ran())
    sleeper.send_signal(signal.SIGCONT)
    late = sleeper.communicate(timeout=60)[0]

    assert sleeper.returncode == pytest.ExitCode.TESTS_FAILED
    assert "cipredict: error: Shard 1 was silent" in late
    assert len(build.ran()) <= count + 1


def test_a_queue_that_cannot_be_reached_at_the_start_leaves_the_static_shares(build: Build) -> None:
    build.plan(2)
    (build.folder / "q").touch()

    results = [build.run(f"{number}/2", "-q") for number in (1, 2)]

    assert [code for code, _ in results] == [0, 0]
    assert all("Cases are divided as without it. [plugin-queue-unused]" in output for _, output in results)
    assert Counter(case for _, case in build.ran()) == each_once()


def test_a_queue_that_vanishes_in_mid_run_makes_the_session_red(build: Build) -> None:
    build.plan(1)
    process = build.start("1/1", SLEEP="0.2")
    build.wait_for_runs(2, shard="1")
    shutil.move(build.folder / "q", build.folder / "gone")
    output = process.communicate(timeout=60)[0]

    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    assert "this session fails. [plugin-queue-lost]" in output
    assert len(build.ran()) < CASES


def test_a_failing_case_is_replayed_by_the_retry_of_its_shard_also_after_x(build: Build) -> None:
    build.plan(2)
    red, output = build.run("1/2", "-x", RED="23")
    assert red == pytest.ExitCode.TESTS_FAILED, output
    assert build.run("2/2")[0] == 0
    first = [case for who, case in build.ran() if who == "1"]
    count = len(build.ran())

    code, output = build.run("1/2")

    again = [case for _, case in build.ran()[count:]]
    assert code == 0, output
    assert set(first) <= set(again)
    assert Counter(case for who, case in build.ran()[:count] if who == "2") + Counter(again) == each_once()


@pytest.mark.parametrize(
    ("plan_shards_count", "tail", "words"),
    [
        pytest.param(3, 0.2, "There is no shard plan to follow", id="another-number-of-shards"),
        pytest.param(2, 0.0, "made without --tail", id="no-tail"),
    ],
)
def test_a_plan_that_holds_no_fitting_queue_is_followed_without_it(
    build: Build, plan_shards_count: int, tail: float, words: str
) -> None:
    build.plan(plan_shards_count, tail=tail)

    results = [build.run(f"{number}/2") for number in (1, 2)]

    assert all(code == 0 and words in output for code, output in results)
    assert Counter(case for _, case in build.ran()) == each_once()


@pytest.mark.parametrize("queue", ["here", "ftp://host/1", "dir:q?lease=never"])
def test_an_address_that_cannot_be_meant_is_a_usage_error(build: Build, queue: str) -> None:
    build.plan(1)

    code, output = build.run("1/1", queue=queue)

    assert code == pytest.ExitCode.USAGE_ERROR
    assert "--cipredict-queue" in output


def test_fixtures_live_as_long_as_in_pytests_own_loop(build: Build) -> None:
    """One batch ends and the next begins in the same module: its fixture is not built twice, and all are torn down."""
    (build.folder / "conftest.py").write_text(
        "import pytest\n"
        "def log(word):\n"
        "    with open('fixtures.txt', 'a') as file: file.write(word + '\\n')\n"
        "@pytest.fixture(scope='session', autouse=True)\n"
        "def _session():\n"
        "    log('session up'); yield; log('session down')\n"
        "@pytest.fixture(scope='module', autouse=True)\n"
        "def _module():\n"
        "    log('module up'); yield; log('module down')\n"
    )
    build.plan(1)

    code, output = build.run("1/1")

    assert code == 0, output
    words = (build.folder / "fixtures.txt").read_text().splitlines()
    assert words == ["session up", "module up", "module down", "session down"]


def test_a_teardown_of_the_session_that_fails_is_reported_as_usual(build: Build) -> None:
    (build.folder / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(scope='session', autouse=True)\n"
        "def _session():\n    yield\n    assert 0, 'torn'\n"
    )
    build.plan(1)

    code, output = build.run("1/1")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 error" in output


def test_a_session_that_cannot_collect_ends_as_usual_and_leaves_the_queue(build: Build) -> None:
    build.plan(2)
    (build.folder / "test_b.py").write_text("import nowhere_to_be_found")

    code, _ = build.run("1/2")

    assert code == pytest.ExitCode.INTERRUPTED
    assert not list(build.folder.glob("q/*/shards/*"))


class TestXdist:
    """The controller claims, two workers run."""

    @pytest.fixture(autouse=True)
    def _needs_xdist(self) -> None:
        pytest.importorskip("xdist", reason="needs pytest-xdist")

    def test_shards_with_workers_run_every_case_once_and_replay_it(self, build: Build) -> None:
        build.plan(2)
        options = ("-p", "xdist", "-n2")
        end([build.start(f"{number}/2", *options) for number in (1, 2)])
        assert Counter(case for _, case in build.ran()) == each_once()
        first = [case for who, case in build.ran() if who == "1"]
        count = len(build.ran())

        code, output = build.run("1/2", *options)

        assert code == 0, output
        assert sorted(case for _, case in build.ran()[count:]) == sorted(first)

    def test_a_killed_session_with_workers_leaves_its_cases_to_another(self, build: Build) -> None:
        build.plan(2)
        victim = build.start("1/2", "-p", "xdist", "-n2", queue="dir:q?lease=2s", SLEEP="0.5")
        build.wait_for_runs(2, shard="1")
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        end([build.start("2/2", queue="dir:q?lease=2s")])

        done = {path.name.split("~")[1] for path in build.folder.glob("q/*/done/*")}
        assert not list(build.folder.glob("q/*/pending/*")) + list(build.folder.glob("q/*/claimed/*"))
        assert "1" in done

    def test_a_worker_that_crashes_is_replaced_and_its_batch_goes_on(self, build: Build) -> None:
        (build.folder / "conftest.py").write_text(
            "import os\ndef pytest_runtest_call(item):\n    if item.name == 'test_p[5]': os._exit(1)\n"
        )
        build.plan(1)

        code, output = build.run("1/1", "-p", "xdist", "-n2")

        assert code == pytest.ExitCode.TESTS_FAILED
        assert "1 failed" in output
        assert Counter(case for _, case in build.ran()) == each_once() - Counter(["5"])

    def test_groups_of_xdist_do_not_hide_a_case_from_its_batch(self, build: Build) -> None:
        text = (build.folder / "test_a.py").read_text().replace("@pytest", "@pytest.mark.xdist_group('g')\n@pytest")
        (build.folder / "test_a.py").write_text(text)
        build.plan(1)

        code, output = build.run("1/1", "-p", "xdist", "-n2", "--dist=loadgroup")

        assert code == 0, output
        assert Counter(case for _, case in build.ran()) == each_once()
