-- Purpose: store jobs; what an incoming job does not know leaves the known alone, and its steps replace the known ones.
-- Grain:   a row per run and job in `incoming`, numbered from 1 by position, with its steps in `incoming_steps`.
-- Units:   queued_s seconds; aware UTC; unknown text is empty, unknown times and results null.
-- Parameters: none. The runs exist: `unknown_runs.sql` went before.

insert into jobs
select
    runs.run_seq,
    incoming.job_id,
    incoming.name,
    incoming.runner,
    incoming.started_at,
    incoming.finished_at,
    incoming.queued_s,
    incoming.result
from incoming
join runs using (provider, repository, run_id, attempt)
on conflict (run_seq, job_id) do update
set
    name = coalesce(nullif(excluded.name, ''), name),
    runner = coalesce(nullif(excluded.runner, ''), runner),
    started_at = coalesce(excluded.started_at, started_at),
    finished_at = coalesce(excluded.finished_at, finished_at),
    queued_s = coalesce(excluded.queued_s, queued_s),
    result = coalesce(excluded.result, result);

delete from steps
using incoming
join runs using (provider, repository, run_id, attempt)
where
    steps.run_seq = runs.run_seq
    and steps.job_id = incoming.job_id
    and incoming.position in (select position from incoming_steps);

insert into steps
select
    runs.run_seq,
    incoming.job_id,
    incoming_steps.number,
    incoming_steps.name,
    incoming_steps.started_at,
    incoming_steps.finished_at,
    incoming_steps.result
from incoming_steps
join incoming using (position)
join runs using (provider, repository, run_id, attempt);
