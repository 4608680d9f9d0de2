"""What `cipredict gate` costs a CI job: CPU seconds of a usual run, and of two SARIF files of 50,000 results each.

python benchmarks/gates/cost.py
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "data" / "samples" / "gates"
GATES = "[tool.cipredict.gates]\ntest_coverage = 30\ntype_errors = 1\nnew_security_vulnerabilities = 100000\n"
RESULTS = 50_000


def cpu_s(*arguments: str, cwd: Path) -> float:
    """Give user and system seconds of one command, which must end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=cwd, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    usual = [str(SAMPLES / name) for name in ("coverage.json", "mypy.txt", "k6_summary.json", "bandit.json")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(GATES)
        log = json.loads((SAMPLES / "codeql.sarif").read_text())
        first = log["runs"][0]["results"][0]
        log["runs"][0]["results"] = [{**first, "message": {"text": f"finding {n}"}} for n in range(RESULTS)]
        (folder / "big.sarif").write_text(json.dumps(log))
        gate = ("-m", "cipredict", "gate", "--metrics")
        rows = {
            "python alone": cpu_s("-c", "pass", cwd=folder),
            "gate --help": cpu_s("-m", "cipredict", "gate", "--help", cwd=folder),
            "coverage.py, mypy, k6, Bandit": min(cpu_s(*gate, *usual, cwd=folder) for _ in range(5)),
            f"2 x {RESULTS:,} SARIF results": cpu_s(*gate, "big.sarif", "--base-metrics", "big.sarif", cwd=folder),
        }
    for what, seconds in rows.items():
        print(f"{what:32} {seconds:6.2f} s of CPU")


if __name__ == "__main__":
    main()
