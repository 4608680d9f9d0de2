"""Damaged reports, archives and coverage files by the hundred thousand: no crash, no hang, no flood of memory.

Run: ``python benchmarks/ingest/fuzz.py [--inputs 200000] [--seed 1] [--processes 2]``, or for some minutes of
coverage-guided fuzzing ``--engine atheris --minutes 5``. Every input follows from its number and the seed, so a finding
is repeated by ``--only NUMBER``. Children with a limit on memory do the reading; one that dies costs its input, which
is a finding. Table on stderr, JSON on stdout, exit 1 on any finding.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from mutations import load_corpus, make_input

LONGEST_S = 5
MOST_BYTES = 500 * 1024**2
Target = Callable[[bytes, Path], None]


def find_reader() -> Callable[..., object]:
    """Give the reader of all formats if this version has one, else the JUnit reader."""
    try:
        return import_module("cipredict.ingest.reports").read_report  # type: ignore[no-any-return]
    except ModuleNotFoundError:
        return import_module("cipredict.ingest.junit").read_junit  # type: ignore[no-any-return]


def read_as_report(content: bytes, _: Path) -> None:
    """Read one report; its last item must be its `Report`, and its only one."""
    from cipredict.ingest.interface import Report  # noqa: PLC0415  # after the limits are set
    from cipredict.records import RunKey  # noqa: PLC0415

    items = list(find_reader()(io.BytesIO(content), source="r", key=RunKey("local", "fuzz", "1")))  # type: ignore[call-overload]
    if [isinstance(item, Report) for item in items].count(True) != 1 or not isinstance(items[-1], Report):
        raise AssertionError("a report ends with its Report, once")


def read_as_archive(content: bytes, folder: Path) -> None:
    """Open the bytes as each kind of archive, and read what is inside; nothing may appear on disk."""
    from cipredict.ingest.sources import Source, open_sources  # noqa: PLC0415

    suffix = ".zip" if content[:2] == b"PK" else ".tar.gz" if content[:2] == b"\x1f\x8b" else ".tar.xz"
    path = folder / f"input{suffix}"
    path.write_bytes(content)
    try:
        for item in open_sources([str(path)], standard_input=io.BytesIO()):
            if isinstance(item, Source):
                _drain(item.stream)
        if [path] != list(folder.iterdir()):
            raise AssertionError(f"files appeared: {sorted(folder.iterdir())}")
    finally:
        path.unlink()


def _drain(stream: BinaryIO) -> None:
    """Read to the end as `read_junit` does: damage is a reason there, no error."""
    from cipredict.ingest.interface import READ_ERRORS  # noqa: PLC0415

    with suppress(*READ_ERRORS):
        while stream.read(65536):
            pass


def read_as_coverage(content: bytes, folder: Path) -> None:
    """Read coverage; a file that is none is the user's mistake."""
    from cipredict.errors import InputError  # noqa: PLC0415
    from cipredict.ingest.coverage import read_coverage  # noqa: PLC0415

    path = folder / "coverage"
    path.write_bytes(content)
    try:
        with suppress(InputError):
            read_coverage(path, root=folder)
    finally:
        path.unlink()


TARGETS: dict[str, Target] = {"report": read_as_report, "archive": read_as_archive, "coverage": read_as_coverage}


class TooSlow(Exception):
    """An input took longer than the limit."""


