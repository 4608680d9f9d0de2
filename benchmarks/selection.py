"""Selection on the bundled history: what `cipredict backtest` prints, checked against `models/baselines.json`.

    python benchmarks/selection.py

Trains on the first 70 % of the runs by time, judges on the rest. Prints the policies as JSON; exits 1 where a figure of
`models/baselines.json` is not beaten. Needs the learn extra; takes about a minute.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Run the benchmark; give 1 where a floor is not reached."""
    floors = json.loads((ROOT / "models" / "baselines.json").read_text())["sqlparse-ci"]
    cipredict = str(Path(sys.executable).with_name("cipredict"))
    with tempfile.TemporaryDirectory() as name:
        store = str(Path(name) / "history.duckdb")
        subprocess.run(
            [cipredict, "ingest", "history", str(ROOT / "data" / "sqlparse-ci"), "--store", store], check=True
        )
        command = [cipredict, "backtest", "--store", store, "--json"]
        summary = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    own = summary["policies"]["cipredict"]
    short = {
        name: (own[name], floor) for name, floor in floors["a_candidate_must_beat"].items() if not own[name] > floor
    }
    print(json.dumps({"policies": summary["policies"], "not_beaten": short}, indent=2))
    return 1 if short else 0


if __name__ == "__main__":
    raise SystemExit(main())
