"""What an address means, and that no password is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from cipredict.act.queue.address import QueueAddress, open_door, parse_address, queue_key
from cipredict.act.queue.directory import DirectoryQueue
from cipredict.act.queue.interface import QueueUnreachable
from cipredict.errors import UsageError

WHO = "t"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("dir:queue", QueueAddress("dir", "queue"), id="folder"),
        pytest.param("dir:C:/q", QueueAddress("dir", "C:/q"), id="drive"),
        pytest.param("dir:/q?wait=0", QueueAddress("dir", "/q", wait_s=0.0), id="no-wait"),
        pytest.param(
            "redis://h:1/2?lease=2m&wait=5m&socket_timeout=9",
            QueueAddress("redis", "redis://h:1/2?socket_timeout=9", 120.0, 300.0),
            id="redis",
        ),
        pytest.param("rediss://u:p@h", QueueAddress("rediss", "rediss://u:p@h"), id="tls"),
    ],
)
def test_an_address_is_read(text: str, expected: QueueAddress) -> None:
    assert parse_address(text, option="--queue") == expected


@pytest.mark.parametrize("text", ["", "dir:", "redis://", "http://h", "/srv/q", "dir:q?lease=0", "dir:q?wait=-1"])
def test_what_cannot_be_meant_names_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--queue"):
        parse_address(text, option="--queue")


def test_user_and_password_are_not_shown() -> None:
    assert str(parse_address("rediss://user:secret@h:6379/1", option="--queue")) == "rediss://h:6379/1"


def test_a_key_differs_by_plan_and_build() -> None:
    keys = {queue_key(plan, build) for plan in ("p1", "p2") for build in ("1", "2 / ü")}

    assert len(keys) == 4
    assert queue_key("p1", "1") == queue_key("p1", "1")


def test_a_door_is_opened_by_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    door = open_door(QueueAddress("dir", str(tmp_path)), "k", batches=1, token=WHO)
    assert isinstance(door, DirectoryQueue)

    monkeypatch.setitem(__import__("sys").modules, "redis", None)
    with pytest.raises(QueueUnreachable, match=r"cipredict\[queue\]"):
        open_door(QueueAddress("redis", "redis://h"), "k", batches=1, token=WHO)
