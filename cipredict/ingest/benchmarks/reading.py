"""Paths into benchmark runs: one file is one run; the decoder follows from what the file holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cipredict.errors import InputError, cannot_read
from cipredict.ingest.benchmarks import asv, criterion, generic, google, hyperfine, jmh, pytest_benchmark
from cipredict.ingest.benchmarks.interface import Decoder, Json, ReadBenchmarks
from cipredict.records import BenchmarkRecord, BenchmarkRun

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
DECODERS: tuple[Decoder, ...] = (pytest_benchmark, asv, google, hyperfine, jmh, criterion, generic)
"""In the order in which they are asked; the last takes what nobody knows."""


def read_benchmarks(path: Path) -> list[ReadBenchmarks]:
    """Read a result file, or a folder: criterion's, or one with a file per run, in the order of their names.

    Raises
    ------
    InputError
        Missing, not JSON, or without a benchmark.
    """
    if not path.is_dir():
        return [read_benchmark_file(path)]
    samples = sorted(path.rglob("new/sample.json"))
    if samples:
        return [_read("criterion", path, [_criterion_message(sample) for sample in samples], criterion)]
    files = sorted(file for file in path.iterdir() if file.suffix in {".json", ".jsonl"})
    if not files:
        raise InputError(f"{path} holds no result file (*.json).", slug="benchmarks-empty")
    return [read_benchmark_file(file) for file in files]


def read_benchmark_file(path: Path) -> ReadBenchmarks:
    """Read one result file.

    Raises
    ------
    InputError
        Missing, not JSON, or without a benchmark.
    """
    document = _load(path)
    for decoder in DECODERS:
        if decoder.looks_like(document):
            return _read(decoder.NAME, path, document, decoder)
    raise InputError(f"{path} is of no known benchmark tool.", slug="benchmarks-format")


def _load(path: Path) -> Json:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise cannot_read(path, error) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text.", slug="benchmarks-format") from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as whole:
        try:  # a document per line
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise InputError(f"{path} is not JSON: {whole}.", slug="benchmarks-format") from whole


def _criterion_message(sample: Path) -> Json:
    """Give a sample with the name that `benchmark.json` beside it states."""
    identity = _load(sample.with_name("benchmark.json")) if sample.with_name("benchmark.json").exists() else {}
    return {**_load(sample), "full_id": identity.get("full_id", sample.parent.parent.name)}


def _read(dialect: str, path: Path, document: Json, decoder: Decoder) -> ReadBenchmarks:  # noqa: PLR0917  # what a reading is
    records: list[BenchmarkRecord] = []
    problems: list[str] = []
    try:
        for item in decoder.decode(document):
            if isinstance(item, str):
                problems.append(item)
            else:
                records.append(item)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        problems.append(f"is damaged: {error!r}; what stands before that counts")
    if not records:
        raise InputError(f"{path} holds no benchmark ({_why(problems)}).", slug="benchmarks-empty")
    run = BenchmarkRun(tuple(records), source=path.as_posix(), sha=_commit(document), measured_at=_moment(document))
    return ReadBenchmarks(run, dialect, tuple(problems))


def _why(problems: Sequence[str]) -> str:
    return problems[0] if problems else "nothing with a name and numbers"


def _commit(document: Json) -> str:
    """Give the commit that asv and pytest-benchmark state, empty elsewhere."""
    if not isinstance(document, dict):
        return ""
    commit = document.get("commit_info")
    stated = document.get("commit_hash") or (commit.get("id") if isinstance(commit, dict) else document.get("sha"))
    return stated if isinstance(stated, str) and _COMMIT.fullmatch(stated) else ""


def _moment(document: Json) -> datetime | None:
    """Give when it was measured, where the file says so."""
    stated = next(_stated_moments(document), None)
    try:
        moment = datetime.fromisoformat(stated) if stated else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _stated_moments(document: Json) -> Iterator[str]:
    if isinstance(document, dict):
        context = document.get("context")
        for stated in (
            document.get("datetime"),
            document.get("measured_at"),
            isinstance(context, dict) and context.get("date"),
        ):
            if isinstance(stated, str):
                yield stated
