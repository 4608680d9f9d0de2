-- Purpose: look runs up by the id that CI gave them.
-- Grain:   a row per provider and repository that has such a run: its last attempt, or the one asked for.
-- Units:   aware UTC.
-- Parameters: $run_id; $attempt, null for the last one; $repository, empty for any.

select
    run_seq,
    provider,
    repository,
    run_id,
    attempt,
    workflow,
    sha,
    branch,
    event,
    started_at,
    finished_at,
    result
from runs
where
    run_id = $run_id
    and attempt = coalesce($attempt, attempt)
    and ($repository = '' or repository = $repository)
qualify row_number() over (partition by provider, repository order by attempt desc) = 1
order by
    provider,
    repository
