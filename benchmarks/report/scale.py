"""How large, how fast? A page of 50,000 tests and 5,000 runs, built from a store that is made up, opened in Chromium.

Every run executes 2,000 of the tests, as a selection does: ten million results; it restores three caches and passes
eight gates, and the last hundred have shard plans. With `--look` a browser opens the page,
which needs `npm ci` in tests/browser.

    python benchmarks/report/scale.py --look
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from cipredict.store.database import open_store

RUNS, CASES, PER_RUN, JOBS = 5_000, 50_000, 2_000, 4
BROWSER = Path(__file__).parents[2] / "tests" / "browser" / "look.mjs"
_STATEMENTS = """
insert into runs (run_seq, provider, repository, run_id, attempt, workflow, sha, parent_sha, branch, event,
    started_at, finished_at, result, is_change_known)
select n, 'github', 'owner/name', (100000 + n)::varchar, 1, 'ci', md5(n::varchar), '', 'branch-' || n % 50, 'push',
    timestamptz '2026-11-01' - to_minutes(60 * (5000 - n)),
    timestamptz '2026-11-01' - to_minutes(60 * (5000 - n)) + to_seconds((300 + 60 * random())::integer),
    if(random() < 0.9, 'success', 'failure'), true
from range({runs}) as t (n);
insert into jobs
select run_seq, (run_seq * 10 + k)::varchar, 'job ' || k, 'ubuntu', started_at + to_seconds(5 * k), finished_at,
    10 * random(), result
from runs, range({jobs}) as t (k);
insert into steps
select run_seq, job_id, k, 'step ' || k, started_at, finished_at, result from jobs, range(6) as t (k);
insert into cases
select n, 'tests/area_' || n % 40 || '/test_module_' || n % 1500 || '.py::TestFeature' || n % 9 || '::test_behaviour_'
    || n || '[' || substr(md5(n::varchar), 1, 6) || ']'
from range({cases}) as t (n);
insert into batches select n, n, (n * 10)::varchar, 'junit.xml', 1, {per_run} from range({runs}) as t (n);
insert into case_runs
select n, n, (hash(n * {per_run} + k) % {cases})::integer, if(random() < 0.002, 'failed', 'passed')::verdict,
    round(0.02 + (k % 100) * 0.01 * random(), 3), 1, false, null
from range({runs}) as t (n), range({per_run}) as u (k);
insert into cache_events (event_id, run_seq, happened_at, cache, key, operation, size_bytes, duration_s, outcome)
select 'cache ' || run_seq || ' ' || k, run_seq, started_at, 'cache ' || k, 'key-' || k || '-' || run_seq // 20,
    'restore', 3e8, 4, if(run_seq % 20 = 0, 'miss', 'exact')
from runs, range(3) as t (k);
insert into events
select 'gate ' || run_seq, 'plan', started_at, provider, repository, run_id, attempt,
    json_object('verdict', 'passed', 'subject', json_object('branch', branch), 'gates', gates)
from runs
join (
    select run_seq, list(json_object('name', 'gate ' || k, 'metric', 'metric', 'value', random(), 'demand', '< 1',
        'outcome', if(random() < 0.9, 'pass', 'fail'), 'reason', 'it is too much')) as gates
    from runs, range(8) as t (k)
    group by run_seq
) using (run_seq);
insert into events
select 'shard ' || run_seq, 'plan', started_at, provider, repository, run_id, attempt,
    json_object('strategy', 'optimal', 'overhead_s', 20, 'shards', shards)
from runs
join (
    select run_seq, list(json_object('estimated_time', 300, 'tests', tests)) as shards
    from (
        select run_seq, list(case_id) as tests
        from case_runs
        join cases using (case_seq)
        where run_seq >= {runs} - 100
        group by run_seq, case_seq % 4
    )
    group by run_seq
) using (run_seq);
insert into plans
select event_id, event_id, if(event_id like 'gate%', 'cipredict.gate-plan/1', 'cipredict.shard-plan/1'), true
from events;
"""


def make_store(path: Path) -> None:
    """Make the history up inside DuckDB: reading 5,000 reports is another benchmark's matter."""
    sizes = {"runs": RUNS, "cases": CASES, "per_run": PER_RUN, "jobs": JOBS}
    with open_store(path) as store:
        for statement in _STATEMENTS.format(**sizes).split(";\n"):
            if statement.strip():
                store.connection.execute(statement)


def spent_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", type=Path)
    parser.add_argument("--look", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = options.store or Path(folder) / "history.duckdb"
        if not store.exists():
            make_store(store)
        begin, begin_cpu = time.monotonic(), spent_s()
        command = ["cipredict", "report", "html", "--store", str(store), "--forecast", "none", "-o", f"{folder}/report"]
        subprocess.run(command, check=True)
        page = Path(folder) / "report" / "index.html"
        print(f"store {store.stat().st_size / 1e6:.0f} MB")
        print(f"built in {time.monotonic() - begin:.1f} s, {spent_s() - begin_cpu:.1f} s of CPU")
        print(f"page {page.stat().st_size / 1e6:.2f} MB")
        if options.look:
            done = subprocess.run(
                ["node", str(BROWSER), str(page), shutil.which("chromium") or "chromium"],
                check=True,
                capture_output=True,
                env={"SEARCH": "area_7 behaviour_123"} | os.environ,
            )
            seen = json.loads(done.stdout)
            print({name: seen[name] for name in ("ready_ms", "search_ms", "sort_ms", "said", "problems", "requests")})


if __name__ == "__main__":
    main()
