"""Stages on a Dask cluster of real processes: the same results, logs and journal as here, and nothing left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="the extra `dask` is not installed")

from distributed import Client, LocalCluster

from cipredict.act.cluster.executor import Cluster, open_cluster
from cipredict.act.stages.interface import Limits, Outcome, RunFolder, Stage, StageResult
from cipredict.act.stages.journal import read_journal
from cipredict.act.stages.runner import Listener, run_stages
from cipredict.errors import UsageError

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning:distributed")


def shell(script: str) -> tuple[tuple[str, ...], ...]:
    return (("sh", "-c", script),)


@pytest.fixture(scope="module")
def machines() -> Iterator[LocalCluster]:
    """Two workers in processes of their own, each of which says that it has a GPU."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", resources={"gpu": 1}
    ) as cluster:
        yield cluster


@pytest.fixture
def cluster(machines: LocalCluster) -> Iterator[Cluster]:
    with Client(machines, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=30)
        yield Cluster(client, alone_s=1.0)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "tree").mkdir()
    return RunFolder(tmp_path / "runs" / "1", tmp_path / "tree")


def run(
    stages: Sequence[Stage], folder: RunFolder, cluster: Cluster, *, grace_s: float = 0.3, **others: object
) -> dict[str, StageResult]:
    limits = Limits({"slots": 2, "gpu": 2}, grace_s=grace_s)
    result = run_stages(stages, folder, limits=limits, tree_id="", executor=cluster, **others)  # type: ignore[arg-type]  # options of run_stages
    return {one.stage: one for one in result.results}


def processes_with(mark: str) -> list[str]:
    """Give the processes whose environment holds a mark; a cookie reaches all that a stage began."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def await_none_with(mark: str, *, within_s: float = 10.0) -> None:
    end_s = time.monotonic() + within_s
    while processes_with(mark) and time.monotonic() < end_s:
        time.sleep(0.05)
    assert [] == processes_with(mark)


def await_file(path: Path, *, within_s: float = 20.0) -> None:
    end_s = time.monotonic() + within_s
    while not path.exists() and time.monotonic() < end_s:
        time.sleep(0.02)
    assert path.exists()


def cookie_of(folder: RunFolder) -> str:
    return read_journal(folder.journal).cookies[-1]


def test_a_cluster_counts_its_threads_and_what_its_workers_declare(cluster: Cluster) -> None:
    assert (2, [1, 1], [0, 0]) == (cluster.slots, cluster.resource("gpu"), cluster.resource("tpu"))


def test_stages_run_as_they_do_here(cluster: Cluster, folder: RunFolder) -> None:
    told: list[tuple[str, str]] = []
    stages = [
        Stage("a", shell("echo one; echo two >&2; printf $WORD; echo a > made"), environment={"WORD": "three"}),
        Stage("bad", shell("exit 3"), needs=("a",)),
        Stage("never", shell("true"), needs=("bad",)),
        Stage("slow", shell("trap '' TERM; sleep 60 & sleep 60"), timeout_s=0.3),
        Stage("flaky", shell("echo x >> tries; test $(wc -l < tries) -eq 2"), retries=2, backoff_s=0.01),
        Stage("typo", (("no-such-command",),)),
    ]
    results = run(stages, folder, cluster, listener=Listener(printed=lambda stage, line: told.append((stage, line))))
    assert {
        "a": (Outcome.SUCCESS, "", 1),
        "bad": (Outcome.FAILURE, "sh exited with 3", 1),
        "never": (Outcome.CANCELLED, "bad: failure", 0),
        "slow": (Outcome.TIMEOUT, "took more than 0.3 s", 1),
        "flaky": (Outcome.SUCCESS, "", 2),
    } == {name: (one.outcome, one.reason, one.attempts) for name, one in results.items() if name != "typo"}
    assert results["typo"].reason.startswith("no-such-command: cannot be started")
    assert [("a", "one"), ("a", "two"), ("a", "three")] == [line for line in told if line[0] == "a"]
    assert "one\ntwo\nthree" == folder.log("a").read_text()
    assert results == read_journal(folder.journal).finished
    assert [] == processes_with(cookie_of(folder))


def test_a_resource_goes_to_the_workers_that_have_it(cluster: Cluster, folder: RunFolder) -> None:
    demand = {"slots": 1, "gpu": 1}
    meets = "test -e other || { touch other; sleep 0.2; }; echo ok"
    results = run([Stage(name, shell(meets), resources=demand) for name in "ab"], folder, cluster)
    assert [Outcome.SUCCESS] * 2 == [one.outcome for one in results.values()]


def test_what_was_finished_is_not_run_again(cluster: Cluster, folder: RunFolder) -> None:
    stages = [Stage("a", shell("echo x >> runs; echo made > out"), inputs=(), outputs=("out",))]
    run(stages, folder, cluster)
    (folder.tree / "out").unlink()
    assert run(stages, folder, cluster, resume=True)["a"].is_reused
    assert ("made\n", "x\n") == ((folder.tree / "out").read_text(), (folder.tree / "runs").read_text())


DAEMON = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    open("begun", "w").close()
time.sleep(60)
"""


