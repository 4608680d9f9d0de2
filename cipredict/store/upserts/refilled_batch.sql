-- Purpose: state how many cases a part of a report file holds now.
-- Grain:   one row.
-- Parameters: $batch_seq, $cases.

update batches
set cases = $cases
where batch_seq = $batch_seq
