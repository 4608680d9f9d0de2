-- Purpose: drop the cases of a part of a report file.
-- Grain:   a row per deleted case.
-- Parameters: $batch_seq.

delete from case_runs
where batch_seq = $batch_seq
