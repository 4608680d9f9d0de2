-- Purpose: bring the rows of somebody else's table into our words and units.
-- Grain:   `table_rows`, a row per row of `outside`; `problem` says why a row cannot be used, null where it can.
-- Units:   duration_s seconds, null where it is none between 0 and a year; aware UTC, null before 1980.
--          A view: each later step reads the file again, which costs less than keeping millions of wide rows.
-- Parameters: none. `outside` has every field as text, but for times; `verdict_words` a verdict per word in lower case.

create temp view table_rows as
with
    typed_rows as (
        select
            position,
            source,
            provider,
            coalesce(trim(repository), default_repository) as repository,
            trim(run_id) as run_id,
            coalesce(try_cast(attempt as integer), 1) as attempt,
            trim(case_id) as case_id,
            has_verdict,
            lower(trim(coalesce(verdict, failed, passed))) as word,
            try_cast(duration_s as double) * duration_factor as seconds,
            coalesce(trim(duration_s), '') <> '' as has_duration,
            started_at,
            has_start,
            finished_at,
            try_cast(attempts as integer) as attempts,
            lower(trim(is_flaky)) in ('1', 'true', 't', 'yes', 'y') as is_flaky,
            try_cast(try_cast(peak_memory_bytes as double) as bigint) as peak_memory_bytes,
            coalesce(trim(job), '') as job,
            coalesce(trim(workflow), '') as workflow,
            coalesce(trim(sha), '') as sha,
            coalesce(trim(parent_sha), '') as parent_sha,
            coalesce(trim(branch), '') as branch,
            coalesce(trim(event), '') as event,
            changed
        from outside
    )
select
    typed_rows.* exclude (seconds, started_at, finished_at),
    verdict_words.verdict::verdict as verdict,
    case when typed_rows.seconds between 0 and 31536000 then typed_rows.seconds end as duration_s,
    case when typed_rows.started_at >= '1980-01-01'::timestamptz then typed_rows.started_at end as started_at,
    case when typed_rows.finished_at >= '1980-01-01'::timestamptz then typed_rows.finished_at end as finished_at,
    case
        when coalesce(typed_rows.run_id, '') = '' then 'no run'
        when coalesce(typed_rows.case_id, '') = '' then 'no case'
        when typed_rows.has_verdict and verdict_words.verdict is null then 'unknown verdict'
        when not typed_rows.has_verdict and (typed_rows.started_at is null or typed_rows.seconds is null)
            then 'no time or no duration'
    end as problem
from typed_rows
left join verdict_words on verdict_words.word = typed_rows.word;
