-- Purpose: store cache events and benchmark samples of another store; a known event adds nothing, a benchmark's samples of
--          a run replace themselves.
-- Grain:   a row per event in `cache_events`, per sample in `benchmark_samples`.
-- Parameters: none. `jobs.sql` went before.

insert into cache_events by name
select
    their_events.* replace (run_numbers.ours as run_seq)
from theirs.cache_events as their_events
left join run_numbers on run_numbers.theirs = their_events.run_seq
anti join cache_events using (event_id)
order by their_events.rowid;

create or replace temp table their_samples as
select
    benchmark_samples.* replace (run_numbers.ours as run_seq)
from theirs.benchmark_samples
join run_numbers on run_numbers.theirs = benchmark_samples.run_seq
order by benchmark_samples.rowid;

delete from benchmark_samples
where (run_seq, benchmark, metric) in (select run_seq, benchmark, metric from their_samples);

insert into benchmark_samples by name
from their_samples;
