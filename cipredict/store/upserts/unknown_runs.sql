-- Purpose: create a minimal row for every incoming key whose run is not stored yet; its times stay unknown.
-- Grain:   a row per key in `incoming_keys` (provider, repository, run_id, attempt), repeated or not.
-- Parameters: none.

insert into runs (
    run_seq, provider, repository, run_id, attempt, workflow, sha, parent_sha, branch, event, is_change_known
)
select
    (select coalesce(max(run_seq), 0) from runs)
        + row_number() over (order by provider, repository, run_id, attempt),
    provider,
    repository,
    run_id,
    attempt,
    '',
    '',
    '',
    '',
    '',
    false
from (select distinct provider, repository, run_id, attempt from incoming_keys)
anti join runs using (provider, repository, run_id, attempt);
