-- Purpose: the jobs whose steps are about to be lost: GitHub drops them about 88 to 90 days after the run.
-- Grain:   one row.
-- Units:   jobs and runs of GitHub, known 75 to 90 days ago, stored without steps; oldest_at aware UTC, null without any.
-- Parameters: $as_of.

select
    count(*) as jobs,
    count(distinct jobs.run_seq) as runs,
    min(runs.known_at) as oldest_at
from jobs
join runs using (run_seq)
anti join steps using (run_seq, job_id)
where
    runs.provider = 'github'
    and runs.known_at <= $as_of - interval 75 days
    and runs.known_at > $as_of - interval 90 days
    and coalesce(jobs.result, '') <> 'skip'
