"""`cipredict gate` from options to plan: read, decide, export. It fails closed: our bugs let no change pass."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict import __version__
from cipredict.cli.environment import ci_run
from cipredict.cli.gate_config import GateConfig
from cipredict.cli.gate_subject import read_subject
from cipredict.cli.outputs import append_step_summary, remember, tell, warn
from cipredict.decide.gating.approving import Roles, count_approvals
from cipredict.decide.gating.judging import GateRequest, decide_gates
from cipredict.errors import ChangeUnknown, InputError, UsageError
from cipredict.events import Event, read_events
from cipredict.ingest.git import known_files
from cipredict.ingest.metrics.collecting import collect
from cipredict.ingest.metrics.interface import MetricsFile
from cipredict.ingest.metrics.reading import Places, read_metrics, read_picks
from cipredict.measures import Measurement
from cipredict.plans.approvals import EVENT_KIND, LEAST_KEY_BYTES, Approval, parse_approval
from cipredict.plans.document import MadeFrom, canonical_json, write_plan
from cipredict.plans.gate_plan import GateInput, GatePlan, JudgedGate, Scope
from cipredict.render.gates.annotations import gate_outputs, render_annotations
from cipredict.render.gates.table import render_gates, render_step_summary
from cipredict.render.github import render_outputs

if TYPE_CHECKING:
    from cipredict.settings import Settings

FORMATS = ("verdict", "json", "github")
KEY_VARIABLE = "CIPREDICT_APPROVAL_KEY"
_DIFF_METRIC = "diff_coverage"
ChangedLines = Mapping[str, frozenset[int]]


@dataclass(frozen=True, slots=True)
class GatingOptions:
    """The command's options, as typed."""

    metrics: tuple[str, ...]
    base_metrics: tuple[str, ...]
    config: Path
    config_from: str | None
    base: str | None
    diff: str | None
    labels: tuple[str, ...]
    branch: str | None
    author: str | None
    scope: str
    output_format: str


@dataclass(frozen=True, slots=True)
class Exports:
    """Files to write beside, where asked for."""

    output: Path | None = None
    sarif: Path | None = None
    code_quality: Path | None = None
    junit: Path | None = None
    approval_request: Path | None = None


def gate_change(options: GatingOptions, config: GateConfig, settings: Settings) -> GatePlan:
    """Read everything that was measured, and decide.

    Raises
    ------
    UsageError
        An option cannot be meant.
    """
    scope = _word(options.scope, tuple(Scope), option="--scope")
    _word(options.output_format, FORMATS, option="--format")
    places = Places(Path.cwd(), datetime.now(UTC), known_files(Path.cwd()))
    files = [read_metrics(name, places) for name in _spread_folders(options.metrics)]
    base = [read_metrics(name, places) for name in _spread_folders(options.base_metrics)]
    changed, lost = _changed_lines(options, config)
    subject = read_subject(os.environ, labels=options.labels, branch=options.branch, author=options.author)
    approvals, notes = read_approvals(settings.events)

    def approved(digest: str, gate: JudgedGate) -> tuple[str, ...]:
        mine = [one for one in approvals if one.decision_sha256 == digest]
        return count_approvals(gate, mine, author=subject.author, roles=config.roles)

    return decide_gates(
        GateRequest(
            gates=config.gates,
            measurements=[*collect(files, base=base, changed=changed), *read_picks(config.picks), *lost],
            subject=subject,
            today=datetime.now(UTC).date(),
            made_from=MadeFrom(__version__, commit=subject.commit, settings=config.source),
            base=collect(base),
            scope=Scope(scope),
            inputs=tuple(map(_input, [*files, *base])),
            notes=tuple(notes),
            approvals=approved,
        )
    )


