-- Purpose: drop what a merge staged.
-- Grain:   nothing stored.
-- Parameters: none.

drop view incoming;
drop view incoming_changes;
drop view incoming_steps;
drop view incoming_events;
drop view incoming_plans;
drop table run_numbers;
drop table case_numbers;
drop table their_batches;
drop table batch_numbers;
drop table snapshot_numbers;
drop table their_samples;
