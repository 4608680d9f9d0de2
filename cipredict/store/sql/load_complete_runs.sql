-- Purpose: the runs that need not be fetched again.
-- Grain:   a row per attempt of a run that is complete.
-- Units:   aware UTC.
-- Parameters: $provider, $repository.

select
    run_id,
    attempt,
    coalesce(finished_at, started_at) as ended_at
from runs
where
    provider = $provider
    and repository = $repository
    and is_complete
order by
    run_id,
    attempt
