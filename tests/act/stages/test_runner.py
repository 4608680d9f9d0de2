"""A run from the first stage to the last: order, limits, failures, resuming, cancelling."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cipredict.act.stages.interface import Approval, Limits, Outcome, Service, Stage, StageResult, When
from cipredict.act.stages.journal import read_journal
from cipredict.act.stages.runner import Listener
from cipredict.errors import UsageError

if TYPE_CHECKING:
    from tests.act.stages.conftest import Workplace


def shell(script: str) -> tuple[tuple[str, ...], ...]:
    return (("sh", "-c", script),)


def test_a_stage_starts_after_those_it_needs(place: Workplace) -> None:
    stages = [
        Stage("c", shell("echo c >> order"), needs=("a", "b")),
        Stage("a", shell("sleep 0.2; echo a >> order")),
        Stage("b", shell("echo b >> order")),
    ]
    place.run(stages)
    assert ["b", "a", "c"] == place.lines("order")
    assert place.result.is_green


def test_no_more_run_at_once_than_the_limits_allow(place: Workplace) -> None:
    running: set[str] = set()
    most: list[int] = []

    def start(stage: str) -> None:
        running.add(stage)
        most.append(len(running))

    listener = Listener(started=start, finished=lambda result: running.discard(result.stage))
    place.run([Stage(f"s{n}", shell("sleep 0.05")) for n in range(6)], slots=2, listener=listener)
    assert (6, 2) == (len(most), max(most))


def test_a_resource_is_shared_out(place: Workplace) -> None:
    """Two stages that need the one GPU do not meet; a third one runs beside them."""
    gpu = {"slots": 1, "gpu": 1}
    script = shell("test ! -e gpu; mkdir gpu && sleep 0.1 && rmdir gpu")
    stages = [Stage("a", script, resources=gpu), Stage("b", script, resources=gpu), Stage("c", shell("true"))]
    place.run(stages, limits=Limits({"slots": 3, "gpu": 1}))
    assert place.result.is_green


def test_the_smaller_priority_goes_first(place: Workplace) -> None:
    stages = [Stage(name, shell(f"echo {name} >> order"), priority=-ord(name)) for name in "abc"]
    place.run(stages, slots=1)
    assert ["c", "b", "a"] == place.lines("order")


def test_what_needs_a_failed_stage_does_not_run(place: Workplace) -> None:
    stages = [
        Stage("bad", shell("exit 3")),
        Stage("next", shell("true"), needs=("bad",)),
        Stage("last", shell("true"), needs=("next",)),
        Stage("other", shell("true")),
    ]
    results = place.run(stages)
    assert {"bad": "failure", "next": "cancelled", "last": "cancelled", "other": "success"} == {
        name: result.outcome.value for name, result in results.items()
    }
    assert (3, "sh exited with 3") == (results["bad"].exit_code, results["bad"].reason)
    assert "bad: failure" == results["next"].reason
    assert not place.result.is_green


@pytest.mark.parametrize(
    ("script", "when", "expected"),
    [
        ("exit 1", When.ON_FAILURE, Outcome.SUCCESS),
        ("exit 0", When.ON_FAILURE, Outcome.SKIPPED),
        ("exit 1", When.ALWAYS, Outcome.SUCCESS),
        ("exit 0", When.ALWAYS, Outcome.SUCCESS),
        ("exit 1", When.ON_SUCCESS, Outcome.CANCELLED),
        ("exit 0", When.ON_SUCCESS, Outcome.SUCCESS),
    ],
)
def test_when_decides_after_what_a_stage_runs(place: Workplace, script: str, when: When, expected: Outcome) -> None:
    results = place.run([Stage("a", shell(script)), Stage("b", shell("true"), needs=("a",), when=when)])
    assert expected is results["b"].outcome


def test_a_stage_that_may_fail_stops_nobody(place: Workplace) -> None:
    stages = [Stage("lint", shell("exit 1"), may_fail=True), Stage("test", shell("true"), needs=("lint",))]
    assert Outcome.SUCCESS is place.run(stages)["test"].outcome
    assert place.result.is_green


def test_a_stage_that_may_fail_and_never_ran_lets_nobody_on(place: Workplace) -> None:
    stages = [
        Stage("a", shell("exit 1")),
        Stage("b", shell("true"), needs=("a",), may_fail=True),
        Stage("c", shell("true"), needs=("b",)),
    ]
    assert Outcome.CANCELLED is place.run(stages)["c"].outcome


def test_a_stage_that_the_change_does_not_need_is_skipped_and_lets_others_on(place: Workplace) -> None:
    stages = [Stage("docs", shell("exit 1"), skip="no page changed"), Stage("test", shell("true"), needs=("docs",))]
    results = place.run(stages)
    assert (Outcome.SKIPPED, "no page changed") == (results["docs"].outcome, results["docs"].reason)
    assert Outcome.SUCCESS is results["test"].outcome


def test_a_stage_is_tried_again_with_growing_pauses(place: Workplace) -> None:
    flaky = shell("echo x >> tries; test $(wc -l < tries) -eq 3")
    begin_s = time.monotonic()
    result = place.run([Stage("flaky", flaky, retries=3, backoff_s=0.1)])["flaky"]
    assert (Outcome.SUCCESS, 3) == (result.outcome, result.attempts)
    assert time.monotonic() - begin_s >= 0.3
    assert "[cipredict: attempt 3]" in place.log("flaky")


def test_a_time_limit_ends_a_stage_that_does_not_listen(place: Workplace) -> None:
    stubborn = shell("trap '' TERM; sleep 30 & sleep 30")
    result = place.run([Stage("slow", stubborn, timeout_s=0.3)])["slow"]
    assert (Outcome.TIMEOUT, "took more than 0.3 s") == (result.outcome, result.reason)
    assert result.duration_s < 5


def test_a_daemon_is_killed_and_named(place: Workplace) -> None:
    """It forked, opened a session of its own, holds the pipe and ignores SIGTERM."""
    daemon = "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    daemon += "if os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  open('pid', 'w').write(str(os.getpid()))\n"
    daemon += "  time.sleep(60)\n os._exit(0)\ntime.sleep(0.3)\n"
    result = place.run([Stage("d", ((sys.executable, "-c", daemon),))])["d"]
    assert (Outcome.SUCCESS, "left 1 processes running; they were killed") == (result.outcome, result.reason)
    assert not is_alive(int(place.lines("pid")[0]))


ESCAPING = """
import os
if os.fork() == 0:
    os.setsid()
    script = "echo $$ > pid; while :; do echo here; sleep 0.05; done"
    os.execve("/bin/sh", ["sh", "-c", script], {"PATH": os.environ["PATH"]})
