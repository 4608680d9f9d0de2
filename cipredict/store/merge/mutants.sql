-- Purpose: store the injected faults of another store; a known one is replaced.
-- Grain:   a row per mutant, and per mutant and case.
-- Parameters: none. `cases.sql` went before.

insert into mutants
select
    (select coalesce(max(mutant_seq), 0) from mutants) + row_number() over (order by mutant_seq),
    * exclude (mutant_seq)
from theirs.mutants
on conflict (repository, mutant_id) do update
set
    recorded_at = excluded.recorded_at,
    outcome = excluded.outcome,
    duration_s = excluded.duration_s;

create or replace temp table mutant_numbers as
select
    their_mutants.mutant_seq as theirs,
    mutants.mutant_seq as ours
from theirs.mutants as their_mutants
join mutants using (repository, mutant_id);

delete from mutant_failures
where mutant_seq in (select ours from mutant_numbers);

insert into mutant_failures
select
    mutant_numbers.ours,
    case_numbers.ours
from theirs.mutant_failures as their_failures
join mutant_numbers on mutant_numbers.theirs = their_failures.mutant_seq
join case_numbers on case_numbers.theirs = their_failures.case_seq
order by
    mutant_numbers.ours,
    case_numbers.ours;

drop table mutant_numbers;
