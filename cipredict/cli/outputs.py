"""What a CI command leaves behind: the plan, the event for the nightly job, the step summary, one warning line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cipredict.cli.environment import ci_run
from cipredict.errors import CipredictError, InputError
from cipredict.events import append_event


def warn(message: str) -> None:
    """Say one line on stderr."""
    sys.stderr.write(f"cipredict: {' '.join(message.split())}\n")


def strict_error(error: Exception) -> InputError:
    """Give what `--strict` makes of missing knowledge: the same words, and exit 2."""
    if isinstance(error, CipredictError):
        return InputError(error.message, slug=error.slug, hint=error.hint)
    return InputError(f"A bug in cipredict: {error!r}.", slug="strict")


def run_key() -> dict[str, object]:
    """Give what an event says about the run of this process; nothing outside CI."""
    run = ci_run()
    if run is None:
        return {}
    return {"provider": run.provider, "repository": run.repository, "run_id": run.run_id, "attempt": run.attempt}


def remember(plan: str, folder: Path, *, kind: str = "plan") -> None:
    """Append a plan, JSON on one line, to the event file; a job that cannot write warns and goes on."""
    try:
        append_event(folder, kind, datetime.now(UTC), run=run_key(), body=plan)
    except OSError as error:
        warn(f"The plan is not remembered: {folder} cannot be written ({error.strerror}).")


def tell(render: Callable[[], str]) -> None:
    """Show people what was decided; the decision stands where a bug of ours keeps it from being shown."""
    try:
        sys.stderr.write(render())
    except Exception as error:  # noqa: BLE001  # a CI job must not break on our account
        warn(f"The summary cannot be shown, which is a bug in cipredict: {error!r}.")


def append_step_summary(render: Callable[[], str]) -> None:
    """Show Markdown on the run's page where GitHub offers a place for it."""
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    try:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(render())
    except OSError as error:
        warn(f"No step summary: {place} cannot be written ({error.strerror}).")
    except Exception as error:  # noqa: BLE001  # a CI job must not break on our account
        warn(f"No step summary, which is a bug in cipredict: {error!r}.")