while not os.path.exists("pid") or not os.path.getsize("pid"):
    pass
"""


def test_a_stage_does_not_wait_for_what_escaped_with_its_output(place: Workplace) -> None:
    """A process without the mark and in a session of its own lives on, as documented; it is ended here."""
    result = place.run([Stage("a", ((sys.executable, "-c", ESCAPING),))])["a"]
    os.kill(int(place.lines("pid")[0]), signal.SIGKILL)
    assert Outcome.SUCCESS is result.outcome
    assert result.duration_s < 5
    assert "[cipredict: a process that hides goes on printing; the stage does not wait for it]" in place.log("a")


def test_a_flood_of_output_is_cut_and_the_stage_goes_on(place: Workplace) -> None:
    flood = shell("head -c 30000000 /dev/zero; echo; echo done >> order")
    result = place.run([Stage("loud", flood)], limits=Limits({"slots": 1}, log_bytes=1000))["loud"]
    assert (Outcome.SUCCESS, ["done"]) == (result.outcome, place.lines("order"))
    assert "29999001 further bytes were dropped" in place.log("loud")


def test_a_command_that_does_not_exist_fails_its_stage(place: Workplace) -> None:
    result = place.run([Stage("typo", (("no-such-command",),))])["typo"]
    assert (Outcome.FAILURE, 127) == (result.outcome, result.exit_code)
    assert result.reason.startswith("no-such-command: cannot be started")


def test_a_missing_folder_fails_its_stage(place: Workplace) -> None:
    result = place.run([Stage("lost", shell("true"), folder="nowhere")])["lost"]
    assert Outcome.FAILURE is result.outcome
    assert "nowhere" in result.reason


def test_output_is_told_line_by_line(place: Workplace) -> None:
    told: list[tuple[str, str]] = []
    listener = Listener(printed=lambda stage, line: told.append((stage, line)))
    place.run([Stage("a", shell("echo one; echo two >&2; printf three"))], listener=listener)
    assert [("a", "one"), ("a", "two"), ("a", "three")] == told


def test_the_environment_of_a_stage_reaches_its_commands(place: Workplace) -> None:
    place.run([Stage("a", shell("echo $PYTHON >> seen"), environment={"PYTHON": "3.11"})])
    assert ["3.11"] == place.lines("seen")


def test_services_run_beside_their_stage_only(place: Workplace) -> None:
    service = Service("db", ("sh", "-c", "sleep 0.2; touch ready; sleep 30"), ready=("test", "-e", "ready"))
    results = place.run([Stage("a", shell("test -e ready; echo ok >> seen"), services=(service,))])
    assert (Outcome.SUCCESS, ["ok"]) == (results["a"].outcome, place.lines("seen"))
    assert "" == results["a"].reason


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("exit 4", "service db ended with 4"),
        ("sleep 30", "service db was not ready within 0.3 s"),
    ],
)
def test_a_service_that_does_not_come_up_fails_its_stage(place: Workplace, command: str, reason: str) -> None:
    service = Service("db", ("sh", "-c", command), ready=("false",), ready_within_s=0.3)
    result = place.run([Stage("a", shell("touch ran"), services=(service,))])["a"]
    assert (Outcome.FAILURE, reason) == (result.outcome, result.reason)
    assert not (place.tree / "ran").exists()


def test_a_gate_behind_a_stage_blocks_what_comes_after(place: Workplace) -> None:
    stages = [Stage("test", shell("true")), Stage("deploy", shell("touch deployed"), needs=("test",))]
    results = place.run(stages, judge=lambda result: "coverage 80 % < 85 %" if result.stage == "test" else "")
    assert (Outcome.BLOCKED, "coverage 80 % < 85 %") == (results["test"].outcome, results["test"].reason)
    assert Outcome.CANCELLED is results["deploy"].outcome
    assert not (place.tree / "deployed").exists()


def test_an_approval_that_nobody_gives_is_a_no(place: Workplace) -> None:
    stages = [
        Stage("ask", approval=Approval(within_s=0.1)),
        Stage("deploy", shell("touch deployed"), needs=("ask",)),
    ]
    results = place.run(stages)
    assert (Outcome.DENIED, Outcome.CANCELLED) == (results["ask"].outcome, results["deploy"].outcome)


# Resuming


def counting(name: str, **others: object) -> Stage:
    return Stage(name, shell(f"echo x >> {name}.runs; cat in-{name} > out-{name}"), outputs=(f"out-{name}",), **others)  # type: ignore[arg-type]  # fields of a stage


def test_what_was_finished_is_not_run_again(place: Workplace) -> None:
    for name in "ab":
        (place.tree / f"in-{name}").write_text(name)
    stages = [counting("a", inputs=("in-a",)), counting("b", inputs=("in-b",), needs=("a",))]
    place.run(stages)
    (place.tree / "out-a").unlink()
    results = place.run(stages, resume=True)
    assert [True, True] == [results[name].is_reused for name in "ab"]
    assert "a" == (place.tree / "out-a").read_text()
    assert (["x"], ["x"]) == (place.lines("a.runs"), place.lines("b.runs"))


def test_a_changed_input_runs_its_stage_and_what_depends_on_its_output(place: Workplace) -> None:
    for name in "abc":
        (place.tree / f"in-{name}").write_text(name)
    stages = [
        counting("a", inputs=("in-a",)),
        counting("b", inputs=("in-b",), needs=("a",)),
        counting("c", inputs=("in-c",)),
    ]
    place.run(stages)
    (place.tree / "in-a").write_text("other")
    results = place.run(stages, resume=True)
    assert [False, False, True] == [results[name].is_reused for name in "abc"]


def test_an_equal_output_spares_what_depends_on_it(place: Workplace) -> None:
    (place.tree / "in-a").write_text("a")
    a = Stage("a", shell("echo same > out-a"), inputs=("in-a",), outputs=("out-a",))
    stages = [a, Stage("b", shell("true"), inputs=(), needs=("a",))]
    place.run(stages)
    (place.tree / "in-a").write_text("other")
    results = place.run(stages, resume=True)
    assert [False, True] == [results[name].is_reused for name in "ab"]


def test_without_declared_inputs_the_tree_decides(place: Workplace) -> None:
    stages = [Stage("a", shell("true"))]
    place.run(stages, tree_id="one")
    assert place.run(stages, resume=True, tree_id="one")["a"].is_reused
    assert not place.run(stages, resume=True, tree_id="two")["a"].is_reused


def test_a_lost_artifact_runs_its_stage_again(place: Workplace) -> None:
    (place.tree / "in-a").write_text("a")
    stages = [counting("a", inputs=("in-a",))]
    place.run(stages)
    (place.tree / "out-a").unlink()
    next(place.folder.blobs.glob("??/*")).write_text("damaged")
    assert not place.run(stages, resume=True)["a"].is_reused
    assert "a" == (place.tree / "out-a").read_text()


def test_a_failed_stage_is_tried_again_when_resumed(place: Workplace) -> None:
    stages = [Stage("a", shell("test -e now"), inputs=())]
    assert Outcome.FAILURE is place.run(stages)["a"].outcome
    (place.tree / "now").touch()
    assert Outcome.SUCCESS is place.run(stages, resume=True)["a"].outcome


def test_a_run_is_not_begun_twice_by_accident(place: Workplace) -> None:
    place.run([Stage("a", shell("true"))])
    with pytest.raises(UsageError, match="resume it"):
        place.run([Stage("a", shell("true"))])


KILLED = """
import sys
from pathlib import Path
from cipredict.act.stages.interface import Limits, RunFolder, Stage
from cipredict.act.stages.runner import run_stages
folder = Path(sys.argv[1])
def stage(number):
    script = f"echo {number} >> ran; sleep 0.05"
    return Stage(f"s{number}", (("sh", "-c", script),), needs=(f"s{number - 1}",) if number else (), inputs=())
