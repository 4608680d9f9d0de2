-- Purpose: look up the number of a stored report file.
-- Grain:   at most one row.
-- Parameters: $run_seq, $job_id, $source.

select batch_seq
from batches
where
    run_seq = $run_seq
    and job_id = $job_id
    and source = $source
