-- Purpose: show the runs and cases of `table_rows` to `upserts/runs.sql` and `upserts/cases.sql`.
-- Grain:   `incoming` a row per run, with the earliest start and the latest end that a row has; `incoming_changes` a row
--          per run and path. Where no row of a run has a list, nobody knows what changed.
-- Parameters: none.

create temp table run_rows as
select
    row_number() over (order by min(position)) as position,
    provider,
    repository,
    run_id,
    attempt,
    max(workflow) as workflow,
    max(sha) as sha,
    max(parent_sha) as parent_sha,
    max(branch) as branch,
    max(event) as event,
    min(started_at) as started_at,
    max(finished_at) as finished_at,
    null::varchar as result,
    bool_or(changed is not null) as is_change_known,
    '' as url,
    false as is_complete
from table_rows
where problem is null
group by
    provider,
    repository,
    run_id,
    attempt;

create temp view incoming as
from run_rows;

create temp table incoming_changes as
select distinct
    run_rows.position,
    trim(changes.path) as path,
    null::integer as added,
    null::integer as deleted,
    'M' as status,
    null::varchar as previous_path
from (
    select
        repository,
        run_id,
        attempt,
        unnest(changed) as path
    from table_rows
    where problem is null
) as changes
join run_rows using (repository, run_id, attempt)
where trim(changes.path) <> ''
order by
    run_rows.position,
    path;
