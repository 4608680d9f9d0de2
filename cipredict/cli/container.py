"""`cipredict container`: what a Dockerfile rebuilds and why, a faster one, and the build step that keeps its cache."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli.options import make_app
from cipredict.errors import EXIT_USAGE, InputError, UsageError

container = make_app("Find out what container builds rebuild, and make them rebuild less.")
apps = {"container": container}

FileArgument = Annotated[Path, typer.Argument(help="The Dockerfile.")]
FilesArgument = Annotated[list[Path], typer.Argument(help="Dockerfiles.")]
ContextOption = Annotated[Path | None, typer.Option("--context", help="The build context; guessed where not given.")]
HistoryOption = Annotated[int, typer.Option("--history", min=0, help="Replay so many commits; 0 for none.")]
TargetOption = Annotated[str, typer.Option("--target", help="The stage that is built; the last one by default.")]
ArgOption = Annotated[list[str] | None, typer.Option("--build-arg", help="NAME=VALUE as the build gets it.")]
VolatileOption = Annotated[list[str] | None, typer.Option("--volatile", help="An ARG that differs in every build.")]
NamedContextOption = Annotated[list[str] | None, typer.Option("--build-context", help="A context the build is given.")]
BuilderOption = Annotated[str, typer.Option("--builder", help="buildx, buildkit-rootless, kaniko or buildah.")]
ProgressOption = Annotated[
    Path | None, typer.Option("--progress", help="Log of `docker buildx build --progress=rawjson`.")
]
HistoryFileOption = Annotated[Path | None, typer.Option("--store", help="A history file: seconds from CI's steps.")]
StepOption = Annotated[str, typer.Option("--step", help="A part of the name of CI's step that builds the image.")]


@container.command()
def analyze(
    dockerfiles: FilesArgument,
    context: ContextOption = None,
    history: HistoryOption = 300,
    target: TargetOption = "",
    build_arg: ArgOption = None,
    volatile: VolatileOption = None,
    build_context: NamedContextOption = None,
    builder: BuilderOption = "buildx",
    progress: ProgressOption = None,
    store: HistoryFileOption = None,
    step: StepOption = "",
    output_format: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Show what each instruction reads, how often that changes and what history would rebuild: table on stderr."""
    from cipredict.cli.container_seconds import read_build_steps  # noqa: PLC0415
    from cipredict.cli.outputs import warn  # noqa: PLC0415
    from cipredict.container_reading import BuildOptions, Surroundings, analyze_file, read_build  # noqa: PLC0415
    from cipredict.render.containers import analyses_json, render_analysis  # noqa: PLC0415

    _check_format(output_format)
    options = BuildOptions(
        context=context,
        commits=history,
        target=target,
        args=tuple(build_arg or ()),
        volatile=tuple(volatile or ()),
        contexts=tuple(build_context or ()),
        builder=builder,
        progress=progress,
        builds=read_build_steps(store, step),
    )
    shown, refused = [], []
    known: dict[Path, Surroundings] = {}
    for path in dockerfiles:
        try:
            shown.append(analyze_file(read_build(path, options, known)))
        except InputError as error:
            if len(dockerfiles) == 1:
                raise
            refused.append(error)
    for view in shown if output_format == "table" else []:
        sys.stderr.write(render_analysis(view))
    if output_format == "json":
        sys.stdout.write(analyses_json(shown))
    for one in refused:
        warn(str(one))
    if refused:
        raise typer.Exit(EXIT_USAGE)


@container.command()
def optimize(
    dockerfile: FileArgument,
    context: ContextOption = None,
    history: HistoryOption = 300,
    target: TargetOption = "",
    build_arg: ArgOption = None,
    volatile: VolatileOption = None,
    build_context: NamedContextOption = None,
    builder: BuilderOption = "buildx",
    persistent_builder: Annotated[
        bool, typer.Option("--persistent-builder", help="The builder keeps cache mounts between builds.")
    ] = False,
    progress: ProgressOption = None,
    store: HistoryFileOption = None,
    step: StepOption = "",
    write: Annotated[bool, typer.Option("--write", help="Change the files in place.")] = False,
    patch: Annotated[Path | None, typer.Option("--patch", help="Write the patch here instead of stdout.")] = None,
    output_format: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Apply the rewrites that are shown to be safe and to save something: patch on stdout, reasons on stderr."""
    from cipredict.cli.container_seconds import read_build_steps  # noqa: PLC0415
    from cipredict.container_reading import BuildOptions, optimize_file, read_build, write_files, write_patch  # noqa: PLC0415
    from cipredict.render.containers import outcome_json, render_outcome  # noqa: PLC0415

    _check_format(output_format)
    if write and patch is not None:
        raise UsageError("Both --write and --patch were given.", slug="container-output", hint="Give one of them.")
    options = BuildOptions(
        context=context,
        commits=history,
        target=target,
        args=tuple(build_arg or ()),
        volatile=tuple(volatile or ()),
        contexts=tuple(build_context or ()),
        builder=builder,
        progress=progress,
        builds=read_build_steps(store, step),
        keeps_mounts=persistent_builder,
    )
    build = read_build(dockerfile, options)
    view = optimize_file(build)
    sys.stderr.write(render_outcome(view))
    if output_format == "json":
        sys.stdout.write(outcome_json(view))
    if write:
        write_files(build, view)
    elif patch is not None:
        write_patch(patch, view)
    elif output_format == "table":
        sys.stdout.write(view.patch)


@container.command("build-config")
def build_config(
    builder: BuilderOption = "buildx",
    platform: Annotated[str, typer.Option("--ci", help="github or gitlab.")] = "github",
    registry: Annotated[str, typer.Option("--registry", help="Where the image goes, and the cache if need be.")] = "",
    image: Annotated[str, typer.Option("--image", help="The image's name inside the registry.")] = "app",
    dockerfile: Annotated[str, typer.Option("--dockerfile", help="Its path in the repository.")] = "Dockerfile",
    context: Annotated[str, typer.Option("--context", help="The build context in the repository.")] = ".",
    target: TargetOption = "",
    cache: Annotated[str, typer.Option("--cache", help="gha or registry; what fits by default.")] = "",
) -> None:
    """Print a workflow that builds an image and keeps its layer cache: YAML on stdout."""
    from cipredict.render.containers_build import BuildStep, render_build  # noqa: PLC0415

    step = BuildStep(builder, platform, registry, image, dockerfile, context, target, cache)
    sys.stdout.write(render_build(step))


def _check_format(output_format: str) -> None:
    if output_format not in {"table", "json"}:
        message = f"Unknown format '{output_format}': choose from table, json."
        raise UsageError(message, slug="unknown-format")
