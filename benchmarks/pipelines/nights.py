"""The workflows of this repository on a small project: a CI run, a night, and again, with the bundled history.

`python -m benchmarks.pipelines.nights --runs 120 --nights 2` from the top of a checkout. Caches and artifacts are kept
as GitHub keeps them, and a server on this machine answers as its API; see tests/acceptance/small_runner.py.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from tests.acceptance.own_project import OwnProject, night_of, seed
from tests.ingest.api.conftest import ApiServer, _handler


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=120, help="of the bundled history, before the first night")
    parser.add_argument("--nights", type=int, default=2)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        project = OwnProject(Path(name))
        server = ApiServer(project.route)
        http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
        server.url = f"http://127.0.0.1:{http.server_port}"
        threading.Thread(target=http.serve_forever, daemon=True).start()
        seed(project, runs=options.runs)
        for night in range(1, options.nights + 1):
            project.commit("cipredict/__init__.py")
            began = cpu_s()
            ci = project.run("ci.yml")
            after_ci, asked = cpu_s(), len(project.asked)
            retrain = project.run("retrain.yml", server.url)
            learned = night_of(project)
            rows.append(
                {
                    "night": night,
                    "ci": {job: done.result for job, done in ci.items()},
                    "fell_back": "in equal shares" in ci["plan"].log or "split evenly" in ci["plan"].log,
                    "retrain": {job: done.result for job, done in retrain.items()},
                    "version": learned["version"],
                    "promoted": learned["promoted"],
                    "verdict": learned["verdict"],
                    "requests": len(project.asked) - asked,
                    "ci_cpu_s": round(after_ci - began, 1),
                    "night_cpu_s": round(cpu_s() - after_ci, 1),
                }
            )
            print(f"night {night}: {rows[-1]}", file=sys.stderr)
            assert set(rows[-1]["retrain"].values()) == {"success"}, retrain["retrain"].log
        http.shutdown()
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
