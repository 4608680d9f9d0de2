-- Purpose: what became of each case in one run, report by report.
-- Grain:   a row per report file and case, ordered by job, case_id, source.
-- Units:   duration_s seconds, peak_memory_bytes bytes, both null where not measured; job is empty where unknown.
-- Parameters: $run_seq.

select
    cases.case_id,
    coalesce(jobs.name, batches.job_id) as job,
    case_runs.verdict,
    case_runs.duration_s,
    case_runs.attempts,
    case_runs.is_flaky,
    case_runs.peak_memory_bytes
from case_runs
join batches using (batch_seq)
join cases using (case_seq)
left join jobs on jobs.run_seq = batches.run_seq and jobs.job_id = batches.job_id
where case_runs.run_seq = $run_seq
order by
    job,
    cases.case_id,
    batches.source,
    batches.part
