-- Purpose: give every incoming case id a number; known ones keep theirs.
-- Grain:   a row per case in `incoming` (case_id), repeated or not.
-- Parameters: none.

insert into cases
select
    (select coalesce(max(case_seq), 0) from cases) + row_number() over (order by case_id),
    case_id
from (select distinct case_id from incoming)
anti join cases using (case_id);
