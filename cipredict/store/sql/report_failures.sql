-- Purpose: what failed in one run.
-- Grain:   a row per case that failed or erred in a report of it, ordered by case_id.
-- Units:   duration_s seconds, the longest, null where not measured.
-- Parameters: $run_seq.

select
    cases.case_id,
    max(case_runs.verdict)::varchar as verdict,
    max(case_runs.duration_s) as duration_s
from case_runs
join cases using (case_seq)
where
    case_runs.run_seq = $run_seq
    and case_runs.verdict in ('failed', 'error')
group by cases.case_id
order by cases.case_id