def test_a_signal_cancels_and_leaves_nothing_running(cluster: Cluster, folder: RunFolder) -> None:
    stages = [
        Stage("a", ((sys.executable, "-c", DAEMON),)),
        Stage("b", shell("sleep 60")),
    ]
    threading.Thread(target=interrupt, args=(folder.tree / "begun",)).start()
    assert [Outcome.CANCELLED] * 2 == [one.outcome for one in run(stages, folder, cluster).values()]
    assert [] == processes_with(cookie_of(folder))


def test_a_second_signal_does_not_wait_for_what_does_not_listen(cluster: Cluster, folder: RunFolder) -> None:
    threading.Thread(target=interrupt, args=(folder.tree / "begun", 2)).start()
    begin_s = time.monotonic()
    results = run([Stage("a", ((sys.executable, "-c", DAEMON),))], folder, cluster, grace_s=30)
    assert Outcome.CANCELLED is results["a"].outcome
    assert time.monotonic() - begin_s < 15
    await_none_with(cookie_of(folder))


def interrupt(begun: Path, times: int = 1) -> None:
    await_file(begun)
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)


@pytest.mark.parametrize(
    ("retries", "outcome", "starts"),
    [pytest.param(0, Outcome.FAILURE, 1, id="fails"), pytest.param(1, Outcome.SUCCESS, 2, id="is started again")],
)
def test_a_stage_whose_worker_dies(
    cluster: Cluster, folder: RunFolder, retries: int, outcome: Outcome, starts: int
) -> None:
    """Its process ends with its worker. The stage kills the worker itself: the grandparent of its shell."""
    script = "echo x >> starts; test -s second && exit 0; echo x > second; "
    script += "kill -9 $(ps -o ppid= -p $PPID); sleep 60"
    result = run([Stage("a", shell(script), retries=retries)], folder, cluster)["a"]
    assert (outcome, starts) == (result.outcome, result.attempts)
    if outcome is Outcome.FAILURE:
        assert result.reason.startswith("its worker tcp://")
        assert result.reason.endswith("died; with `retries` it is started again")
    assert ["x"] * starts == (folder.tree / "starts").read_text().split()
    await_none_with(cookie_of(folder))


def test_a_guardian_that_is_killed_takes_its_stage_along(cluster: Cluster, folder: RunFolder) -> None:
    result = run([Stage("a", shell("kill -9 $PPID; sleep 60"))], folder, cluster)["a"]
    assert (Outcome.FAILURE, "the process that guards it ended with -9") == (result.outcome, result.reason)
    assert [] == processes_with(cookie_of(folder))


