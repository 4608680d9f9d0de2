-- Purpose: show another store's readings of files to `upserts/reports.sql`, unless ours is later.
-- Grain:   `incoming` a row per source.
-- Parameters: none.

create or replace temp view incoming as
select their_reports.*
from theirs.reports as their_reports
left join reports using (source)
where their_reports.read_at >= coalesce(reports.read_at, their_reports.read_at);
