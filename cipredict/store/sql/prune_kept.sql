-- Purpose: what stays of each table that ages, as temporary views kept_<table>; cutoff comes from prune_cutoff.sql.
--          A run of unknown time stays: nobody knows its age.
-- Grain:   that of each table. Remembered benchmarks are events; other events (plans, approvals) do not age.
-- Parameters: none.

create or replace temp table staying_runs as
select run_seq
from runs
where known_at is null or known_at >= (select before from cutoff);

create or replace temp view kept_runs as select runs.* from runs semi join staying_runs using (run_seq);
create or replace temp view kept_jobs as select jobs.* from jobs semi join staying_runs using (run_seq);
create or replace temp view kept_steps as select steps.* from steps semi join staying_runs using (run_seq);
create or replace temp view kept_batches as select batches.* from batches semi join staying_runs using (run_seq);
create or replace temp view kept_case_runs as select case_runs.* from case_runs semi join staying_runs using (run_seq);
create or replace temp view kept_run_changes as
select run_changes.* from run_changes semi join staying_runs using (run_seq);
create or replace temp view kept_benchmark_samples as
select benchmark_samples.* from benchmark_samples semi join staying_runs using (run_seq);
create or replace temp view kept_cache_events as
select *
from cache_events
where
    happened_at >= (select before from cutoff)
    and (run_seq is null or run_seq in (select run_seq from staying_runs));
create or replace temp view kept_events as
select *
from events
where kind <> 'benchmarks' or happened_at >= (select before from cutoff);
