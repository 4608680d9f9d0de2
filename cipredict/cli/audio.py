"""`cipredict audio`: how good enhanced speech is, in numbers that a gate can read. Needs the extra `audio`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli.options import JsonOption, make_app
from cipredict.errors import EXIT_OK, EXIT_USAGE, UsageError

audio_app = make_app("Score enhanced speech.")
apps = {"audio": audio_app}


@audio_app.callback()
def _audio() -> None:
    """Score enhanced speech."""


@audio_app.command("score")
def score_command(
    enhanced: Annotated[Path, typer.Option(help="Folder of what the enhancer made.")],
    reference: Annotated[Path | None, typer.Option(help="Folder of clean speech under the same names.")] = None,
    score: Annotated[str | None, typer.Option(help="What audio_quality_score stands for. [default: pesq_nb]")] = None,
    dnsmos: Annotated[bool, typer.Option("--dnsmos", help="Also without reference; needs speechmos.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write metrics (JSON) for the gate here.")
    ] = None,
    worst: Annotated[int, typer.Option(min=1, help="Show so many files, the worst first.")] = 10,
    allow_unscored: Annotated[int, typer.Option(min=0, help="So many files may lack a score.")] = 0,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: as many as there are processors.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Score every file: table on stderr, metrics for `gate --metrics` in --output; exit code 2 if none has a score."""
    from cipredict.audio.files import find_pairs  # noqa: PLC0415  # numpy and scipy, not for --help
    from cipredict.audio.scoring import score_all  # noqa: PLC0415
    from cipredict.audio.summary import summarise  # noqa: PLC0415
    from cipredict.plans.document import write_plan  # noqa: PLC0415
    from cipredict.render.audio import render_scores  # noqa: PLC0415

    chosen = _choose_score(score, has_reference=reference is not None, with_dnsmos=dnsmos)
    pairs = find_pairs(reference, enhanced)
    with _progress(len(pairs)) as advance:
        scores = score_all(
            pairs,
            jobs=jobs or os.cpu_count() or 1,
            has_reference=reference is not None,
            with_dnsmos=dnsmos,
            advance=advance,
        )
    document = summarise(scores, score=chosen, allowed_unscored=allow_unscored)
    if output is not None:
        write_plan(output, document)
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stderr.write(render_scores(document, worst=worst))
    is_any_scored = any(chosen in one.scores for one in scores)
    raise typer.Exit(EXIT_OK if is_any_scored else EXIT_USAGE)


def _choose_score(score: str | None, *, has_reference: bool, with_dnsmos: bool) -> str:
    """Give the metric that the score stands for: it must be one that will be measured."""
    from cipredict.audio.interface import DEFAULT_SCORE, METRICS  # noqa: PLC0415

    if not has_reference and not with_dnsmos:
        hint = "Give --reference, or --dnsmos for a score without one."
        raise UsageError("Without a reference there is nothing to score against.", slug="audio-reference", hint=hint)
    if with_dnsmos:
        _require_speechmos()
    measured = [name for name in METRICS if (with_dnsmos if name.startswith("dnsmos") else has_reference)]
    chosen = score or (DEFAULT_SCORE if has_reference else "dnsmos_ovrl")
    if chosen not in measured:
        known = ", ".join(measured)
        raise UsageError(f"--score: '{chosen}' is not measured here: choose from {known}.", slug="audio-score")
    return chosen


def _require_speechmos() -> None:
    from importlib.util import find_spec  # noqa: PLC0415

    missing = [name for name in ("speechmos", "librosa") if find_spec(name) is None]
    if missing:
        hint = "pip install speechmos librosa (speechmos bundles the model, states no licence: decide whether you may)"
        raise UsageError(f"--dnsmos needs the package {missing[0]}.", slug="audio-dnsmos", hint=hint)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Show how far it is, on a terminal only: a log needs no bar."""
    from rich.progress import Progress  # noqa: PLC0415

    from cipredict.render.console import people  # noqa: PLC0415

    console = people()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("scoring", total=total)
        yield lambda: progress.advance(task)