RUNNER = """
import sys
from pathlib import Path
from cipredict.act.cluster.executor import open_cluster
from cipredict.act.stages.interface import Limits, RunFolder, Stage
from cipredict.act.stages.runner import run_stages
folder = Path(sys.argv[1])
with open_cluster(sys.argv[2], workers=0) as cluster:
    stage = Stage("long", (("sh", "-c", "touch begun; sleep 60"),))
    run_stages([stage], RunFolder(folder / "runs" / "1", folder), limits=Limits(), tree_id="", executor=cluster)
"""


def test_the_stages_of_a_killed_runner_end(machines: LocalCluster, tmp_path: Path) -> None:
    address = machines.scheduler_address
    with subprocess.Popen([sys.executable, "-c", RUNNER, str(tmp_path), address]) as runner:
        await_file(tmp_path / "begun")
        runner.kill()
    await_none_with(cookie_of(RunFolder(tmp_path / "runs" / "1", tmp_path)))


def test_a_machine_that_does_not_share_the_folder_is_named(
    cluster: Cluster, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "mkdir", make_all_but_claims)
    result = run([Stage("a", shell("touch ran"))], folder, cluster)["a"]
    assert Outcome.FAILURE is result.outcome
    assert "does not see" in result.reason
    assert not (folder.tree / "ran").exists()


def make_all_but_claims(path: Path, mode: int = 0o777, *, parents: bool = False, exist_ok: bool = False) -> None:
    """Stand in for a folder that exists here only."""
    if path.name != "claims":
        (os.makedirs if parents else os.mkdir)(path, mode, **({"exist_ok": exist_ok} if parents else {}))


def test_stages_do_not_wait_for_ever_where_there_is_no_worker(folder: RunFolder) -> None:
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", processes=False) as empty,
        Client(empty, set_as_default=False) as client,
    ):
        result = run([Stage("a", shell("true"))], folder, Cluster(client, alone_s=0.5))["a"]
    assert (Outcome.FAILURE, "the cluster had no worker for 0.5 s") == (result.outcome, result.reason)


def test_a_stage_that_waits_for_a_worker_is_never_begun_once_it_was_cancelled(folder: RunFolder) -> None:
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", threads_per_worker=1) as growing,
        Client(growing, set_as_default=False) as client,
    ):
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        assert Outcome.CANCELLED is run([Stage("a", shell("touch ran"))], folder, Cluster(client))["a"].outcome
        growing.scale(1)
        client.wait_for_workers(1, timeout=30)
        assert 1 == client.submit(abs, -1).result(timeout=30)
    assert not (folder.tree / "ran").exists()


def test_a_scheduler_that_does_not_answer_is_one_line() -> None:
    with (
        pytest.raises(UsageError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:1"),
        open_cluster("tcp://127.0.0.1:1", workers=1, patience_s=0.3),
    ):
        pass


def test_a_scheduler_without_workers_is_one_line() -> None:
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", processes=False, protocol="tcp") as empty,
        pytest.raises(UsageError, match="has no worker"),
        open_cluster(empty.scheduler_address, workers=1),
    ):
        pass


def test_the_command_takes_a_cluster(tmp_path: Path) -> None:
    definition = 'name = "x"\n[stages.a]\nrun = "echo hello"\n[stages.b]\nrun = "exit 1"\nneeds = ["a"]\n'
    (tmp_path / "pipeline.toml").write_text(definition)
    (tmp_path / ".gitignore").write_text(".cipredict/\n")
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "Begin"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    command = ["pipeline", "run", "--all", "--executor", "dask", "--max-parallel", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "cipredict", *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert 1 == done.returncode, done.stderr
    assert {"a": "success", "b": "failure"} == {job["stage"]: job["outcome"] for job in json.loads(done.stdout)["jobs"]}
    assert "a | hello" in done.stderr


def test_distributed_is_imported_only_when_a_cluster_is_opened() -> None:
    probe = "import sys, cipredict.cli.pipeline_running; sys.exit('distributed' in sys.modules)"
    subprocess.run([sys.executable, "-c", probe], check=True)
