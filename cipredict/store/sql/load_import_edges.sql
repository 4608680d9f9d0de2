-- Purpose: which Python file imports which, as last read at a time.
-- Grain:   a row per edge and repository, ordered by repository, importer, imported.
-- Units:   recorded_at aware UTC.
-- Parameters: $as_of.

with
    latest as (
        select
            source as repository,
            arg_max(snapshot_seq, recorded_at) as snapshot_seq,
            max(recorded_at) as recorded_at
        from snapshots
        where
            kind = 'imports'
            and recorded_at <= $as_of
        group by source
    )
select
    latest.repository,
    import_edges.importer,
    import_edges.imported,
    latest.recorded_at
from import_edges
join latest using (snapshot_seq)
order by
    latest.repository,
    import_edges.importer,
    import_edges.imported
