"""`cipredict ingest github` and `gitlab`: runs, jobs and steps, from an API or from files."""

from __future__ import annotations

from typing import Annotated

import typer

from cipredict.cli.options import StoreOption, load_settings
from cipredict.errors import UsageError

FilesArgument = Annotated[
    list[str] | None, typer.Argument(help="Dumps or webhook payloads, or folders of them; without any, ask the API.")
]
FromOption = Annotated[list[str] | None, typer.Option("--from", help="The same as FILES, repeatable.")]
SinceOption = Annotated[
    str, typer.Option(help="How far back: 12h, 30d, 8w or a date; last: since the latest known run.")
]
BranchOption = Annotated[str | None, typer.Option(help="Only runs of this branch.")]
WaitOption = Annotated[str, typer.Option(help="Longest wait for a rate limit, such as 90s, 10m or 1h.")]
ChangesOption = Annotated[
    bool, typer.Option("--changes", help="Ask the API what runs changed where git does not know it.")
]
BaseUrlOption = Annotated[str | None, typer.Option(help="Address of the API of a server of your own.")]


_WITH_FILES = frozenset({"files", "from_", "repository", "project", "store"})
"""What means something where files are named; the other options ask the API."""


def github(
    context: typer.Context,
    files: FilesArgument = None,
    from_: FromOption = None,
    repository: Annotated[str | None, typer.Option("--repo", "--repository", help="owner/name.")] = None,
    since: SinceOption = "30d",
    workflow: Annotated[str | None, typer.Option(help="Only this workflow: its file, name or number.")] = None,
    branch: BranchOption = None,
    artifacts: Annotated[
        str | None, typer.Option(help="Read the reports in artifacts with such a name: a glob.")
    ] = None,
    event_artifacts: Annotated[
        str | None, typer.Option(help="Take the event files in artifacts with such a name into the ledger: a glob.")
    ] = None,
    changes: ChangesOption = False,
    base_url: BaseUrlOption = None,
    wait: WaitOption = "5m",
    store: StoreOption = None,
) -> None:
    """Take in runs, jobs and steps of GitHub Actions; the token is read from GITHUB_TOKEN or GH_TOKEN."""
    from cipredict.cli.run_reading import Asked, take_github, take_github_files  # noqa: PLC0415  # requests and duckdb

    settings = load_settings(store=store)
    if paths := [*(files or []), *(from_ or [])]:
        _refuse_api_options(context)
        take_github_files(paths, settings, repository=repository or "")
        return
    asked = Asked(repository or "", since, branch or "", artifacts or "", base_url or "", wait, changes)
    take_github(asked, settings, workflow=workflow or "", event_artifacts=event_artifacts or "")


def gitlab(
    context: typer.Context,
    files: FilesArgument = None,
    from_: FromOption = None,
    project: Annotated[str | None, typer.Option("--project", "--repository", help="group/name.")] = None,
    since: SinceOption = "30d",
    branch: BranchOption = None,
    artifacts: Annotated[str | None, typer.Option(help="Read the reports in artifacts of such jobs: a glob.")] = None,
    tests: Annotated[bool, typer.Option(help="Take in GitLab's own test reports.")] = True,
    changes: ChangesOption = False,
    base_url: BaseUrlOption = None,
    wait: WaitOption = "5m",
    store: StoreOption = None,
) -> None:
    """Take in pipelines, jobs and test reports of GitLab; the token is read from GITLAB_TOKEN or CI_JOB_TOKEN."""
    from cipredict.cli.run_reading import Asked, take_gitlab, take_gitlab_files  # noqa: PLC0415  # requests and duckdb

    settings = load_settings(store=store)
    if paths := [*(files or []), *(from_ or [])]:
        _refuse_api_options(context)
        take_gitlab_files(paths, settings, project=project or "")
        return
    asked = Asked(project or "", since, branch or "", artifacts or "", base_url or "", wait, changes)
    take_gitlab(asked, settings, tests=tests)


def _refuse_api_options(context: typer.Context) -> None:
    """Fail over options that files cannot heed.

    Raises
    ------
    UsageError
        Naming them.
    """
    named = [parameter for parameter in context.command.params if parameter.name not in _WITH_FILES]
    given = [parameter.opts[0] for parameter in named if _is_typed(context, parameter.name or "")]
    if given:
        verb = "asks" if len(given) == 1 else "ask"
        message = f"{', '.join(given)} {verb} the API; files are taken in whole."
        raise UsageError(message, slug="api-options", hint="Leave out the files, or the options.")


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