def _spread_folders(names: Sequence[str]) -> list[str]:
    """Name the files below a folder instead of it; one that is empty measures nothing, which no gate passes."""
    found: list[str] = []
    for name in names:
        folder = Path(name)
        inside = sorted(str(path) for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else [name]
        found += inside
    return found


def _word(word: str, known: Sequence[str], *, option: str) -> str:
    if word not in known:
        names = ", ".join(known)
        raise UsageError(f"{option}: unknown '{word}': choose from {names}.", slug="unknown-format")
    return word


def _input(file: MetricsFile) -> GateInput:
    return GateInput(file.source, file.reading.kind, file.status.value, "; ".join(file.problems[:3]))


def _changed_lines(options: GatingOptions, config: GateConfig) -> tuple[ChangedLines | None, list[Measurement]]:
    """Give the added lines where a gate looks at them; unknown ones are a metric that is missing, with the reason."""
    is_asked = options.base is not None or options.diff is not None
    if not is_asked and all(gate.metric != _DIFF_METRIC for gate in config.gates):
        return None, []
    from cipredict.act.changed_lines import parse_changed_lines  # noqa: PLC0415  # only for diff coverage
    from cipredict.act.git import changed_text  # noqa: PLC0415
    from cipredict.cli.inputs import read_text  # noqa: PLC0415

    try:
        if options.diff is not None:
            return parse_changed_lines(read_text(options.diff, what="diff")), []
        run = ci_run()
        base = options.base or (run.base_sha or run.base_branch if run else None)
        return parse_changed_lines(changed_text(base, cwd=Path.cwd())), []
    except ChangeUnknown as error:
        return None, [Measurement(_DIFF_METRIC, None, reason=str(error))]


def read_key() -> bytes | None:
    """Give the key that approvals are signed with, None where there is none.

    Raises
    ------
    UsageError
        Too short to be a secret.
    """
    key = os.environ.get(KEY_VARIABLE, "").encode()
    if key and len(key) < LEAST_KEY_BYTES:
        message = f"{KEY_VARIABLE} holds {len(key)} bytes, fewer than {LEAST_KEY_BYTES}."
        raise UsageError(message, slug="approval-key", hint="Make one with `openssl rand -hex 32`.")
    return key or None


def read_approvals(folder: Path) -> tuple[list[Approval], list[str]]:
    """Give the approvals of the event files whose signature holds, and a note where others were passed over."""
    found = [one for path in sorted(folder.glob(f"{EVENT_KIND}-*.jsonl")) for one in _approvals_of(path)]
    key = read_key()
    if found and key is None:
        return [], [f"{len(found)} recorded approvals cannot be checked without {KEY_VARIABLE}, so they do not count"]
    signed = [one for one in found if one is not None and key is not None and one.is_signed_with(key)]
    odd = len(found) - len(signed)
    return signed, [f"{odd} recorded approvals are not signed with this key, so they do not count"] if odd else []


def _approvals_of(path: Path) -> list[Approval | None]:
    try:
        events = [event for event in read_events(path) if isinstance(event, Event) and event.kind == EVENT_KIND]
    except OSError as error:
        warn(f"{path} cannot be read ({error.strerror}): its approvals do not count.")
        return []
    return [parse_approval(event.body) for event in events]


def show_gates(
    plan: GatePlan, options: GatingOptions, settings: Settings, *, config: GateConfig, exports: Exports
) -> None:
    """Write the exports, the table to stderr, what machines asked for to stdout, and the plan to the events."""
    write_exports(plan, exports, place=options.config.as_posix(), roles=config.roles)
    remember(plan.to_record(), settings.events)
    sys.stdout.write(_machine_output(plan, options.output_format))
    tell(partial(render_gates, plan))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        tell(partial(render_annotations, plan))
    append_step_summary(partial(render_step_summary, plan))


def _machine_output(plan: GatePlan, output_format: str) -> str:
    if output_format == "json":
        return canonical_json(plan.to_document())
    return render_outputs(gate_outputs(plan)) if output_format == "github" else f"{plan.verdict.value}\n"


def write_exports(plan: GatePlan, exports: Exports, *, place: str, roles: Roles) -> None:
    """Write every report that was asked for; `place` is the file that defines the gates.

    Raises
    ------
    InputError
        A place cannot be written: a gate whose report is lost has not done its work.
    """
    from cipredict.render.gates.approval_request import render_approval_request  # noqa: PLC0415  # only what is asked
    from cipredict.render.gates.code_quality import render_code_quality  # noqa: PLC0415
    from cipredict.render.gates.junit import render_junit  # noqa: PLC0415
    from cipredict.render.gates.sarif import render_sarif  # noqa: PLC0415

    texts: tuple[tuple[Path | None, Callable[[], str]], ...] = (
        (exports.sarif, lambda: _json(render_sarif(plan, config=place))),
        (exports.code_quality, lambda: _json(render_code_quality(plan, config=place))),
        (exports.junit, lambda: render_junit(plan)),
        (exports.approval_request, lambda: _json(render_approval_request(plan, roles=roles))),
    )
    if exports.output is not None:
        write_plan(exports.output, plan.to_document())
    for path, render in texts:
        if path is not None:
            _write(path, render())


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}.", slug="output-unwritable") from error
