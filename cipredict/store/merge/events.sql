-- Purpose: show another store's events, plans and predictions to `upserts/events.sql`.
-- Grain:   `incoming_events` and `incoming_plans` a row per event, `incoming` a row per plan and case.
-- Parameters: none. `cases.sql` went before.

create temp view incoming_events as
from theirs.events;

create temp view incoming_plans as
from theirs.plans;

create or replace temp view incoming as
select
    cases.case_id,
    predictions.*
from theirs.predictions
join theirs.cases using (case_seq);
