-- Purpose: the parts of a huge report, until now files of their own called `x#2`, become rows of the same source, so
--          that a report stored again replaces all of them.
-- Units:   a report was cut after 5,000 cases at the earliest: a shorter file and one called `…#2` beside it are two.

alter table batches rename to batches_before;

create table batches (
    batch_seq integer primary key,
    run_seq integer not null,
    job_id varchar not null,
    source varchar not null,
    part integer not null,
    cases integer not null,
    unique (run_seq, job_id, source, part)
);
comment on table batches is 'A row per part of a report file whose cases are stored, one unless it is huge; storing the file again replaces them. job_id is empty where unknown.';

insert into batches
select
    batches.batch_seq,
    batches.run_seq,
    batches.job_id,
    coalesce(wholes.source, batches.source),
    case when wholes.source is null then 1 else cast(regexp_extract(batches.source, '#(\d+)$', 1) as integer) end,
    batches.cases
from batches_before as batches
left join batches_before as wholes on
    wholes.run_seq = batches.run_seq
    and wholes.job_id = batches.job_id
    and wholes.source = regexp_replace(batches.source, '#([2-9]|[1-9]\d{1,5})$', '')
    and wholes.source <> batches.source
    and wholes.cases >= 5000
order by batches.batch_seq;

drop table batches_before;
