"""What is kept: `cache simulate`, `prune`, `restore` and `save`, registered by the group in `cli/cache.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cipredict.errors import UsageError

if TYPE_CHECKING:
    pass

_FORMATS = ("table", "json")
FormatOption = Annotated[str, typer.Option("--format", help="table or json.")]


def register(group: typer.Typer) -> None:
    """Add the commands to the group `cache`."""
    group.command("simulate")(simulate)


def simulate(
    trace: Annotated[Path, typer.Argument(help="CSV, plain or gzipped: time,key,size[,cost,stream,kind].")],
    capacity: Annotated[str, typer.Option(help="What the cache holds, such as 10GB.")] = "10GB",
    policy: Annotated[str, typer.Option(help="Names with commas, or all.")] = "all",
    prefix_share: Annotated[
        str, typer.Option(help="Cost that is left after a hit by prefix, by kind, or one for all.")
    ] = "deps=0.05,0.4",
    where: Annotated[list[str] | None, typer.Option(help="Only rows with COLUMN=VALUE; may repeat.")] = None,
    output_format: FormatOption = "table",
) -> None:
    """Serve a trace with every policy and compare what is left to rebuild: table on stderr, json on stdout."""
    from cipredict.cli.cache_simulating import read_trace, show_simulated, simulate_trace  # noqa: PLC0415
    from cipredict.quantities import parse_bytes  # noqa: PLC0415

    check_format(output_format)
    requests = read_trace(trace, prefix_share=prefix_share, where=where or ())
    results = simulate_trace(requests, policy, capacity_bytes=parse_bytes(capacity, option="--capacity"))
    show_simulated(requests, results, output_format=output_format)


def check_format(output_format: str) -> None:
    """Refuse a format that there is not."""
    if output_format not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise UsageError(f"Unknown format '{output_format}': choose from {known}.", slug="unknown-format")
