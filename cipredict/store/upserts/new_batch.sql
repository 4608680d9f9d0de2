-- Purpose: give a part of a report file the next number.
-- Grain:   one row, returned.
-- Parameters: $run_seq, $job_id, $source, $part, $cases.

insert into batches
select
    coalesce(max(batch_seq), 0) + 1,
    $run_seq,
    $job_id,
    $source,
    $part,
    $cases
from batches
returning batch_seq
