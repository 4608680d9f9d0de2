-- Purpose: say how the runs of somebody else's tables ended, where no column did; no column says how they went.
-- Grain:   a row per run of `theirs`, the staged tables, over all its cases that are stored by now, whichever command
--          brought them; a run lasts as long as its cases together, and failed if one of them did.
-- Parameters: none. `theirs` was merged before.

update runs
set
    finished_at = if(totals.is_end_told, runs.finished_at, runs.started_at + to_microseconds(totals.cases_us)),
    result = totals.result
from (
    select
        stored.run_seq,
        bool_or(told.finished_at is not null) as is_end_told,
        coalesce(round(sum(case_runs.duration_s) * 1e6), 0)::bigint as cases_us,
        case when bool_or(case_runs.verdict in ('failed', 'error')) then 'failure' else 'success' end as result
    from theirs.runs as told
    join runs as stored using (provider, repository, run_id, attempt)
    join case_runs on case_runs.run_seq = stored.run_seq
    group by stored.run_seq
) as totals
where runs.run_seq = totals.run_seq
