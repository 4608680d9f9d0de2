"""Reports that attack: entities, nesting, huge attributes. Each is read in a child with limits on time and memory."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")

pytestmark = pytest.mark.learn

CHILD = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (15, 15))
from cipredict.ingest.junit import read_junit
from cipredict.records import RunKey
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[1], "rb") as stream:
    *batches, report = read_junit(stream, source="r", key=RunKey("local", "shop", "1"))
used_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base
ids = [case.case_id for batch in batches for case in batch.cases]
print(json.dumps({"kb": used_kb, "status": report.status.value, "longest": max(map(len, ids), default=0)}))
"""
GOOD = "<testcase classname='tests.test_a' name='good' time='1'/>"
LAUGHS = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
BOMB = f"<!DOCTYPE t [<!ENTITY a0 'hahahaha'>{LAUGHS}]>"
MANY_ATTRIBUTES = " ".join(f"a{number}=''" for number in range(300_000))
QUADRATIC = f"<!DOCTYPE t [<!ENTITY a '{'x' * 100_000}'>]>"


def suite(*cases: str) -> str:
    return f"<testsuite name='pytest'>{GOOD}{''.join(cases)}</testsuite>"


def read_in_child(folder: Path, content: str) -> dict[str, object]:
    path = folder / "report.xml"
    path.write_text(content, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(BOMB + suite("<testcase name='&a9;'/>"), id="billion laughs in an attribute"),
        pytest.param(
            BOMB + suite("<testcase name='n'><failure>&a9;</failure></testcase>"), id="billion laughs in text"
        ),
        pytest.param(f"<!--{' ' * 70_000}-->{BOMB}" + suite("<testcase name='&a9;'/>"), id="far from the start"),
        pytest.param(QUADRATIC + suite(f"<testcase name='{'&a;' * 20_000}'/>"), id="quadratic in an attribute"),
        pytest.param(
            f"<!--{' ' * 70_000}-->{QUADRATIC}" + suite(f"<testcase name='{'&a;' * 20_000}'/>"), id="quadratic, far"
        ),
        pytest.param(QUADRATIC + suite(f"<testcase name='n'>{'&a;' * 20_000}</testcase>"), id="quadratic in text"),
        pytest.param("<testsuite>" * 300_000, id="deep suites"),
        pytest.param(suite(f"<testcase name='n'>{'<a>' * 1_000_000}"), id="deep children"),
        pytest.param(suite(f"<testcase name='{'n' * 20_000_000}' time='1'/>"), id="a huge name"),
        pytest.param(suite(f"<testcase name='n' {MANY_ATTRIBUTES}/>"), id="many attributes"),
        pytest.param("<!--" * 20_000, id="comments that never end"),
    ],
)
def test_time_and_memory_stay_bounded(tmp_path: Path, content: str) -> None:
    found = read_in_child(tmp_path, content)
    assert int(str(found["kb"])) < 300_000
    assert int(str(found["longest"])) <= 20_000_100


@pytest.mark.parametrize("far", ["", f"<!--{' ' * 70_000}-->"], ids=["at once", "far from the start"])
def test_no_entity_expands_far(tmp_path: Path, far: str) -> None:
    found = read_in_child(tmp_path, far + BOMB + suite("<testcase classname='c' name='&a9;'/>"))
    assert int(str(found["longest"])) < 2_000_000


@pytest.mark.parametrize("scheme", ["http", "ftp"])
def test_nothing_is_fetched_over_the_network(tmp_path: Path, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/x.dtd"
        heads = (
            f"<!DOCTYPE t SYSTEM '{address}'>",
            f"<!DOCTYPE t [<!ENTITY % p SYSTEM '{address}'> %p;]>",
            f"<!DOCTYPE t [<!ENTITY x SYSTEM '{address}'>]>",
        )
        for head in heads:
            read_in_child(tmp_path, head + suite("<testcase name='&x;'><failure>&x;</failure></testcase>"))
        server.settimeout(0.05)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_namespace_full_of_braces_is_no_way_down(tmp_path: Path) -> None:
    found = read_in_child(tmp_path, f"<testsuite xmlns='{'}{' * 5_000}'>{GOOD}</testsuite>")
    assert found["longest"] == len("tests/test_a.py::good")
