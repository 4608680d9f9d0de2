"""From a Dockerfile's path to what `decide` needs: its context, the history of that, the way it is built."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cipredict.act.containers_git import read_context, read_history
from cipredict.container_timing import measured_seconds, with_step_seconds
from cipredict.decide.containers.analysis import analyze
from cipredict.decide.containers.layers import BuildWish, CacheRules
from cipredict.decide.containers.optimize import Judge, optimize
from cipredict.decide.containers.replay import HistoryTokens
from cipredict.decide.containers.rewrites.interface import Situation, read_situation
from cipredict.decide.containers.step_seconds import BuildSeconds
from cipredict.dockerfile.context import Context, ContextHistory
from cipredict.dockerfile.edits import line_end, unified_diff
from cipredict.dockerfile.ignore import IgnoreFile, parse_ignore
from cipredict.dockerfile.parser import Dockerfile, DockerfileError, parse_dockerfile
from cipredict.dockerfile.stages import declared_args
from cipredict.errors import ChangeUnknown, InputError, UsageError, cannot_read
from cipredict.render.containers import AnalysisView, OutcomeView

RULES_OF = {
    "buildx": CacheRules.BUILDKIT,
    "buildkit-rootless": CacheRules.BUILDKIT,
    "kaniko": CacheRules.CHAIN,
    "buildah": CacheRules.CHAIN,
}
"""Whose layers are found by content, and whose by the chain of commands."""

VOLATILE = re.compile(
    r"(?:.*_)?(?:COMMIT|GIT_?SHA|SHA|REVISION|VCS_REF|GIT_?REF|SOURCE_COMMIT|COMMIT_(?:SHA|HASH|ID)|BUILD_(?:DATE|TIME|ID|"
    r"NUMBER|TIMESTAMP)|TIMESTAMP|CACHE_?BUST(?:ER)?|GIT_(?:COMMIT|HASH))",
    re.IGNORECASE,
)
"""Names of arguments that are assumed to differ in every build, unless `--build-arg` gives them a value."""
_DOCKERFILE = re.compile(
    r"(?:^|/)(?:Dockerfile|Containerfile)(?:\.(?!dockerignore$)[^/]*)?$|\.(?:dockerfile|Dockerfile)$"
)
_MOST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """The options that say how a build is called; `builds` are those of CI with their seconds."""

    context: Path | None = None
    commits: int = 300
    target: str = ""
    args: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    builder: str = "buildx"
    progress: Path | None = None
    keeps_mounts: bool = False
    builds: tuple[BuildSeconds, ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """A Dockerfile and its surroundings. `notes` say what was guessed or is missing."""

    path: Path
    context: Path
    ignore_path: Path
    situation: Situation
    judge: Judge
    notes: tuple[str, ...]


class Surroundings(NamedTuple):
    """A context, its history, and what is missing."""

    context: Context
    tokens: HistoryTokens
    notes: tuple[str, ...] = ()


def read_build(path: Path, options: BuildOptions, known: dict[Path, Surroundings] | None = None) -> Build:
    """Read everything about one Dockerfile; `known` remembers contexts that several Dockerfiles share.

    Raises
    ------
    InputError
        It cannot be read, is no Dockerfile, or lacks a stage: names file and line, and what to do.
    UsageError
        An option cannot be meant.
    """
    rules = _rules(options.builder)
    given = dict(_pair(text) for text in options.args)
    text = _read_text(path)
    try:
        dockerfile, is_modern = _parse(text)
        volatile = _volatile(dockerfile, set(options.volatile), given)
        wish = BuildWish(given, volatile, options.target, rules, options.contexts)
        folder = options.context or _guess_context(path, dockerfile)
        known = {} if known is None else known
        if folder not in known:
            known[folder] = _surroundings(folder, options.commits)
        context, tokens, notes = known[folder]
        ignore_path, ignore = _read_ignore(path, folder)
        situation = read_situation(
            text,
            wish,
            context=context,
            ignore=ignore,
            keeps_mounts=options.keeps_mounts,
            is_modern=is_modern,
            others=_others(path, folder, context) if ignore_path.name == ".dockerignore" else (),
        )
    except DockerfileError as error:
        message = f"{path}:{error.line}: {error.message}."
        raise InputError(message, slug="dockerfile-invalid", hint=error.remedy) from error
    if options.context is None:
        notes = (f"context: {_shown(folder)} (guessed; --context names it)", *notes)
    if (folder / ".git").exists() and not ignore.excludes(".git/HEAD") and _takes_all(situation):
        notes = (
            *notes,
            "the context holds .git: if the build gets it too, COPY of all never hits (replay leaves it out)",
        )
    if volatile - set(options.volatile):
        names = ", ".join(sorted(volatile - set(options.volatile)))
        notes = (*notes, f"assumed to differ in every build: {names} (--build-arg NAME=VALUE says otherwise)")
    judge = Judge(tokens, measured_seconds(options.progress))
    if options.builds:
        own = {Path(os.path.relpath(one, folder)).as_posix() for one in (path, ignore_path)}
        judge, told = with_step_seconds(judge, situation, options.builds, own=own)
        notes = (*notes, *told)
    return Build(path, folder, ignore_path, situation, judge, notes)


def _others(path: Path, folder: Path, context: Context) -> tuple[str, ...]:
    """Find the other Dockerfiles of a context; one with an ignore file of its own does not share the common one."""
    own = Path(os.path.relpath(path, folder)).as_posix()
    found = (one for one in context.files if _DOCKERFILE.search(one) and one != own)
    return tuple(one for one in found if f"{one}.dockerignore" not in context.files)


def _takes_all(situation: Situation) -> bool:
    return any("." in one.sources for link in situation.links for one in link.selections())


def _rules(builder: str) -> CacheRules:
    if builder not in RULES_OF:
        known = ", ".join(RULES_OF)
        raise UsageError(f"No builder '{builder}': choose from {known}.", slug="container-builder")
    return RULES_OF[builder]


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not name or not mark:
        message = f"--build-arg '{text}' is not of the form NAME=VALUE."
        raise UsageError(message, slug="container-build-arg")
    return name, value


def _read_text(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_size > _MOST_BYTES:
            message = f"{path}:1: it is larger than {_MOST_BYTES // 1_000_000} MB."
            raise InputError(message, slug="dockerfile-invalid", hint="Give a Dockerfile.")
        content = path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from error
    at = content.find(b"\0")
    if at >= 0:
        line = content.count(b"\n", 0, at) + 1
        hint = "Save it as UTF-8." if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "Give a Dockerfile."
        raise InputError(f"{path}:{line}: it is no text (a zero byte).", slug="dockerfile-invalid", hint=hint)
    return content.decode("utf-8", "surrogateescape")


def _parse(text: str) -> tuple[Dockerfile, bool]:
    """Parse as BuildKit v0.12 does, and as later ones where that gives instructions that do not exist."""
    from cipredict.dockerfile.arguments import KEYWORDS  # noqa: PLC0415  # only here

    plain = parse_dockerfile(text)
    if "<<" in text and any(one.keyword not in KEYWORDS for one in plain.instructions):
        try:
            return parse_dockerfile(text, is_modern=True), True
        except DockerfileError:
            return plain, False
    return plain, False


def _volatile(dockerfile: Dockerfile, named: set[str], given: dict[str, str]) -> frozenset[str]:
    declared = {name for one in dockerfile.instructions for name, _ in declared_args(one)}
    return frozenset(named | {name for name in declared if VOLATILE.fullmatch(name) and name not in given})


def _guess_context(path: Path, dockerfile: Dockerfile) -> Path:
    """Choose the folder that holds most of what is copied: the Dockerfile's own, or one above it in the repository."""
    sources = [
        source for one in dockerfile.instructions for source in _local_sources(one.keyword, one.values, one.flags)
    ]
    own = path.parent
    best, most = own, -1
    for folder in _upwards(own):
        found = sum((folder / source).exists() for source in sources)
        if found > most:
            best, most = folder, found
    return best


