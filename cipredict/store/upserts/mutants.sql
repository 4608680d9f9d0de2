-- Purpose: store outcomes of injected faults; a known mutant is replaced.
-- Grain:   a row per mutant in `incoming_mutants`, numbered from 1 by position, with the cases it turned red in `incoming`.
-- Units:   duration_s seconds, aware UTC.
-- Parameters: none. The cases have numbers: `cases.sql` went before.

insert into mutants
select
    (select coalesce(max(mutant_seq), 0) from mutants) + position,
    repository,
    mutant_id,
    path,
    function,
    line,
    operator,
    recorded_at,
    outcome,
    duration_s
from incoming_mutants
on conflict (repository, mutant_id) do update
set
    path = excluded.path,
    function = excluded.function,
    line = excluded.line,
    operator = excluded.operator,
    recorded_at = excluded.recorded_at,
    outcome = excluded.outcome,
    duration_s = excluded.duration_s;

delete from mutant_failures
where mutant_seq in (select mutant_seq from incoming_mutants join mutants using (repository, mutant_id));

insert into mutant_failures
select
    mutants.mutant_seq,
    cases.case_seq
from incoming
join incoming_mutants using (position)
join mutants using (repository, mutant_id)
join cases using (case_id)
order by
    mutants.mutant_seq,
    cases.case_seq;
