"""Messages to apprise targets. A target is an address, or `$NAME`, a variable that holds it: addresses are secret."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import apprise

from cipredict.errors import InputError, UsageError


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent to whom."""

    targets: tuple[str, ...]
    title: str
    body: str


def resolve(targets: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Give the addresses behind targets.

    Raises
    ------
    UsageError
        A variable is not set.
    """
    missing = [name for name in targets if name.startswith("$") and not environment.get(name[1:])]
    if missing:
        raise UsageError(f"{', '.join(missing)}: not set, so nobody can be told.", slug="alert-target")
    return [environment[name[1:]] if name.startswith("$") else name for name in targets]


def send(message: Message, environment: Mapping[str, str]) -> None:
    """Send to every target.

    Raises
    ------
    UsageError
        A target is no address that apprise knows.
    InputError
        A target did not take it; the address is not repeated, because it holds the secret.
    """
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it would log addresses
    for name, address in zip(message.targets, resolve(message.targets, environment), strict=True):
        door = apprise.Apprise()
        if not door.add(address):
            raise UsageError(f"Target {_public(name)} is no address of apprise.", slug="alert-target")
        if not door.notify(title=message.title, body=message.body):
            raise InputError(f"Target {_public(name)} did not take the message.", slug="alert-undelivered")


def _public(name: str) -> str:
    return name if name.startswith("$") else f"{name.partition('://')[0]}://…"
