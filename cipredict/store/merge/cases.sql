-- Purpose: give every case of another store a number of ours.
-- Grain:   a row per case in `cases` and in `case_numbers`.
-- Parameters: none.

insert into cases
select
    (select coalesce(max(case_seq), 0) from cases) + row_number() over (order by their_cases.case_seq),
    their_cases.case_id
from theirs.cases as their_cases
anti join cases using (case_id);

create or replace temp table case_numbers as
select
    their_cases.case_seq as theirs,
    cases.case_seq as ours
from theirs.cases as their_cases
join cases using (case_id);