stages = [stage(number) for number in range(12)]
stages.append(Stage("long", (("sh", "-c", "setsid sleep 60 & sleep 60"),), inputs=()))
if len(sys.argv) > 2:
    stages.pop()
papers = RunFolder(folder / "runs" / "1", folder)
result = run_stages(stages, papers, limits=Limits({"slots": 2}), tree_id="", resume=True)
print(sum(one.is_reused for one in result.results), result.is_green)
"""


def test_a_killed_runner_repeats_nothing_that_was_finished_and_leaves_nothing_running(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)]) as process:
        journal = tmp_path / "runs" / "1" / "journal.jsonl"
        while len(read_journal(journal).finished) < 4:
            time.sleep(0.01)
        process.kill()
    finished = len(read_journal(journal).finished)
    resumed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), "resume"], capture_output=True, text=True, check=True
    )
    assert [str(finished), "True"] == resumed.stdout.split()
    ran = (tmp_path / "ran").read_text().split()
    assert [str(n) for n in range(12)] == sorted(set(ran), key=int)
    assert len(ran) <= 13, "at most the stage that was running when the runner was killed ran twice"
    cookie = read_journal(journal).cookies[0].encode()
    environments = [path for path in Path("/proc").glob("[0-9]*/environ") if cookie in content_of(path)]
    assert [] == environments


def is_alive(pid: int) -> bool:
    """Tell that a process still runs; a dead one may wait for its parent, which is not us."""
    return content_of(Path(f"/proc/{pid}/stat")).rpartition(b") ")[2][:1] not in {b"", b"Z"}


def content_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


# Cancelling


def test_a_signal_cancels_and_leaves_nothing_running(place: Workplace) -> None:
    stages = [Stage("a", shell("echo $$ > pid; sleep 30")), Stage("b", shell("true"), needs=("a",))]
    threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT)).start()
    results = place.run(stages)
    assert {"a": Outcome.CANCELLED, "b": Outcome.CANCELLED} == {name: one.outcome for name, one in results.items()}
    assert (True, False) == (place.result.was_cancelled, place.result.is_green)
    assert not is_alive(int(place.lines("pid")[0]))


def test_a_second_signal_does_not_wait_for_what_does_not_listen(place: Workplace) -> None:
    for after_s in (0.4, 0.6):
        threading.Timer(after_s, os.kill, (os.getpid(), signal.SIGINT)).start()
    begin_s = time.monotonic()
    stage = Stage("a", shell("trap '' TERM; echo $$ > pid; while :; do sleep 1; done"))
    place.run([stage], limits=Limits({"slots": 1}, grace_s=20))
    assert time.monotonic() - begin_s < 10
    assert not is_alive(int(place.lines("pid")[0]))


# Mistakes


def test_what_can_never_run_is_refused_before_anything_runs(place: Workplace) -> None:
    stages = [Stage("a", shell("touch ran")), Stage("b", shell("true"), resources={"gpu": 2})]
    with pytest.raises(UsageError, match="Stage 'b' needs 2 gpu, and there are 0"):
        place.run(stages)
    assert not (place.tree / "ran").exists()


def test_stages_that_wait_for_each_other_are_named(place: Workplace) -> None:
    stages = [Stage("a", shell("true"), needs=("b",)), Stage("b", shell("true"), needs=("a",))]
    with pytest.raises(UsageError, match="wait for each other, or for none there is: a, b"):
        place.run(stages)


def test_a_run_that_is_going_on_is_not_run_a_second_time(place: Workplace) -> None:
    refused: list[str] = []

    def intrude(_: str) -> None:
        try:
            place.run([Stage("b", shell("true"))], resume=True)
        except UsageError as error:
            refused.append(error.slug)

    place.run([Stage("a", shell("true"))], listener=Listener(finished=lambda result: threaded(intrude, result)))
    assert ["run-going-on"] == refused


def threaded(intrude: object, result: StageResult) -> None:
    assert callable(intrude)
    thread = threading.Thread(target=intrude, args=(result.stage,))
    thread.start()
    thread.join()
