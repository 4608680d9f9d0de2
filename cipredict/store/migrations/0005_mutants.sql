-- Purpose: outcomes of injected faults, which are synthetic: kept in tables of their own, so that no question about real
--          runs can ever count them.
-- Units:   duration_s seconds, times aware UTC.

create table mutants (
    mutant_seq integer primary key,
    repository varchar not null,
    mutant_id varchar not null,
    path varchar not null,
    function varchar not null,
    line integer not null,
    operator varchar not null,
    recorded_at timestamptz not null,
    outcome varchar not null,
    duration_s double not null,
    unique (repository, mutant_id)
);
comment on table mutants is 'A row per fault that `bootstrap` injected and ran the tests on; never a run of CI. outcome: killed, survived, timeout, broken.';

create table mutant_failures (
    mutant_seq integer not null,
    case_seq integer not null
);
comment on table mutant_failures is 'A row per case that a killed mutant turned red; the others that were green without it stayed green.';
