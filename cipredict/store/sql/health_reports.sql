-- Purpose: what became of the files that were read, by reason.
-- Grain:   a row per status and reason, the most frequent first. Numbers in a reason are replaced by `N`, so that equal
--          problems of different files are one row; example is one of the files.
-- Units:   counts of files.
-- Parameters: none.

select
    status,
    regexp_replace(reason, '\d+', 'N', 'g') as reason,
    count(*) as files,
    min(source) as example
from reports
group by all
order by
    files desc,
    status,
    reason
