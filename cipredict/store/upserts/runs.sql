-- Purpose: store runs; what an incoming run does not know leaves the known alone, and its change replaces the known one.
-- Grain:   a row per record in `incoming`; of two with one key the later wins. Paths in `incoming_changes`.
-- Units:   aware UTC; unknown text is empty, unknown times and results null.
-- Parameters: none.

create or replace temp table staged as
select
    provider,
    repository,
    run_id,
    attempt,
    coalesce(arg_max(workflow, position) filter (where workflow <> ''), '') as workflow,
    coalesce(arg_max(sha, position) filter (where sha <> ''), '') as sha,
    coalesce(arg_max(parent_sha, position) filter (where parent_sha <> ''), '') as parent_sha,
    coalesce(arg_max(branch, position) filter (where branch <> ''), '') as branch,
    coalesce(arg_max(event, position) filter (where event <> ''), '') as event,
    arg_max(started_at, position) as started_at,
    arg_max(finished_at, position) as finished_at,
    arg_max(result, position) as result,
    max(position) filter (where is_change_known) as change_position
from incoming
group by all;

update runs
set
    workflow = coalesce(nullif(staged.workflow, ''), runs.workflow),
    sha = coalesce(nullif(staged.sha, ''), runs.sha),
    parent_sha = coalesce(nullif(staged.parent_sha, ''), runs.parent_sha),
    branch = coalesce(nullif(staged.branch, ''), runs.branch),
    event = coalesce(nullif(staged.event, ''), runs.event),
    started_at = coalesce(staged.started_at, runs.started_at),
    finished_at = coalesce(staged.finished_at, runs.finished_at),
    result = coalesce(staged.result, runs.result),
    is_change_known = runs.is_change_known or staged.change_position is not null
from staged
where
    runs.provider = staged.provider
    and runs.repository = staged.repository
    and runs.run_id = staged.run_id
    and runs.attempt = staged.attempt;

insert into runs (
    run_seq, provider, repository, run_id, attempt, workflow, sha, parent_sha, branch, event,
    started_at, finished_at, result, is_change_known
)
select
    (select coalesce(max(run_seq), 0) from runs) + row_number() over (order by started_at, run_id, attempt),
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
    change_position is not null
from staged
anti join runs using (provider, repository, run_id, attempt);

delete from run_changes
where run_seq in (
    select runs.run_seq
    from staged
    join runs using (provider, repository, run_id, attempt)
    where staged.change_position is not null
);

insert into run_changes
select
    runs.run_seq,
    incoming_changes.path,
    incoming_changes.added,
    incoming_changes.deleted,
    incoming_changes.status,
    incoming_changes.previous_path
from staged
join runs using (provider, repository, run_id, attempt)
join incoming_changes on incoming_changes.position = staged.change_position;

drop table staged;
