-- Purpose: what caches gave, period by period.
-- Grain:   a row per period and cache in which it was restored or saved, ordered by period, cache.
-- Units:   period is its first moment, aware UTC; exact, prefixed, missed and saved count events; restore_s and save_s are
--          medians in seconds, saved_bytes is the sum, each null where no event tells.
-- Parameters: $as_of; $unit, `day`, `week` or `month`.

select
    date_trunc($unit, happened_at at time zone 'UTC') at time zone 'UTC' as period,
    cache,
    count(*) filter (where operation = 'restore' and outcome = 'exact') as exact,
    count(*) filter (where operation = 'restore' and outcome = 'prefix') as prefixed,
    count(*) filter (where operation = 'restore' and outcome = 'miss') as missed,
    count(*) filter (where operation = 'save' and outcome = 'saved') as saved,
    quantile_cont(duration_s, 0.5) filter (where operation = 'restore' and outcome <> 'miss') as restore_s,
    quantile_cont(duration_s, 0.5) filter (where operation = 'save' and outcome = 'saved') as save_s,
    (sum(size_bytes) filter (where operation = 'save' and outcome = 'saved'))::bigint as saved_bytes
from cache_events
where happened_at <= $as_of
group by all
order by
    period,
    cache
