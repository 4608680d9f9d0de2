-- Purpose: store the cases of one report file.
-- Grain:   a row per case in `incoming`, in the columns of case_runs.
-- Units:   duration_s seconds, peak_memory_bytes bytes.
-- Parameters: none.

insert into case_runs
select
    batch_seq,
    run_seq,
    case_seq,
    verdict,
    duration_s,
    attempts,
    is_flaky,
    peak_memory_bytes
from incoming
