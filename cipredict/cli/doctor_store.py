"""What `doctor` asks of the history and of the event files. A history that cannot be asked is a fact, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cipredict.cli.doctor_facts import trouble_of
from cipredict.cli.event_files import read_event_files
from cipredict.decide.health_facts import (
    EventFacts,
    ExpiringSteps,
    FlakyCount,
    History,
    ReportCount,
    StoreFacts,
    Trouble,
)
from cipredict.errors import InputError, StoreError
from cipredict.settings import Settings

FLAKY_SPAN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Examined:
    """The history, the events that wait for it, and the cases of its last runs."""

    store: StoreFacts
    events: EventFacts
    recent_cases: Sequence[str] = ()


def examine_history(settings: Settings, now: datetime) -> Examined:
    """Ask everything, or say why it cannot be asked."""
    facts = StoreFacts(str(settings.store))
    try:
        return _ask(settings, now, facts)
    except StoreError as error:
        facts = replace(facts, trouble=trouble_of(error))
    except ModuleNotFoundError as error:
        message = f"{settings.store} cannot be looked at: {error.name} is not installed."
        facts = replace(facts, trouble=Trouble("missing-extra", message))
    return Examined(facts, _count_events(settings, known=frozenset()))


def _ask(settings: Settings, now: datetime, facts: StoreFacts) -> Examined:
    from cipredict.store import health  # noqa: PLC0415  # duckdb is part of an extra

    with health.examined_store(settings.store) as door:
        [history] = health.load_health_history(door, now).to_pylist()
        [steps] = health.load_health_steps(door, now).to_pylist()
        reports = health.load_health_reports(door).to_pylist()
        recent_cases = health.load_recent_cases(door, now)["case_id"].to_pylist()
        events = frozenset(health.load_event_ids(door)["event_id"].to_pylist())
        version = health.stored_version(door)
        flaky = _count_flaky(settings, now)  # in here, so that damage it meets is a StoreError
    facts = replace(
        facts,
        version=version,
        size_bytes=settings.store.stat().st_size,
        history=History(**history),
        reports=tuple(ReportCount(**row) for row in reports),
        steps=ExpiringSteps(**steps),
        flaky=flaky,
    )
    return Examined(facts, _count_events(settings, known=events), recent_cases)


def _count_flaky(settings: Settings, now: datetime) -> FlakyCount:
    from cipredict.cli.flaky import judge  # noqa: PLC0415
    from cipredict.decide.flaky import Standing  # noqa: PLC0415

    judged = judge(settings, since=now - FLAKY_SPAN, until=now)
    flaky = sum(case.standing is Standing.FLAKY for case in judged.cases)
    return FlakyCount(flaky, judged.window.cases, is_branch_known=bool(judged.default_branch))


def _count_events(settings: Settings, *, known: frozenset[str]) -> EventFacts:
    """Count what CI jobs remembered here; without a folder there is nothing, which is how a CI job begins."""
    folder = str(settings.events)
    try:
        found, complaints = read_event_files([settings.events])
    except (InputError, OSError):
        return EventFacts(folder)
    pending = {event.event_id for event in found} - known
    files = len(list(settings.events.rglob("*.jsonl")))
    return EventFacts(folder, files, pending=len(pending), complaints=len(complaints))
