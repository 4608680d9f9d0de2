-- Purpose: store the cases of `table_rows`. Several rows of a case in a run and job are its attempts, in their order.
-- Grain:   a row per run, job and file in `batches`, per case of them in `case_runs`.
-- Units:   duration_s seconds, of the last attempt.
-- Parameters: none. `runs.sql`, `upserts/runs.sql` and `cases.sql` went before; the file is not stored yet.

insert into jobs (run_seq, job_id, name, runner)
select distinct
    runs.run_seq,
    table_rows.job,
    table_rows.job,
    ''
from table_rows
join runs using (provider, repository, run_id, attempt)
where
    table_rows.problem is null
    and table_rows.job <> ''
on conflict do nothing;

create or replace temp table attempts as
select
    runs.run_seq,
    cases.case_seq,
    table_rows.job,
    table_rows.source,
    arg_max(
        struct_pack(verdict := table_rows.verdict, duration_s := table_rows.duration_s), table_rows.position
    ) as last,
    greatest(count(*), coalesce(max(table_rows.attempts), 1)) as attempts,
    coalesce(bool_or(table_rows.is_flaky), false) or min(table_rows.verdict) <> max(table_rows.verdict) as is_flaky,
    max(table_rows.peak_memory_bytes) as peak_memory_bytes
from table_rows
join runs using (provider, repository, run_id, attempt)
join cases using (case_id)
where table_rows.problem is null
group by
    runs.run_seq,
    cases.case_seq,
    table_rows.job,
    table_rows.source;

insert into batches
select
    (select coalesce(max(batch_seq), 0) from batches) + row_number() over (order by run_seq, job),
    run_seq,
    job,
    source,
    1,
    count(*)
from attempts
group by
    run_seq,
    job,
    source;

insert into case_runs by name
select
    batches.batch_seq,
    attempts.run_seq,
    attempts.case_seq,
    attempts.last.verdict as verdict,
    attempts.last.duration_s as duration_s,
    attempts.attempts,
    attempts.is_flaky,
    attempts.peak_memory_bytes
from attempts
join batches on
    batches.run_seq = attempts.run_seq
    and batches.job_id = attempts.job
    and batches.source = attempts.source
order by
    batches.batch_seq,
    attempts.case_seq;

drop table attempts;
