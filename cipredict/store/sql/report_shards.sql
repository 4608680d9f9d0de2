-- Purpose: how shard plans came out: what each shard was to take, and what it took.
-- Grain:   a row per shard of a shard plan, ordered by made_at, event_id, shard_id.
-- Units:   _s seconds. planned_s, low_s, high_s include overhead_s, the fixed cost of a job; test_s sums what the shard's
--          cases took in the plan's own run, of a case in several reports the mean, null without any; job_s is the mean
--          length of the jobs more than half of whose cases are the shard's, null where no job tells. measured counts the
--          cases of the shard with seconds. has_tail: shards may have taken each other's cases. Aware UTC.
-- Parameters: $as_of; $last_plans, how many plans to look at, the latest first.

with
    made as (
        select
            events.event_id,
            plans.plan_id,
            events.happened_at as made_at,
            events.run_id,
            runs.run_seq,
            coalesce(events.body ->> 'strategy', '') as strategy,
            coalesce(json_array_length(events.body -> 'queue') > 0, false) as has_tail,
            coalesce(try_cast(events.body ->> 'overhead_s' as double), 0) as overhead_s,
            json_transform(events.body -> 'shards', '["json"]') as shards
        from plans
        join events using (event_id)
        left join (from runs where known_at <= $as_of) as runs using (provider, repository, run_id, attempt)
        where
            plans.plan_schema like 'cipredict.shard-plan/%'
            and events.happened_at <= $as_of
        order by
            events.happened_at desc,
            events.event_id desc
        limit $last_plans
    ),
    divided as (
        select
            * exclude (shards),
            unnest(shards) as shard,
            generate_subscripts(shards, 1) - 1 as shard_id
        from made
    ),
    homes as (
        select
            divided.event_id,
            divided.run_seq,
            divided.shard_id,
            cases.case_seq
        from (
            select
                event_id,
                run_seq,
                shard_id,
                unnest(json_transform(shard -> 'tests', '["varchar"]')) as case_id
            from divided
        ) as divided
        join cases using (case_id)
    ),
    results as (
        select
            homes.event_id,
            homes.run_seq,
            homes.shard_id,
            homes.case_seq,
            batches.job_id,
            case_runs.duration_s
        from homes
        join case_runs using (run_seq, case_seq)
        join batches using (batch_seq)
    ),
    sums as (
        select
            event_id,
            shard_id,
            count(duration_s) as measured,
            round(fsum(duration_s), 3) as test_s
        from (
            select
                event_id,
                shard_id,
                case_seq,
                avg(duration_s) as duration_s
            from results
            group by all
        )
        group by
            event_id,
            shard_id
    ),
    reported as (
        select
            event_id,
            run_seq,
            job_id,
            shard_id,
            count(*) as cases,
            sum(count(*)) over (partition by event_id, job_id) as all_cases
        from results
        where job_id <> ''
        group by
            event_id,
            run_seq,
            job_id,
            shard_id
    ),
    lengths as (
        select
            reported.event_id,
            reported.shard_id,
            avg(epoch(jobs.finished_at) - epoch(jobs.started_at)) as job_s
        from reported
        join jobs using (run_seq, job_id)
        where 2 * reported.cases > reported.all_cases
        group by all
    )
select
    divided.event_id,
    divided.plan_id,
    divided.made_at,
    divided.run_id,
    divided.strategy,
    divided.has_tail,
    divided.overhead_s,
    divided.shard_id,
    coalesce(json_array_length(divided.shard -> 'tests'), 0) as cases,
    try_cast(divided.shard ->> 'estimated_time' as double) as planned_s,
    try_cast(divided.shard ->> 'low_s' as double) as low_s,
    try_cast(divided.shard ->> 'high_s' as double) as high_s,
    coalesce(sums.measured, 0) as measured,
    sums.test_s,
    lengths.job_s
from divided
left join sums using (event_id, shard_id)
left join lengths using (event_id, shard_id)
order by
    divided.made_at,
    divided.event_id,
    divided.shard_id
