-- Purpose: how many runs stay that training can learn from: of known time, with results of cases.
-- Grain:   one row.
-- Parameters: none.

select count(*) as runs
from kept_runs
where known_at is not null and run_seq in (select run_seq from case_runs)
