-- Purpose: store runs; what an incoming run does not know leaves the known alone, and its change replaces the known one.
-- Grain:   a row per key in `incoming`, numbered from 1 by position, with its paths in `incoming_changes`.
--          Few and plain statements: a stream of reports stores its runs one by one.
-- Units:   aware UTC; unknown text is empty, unknown times and results null.
-- Parameters: none.

insert into runs (
    run_seq, provider, repository, run_id, attempt, workflow, sha, parent_sha, branch, event,
    started_at, finished_at, result, is_change_known, url, is_complete
)
select
    (select coalesce(max(run_seq), 0) from runs) + position,
    provider,
    repository,
    run_id,
    attempt,
    workflow,
    sha,
    parent_sha,
    branch,
    event,
    started_at,
    finished_at,
    result,
    is_change_known,
    url,
    is_complete
from incoming
on conflict (provider, repository, run_id, attempt) do update
set
    workflow = coalesce(nullif(excluded.workflow, ''), workflow),
    sha = coalesce(nullif(excluded.sha, ''), sha),
    parent_sha = coalesce(nullif(excluded.parent_sha, ''), parent_sha),
    branch = coalesce(nullif(excluded.branch, ''), branch),
    event = coalesce(nullif(excluded.event, ''), event),
    started_at = coalesce(excluded.started_at, started_at),
    finished_at = coalesce(excluded.finished_at, finished_at),
    result = coalesce(excluded.result, result),
    is_change_known = is_change_known or excluded.is_change_known,
    url = coalesce(nullif(excluded.url, ''), url),
    is_complete = is_complete or excluded.is_complete;

delete from run_changes
where run_seq in (
    select runs.run_seq
    from incoming
    join runs using (provider, repository, run_id, attempt)
    where incoming.is_change_known
);

insert into run_changes
select
    runs.run_seq,
    incoming_changes.path,
    incoming_changes.added,
    incoming_changes.deleted,
    incoming_changes.status,
    incoming_changes.previous_path
from incoming_changes
join incoming using (position)
join runs using (provider, repository, run_id, attempt);
