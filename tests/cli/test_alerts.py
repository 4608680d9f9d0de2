"""`cipredict alerts check`, from a history to messages that arrive once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cipredict.cli.app import main
from cipredict.events import Event
from cipredict.records import JobRecord, Result, RunKey, RunRecord

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytestmark = pytest.mark.learn
RULES = """
[tool.cipredict.alerts.waiting]
on = "queue"
above = 300
notify = ["$CHAT"]
[tool.cipredict.alerts.rollback]
notify = ["$CHAT"]
[tool.cipredict.alerts.duration]
"""


@pytest.fixture(autouse=True)
def _history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a project of 60 runs in three days, the last 20 of which waited, and a deployment taken back."""
    from cipredict.store.database import open_store  # noqa: PLC0415  # needs the extra
    from cipredict.store.ledger import add_events  # noqa: PLC0415
    from cipredict.store.writer import add_jobs, add_runs  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CIPREDICT_STORE", raising=False)
    Path("pyproject.toml").write_text(RULES)
    begin = datetime.now(UTC) - timedelta(days=3)
    with open_store(Path(".cipredict/history.duckdb")) as store:
        for n in range(60):
            key, at = RunKey("github", "owner/name", str(n)), begin + timedelta(hours=n)
            add_runs(store, [RunRecord(key, at, at + timedelta(minutes=5), result=Result.SUCCESS)])
            add_jobs(store, [JobRecord(key, "1", "unit", at, at, queued_s=600.0 if n >= 40 else 5.0)])
        body = {"environment": "production", "release": "r1", "is_live": False}
        add_events(store, [Event("deployment", begin + timedelta(hours=9), {}, body)])


@pytest.fixture(name="received")
def _received(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, str]]]:
    pytest.importorskip("apprise", reason="the alerts extra is not installed")
    taken: list[dict[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("CHAT", f"json://127.0.0.1:{server.server_port}/")
    yield taken
    server.shutdown()
    server.server_close()


def test_a_dry_run_shows_and_neither_sends_nor_remembers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "check", "--dry-run", "--json"]) == 0
    shown = capsys.readouterr()

    assert [(row["rule"], row["kind"]) for row in json.loads(shown.out)] == [
        ("rollback", "raised"),
        ("waiting", "raised"),
    ]
    assert "Would tell $CHAT:\nraised rollback: the last deployment was taken back" in shown.err
    assert "raised waiting: runs wait 10m00s, limit 5m00s" in shown.err
    assert not Path(".cipredict/alerts.json").exists()


def test_one_message_for_all_and_none_the_second_time(
    received: list[dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alerts", "check"]) == 0
    assert main(["alerts", "check"]) == 0

    assert [message["title"] for message in received] == ["cipredict: rollback raised, waiting raised"]
    assert capsys.readouterr().err.endswith("Nothing new to tell.\n")


def test_old_news_are_not_told() -> None:
    assert main(["alerts", "check", "--since", "1h", "--dry-run"]) == 0


def test_a_target_that_is_not_set_sends_and_remembers_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("apprise", reason="the alerts extra is not installed")
    monkeypatch.delenv("CHAT", raising=False)

    assert main(["alerts", "check"]) == 2
    assert "$CHAT: not set" in capsys.readouterr().err
    assert not Path(".cipredict/alerts.json").exists()


def test_without_rules_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text("")

    assert main(["alerts", "check"]) == 2
    assert "[alert-settings]" in capsys.readouterr().err


def test_a_damaged_memory_is_no_storm(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".cipredict/alerts.json").write_text("{")

    assert main(["alerts", "check"]) == 2
    assert "[alert-state]" in capsys.readouterr().err
