-- Purpose: look up the numbers of cases.
-- Grain:   a row per known case of `incoming` (case_id).
-- Parameters: none.

select
    case_id,
    case_seq
from cases
semi join incoming using (case_id)
