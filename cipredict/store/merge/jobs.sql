-- Purpose: tell which run of theirs is which of ours, and show another store's jobs to `upserts/jobs.sql`.
-- Grain:   `run_numbers` and `incoming` a row per run and per job, `incoming_steps` a row per step.
-- Parameters: none. The runs are stored: `upserts/runs.sql` went before.

create or replace temp table run_numbers as
select
    their_runs.run_seq as theirs,
    runs.run_seq as ours
from theirs.runs as their_runs
join runs using (provider, repository, run_id, attempt);

create or replace temp view incoming as
select
    row_number() over (order by jobs.run_seq, jobs.job_id) as position,
    runs.provider,
    runs.repository,
    runs.run_id,
    runs.attempt,
    jobs.*
from theirs.jobs
join theirs.runs using (run_seq);

create temp view incoming_steps as
select
    incoming.position,
    steps.* exclude (run_seq, job_id)
from theirs.steps
join incoming using (run_seq, job_id)
order by steps.rowid;
