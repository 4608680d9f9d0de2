"""`cipredict perf`: what became slower, how sure that is, since when, and what the rule costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli.options import EventsOption, JsonOption, StoreOption, load_settings, make_app

perf = make_app("Measure, compare and watch benchmarks; say what became slower.")
apps = {"perf": perf}

NoiseOption = Annotated[Path | None, typer.Option("--noise", help="Noise of unchanged code, by `perf calibrate`.")]
ConfirmsOption = Annotated[
    list[Path] | None, typer.Option("--confirms", help="An earlier comparison, of another machine; repeatable.")
]
BlockingOption = Annotated[list[str] | None, typer.Option("--blocking", help="Glob of benchmarks that may block.")]
ChangeOption = Annotated[str, typer.Option("--min-change", help="Smaller changes never count.")]
ReportOption = Annotated[Path | None, typer.Option("--output", "-o", help="Write the comparison (JSON) here.")]
MetricsOption = Annotated[Path | None, typer.Option("--metrics", help="Write metrics for `cipredict gate` here.")]
JobOption = Annotated[str | None, typer.Option("--job", help="Names this machine and job; from CI by default.")]
ShaOption = Annotated[str | None, typer.Option("--sha", help="Commit that was measured.")]
HistoryOption = Annotated[
    list[Path] | None, typer.Option("--history", help="Event files or folders; the store by default.")
]
SinceOption = Annotated[str, typer.Option("--since", help="How far to look back, such as 180d or 2026-01-31.")]


@perf.command("compare")
def compare(
    base: Annotated[Path, typer.Argument(help="Result file of any known tool, or a folder with one per run.")],
    head: Annotated[Path, typer.Argument(help="The same of the change.")],
    paired: Annotated[bool, typer.Option("--paired", help="Both were measured in one job, in turns.")] = False,
    noise: NoiseOption = None,
    confirms: ConfirmsOption = None,
    blocking: BlockingOption = None,
    rename: Annotated[list[str] | None, typer.Option(help="OLD=NEW of a renamed benchmark; repeatable.")] = None,
    min_change: ChangeOption = "5%",
    job: JobOption = None,
    show_all: Annotated[bool, typer.Option("--all", help="List what did not change too.")] = False,
    output: ReportOption = None,
    metrics: MetricsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare head with base: table on stderr, exit 1 if a confirmed regression may block, 4 if too little is known."""
    from cipredict.cli.perf_comparing import ComparingOptions, compare_files, conclude  # noqa: PLC0415

    options = ComparingOptions(
        noise=noise,
        confirms=tuple(confirms or ()),
        blocking=tuple(blocking or ("*",)),
        renames=tuple(rename or ()),
        min_change=min_change,
        job=job,
        show_all=show_all,
        output=output,
        metrics=metrics,
        as_json=as_json,
    )
    conclude(compare_files(base, head, options, paired=paired), options)


@perf.command("run")
def run(
    command: Annotated[list[str], typer.Argument(help="After --: the benchmark command; {output} is its result file.")],
    base: Annotated[str, typer.Option(help="Branch, tag or commit to compare with.")],
    head: Annotated[str, typer.Option(help="What to compare.")] = "HEAD",
    build: Annotated[str | None, typer.Option(help="Shell command run once in each working tree.")] = None,
    results: Annotated[str | None, typer.Option(help="Result file of the command, in the working tree.")] = None,
    time: Annotated[str, typer.Option(help="Start no round that may end later than this.")] = "10m",
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Exactly so many rounds; as many as decide by default.")
    ] = None,
    warmup: Annotated[int, typer.Option(min=0, help="Rounds that do not count.")] = 1,
    processor: Annotated[str, typer.Option("--cpu", help="Pin to this processor; last, or none.")] = "last",
    noise: NoiseOption = None,
    confirms: ConfirmsOption = None,
    blocking: BlockingOption = None,
    min_change: ChangeOption = "5%",
    job: JobOption = None,
    show_all: Annotated[bool, typer.Option("--all", help="List what did not change too.")] = False,
    output: ReportOption = None,
    metrics: MetricsOption = None,
    as_json: JsonOption = False,
    events: EventsOption = None,
) -> None:
    """Measure base and head in turns in one job, until it is decided or the time is over; remember and compare."""
    from cipredict.cli.perf_comparing import ComparingOptions, conclude  # noqa: PLC0415
    from cipredict.cli.perf_running import RunningOptions, measure  # noqa: PLC0415

    options = ComparingOptions(
        noise=noise,
        confirms=tuple(confirms or ()),
        blocking=tuple(blocking or ("*",)),
        min_change=min_change,
        job=job,
        show_all=show_all,
        output=output,
        metrics=metrics,
        as_json=as_json,
    )
    running = RunningOptions(
        command=tuple(command),
        base=base,
        head=head,
        build=build,
        results=results,
        time=time,
        rounds=rounds,
        warmup=warmup,
        processor=processor,
    )
    conclude(measure(running, options, load_settings(events=events)), options)


