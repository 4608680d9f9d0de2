"""`pipeline export` from options to a file."""

from __future__ import annotations

import sys
from pathlib import Path

from cipredict.cli.options import load_settings
from cipredict.cli.outputs import warn
from cipredict.cli.pipeline_planning import choose, is_workflow, load_pipeline, read_workflow, write_text
from cipredict.errors import EXIT_OK, EXIT_VERDICT_NO, UsageError
from cipredict.render.pipelines.github_workflow import render_github_workflow
from cipredict.render.pipelines.gitlab_file import render_gitlab_child, render_gitlab_file

TARGETS = ("github", "gitlab", "gitlab-child")


def export_pipeline(
    source: Path | None,
    *,
    target: str,
    static: bool,
    base: str | None,
    changed: tuple[str, ...],
    output: Path | None,
    dotenv: Path | None,
    check: bool,
) -> int:
    """Write or compare; give the exit code."""
    if target not in TARGETS:
        raise UsageError(f"Unknown target '{target}': choose from {', '.join(TARGETS)}.", slug="unknown-format")
    text = _rendered(source, target=target, static=static, base=base, changed=changed, dotenv=dotenv)
    if not check:
        write_text(output, text)
        return EXIT_OK
    if output is None:
        raise UsageError("--check compares with --output.", slug="export-check")
    found = output.read_bytes().decode(errors="replace") if output.is_file() else ""
    if found == text:
        return EXIT_OK
    sys.stderr.write(f"cipredict: {output} is not what the pipeline exports. Run the same command without --check.\n")
    return EXIT_VERDICT_NO


def _rendered(
    source: Path | None, *, target: str, static: bool, base: str | None, changed: tuple[str, ...], dotenv: Path | None
) -> str:
    if source is not None and is_workflow(source):
        workflow = read_workflow(source)
        if not target.startswith(workflow.provider):
            message = f"{source} is a workflow of {workflow.provider}: it exports to {workflow.provider} only."
            raise UsageError(message, slug="export-gap", hint="Write a pipeline.toml.")
        return workflow.text
    pipeline = load_pipeline(source)
    if target == "github":
        return render_github_workflow(pipeline, is_dynamic=not static)
    if target == "gitlab":
        is_alone = static or not pipeline.is_dynamic
        return render_gitlab_child(pipeline, is_alone=True) if is_alone else render_gitlab_file(pipeline)
    running = None
    if target == "gitlab-child":
        choices = choose(pipeline, load_settings(), base=base, changed=changed, selection=None)
        running = [choice.stage.name for choice in choices if choice.runs]
        for choice in choices:
            if not choice.runs:
                warn(f"Skipped: {choice.stage.name}: {choice.reason}.")
        if dotenv is not None:
            write_text(dotenv, f"STAGES={','.join(running)}\nCOUNT={len(running)}\n")
    return render_gitlab_child(pipeline, running)
