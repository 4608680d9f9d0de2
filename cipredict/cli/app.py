"""The entry point: which command lives where, and what every error looks like to the person who typed it.

`--help` prints the outline below without importing anything else; each command imports its own module only.
"""

from __future__ import annotations

import gc
import os
import sys
from difflib import get_close_matches
from importlib import import_module
from io import TextIOWrapper

OUTLINE: dict[str, tuple[str, str]] = {
    "select-tests": ("cipredict.cli.ci", "Choose the cases that a change needs, and say why."),
    "shard": ("cipredict.cli.ci", "Divide cases among machines by predicted time."),
    "ci": ("cipredict.cli.ci_step", "Plan the jobs of a suite in one step of a workflow."),
    "predict": ("cipredict.cli.ci", "Forecast the seconds of a run or of cases."),
    "cache": ("cipredict.cli.cache", "Make cache keys, say what they bring, keep what pays."),
    "gate": ("cipredict.cli.gate", "Judge what was measured by the project's gates."),
    "audio": ("cipredict.cli.audio", "Score enhanced speech, for the gates."),
    "ingest": ("cipredict.cli.ingest", "Take reports, runs, histories, git and coverage into the store."),
    "prune-history": ("cipredict.cli.prune_history", "Remove old history from the store; give its space back."),
    "bootstrap": ("cipredict.cli.bootstrap", "Learn from injected faults what a change can break, before any failure."),
    "train": ("cipredict.cli.nightly", "Fit the models, judge them, publish the winner."),
    "publish": ("cipredict.cli.nightly", "Write the forecast bundle from the champion and today's history."),
    "backtest": ("cipredict.cli.nightly", "Replay history: what would each policy have caught?"),
    "models": ("cipredict.cli.models", "List, show, promote and roll back registered versions."),
    "export": ("cipredict.cli.export", "Give the store to others: Parquet, CTRF, OpenTelemetry, Prometheus."),
    "report": ("cipredict.cli.report", "Show what was predicted against what happened."),
    "alerts": ("cipredict.cli.alerts", "Tell people what got worse, once."),
    "flaky": ("cipredict.cli.flaky", "Find cases that fail by chance; plan their quarantine."),
    "deploy": ("cipredict.cli.deploy", "Bring a release to everybody step by step, and back where it is bad."),
    "perf": ("cipredict.cli.perf", "Measure, compare and watch benchmarks; say what became slower."),
    "container": (
        "cipredict.cli.container",
        "Say what container builds rebuild; rewrite Dockerfiles; emit build steps.",
    ),
    "pipeline": ("cipredict.cli.pipeline", "Show, plan, optimise, export and import pipelines."),
    "doctor": ("cipredict.cli.doctor", "Check everything that plans rest on; say what to do."),
}
"""Command → (module, one line), in the order of use."""


def console() -> None:
    """Run one command and leave at once, as mypy does: taking 100,000 objects apart costs a CI job 40 ms."""
    for stream in (sys.stdout, sys.stderr):  # case ids are UTF-8 whatever the runner's locale
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main(argv: list[str] | None = None) -> int:
    """Run one command; give its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in {"--help", "-h", "help"}:
        sys.stdout.write(_outline())
        return 0
    if arguments[0] == "--version":
        from cipredict import __version__  # noqa: PLC0415  # --help must not wait for anything

        sys.stdout.write(f"cipredict {__version__}\n")
        return 0
    return _run(arguments)


def _outline() -> str:
    width = max(map(len, OUTLINE))
    commands = "\n".join(f"  {name:{width}}  {line}" for name, (_, line) in OUTLINE.items())
    return (
        "Usage: cipredict COMMAND [OPTIONS]\n\n"
        "Learns from your CI history which tests to run, how to shard them and what it costs.\n\n"
        f"Commands:\n{commands}\n\nRun `cipredict COMMAND --help` for its options.\n"
    )


def _run(arguments: list[str]) -> int:
    name = arguments[0]
    if name not in OUTLINE:
        near = get_close_matches(name, OUTLINE, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else "Run `cipredict --help`."
        return _complain(f"No command '{name}'. {hint}")
    if OUTLINE[name][0] == "cipredict.cli.ci":
        gc.disable()  # it lives for a second; looking for cycles among 10,000 forecasts takes a tenth of it
    try:
        from typer.main import get_command  # noqa: PLC0415  # --help must not wait for anything

        module = import_module(OUTLINE[name][0])
        command = get_command(module.apps[name])
        outcome = command.main(args=arguments[1:], prog_name=f"cipredict {name}", standalone_mode=False)
    except BrokenPipeError:  # `| head` closed the pipe: nothing to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:  # the outermost net
        if os.environ.get("CIPREDICT_DEBUG"):
            raise
        return _complain(*_explain(error))
    return outcome if isinstance(outcome, int) else 0


def _explain(error: BaseException) -> tuple[str, int]:
    """Give one line and an exit code for whatever ended a command."""
    import typer  # noqa: PLC0415

    from cipredict.errors import EXIT_OUR_BUG, EXIT_USAGE, CipredictError  # noqa: PLC0415

    if isinstance(error, CipredictError):
        return str(error), error.exit_code or EXIT_USAGE
    if isinstance(error, ModuleNotFoundError):
        return _missing_extra(error), EXIT_USAGE
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "Interrupted.", 130
    if hasattr(error, "format_message"):  # typer's usage errors, of a private module
        return error.format_message(), EXIT_USAGE
    hint = "Set CIPREDICT_DEBUG=1 for the traceback."
    return f"A bug in cipredict: {type(error).__name__}: {error}. {hint}", EXIT_OUR_BUG


_EXTRAS = {
    "opentelemetry": "otel",
    "scipy": "perf",
    **dict.fromkeys(("duckdb", "pyarrow", "lxml", "requests", "cachecontrol", "yaml"), "store"),
    **dict.fromkeys(("pesq", "pystoi", "soundfile", "pyloudnorm"), "audio"),
    "ortools": "schedule",
    "distributed": "dask",
    "apprise": "alerts",
    "prometheus_client": "prometheus",
}


def _missing_extra(error: ModuleNotFoundError) -> str:
    name = (error.name or "").partition(".")[0]
    extra = _EXTRAS.get(name, "learn")
    return f"This command needs {error.name}: pip install 'cipredict[{extra}]'. [missing-extra]"


def _complain(message: str, code: int = 2) -> int:
    sys.stderr.write(f"cipredict: {' '.join(message.split())}\n")
    return code