@perf.command("record")
def record(
    files: Annotated[list[Path], typer.Argument(help="Result files or folders of this job.")],
    side: Annotated[str, typer.Option(help="head, or base where the job measured that too.")] = "head",
    sha: ShaOption = None,
    job: JobOption = None,
    events: EventsOption = None,
) -> None:
    """Remember results in the event file, for the nightly job (`cipredict ingest events`)."""
    from cipredict.cli.perf_recording import record_files  # noqa: PLC0415

    record_files(files, load_settings(events=events), side=side, sha=sha, job=job)


@perf.command("detect")
def detect(
    history: HistoryOption = None,
    since: SinceOption = "365d",
    min_change: ChangeOption = "5%",
    p_value: Annotated[float, typer.Option(min=0.0, max=0.5, help="Of the t-test between two levels.")] = 1e-5,
    window: Annotated[int, typer.Option(min=4, help="Jobs that are looked at together.")] = 50,
    method: Annotated[
        str, typer.Option(help="cipredict; otava or mongodb: what these find, with the machines in.")
    ] = "cipredict",
    show_all: Annotated[bool, typer.Option("--all", help="List improvements too.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Find since when which benchmarks are slower, after taking the machines out of the history."""
    from cipredict.cli.perf_watching import WatchingOptions, show_turns  # noqa: PLC0415

    options = WatchingOptions(
        tuple(history or ()), since, min_change=min_change, p_value=p_value, window=window, method=method
    )
    show_turns(options, load_settings(store=store), show_all=show_all, as_json=as_json)


@perf.command("explain")
def explain(
    series: Annotated[str | None, typer.Argument(help="A benchmark; all that are slower by default.")] = None,
    history: HistoryOption = None,
    since: SinceOption = "365d",
    min_change: ChangeOption = "5%",
    good: Annotated[str | None, typer.Option(help="Last commit known to be good, instead of a history.")] = None,
    bad: Annotated[str | None, typer.Option(help="First commit known to be bad.")] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Name suspects: commits and files between the last good and the first bad measurement."""
    from cipredict.cli.perf_watching import WatchingOptions, explain_turns  # noqa: PLC0415

    options = WatchingOptions(tuple(history or ()), since, min_change=min_change, good=good, bad=bad)
    explain_turns(options, load_settings(store=store), series=series, as_json=as_json)


@perf.command("calibrate")
def calibrate(
    history: HistoryOption = None,
    since: SinceOption = "365d",
    bearable: Annotated[float, typer.Option(min=0.0, help="False alarms a month that are bearable.")] = 1.0,
    runs_per_month: Annotated[float | None, typer.Option(help="Compared runs a month; as in the history.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the noise profile here.")] = None,
    show_all: Annotated[bool, typer.Option("--all", help="List every benchmark.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Say what each rule would have cost on your own unchanged code, and the smallest change that it can see."""
    from cipredict.cli.perf_calibrating import CalibratingOptions, show_calibration  # noqa: PLC0415

    options = CalibratingOptions(tuple(history or ()), since, bearable, runs_per_month, output, show_all, as_json)
    show_calibration(options, load_settings(store=store))
