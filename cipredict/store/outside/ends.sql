-- Purpose: say how the runs of somebody else's tables ended, where no column did.
-- Grain:   a row per run of this provider; a run lasts as long as its cases together, and failed if one of them did.
-- Parameters: $provider.

update runs
set
    finished_at = coalesce(runs.finished_at, runs.started_at + to_microseconds(totals.cases_us)),
    result = coalesce(runs.result, totals.result)
from (
    select
        run_seq,
        coalesce(round(sum(duration_s) * 1e6), 0)::bigint as cases_us,
        case when bool_or(verdict in ('failed', 'error')) then 'failure' else 'success' end as result
    from case_runs
    group by run_seq
) as totals
where
    runs.run_seq = totals.run_seq
    and runs.provider = $provider
