-- Purpose: what a job found in its cache, beside the entry that it asked for.

alter table cache_events add column job varchar default '';
alter table cache_events add column matched_key varchar default '';
alter table cache_events add column outcome varchar default '';
comment on table cache_events is 'A row per restore or save of a cache by a job. run_seq is null outside CI. duration_s is what the restore or the save took; size_bytes is null where the log does not say.';
comment on column cache_events.operation is 'restore or save.';
comment on column cache_events.matched_key is 'Of a restore: the key of the entry that was found, which differs from key after a hit by prefix.';
comment on column cache_events.outcome is 'exact, prefix or miss of a restore; saved or skipped of a save.';
