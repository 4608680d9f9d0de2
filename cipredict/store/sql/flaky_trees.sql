-- Purpose: what changed from one tested commit to the next, to tell which flips of a verdict a change explains.
-- Grain:   a row per commit with runs that are no pull or merge requests, as its earliest run knew it, ordered by tree.
-- Units:   paths are sorted, old names of renames included; null where nobody knows what changed; aware UTC.
-- Parameters: $as_of; $since, runs known after it count.

with
    known_runs as (
        select
            *,
            row_number() over (
                partition by
                    repository,
                    sha
                order by
                    known_at,
                    started_at,
                    run_id,
                    attempt,
                    run_seq
            ) as nth
        from runs
        where
            known_at <= $as_of
            and known_at > $since
            and sha <> ''
            and event not in ('pull_request', 'pull_request_target', 'merge_request_event')
    ),
    touched as (
        select
            run_seq,
            unnest([path, previous_path]) as path
        from run_changes
    ),
    paths as (
        select
            run_seq,
            list(distinct path order by path) as paths
        from touched
        where path is not null
        group by run_seq
    )
select
    concat_ws(' ', 'commit', known_runs.repository, known_runs.sha) as tree,
    known_runs.sha,
    known_runs.parent_sha,
    if(known_runs.is_change_known, coalesce(paths.paths, []), null) as paths
from known_runs
left join paths using (run_seq)
where known_runs.nth = 1
order by tree
