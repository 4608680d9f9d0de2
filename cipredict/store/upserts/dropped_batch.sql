-- Purpose: forget a part of a report file that is stored again from its first part on.
-- Grain:   one row. `emptied_batch.sql` went before.
-- Parameters: $batch_seq.

delete from batches
where batch_seq = $batch_seq
