-- Purpose: what was deployed, how it ended, and what DORA counts of it.
-- Grain:   a row per event of kind `deployment`, ordered by happened_at, event_id.
-- Units:   _s seconds. lead_s: from the commit that the release is named after (7 digits or more of its sha) to its being
--          live, null where the store knows no such commit. recovery_s, of a failed one: until the old release served
--          again, or else until the next good deployment of the environment; null while neither came.
-- Parameters: $as_of.

with
    ended as (
        select
            event_id,
            happened_at,
            coalesce(body ->> 'environment', '') as environment,
            coalesce(body ->> 'strategy', '') as strategy,
            coalesce(body ->> 'release', '') as release,
            coalesce(try_cast(body ->> 'is_live' as boolean), false) as is_live,
            coalesce(body ->> 'reason', '') as reason,
            try_cast(body ->> 'duration_s' as double) as duration_s,
            try_cast(body ->> 'rolled_back_s' as double) as rolled_back_s
        from events
        where
            kind = 'deployment'
            and happened_at <= $as_of
    ),
    committed as (
        select
            ended.event_id,
            min(commits.committed_at) as committed_at
        from ended
        join commits on starts_with(commits.sha, ended.release)
        where length(ended.release) >= 7
        group by ended.event_id
    ),
    followed as (
        select
            *,
            min(if(is_live, happened_at, null)) over (
                partition by environment
                order by
                    happened_at,
                    event_id
                rows between 1 following and unbounded following
            ) as next_live_at
        from ended
    )
select
    followed.event_id,
    followed.happened_at,
    followed.environment,
    followed.strategy,
    followed.release,
    followed.is_live,
    followed.reason,
    followed.duration_s,
    followed.rolled_back_s,
    if(followed.is_live, epoch(followed.happened_at) - epoch(committed.committed_at), null) as lead_s,
    if(
        followed.is_live,
        null,
        coalesce(followed.rolled_back_s, epoch(followed.next_live_at) - epoch(followed.happened_at))
    ) as recovery_s
from followed
left join committed using (event_id)
order by
    followed.happened_at,
    followed.event_id
