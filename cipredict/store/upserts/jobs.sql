-- Purpose: store jobs; what an incoming job does not know leaves the known alone, and its steps replace the known ones.
-- Grain:   a row per record in `incoming`; of two with one key the later wins. Steps in `incoming_steps`.
-- Units:   queued_s seconds; aware UTC; unknown text is empty, unknown times and results null.
-- Parameters: none. The runs exist: `unknown_runs.sql` went before.

create or replace temp table staged as
select
    runs.run_seq,
    incoming.job_id,
    coalesce(arg_max(incoming.name, position) filter (where incoming.name <> ''), '') as name,
    coalesce(arg_max(incoming.runner, position) filter (where incoming.runner <> ''), '') as runner,
    arg_max(incoming.started_at, position) as started_at,
    arg_max(incoming.finished_at, position) as finished_at,
    arg_max(incoming.queued_s, position) as queued_s,
    arg_max(incoming.result, position) as result,
    max(position) filter (where position in (select position from incoming_steps)) as steps_position
from incoming
join runs using (provider, repository, run_id, attempt)
group by all;

insert into jobs
select
    run_seq,
    job_id,
    name,
    runner,
    started_at,
    finished_at,
    queued_s,
    result
from staged
on conflict (run_seq, job_id) do update
set
    name = coalesce(nullif(excluded.name, ''), name),
    runner = coalesce(nullif(excluded.runner, ''), runner),
    started_at = coalesce(excluded.started_at, started_at),
    finished_at = coalesce(excluded.finished_at, finished_at),
    queued_s = coalesce(excluded.queued_s, queued_s),
    result = coalesce(excluded.result, result);

delete from steps
using staged
where
    steps.run_seq = staged.run_seq
    and steps.job_id = staged.job_id
    and staged.steps_position is not null;

insert into steps
select
    staged.run_seq,
    staged.job_id,
    incoming_steps.number,
    incoming_steps.name,
    incoming_steps.started_at,
    incoming_steps.finished_at,
    incoming_steps.result
from staged
join incoming_steps on incoming_steps.position = staged.steps_position;

drop table staged;
