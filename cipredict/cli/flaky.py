"""`cipredict flaky`: which cases fail by chance, how sure that is, and which of them to quarantine."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cipredict.cli.options import StoreOption, load_settings, make_app
from cipredict.errors import UsageError

if TYPE_CHECKING:
    from cipredict.decide.flaky import CaseFlakiness
    from cipredict.decide.quarantine import Window
    from cipredict.plans.quarantine_plan import Terms
    from cipredict.render.flaky import FlakyRow
    from cipredict.settings import Settings

apps = {"flaky": make_app()}
FORMATS = ("table", "json", "lines")
GONE_AFTER = timedelta(days=30)
"""A case that did not run for so long before the last run was removed or renamed: that it was red helps nobody."""
_NO_BRANCH = "No default branch is known: set default_branch. Until then no case is called broken or newly failing."
_CODEOWNERS = (".github/CODEOWNERS", "CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS")


@dataclass(frozen=True, slots=True)
class Judged:
    """The cases that ever failed in a window of the history; without a default branch none can be broken."""

    cases: tuple[CaseFlakiness, ...]
    window: Window
    last_at: datetime
    default_branch: str


@apps["flaky"].command()
def flaky(
    since: Annotated[str, typer.Option(help="How far to look back, such as 90d, 12w or 2026-01-31.")] = "90d",
    min_runs: Annotated[int, typer.Option(min=1, help="Fewest results that a flaky case is listed with.")] = 10,
    output_format: Annotated[str, typer.Option("--format", help="table, json, or lines: the flaky ids.")] = "table",
    quarantine: Annotated[Path | None, typer.Option(help="Write the quarantine plan (JSON) here.")] = None,
    min_score: Annotated[str, typer.Option(help="Quarantine what surely fails more often than this.")] = "1%",
    max_share: Annotated[str, typer.Option(help="Quarantine at most this share of the cases.")] = "2%",
    expire: Annotated[str, typer.Option(help="End a quarantine so long after the last evidence.")] = "30d",
    store: StoreOption = None,
) -> None:
    """Tell flaky cases from broken and newly failing ones: table on stderr, json or ids on stdout."""
    from cipredict.plans.quarantine_plan import Terms  # noqa: PLC0415  # not for --help
    from cipredict.quantities import parse_days, parse_share, parse_since  # noqa: PLC0415

    if output_format not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError(f"Unknown format '{output_format}': choose from {known}.", slug="unknown-format")
    terms = Terms(
        min_results=min_runs,
        min_score=parse_share(min_score, option="--min-score"),
        max_share=parse_share(max_share, option="--max-share"),
        expire_days=round(parse_days(expire, option="--expire")),
    )
    settings = load_settings(store=store)
    now = datetime.now(UTC)
    judged = judge(settings, since=parse_since(since, now=now), until=now)
    show(judged, terms, output_format=output_format)
    if quarantine is not None:
        write_quarantine(judged, terms, settings, path=quarantine)


def judge(settings: Settings, *, since: datetime, until: datetime) -> Judged:
    """Judge every case that failed in that time; the store is let go before that."""
    from cipredict.decide.flaky import Changes, TreeChange, TreeOutcome, judge_cases  # noqa: PLC0415
    from cipredict.decide.globs import path_matcher  # noqa: PLC0415
    from cipredict.decide.quarantine import Window  # noqa: PLC0415
    from cipredict.store.database import open_store  # noqa: PLC0415  # duckdb, not for --help
    from cipredict.store.queries import guess_default_branch  # noqa: PLC0415
    from cipredict.store.trust import load_flaky_outcomes, load_flaky_trees, load_flaky_window  # noqa: PLC0415

    with open_store(settings.store, read_only=True) as door:
        branch = settings.default_branch or guess_default_branch(door, until, since=since)
        outcomes = load_flaky_outcomes(door, until, since=since, default_branch=branch)
        trees = load_flaky_trees(door, until, since=since).to_pylist()
        [window] = load_flaky_window(door, until, since=since).to_pylist()
    changes = Changes(
        {
            row["tree"]: TreeChange(row["sha"], row["parent_sha"], None if row["paths"] is None else (*row["paths"],))
            for row in trees
        },
        can_move_any=path_matcher(settings.run_all),
        is_ignored=path_matcher(settings.ignored),
    )
    rows = (TreeOutcome(**row) for batch in outcomes.to_batches(10_000) for row in batch.to_pylist())
    cases = tuple(judge_cases(rows, changes))
    judged = Window(since, until, runs=window["runs"], cases=window["cases"])
    return Judged(cases, judged, window["last_at"] or until, branch)


def show(judged: Judged, terms: Terms, *, output_format: str) -> None:
    """Write the table to stderr and what machines asked for to stdout."""
    from cipredict.render.flaky import render_flaky  # noqa: PLC0415

    window = judged.window
    rows = list(_rows(judged, terms))
    title = f"{window.cases} cases in {window.runs} runs since {window.since:%Y-%m-%d}"
    for part in render_flaky(rows, title=title):
        sys.stderr.write(f"{part}\n")
    if window.runs and not judged.default_branch:
        sys.stderr.write(f"{_NO_BRANCH} [default-branch]\n")
    if output_format == "json":
        span = {"since": window.since.isoformat(), "until": window.until.isoformat()}
        document = {**span, "runs": window.runs, "cases": window.cases, "judged": [row.to_json() for row in rows]}
        sys.stdout.write(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    elif output_format == "lines":
        sys.stdout.write("".join(f"{row.case_id}\n" for row in rows if row.standing == "flaky"))


def _rows(judged: Judged, terms: Terms) -> Iterator[FlakyRow]:
    """Give the cases that stand out: the surest flaky ones first, then suspects, then what is simply red."""
    from cipredict.decide.flaky import Standing  # noqa: PLC0415
    from cipredict.render.flaky import FlakyRow  # noqa: PLC0415

    order = list(Standing)
    listed = [case for case in judged.cases if _stands_out(case, terms, last_at=judged.last_at)]
    for case in sorted(listed, key=lambda case: (order.index(case.standing), -case.low, case.case_id)):
        yield FlakyRow(
            case.case_id,
            case.standing.value,
            score=case.score,
            low=case.low,
            high=case.high,
            confidence=case.confidence.value,
            results=case.results,
            flaky_failures=case.flaky_failures,
            evidence=Counter(one.kind.value for one in case.contradictions),
            last_seen=case.last_seen,
        )


def _stands_out(case: CaseFlakiness, terms: Terms, *, last_at: datetime) -> bool:
    """Tell whether people want to see a case: enough results to be called flaky, or red and still in the suite."""
    from cipredict.decide.flaky import Standing  # noqa: PLC0415

    if case.standing in {Standing.BROKEN, Standing.NEWLY_FAILING}:
        return case.last_seen > last_at - GONE_AFTER
    return case.standing is not Standing.EXPLAINED and case.results >= terms.min_results


def write_quarantine(judged: Judged, terms: Terms, settings: Settings, *, path: Path) -> None:
    """Write the plan, and say what it does and does not do."""
    from cipredict import __version__  # noqa: PLC0415
    from cipredict.decide.quarantine import plan_quarantine  # noqa: PLC0415
    from cipredict.plans.document import MadeFrom, write_plan  # noqa: PLC0415
    from cipredict.render.flaky import say_quarantine  # noqa: PLC0415

    made_from = MadeFrom(__version__, settings=settings.source)
    plan = plan_quarantine(judged.cases, judged.window, terms=terms, made_from=made_from, owner_of=_owners())
    write_plan(path, plan.to_document())
    for line in say_quarantine(plan):
        sys.stderr.write(f"{line}\n")
    sys.stderr.write(f"Wrote {path}.\n")


def _owners() -> Callable[[str], str]:
    """Read the first CODEOWNERS file there is; an unreadable one names nobody."""
    from cipredict.decide.owners import owner_finder  # noqa: PLC0415

    text = next(
        (Path(name).read_text(encoding="utf-8", errors="replace") for name in _CODEOWNERS if Path(name).is_file()), ""
    )
    return owner_finder(text)