def _local_sources(keyword: str, values: tuple[str, ...], flags: tuple[str, ...]) -> Iterator[str]:
    if keyword not in {"COPY", "ADD"} or any(flag.startswith("--from") for flag in flags):
        return
    for source in values[:-1]:
        cleaned = posixpath.normpath("/" + source).lstrip("/")
        if cleaned and not set(source) & set("$*?[<:"):
            yield cleaned


def _upwards(folder: Path) -> Iterator[Path]:
    yield folder
    place = folder.resolve()
    for depth in range(1, 5):
        if (place / ".git").exists() or place.parent == place:
            return
        place = place.parent
        yield folder / "/".join([".."] * depth)


def _shown(folder: Path) -> str:
    return os.path.relpath(folder)


def _surroundings(folder: Path, commits: int) -> Surroundings:
    if not folder.is_dir():
        raise InputError(f"The context {folder} is no folder.", slug="container-context", hint="Correct --context.")
    context = read_context(folder)
    if not commits:
        return Surroundings(context, HistoryTokens(ContextHistory()))
    try:
        history = read_history(folder, commits=commits)
    except ChangeUnknown as error:
        return Surroundings(context, HistoryTokens(ContextHistory()), (f"no history: {error}",))
    if not history.commits:
        note = "no history: the clone holds one commit; fetch more (fetch-depth: 0)"
        return Surroundings(context, HistoryTokens(history), (note,))
    return Surroundings(context, HistoryTokens(history))


