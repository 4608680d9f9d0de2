-- Purpose: take in events, and the plans among them with their predictions; a known event adds nothing.
-- Grain:   a row per event in `incoming_events`, per plan in `incoming_plans`, per predicted case in `incoming`.
-- Units:   p_fail 0 to 1, expected_s seconds, aware UTC.
-- Parameters: none. The cases have numbers: `cases.sql` went before.

create or replace temp table staged as
select distinct event_id
from incoming_events
anti join events using (event_id);

insert into events
select distinct on (event_id)
    event_id,
    kind,
    happened_at,
    provider,
    repository,
    run_id,
    attempt,
    body
from incoming_events
semi join staged using (event_id);

insert into plans
select distinct on (event_id)
    event_id,
    plan_id,
    plan_schema,
    skips_nothing
from incoming_plans
semi join staged using (event_id);

insert into predictions
select distinct on (incoming.event_id, cases.case_seq)
    incoming.event_id,
    cases.case_seq,
    incoming.is_selected,
    incoming.p_fail,
    incoming.expected_s
from incoming
semi join staged using (event_id)
join cases using (case_id)
order by
    incoming.event_id,
    cases.case_seq;

drop table staged;
