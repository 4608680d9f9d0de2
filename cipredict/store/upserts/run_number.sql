-- Purpose: look up the number of a run.
-- Grain:   at most one row.
-- Parameters: $provider, $repository, $run_id, $attempt.

select run_seq
from runs
where
    provider = $provider
    and repository = $repository
    and run_id = $run_id
    and attempt = $attempt
