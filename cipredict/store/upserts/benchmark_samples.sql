-- Purpose: store what a job measured; measured again in the same run, a benchmark's samples replace themselves.
-- Grain:   a row per sample in `incoming`, in the order of sample.
-- Parameters: none. The runs have numbers: `unknown_runs.sql` went before.

create or replace temp table staged as
select
    runs.run_seq,
    incoming.benchmark,
    incoming.metric,
    incoming.unit,
    incoming.sample,
    incoming.value
from incoming
join runs using (provider, repository, run_id, attempt);

delete from benchmark_samples
where (run_seq, benchmark, metric) in (select run_seq, benchmark, metric from staged);

insert into benchmark_samples
select *
from staged
order by
    run_seq,
    benchmark,
    metric,
    sample;

drop table staged;
