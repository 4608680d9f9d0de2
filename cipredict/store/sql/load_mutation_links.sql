-- Purpose: which cases injected faults turned red, by path: synthetic evidence of what a path can break.
-- Grain:   a row per path and case, ordered by path, case_id; a path whose faults no case noticed has one row with a null
--          case_id. Faults without an answer (timeout, broken) do not count.
-- Units:   mutants, kills count faults: those of the path, and those of them that turned the case red; recorded_at, the
--          latest of the path, aware UTC.
-- Parameters: $as_of.

with
    known_mutants as (
        select
            mutant_seq,
            path,
            recorded_at
        from mutants
        where
            recorded_at <= $as_of
            and outcome in ('killed', 'survived')
    ),
    paths as (
        select
            path,
            count(*) as mutants,
            max(recorded_at) as recorded_at
        from known_mutants
        group by path
    ),
    kills as (
        select
            known_mutants.path,
            mutant_failures.case_seq,
            count(*) as kills
        from known_mutants
        join mutant_failures using (mutant_seq)
        group by
            known_mutants.path,
            mutant_failures.case_seq
    )
select
    paths.path,
    cases.case_id,
    paths.mutants,
    coalesce(kills.kills, 0) as kills,
    paths.recorded_at
from paths
left join kills using (path)
left join cases using (case_seq)
order by
    paths.path,
    cases.case_id
