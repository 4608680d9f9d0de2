-- Purpose: store which files each case executed, under the snapshot in `staged`.
-- Grain:   a row per case and path in `incoming`; of repeated ones the most lines count.
-- Parameters: none. `snapshot.sql` and `cases.sql` went before.

insert into coverage_links
select
    staged.snapshot_seq,
    cases.case_seq,
    incoming.path,
    max(incoming.lines)
from staged
cross join incoming
join cases using (case_id)
group by all
order by
    cases.case_seq,
    incoming.path;