def read_range(seed: int, begin: int, end: int) -> None:
    """In a child: read inputs `begin` to `end`, telling each number before and each finding after."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES + _mapped_bytes(), resource.RLIM_INFINITY))
    signal.signal(signal.SIGALRM, _raise_too_slow)
    corpus = load_corpus()
    with tempfile.TemporaryDirectory() as name:
        for number in range(begin, end):
            print(number, flush=True)
            kind, content = make_input(corpus, seed, number)
            signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
            try:
                TARGETS[kind](content, Path(name))
            except Exception as error:  # noqa: BLE001  # finding any is the purpose
                where = error.__traceback__
                while where and where.tb_next:
                    where = where.tb_next
                place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else ""
                print(f"! {kind}: {type(error).__name__}: {str(error)[:200]} at {place}", flush=True)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    print("done", flush=True)


def _raise_too_slow(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlow(f"longer than {LONGEST_S} s")


def _mapped_bytes() -> int:
    """Give the address space that the interpreter has before it reads anything."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def run_child(seed: int, begin: int, end: int) -> subprocess.Popen[str]:
    """Start a child on a range of inputs."""
    command = [sys.executable, __file__, "--seed", str(seed), "--child", str(begin), str(end)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def collect(process: subprocess.Popen[str]) -> tuple[int, bool, list[dict[str, object]]]:
    """Give the last number that a child began, whether it came to its end, and what it found."""
    last, is_done, findings = -1, False, []
    assert process.stdout is not None  # noqa: S101  # it was asked for
    for line in process.stdout:
        if line.startswith("!"):
            findings.append({"input": last, "finding": line[2:].strip()})
        elif line.startswith("done"):
            is_done = True
        else:
            last = int(line)
    return last, is_done, findings


def fuzz(inputs: int, seed: int, processes: int) -> list[dict[str, object]]:
    """Read all inputs in children, a share at a time; a child that dies is replaced behind the input it died on."""
    share = 2_000
    ranges = [(begin, min(begin + share, inputs)) for begin in range(0, inputs, share)]
    findings: list[dict[str, object]] = []
    while ranges:
        taken, ranges = ranges[:processes], ranges[processes:]
        for (_, end), process in [(each, run_child(seed, *each)) for each in taken]:
            last, is_done, found = collect(process)
            findings += found
            code = process.wait()
            if not is_done:
                findings.append({"input": last, "finding": f"the process ended with {code}"})
                if last + 1 < end and last >= 0:
                    ranges.append((last + 1, end))
        print(f"{inputs - sum(end - begin for begin, end in ranges)} inputs, {len(findings)} findings", file=sys.stderr)
    return findings


def fuzz_guided(minutes: float, seed: int) -> int:
    """Let atheris look for inputs that reach new lines of ours; it prints and ends at the first finding."""
    folder = Path(tempfile.mkdtemp())
    corpus_folder, work = folder / "corpus", folder / "work"
    corpus_folder.mkdir()
    work.mkdir()
    for number, (_, content) in enumerate(load_corpus()):
        if len(content) <= 20_000:
            (corpus_folder / str(number)).write_bytes(content)
    import atheris  # noqa: PLC0415  # an extra of the benchmarks

    with atheris.instrument_imports(include=["cipredict.ingest", "cipredict.ids"]):
        for module in ("junit", "sources", "coverage", "dialects", "spellings", "attempts"):
            import_module(f"cipredict.ingest.{module}")
        find_reader()

    def one_input(content: bytes) -> None:
        read_as_report(content, work)
        if content[:2] in {b"PK", b"\x1f\x8b", b"\xfd7"}:
            read_as_archive(content, work)

    options = [f"-max_total_time={int(minutes * 60)}", f"-seed={seed}", f"-timeout={LONGEST_S}", "-rss_limit_mb=1000"]
    atheris.Setup([sys.argv[0], *options, "-max_len=40000", str(corpus_folder)], one_input)
    atheris.Fuzz()
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int, help="read this input alone, with its traceback")
    parser.add_argument("--engine", choices=["mutation", "atheris"], default="mutation")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--child", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        read_range(options.seed, *options.child)
    elif options.only is not None:
        kind, content = make_input(load_corpus(), options.seed, options.only)
        with tempfile.TemporaryDirectory() as name:
            TARGETS[kind](content, Path(name))
    elif options.engine == "atheris":
        sys.exit(fuzz_guided(options.minutes, options.seed))
    else:
        begin = time.monotonic()
        findings = fuzz(options.inputs, options.seed, options.processes)
        per_s = options.inputs / (time.monotonic() - begin)
        print(f"{options.inputs} inputs, {per_s:.0f} per second, {len(findings)} findings", file=sys.stderr)
        summary = {"inputs": options.inputs, "seed": options.seed, "inputs_per_s": round(per_s), "findings": findings}
        print(json.dumps(summary, indent=2))
        sys.exit(bool(findings))


if __name__ == "__main__":
    main()
