-- Purpose: how much history a judgement of flakiness rests on.
-- Grain:   one row.
-- Units:   runs with results; distinct cases among them, skipped ones left out; aware UTC, null without runs.
-- Parameters: $as_of; $since, runs known after it count.

select
    count(distinct runs.run_seq) as runs,
    count(distinct case_runs.case_seq) as cases,
    min(runs.known_at) as first_at,
    max(runs.known_at) as last_at
from runs
join case_runs using (run_seq)
where
    runs.known_at <= $as_of
    and runs.known_at > $since
    and case_runs.verdict <> 'skipped'
