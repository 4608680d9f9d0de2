"""What is kept: `cache simulate`, `prune`, `restore` and `save`, registered by the group in `cli/cache.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cipredict.cli.options import EventsOption, StoreOption, load_settings
from cipredict.errors import UsageError

if TYPE_CHECKING:
    pass

_FORMATS = ("table", "json")
DirectoryOption = Annotated[Path, typer.Option("--dir", help="The folder that holds the cache.")]
KeyOption = Annotated[str, typer.Option("--key", help="The key, such as `cipredict cache key` prints.")]
PathsOption = Annotated[list[str], typer.Option("--path", help="What is cached; may repeat.")]
NameOption = Annotated[str, typer.Option("--name", help="Of the cache, in its events.")]
FormatOption = Annotated[str, typer.Option("--format", help="table or json.")]


def register(group: typer.Typer) -> None:
    """Add the commands to the group `cache`."""
    group.command("simulate")(simulate)
    group.command("prune")(prune)
    group.command("restore")(restore)
    group.command("save")(save)


def simulate(
    trace: Annotated[
        Path | None,
        typer.Argument(help="CSV, plain or gzipped: time,key,size[,cost,stream,kind]; else what jobs recorded."),
    ] = None,
    capacity: Annotated[str, typer.Option(help="What the cache holds, such as 10GB.")] = "10GB",
    policy: Annotated[str, typer.Option(help="Names with commas, or all.")] = "all",
    prefix_share: Annotated[
        str, typer.Option(help="Cost that is left after a hit by prefix, by kind, or one for all.")
    ] = "deps=0.05,0.4",
    where: Annotated[list[str] | None, typer.Option(help="Only rows with COLUMN=VALUE; may repeat.")] = None,
    output_format: FormatOption = "table",
    store: StoreOption = None,
) -> None:
    """Serve a trace with every policy and compare what is left to rebuild: table on stderr, json on stdout."""
    from cipredict.cli.cache_simulating import read_trace, show_simulated, simulate_trace  # noqa: PLC0415
    from cipredict.quantities import parse_bytes  # noqa: PLC0415

    check_format(output_format)
    requests = read_trace(trace, prefix_share=prefix_share, where=where or (), store=load_settings(store=store).store)
    results = simulate_trace(requests, policy, capacity_bytes=parse_bytes(capacity, option="--capacity"))
    show_simulated(requests, results, output_format=output_format)


def prune(
    directory: Annotated[Path | None, typer.Option("--dir", help="A folder of `cipredict cache save`.")] = None,
    github: Annotated[str | None, typer.Option(help="OWNER/NAME; token from GITHUB_TOKEN or GH_TOKEN.")] = None,
    dump: Annotated[Path | None, typer.Option(help="JSON of GitHub's list of caches; - for stdin.")] = None,
    quota: Annotated[str, typer.Option(help="What may stay, such as 10GB.")] = "10GB",
    closed: Annotated[list[str] | None, typer.Option(help="A closed pull request, by number; may repeat.")] = None,
    default_branch: Annotated[str, typer.Option(help="Asked for, of GitHub; else main.")] = "",
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would go. The default.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Delete it.")] = False,
    base_url: Annotated[str, typer.Option(help="Of GitHub's API.", envvar="GITHUB_API_URL")] = "https://api.github.com",
    output_format: FormatOption = "table",
) -> None:
    """Say which entries should go for the rest to fit, superseded versions first; delete them with --apply."""
    from cipredict.cli.cache_pruning import PruneOptions, prune_caches  # noqa: PLC0415
    from cipredict.quantities import parse_bytes  # noqa: PLC0415

    check_format(output_format)
    if plan and apply:
        raise UsageError("Give --plan or --apply, not both.", slug="cache-prune")
    options = PruneOptions(
        quota_bytes=parse_bytes(quota, option="--quota"),
        closed=tuple(closed or ()),
        default_branch=default_branch,
        is_applied=apply,
        output_format=output_format,
    )
    prune_caches(options, directory=directory, github=github, dump=dump, base_url=base_url)


def restore(
    directory: DirectoryOption,
    key: KeyOption,
    path: PathsOption,
    restore_key: Annotated[list[str] | None, typer.Option(help="Prefix to fall back to; may repeat.")] = None,
    name: NameOption = "",
    events: EventsOption = None,
) -> None:
    """Put a cached folder in its place: JSON on stdout. A damaged archive is a miss; exit 0 all the same."""
    from cipredict.cli.cache_keeping import restore_paths  # noqa: PLC0415

    settings = load_settings(events=events)
    restore_paths(directory, key, restore_keys=restore_key or (), paths=path, name=name, events=settings.events)


def save(
    directory: DirectoryOption,
    key: KeyOption,
    path: PathsOption,
    quota: Annotated[str, typer.Option(help="What the folder may hold, such as 10GB.")] = "10GB",
    name: NameOption = "",
    events: EventsOption = None,
) -> None:
    """Keep folders under a key, unless it is taken: JSON on stdout. Exit 0 even where it cannot be."""
    from cipredict.cli.cache_keeping import save_paths  # noqa: PLC0415
    from cipredict.quantities import parse_bytes  # noqa: PLC0415

    settings = load_settings(events=events)
    quota_bytes = parse_bytes(quota, option="--quota")
    save_paths(directory, key, paths=path, quota_bytes=quota_bytes, name=name, events=settings.events)


def check_format(output_format: str) -> None:
    """Refuse a format that there is not."""
    if output_format not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise UsageError(f"Unknown format '{output_format}': choose from {known}.", slug="unknown-format")
