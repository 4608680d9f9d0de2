-- Purpose: drop the cases of a report file that is stored again.
-- Grain:   a row per deleted case.
-- Parameters: $batch_seq.

delete from case_runs
where batch_seq = $batch_seq
