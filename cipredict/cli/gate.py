"""`cipredict gate`: judge what was measured by the project's gates. Light as other CI commands, but it fails closed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from cipredict.cli.options import EventsOption, load_settings, make_app

_MANY = ("--metrics", "-m", "--base-metrics")


class _ManyFiles(TyperGroup):
    """Lets an option take several files, `--metrics a.json b.xml`, as shells expand them."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # typer's own click
        return super().parse_args(ctx, spread(args, commands=frozenset(self.commands)))


def spread(args: list[str], *, commands: frozenset[str]) -> list[str]:
    """Repeat the option before each of its files.

    >>> spread(["-m", "a", "b", "--scope", "merge"], commands=frozenset())
    ['-m', 'a', '-m', 'b', '--scope', 'merge']
    """
    told: list[str] = []
    option, is_first = "", False
    for argument in args:
        if argument.startswith("-") and argument != "-":
            option, is_first = (argument, True) if argument in _MANY else ("", False)
        elif option and argument in commands and not is_first:
            option = ""
        elif option and not is_first:
            told.append(option)
        else:
            is_first = False
        told.append(argument)
    return told


gate_app = make_app(
    "Judge what was measured by the project's gates; exit code 0 pass, 1 blocked, 3 approval, 4 unsure."
)
apps = {"gate": gate_app}

ConfigOption = Annotated[Path, typer.Option("--config", help="Where the gates are defined.")]
ConfigFromOption = Annotated[
    str | None, typer.Option("--config-from", help="Take that file from this branch or commit, not from the change.")
]


@gate_app.callback(invoke_without_command=True, cls=_ManyFiles)
def gate(
    context: typer.Context,
    metrics: Annotated[
        list[str] | None, typer.Option("--metrics", "-m", help="Files to judge, PATH or KIND=PATH, or folders.")
    ] = None,
    base_metrics: Annotated[list[str] | None, typer.Option(help="The same files of the base.")] = None,
    config: ConfigOption = Path("pyproject.toml"),
    config_from: ConfigFromOption = None,
    base: Annotated[str | None, typer.Option(help="For diff coverage: compare with this branch or commit.")] = None,
    diff: Annotated[str | None, typer.Option(help="For diff coverage: file with a unified diff; - is stdin.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="A label of the change, for exceptions.")] = None,
    branch: Annotated[str | None, typer.Option(help="The change's branch, where CI does not say.")] = None,
    author: Annotated[str | None, typer.Option(help="Who made the change, where CI does not say.")] = None,
    scope: Annotated[str, typer.Option(help="deployment, or merge: block_deployment only warns.")] = "deployment",
    output_format: Annotated[str, typer.Option("--format", help="verdict, json or github.")] = "verdict",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the plan (JSON) here.")] = None,
    sarif: Annotated[Path | None, typer.Option(help="Write SARIF here.")] = None,
    code_quality: Annotated[Path | None, typer.Option(help="Write GitLab's code-quality report here.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the gates as JUnit here.")] = None,
    approval_request: Annotated[Path | None, typer.Option(help="Write who is asked for what (JSON) here.")] = None,
    events: EventsOption = None,
) -> None:
    """Judge what was measured: table on stderr, verdict on stdout, reports where asked for."""
    if context.invoked_subcommand is not None:
        return
    from cipredict.cli.gate_config import read_gate_config  # noqa: PLC0415
    from cipredict.cli.gating import Exports, GatingOptions, gate_change, show_gates  # noqa: PLC0415

    options = GatingOptions(
        metrics=tuple(metrics or ()),
        base_metrics=tuple(base_metrics or ()),
        config=config,
        config_from=config_from,
        base=base,
        diff=diff,
        labels=tuple(label or ()),
        branch=branch,
        author=author,
        scope=scope,
        output_format=output_format,
    )
    settings = load_settings(events=events)
    defined = read_gate_config(config, commit=config_from)
    plan = gate_change(options, defined, settings)
    exports = Exports(output, sarif, code_quality, junit, approval_request)
    show_gates(plan, options, settings, config=defined, exports=exports)
    raise typer.Exit(plan.verdict.exit_code)


@gate_app.command("approve")
def approve_plan(
    plan: Annotated[Path, typer.Argument(help="The plan that `gate --output` wrote.")],
    user: Annotated[list[str] | None, typer.Option("--as", help="Who approves.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")] = "",
    reviews: Annotated[str | None, typer.Option(help="Take who approves from GitHub's or GitLab's answer.")] = None,
    config: ConfigOption = Path("pyproject.toml"),
    config_from: ConfigFromOption = None,
    events: EventsOption = None,
) -> None:
    """Record an approval of exactly this plan, signed with CIPREDICT_APPROVAL_KEY."""
    from cipredict.cli.gate_approving import ApprovingOptions, approve  # noqa: PLC0415

    options = ApprovingOptions(
        plan=plan, users=tuple(user or ()), reason=reason, reviews=reviews, config=config, config_from=config_from
    )
    approve(options, load_settings(events=events))


@gate_app.command("run")
def run(
    tools: Annotated[list[str], typer.Argument(help="ruff, ruff-format, black, isort, mypy, bandit, pip-audit.")],
    path: Annotated[list[str] | None, typer.Option(help="What to look at; repeatable. [default: .]")] = None,
    option: Annotated[list[str] | None, typer.Option("--option", help="Handed to the tool; repeatable.")] = None,
    output_dir: Annotated[Path, typer.Option(help="Folder for the reports.")] = Path(".cipredict/gates"),
) -> None:
    """Run ready-made stages and keep what they say for `gate --metrics`; findings do not fail this step."""
    from cipredict.cli.gate_running import run_tools  # noqa: PLC0415

    code = run_tools(tools, paths=tuple(path or (".",)), extra=tuple(option or ()), folder=output_dir)
    raise typer.Exit(code)
