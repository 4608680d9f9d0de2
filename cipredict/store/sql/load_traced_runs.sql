-- Purpose: the runs that finished in a window of time, and those that started in it and are not known to have finished.
-- Grain:   a row per run, ordered by started_at, run_seq. Runs without a start are known from reports only, and left out.
-- Units:   aware UTC.
-- Parameters: $since, included; $until, not included.

select
    run_seq,
    provider,
    repository,
    run_id,
    attempt,
    started_at,
    finished_at,
    workflow,
    sha,
    parent_sha,
    branch,
    event,
    result
from runs
where
    started_at < $until
    and coalesce(finished_at, started_at) >= $since
    and coalesce(finished_at, started_at) < $until
    and (finished_at is not null or result is null)
order by
    started_at,
    run_seq