def _read_ignore(path: Path, folder: Path) -> tuple[Path, IgnoreFile]:
    """Read the Dockerfile's own ignore file, else that of the context."""
    own = path.with_name(path.name + ".dockerignore")
    place = own if own.is_file() else folder / ".dockerignore"
    try:
        return place, parse_ignore(place.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return place, IgnoreFile()
    except OSError as error:
        raise cannot_read(place, error) from error


def analyze_file(build: Build) -> AnalysisView:
    """Analyse one Dockerfile; give plain values for people and machines."""
    analysis = analyze(build.situation, build.judge)
    return AnalysisView(
        path=str(build.path),
        notes=build.notes,
        needs=analysis.needs,
        rows=analysis.rows,
        findings=tuple(
            (one.rule, one.line, one.message, one.is_safe, one.reason, one.saved_s, one.saved_runs)
            for one in analysis.findings
        ),
        replay=_figures(analysis.replay),
    )


def _figures(replay: object) -> dict[str, float | int | None]:
    names = ("builds", "layers", "layer_rebuilds", "run_rebuilds", "seconds", "cached_builds", "layer_hit_share")
    return {name: getattr(replay, name) for name in names}


def optimize_file(build: Build) -> OutcomeView:
    """Optimise one Dockerfile; give plain values and the patch."""
    outcome = optimize(build.situation, build.judge)
    before, after = outcome.start.dockerfile.text, outcome.end.dockerfile.text
    return OutcomeView(
        path=str(build.path),
        notes=build.notes,
        applied=tuple(
            (
                one.proposal.rule,
                one.proposal.title,
                _conditions(one.proposal.conditions),
                _figures(one.before),
                _figures(one.after),
            )
            for one in outcome.applied
        ),
        refused=tuple(
            (
                one.proposal.rule,
                one.proposal.title,
                _conditions(one.proposal.conditions),
                _figures(one.after) if one.after else None,
            )
            for one in outcome.refused
        ),
        before=_figures(outcome.before),
        after=_figures(outcome.after),
        speedup=outcome.speedup,
        basis=_basis(build),
        text=after,
        added_patterns=outcome.added_patterns(),
        patch=unified_diff(before, after, path=_shown(build.path)) + _ignore_patch(build, outcome.added_patterns()),
    )


def _basis(build: Build) -> str:
    """Say where the seconds of a replay come from, the best source first."""
    found = {build.judge.basis(build.situation.instruction(link.instruction)) for link in build.situation.links}
    told = [basis for basis in ("measured", "estimated") if basis in found]
    rest = "assumed and scaled" if "scaled" in found else "assumed"
    return " or ".join([*(f"{basis} where known" for basis in told), rest])


def _conditions(conditions: object) -> tuple[tuple[str, str], ...]:
    return tuple((one.standing.value, one.text) for one in conditions)  # type: ignore[attr-defined]  # Condition, of decide


def _ignore_texts(build: Build, patterns: tuple[str, ...]) -> tuple[str, str]:
    try:
        before = build.ignore_path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        before = ""
    newline = line_end(before)
    lead = newline if before and not before.endswith("\n") else ""
    return before, before + lead + "".join(pattern + newline for pattern in patterns)


def _ignore_patch(build: Build, patterns: tuple[str, ...]) -> str:
    if not patterns:
        return ""
    before, after = _ignore_texts(build, patterns)
    patch = unified_diff(before, after, path=_shown(build.ignore_path))
    return patch if before else patch.replace(f"--- a/{_shown(build.ignore_path)}", "--- /dev/null", 1)


def write_patch(path: Path, view: OutcomeView) -> None:
    """Write the patch to a file."""
    _write(path, view.patch)


def write_files(build: Build, view: OutcomeView) -> None:
    """Change the Dockerfile and the ignore file in place, where there is anything to change."""
    places = []
    if view.applied:
        places.append((build.path, view.text))
    if view.added_patterns:
        places.append((build.ignore_path, _ignore_texts(build, view.added_patterns)[1]))
    for path, text in places:
        _write(path, text)


def _write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}.", slug="container-output") from error
