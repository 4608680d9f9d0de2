-- Purpose: guess the branch that others are compared with, where nobody named it.
-- Grain:   a row, or none where no run tells. The branch most often pushed to; without a push the one most often tested
--          on a schedule or outside of any CI event, as reports of a developer's machine are. Requests tell nothing.
-- Parameters: $as_of; $since, runs known after it count.

select branch
from runs
where
    known_at <= $as_of
    and known_at > $since
    and event in ('push', 'schedule', '')
    and branch <> ''
group by branch
order by
    count(*) filter (where event = 'push') desc,
    count(*) desc,
    branch
limit 1
