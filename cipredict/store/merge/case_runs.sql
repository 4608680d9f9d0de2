-- Purpose: store the report files of another store with their cases; a known file is replaced.
-- Grain:   a row per part of a report file in `batches`, per case and report file in `case_runs`.
-- Parameters: none. `jobs.sql` and `cases.sql` went before.

create or replace temp table their_batches as
select
    batches.* replace (run_numbers.ours as run_seq)
from theirs.batches
join run_numbers on run_numbers.theirs = batches.run_seq;

insert into batches by name
select
    their_batches.* replace (
        (select coalesce(max(batch_seq), 0) from batches) + row_number() over (order by their_batches.batch_seq)
            as batch_seq
    )
from their_batches
anti join batches using (run_seq, job_id, source, part);

create or replace temp table batch_numbers as
select
    their_batches.batch_seq as theirs,
    batches.batch_seq as ours,
    their_batches.cases
from their_batches
join batches using (run_seq, job_id, source, part);

update batches
set cases = batch_numbers.cases
from batch_numbers
where batches.batch_seq = batch_numbers.ours;

delete from case_runs
where batch_seq in (select batch_seq from batches semi join their_batches using (run_seq, job_id, source));

delete from batches
where
    batch_seq in (select batch_seq from batches semi join their_batches using (run_seq, job_id, source))
    and batch_seq not in (select ours from batch_numbers);

insert into case_runs by name
select
    case_runs.* replace (
        batch_numbers.ours as batch_seq,
        run_numbers.ours as run_seq,
        case_numbers.ours as case_seq
    )
from theirs.case_runs
join batch_numbers on batch_numbers.theirs = case_runs.batch_seq
join run_numbers on run_numbers.theirs = case_runs.run_seq
join case_numbers on case_numbers.theirs = case_runs.case_seq
order by
    batch_numbers.ours,
    case_runs.rowid;
