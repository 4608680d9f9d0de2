"""`cipredict prune-history`: old rows out of the store, and their space back."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cipredict.cli.options import StoreOption, load_settings, make_app
from cipredict.errors import StoreError, UsageError

if TYPE_CHECKING:
    from cipredict.store.pruning import Pruning

app = make_app("Remove old history from the store, and give its space back.")
apps = {"prune-history": app}
_AGE = re.compile(r"([1-9]\d{0,4})d")


@app.command()
def prune_history(
    older_than: Annotated[str, typer.Option("--older-than", help="Age in days, such as 400d.")],
    store: StoreOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Remove old runs with all that hangs on them, cache events and benchmark samples; print counts as JSON."""
    before = datetime.now(UTC) - _age(older_than)

    from cipredict.store.database import open_store  # noqa: PLC0415  # duckdb, not for --help
    from cipredict.store.pruning import count_old, prune_store  # noqa: PLC0415

    path = load_settings(store=store).store
    if not path.exists():
        raise StoreError(f"There is no history at {path}.", hint="Run `cipredict ingest` first.", slug="no-store")
    bytes_before = path.stat().st_size
    if dry_run:
        with open_store(path, read_only=True) as door:
            pruning = count_old(door, before)
    else:
        pruning = prune_store(path, before)
    _show(pruning, before, bytes_before=bytes_before, bytes_after=path.stat().st_size, is_dry_run=dry_run)


def _age(text: str) -> timedelta:
    match = _AGE.fullmatch(text)
    if match is None:
        raise UsageError(f"--older-than {text}: give days, such as 400d.", slug="prune-age")
    return timedelta(days=int(match[1]))


def _show(pruning: Pruning, before: datetime, *, bytes_before: int, bytes_after: int, is_dry_run: bool) -> None:
    from cipredict.render.console import people, render_table  # noqa: PLC0415  # not for --help

    document = {
        "is_dry_run": is_dry_run,
        "before": before.isoformat(timespec="seconds"),
        "bytes_before": bytes_before,
        "bytes_after": bytes_after,
        "training_runs": pruning.training_runs,
        "tables": {name: {"kept": it.kept, "removed": it.removed} for name, it in pruning.tables.items()},
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    rows = [(name, f"{it.removed:,}", f"{it.kept:,}") for name, it in pruning.tables.items()]
    people().print(render_table("To remove" if is_dry_run else "Removed", ("table", "goes", "stays"), rows))
    sys.stderr.write(f"{pruning.training_runs:,} runs with results stay for training.\n")
