"""JUnit read past lxml (`ingest/junit_lane.py`) against JUnit read by lxml alone: the same batches, the same verdict.

Run: ``python benchmarks/ingest/lane.py [--inputs 60000] [--seed 1]``. Every real report, written reports with much that
is plain and a little that is not, and both of them damaged; the lane takes rows of any length, longer ones, and none.
Table on stderr, JSON on stdout, exit 1 on any difference, or if the lane was hardly used.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import sys
from collections.abc import Iterator

from mutations import Corpus, load_corpus, make_input

from cipredict.ingest import junit_lane
from cipredict.ingest.interface import Report
from cipredict.ingest.junit import read_junit
from cipredict.ingest.junit_events import JUnitEvents
from cipredict.ingest.junit_pending import Run
from cipredict.records import CaseBatch, RunKey

NEVER = sys.maxsize
LENGTHS = (0, 300)
HEADS = ("", "", '<?xml version="1.0" encoding="utf-8"?>', '<?xml version="1.0" encoding="iso-8859-1"?>')
DOCTYPE = "<!DOCTYPE t [<!ATTLIST testcase status CDATA 'failed'>]>"
SHAPES = (
    "classname name time",
    "name classname time",
    "classname name file line time",
    "name time",
    "name status time",
)
ENDS = (
    *("><failure/></testcase>", "><skipped>x</skipped></testcase>", "></testcase>", ">", "\t/>", " x='1'/>"),
    *("><system-out><![CDATA[", "]]></system-out></testcase>", "/><!--", "/>-->", "/>&amp;", "/>&x;", "/><?x", "/>?>"),
    *("/></testsuite><testsuite name='pytest'>", "/></testcase>", "/>\r", "/>\n\n\n", "/><a b='", "/>' />"),
)
VALUES = {
    "classname": ("tests.test_a", "tests.test_a.TestB", "shop.Cart", "", "shop.Cart\t"),
    "time": ("", "-1", "1,5", "nan", "\x1f1", "\uff11"),
    "name": ("", "x > y", "é", "a&amp;b", "a&b", "\ufffe", "]]>", "--", "a\nb", "<"),
}


def write_case(chosen: random.Random, shape: str) -> str:
    """Write a case of a shape, mostly a plain one."""
    values = {
        "classname": "tests.test_a",
        "name": f"test_{chosen.randrange(200)}",
        "time": f"0.{chosen.randrange(999)}",
    }
    if chosen.random() < 0.03:
        odd = chosen.choice(sorted(VALUES))
        values[odd] = chosen.choice(VALUES[odd])
    attributes = "".join(f' {name}="{values.get(name, "tests/test_a.py")}"' for name in shape.split())
    return f"<testcase{attributes}{chosen.choice(ENDS) if chosen.random() < 0.04 else ' />'}"


def write_report(chosen: random.Random) -> bytes:
    """Write suites of many cases; one in ten has a document type."""
    shape, between = chosen.choice(SHAPES), chosen.choice(["", "\n", "\r\n  "])
    suites = [
        f'<testsuite name="{chosen.choice(["pytest", "Z"])}">{between}'
        + between.join(write_case(chosen, shape) for _ in range(chosen.randrange(120)))
        + "</testsuite>" * (chosen.random() < 0.9)
        for _ in range(chosen.randrange(1, 5))
    ]
    head = chosen.choice(HEADS) + DOCTYPE * (chosen.random() < 0.1)
    return f"{head}<testsuites>{''.join(suites)}</testsuites>".encode()


def read(content: bytes, worth_bytes: int) -> list[CaseBatch | Report]:
    """Read a report, taking rows of cases of at least so many bytes past lxml."""
    junit_lane.WORTH_BYTES = worth_bytes
    return list(read_junit(io.BytesIO(content), source="r", key=RunKey("local", "lane", "1")))


def inputs(count: int, seed: int) -> Iterator[bytes]:
    """Give whole and damaged reports; the number and the seed make each."""
    real: Corpus = [(kind, content) for kind, content in load_corpus() if re.search(rb"<testcase\b", content)]
    yield from (content for _, content in real)
    for number in range(count):
        chosen = random.Random(f"{seed} {number}")  # noqa: S311  # repeatable, not secret
        written = write_report(chosen)
        yield written if number % 4 == 0 else make_input([*real, *[("report", written)] * len(real)], seed, number)[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    runs: list[int] = []
    add_run = JUnitEvents.add_run

    def counted(events: JUnitEvents, run: Run) -> None:
        runs.append(len(run.parts) // (2 * len(run.names)))
        add_run(events, run)

    JUnitEvents.add_run = counted  # type: ignore[method-assign,assignment]  # only to count
    total, differences = 0, []
    for total, content in enumerate(inputs(options.inputs, options.seed), start=1):
        by_lxml = repr(read(content, NEVER))
        differences += [(total, length) for length in LENGTHS if repr(read(content, length)) != by_lxml]
    summary = {"inputs": total, "runs": len(runs), "cases_past_lxml": sum(runs), "differences": differences}
    print(", ".join(f"{value} {name}" for name, value in summary.items()), file=sys.stderr)
    print(json.dumps(summary))
    sys.exit(bool(differences) or len(runs) < options.inputs)


if __name__ == "__main__":
    main()
