"""`cipredict alerts`: tell people before they complain, and only once."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cipredict.cli.options import JsonOption, StoreOption, load_settings, make_app
from cipredict.errors import InputError, SettingsError

if TYPE_CHECKING:
    from cipredict.decide.alerts.replay import Alert
    from cipredict.decide.alerts.rule import Rule
    from cipredict.render.alerts import AlertRow
    from cipredict.settings import Settings

alerts = make_app("Check the rules of [tool.cipredict.alerts], and tell whom they name.")
apps = {"alerts": alerts}


@alerts.callback()
def group() -> None:
    """Check the rules of [tool.cipredict.alerts], and tell whom they name."""


@alerts.command("check")
def check(
    store: StoreOption = None,
    since: Annotated[str, typer.Option(help="Tell what became so since then, such as 7d.")] = "7d",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent; send and remember nothing.")
    ] = False,
    state: Annotated[Path | None, typer.Option(help="File of what was sent; alerts.json beside the store.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay the history under every rule; tell what is new, grouped by whom it concerns."""
    from cipredict.quantities import parse_since  # noqa: PLC0415  # not for --help

    settings, now = load_settings(store=store), datetime.now(UTC)
    begin = parse_since(since, now=now)
    memory = state or settings.store.parent / "alerts.json"
    sent = read_sent(memory)
    found = [
        alert for alert in find_alerts(settings, read_rules(Path("pyproject.toml")), now) if alert.told_at >= begin
    ]
    new = [alert for alert in found if alert.told_at <= now and alert.alert_id not in sent]
    deliver(new, settings.repository or "cipredict", None if dry_run else Memory(memory, set(sent)))
    if as_json:
        rows = [{**_row(one)._asdict(), "at": one.at.isoformat()} for one in new]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Read the rules of a project.

    Raises
    ------
    SettingsError
        None are set, or what is wrong with them.
    """
    from cipredict.decide.alerts.rule import parse_rules  # noqa: PLC0415  # not for --help
    from cipredict.settings import read_tool_table  # noqa: PLC0415

    tables = read_tool_table(path).get("alerts") if path.is_file() else None
    if not tables:
        raise SettingsError(f"{path} has no [tool.cipredict.alerts.<name>].", slug="alert-settings")
    return parse_rules(tables, where=f"{path}: [tool.cipredict.alerts]")


def find_alerts(settings: Settings, rules: Iterable[Rule], now: datetime) -> list[Alert]:
    """Give everything that the rules ever had to say, in the order of time."""
    from cipredict.cli.alert_points import Points  # noqa: PLC0415  # not for --help
    from cipredict.decide.alerts.replay import replay  # noqa: PLC0415
    from cipredict.store.database import open_store  # noqa: PLC0415  # duckdb

    with open_store(settings.store, read_only=True) as door:
        points = Points(door, now)
        found = [alert for rule in rules for alert in replay(rule, points.of(rule))]
    return sorted(found, key=lambda alert: (alert.told_at, alert.rule.name))


@dataclass(slots=True)
class Memory:
    """The file of what was sent; written after every message, so that a failing target repeats nobody else's."""

    path: Path
    sent: set[str]

    def add(self, alerts: Iterable[Alert]) -> None:
        """Remember alerts as sent."""
        self.sent.update(alert.alert_id for alert in alerts)
        self.path.write_text(json.dumps(sorted(self.sent), indent=1) + "\n", encoding="utf-8")


def deliver(alerts: Iterable[Alert], project: str, memory: Memory | None) -> None:
    """Send one message per circle of people, and show all on stderr; without a memory only show."""
    circles: defaultdict[tuple[str, ...], list[Alert]] = defaultdict(list)
    for alert in alerts:
        circles[alert.rule.escalate if alert.kind == "escalated" else alert.rule.notify].append(alert)
    if not circles:
        sys.stderr.write("Nothing new to tell.\n")
    for targets, found in circles.items():
        _deliver(targets, found, project, memory=memory)


def _deliver(targets: tuple[str, ...], alerts: list[Alert], project: str, *, memory: Memory | None) -> None:
    from cipredict.render.alerts import render_body, render_title  # noqa: PLC0415  # not for --help

    rows = [_row(alert) for alert in alerts]
    whom = ", ".join(name if name.startswith("$") else name.partition("://")[0] for name in targets) or "nobody"
    sys.stderr.write(f"{'Telling' if memory else 'Would tell'} {whom}:\n{render_body(rows)}\n")
    if memory is None:
        return
    if targets:
        from cipredict.act.notify.door import Message, send  # noqa: PLC0415  # the alerts extra

        send(Message(targets, render_title(rows, project), render_body(rows)), os.environ)
    memory.add(alerts)


def read_sent(path: Path) -> frozenset[str]:
    """Give the alerts that were sent.

    Raises
    ------
    InputError
        The file is no list of them: sending all again would be a storm.
    """
    if not path.exists():
        return frozenset()
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read what was sent from {path}.", slug="alert-state") from error
    if not isinstance(known, list):
        raise InputError(f"{path} is no list of what was sent.", slug="alert-state")
    return frozenset(map(str, known))


def _row(alert: Alert) -> AlertRow:
    from cipredict.render.alerts import AlertRow  # noqa: PLC0415  # not for --help

    rule = alert.rule
    return AlertRow(rule.name, rule.measure.value, alert.kind.value, alert.at, alert.level, rule.limit)
