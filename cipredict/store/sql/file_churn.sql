-- Purpose: how often each path changed lately.
-- Grain:   a row per path that ever changed, ordered by path. A change is a commit that touched the path: the runs of
--          one commit count once, at the commit's time or else at the start of its first run; a run whose commit is
--          unknown counts by itself.
-- Units:   changes in the last 3, 14 and 56 days (the bound included), and ever; last_changed_at aware UTC.
-- Parameters: $as_of.

with
    mentions as (
        select
            run_changes.path,
            coalesce(nullif(runs.sha, ''), 'run ' || runs.run_seq) as change,
            null as committed_at,
            runs.started_at
        from run_changes
        join runs using (run_seq)
        where runs.known_at <= $as_of
        union all
        select
            commit_changes.path,
            commits.sha as change,
            commits.committed_at,
            null as started_at
        from commit_changes
        join commits using (commit_seq)
        where commits.committed_at <= $as_of
    ),
    changes as (
        select
            path,
            change,
            coalesce(min(committed_at), min(started_at)) as changed_at
        from mentions
        group by
            path,
            change
    )
select
    path,
    count(*) filter (where changed_at >= $as_of - interval 3 day) as changes_3_days,
    count(*) filter (where changed_at >= $as_of - interval 14 day) as changes_14_days,
    count(*) filter (where changed_at >= $as_of - interval 56 day) as changes_56_days,
    count(*) as changes,
    max(changed_at) as last_changed_at
from changes
group by path
order by path
