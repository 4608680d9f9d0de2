-- Purpose: how many bytes of caches are in use, to be held against a quota.
-- Grain:   a row per period with cache events, ordered by period.
-- Units:   entries counts the keys that were saved or restored within 7 days before the period's end, which is what GitHub
--          keeps; unsized those among them of unknown size; held_bytes the sum of the others' last known sizes; aware UTC.
-- Parameters: $as_of; $unit, `day`, `week` or `month`.

with
    uses as (
        select
            happened_at,
            date_trunc($unit, happened_at at time zone 'UTC') as period,
            case when operation = 'restore' then coalesce(nullif(matched_key, ''), key) else key end as entry,
            nullif(size_bytes, 0) as size_bytes
        from cache_events
        where
            happened_at <= $as_of
            and outcome in ('exact', 'prefix', 'saved')
    ),
    periods as (
        select distinct
            period at time zone 'UTC' as period,
            least((period + to_months(($unit = 'month')::integer) + to_days(
                case $unit when 'day' then 1 when 'week' then 7 else 0 end
            )) at time zone 'UTC', $as_of) as ended_at
        from uses
    ),
    held as (
        select
            periods.period,
            uses.entry,
            arg_max(uses.size_bytes, uses.happened_at) filter (where uses.size_bytes is not null) as size_bytes
        from periods
        join uses on
            uses.happened_at <= periods.ended_at
            and uses.happened_at > periods.ended_at - interval 7 days
        group by
            periods.period,
            uses.entry
    )
select
    period,
    count(*) as entries,
    count(*) filter (where size_bytes is null) as unsized,
    sum(size_bytes)::bigint as held_bytes
from held
group by period
order by period
