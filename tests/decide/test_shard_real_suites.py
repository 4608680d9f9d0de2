"""Plans of real suites reach their lower bound. Reads public data that is not part of this repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from cipredict.decide.division import ShardOptions
from cipredict.decide.shard import plan_shards
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.ids import case_file
from cipredict.plans.document import MadeFrom

parquet = pytest.importorskip("pyarrow.parquet", reason="the series are Parquet files; install cipredict[store]")
pytestmark = [pytest.mark.learn, pytest.mark.shared_data]

SERIES = Path(__file__).parents[2].parent / "shared" / "data" / "durations"
PATHS = sorted(SERIES.glob("*.parquet"))


def last_version(path: Path) -> list[DurationForecast]:
    rows = parquet.read_table(path, columns=["version", "test_id", "duration_s"]).to_pylist()
    last = max(row["version"] for row in rows)
    return [
        DurationForecast(row["test_id"], row["duration_s"], row["duration_s"], row["duration_s"], Basis.HISTORY, 1)
        for row in rows
        if row["version"] == last
    ]


@pytest.mark.skipif(not PATHS, reason="../shared/data/durations is not here")
@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_the_last_version_is_within_half_a_percent_of_the_lower_bound(path: Path) -> None:
    cases = last_version(path)
    for group_of in (None, case_file):
        for shards in (2, 4, 8, 16, 32, 64):
            options = ShardOptions(group_of=group_of)
            plan = plan_shards(cases, shards, made_from=MadeFrom("test"), options=options)
            assert plan.makespan_s is not None
            assert plan.lower_bound_s is not None
            assert plan.makespan_s <= plan.lower_bound_s * 1.005
