-- Purpose: read times in the spellings of others.
-- Grain:   a time per spelling: ISO 8601 (UTC without a zone), or a number since 1970 in `unit`, which is guessed by its
--          size where empty. Null for what is none.
-- Parameters: none.

create or replace temp macro seconds_in(unit) as
    case unit
        when 's' then 1
        when 'ms' then 1e-3
        when 'us' then 1e-6
        when 'ns' then 1e-9
    end;

create or replace temp macro moment(spelling, unit) as
    case
        when try_cast(spelling as double) is null then try_cast(spelling as timestamptz)
        when try_cast(spelling as double) between 0 and 1e19
            then to_timestamp(
                try_cast(spelling as double) * case
                    when unit <> '' then seconds_in(unit)
                    when try_cast(spelling as double) < 1e11 then 1
                    when try_cast(spelling as double) < 1e14 then 1e-3
                    when try_cast(spelling as double) < 1e17 then 1e-6
                    else 1e-9
                end
            )
    end;
