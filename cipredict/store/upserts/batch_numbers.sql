-- Purpose: look up the numbers of a stored report file.
-- Grain:   a row per part, in their order.
-- Parameters: $run_seq, $job_id, $source.

select
    part,
    batch_seq
from batches
where
    run_seq = $run_seq
    and job_id = $job_id
    and source = $source
order by part
