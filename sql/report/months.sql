-- One row per calendar month (UTC) from the first order or return to as_of.
-- Reads: orders. Params: $as_of.
-- The month of as_of is marked as incomplete: its orders are counted; values that need its end are null.
with
    digits as (
        select 0 as digit
        union all
        select 1 as digit
        union all
        select 2 as digit
        union all
        select 3 as digit
        union all
        select 4 as digit
        union all
        select 5 as digit
        union all
        select 6 as digit
        union all
        select 7 as digit
        union all
        select 8 as digit
        union all
        select 9 as digit
    ),

    numbers as (
        select cast(1000 * thousands.digit + 100 * hundreds.digit + 10 * tens.digit + units.digit as bigint) as month_number
        from digits as thousands
        cross join digits as hundreds
        cross join digits as tens
        cross join digits as units
        where thousands.digit < 3
    ),

    spans as (
        select
            month_number,
            cast('1970-01-01' as timestamp) + month_number * interval '1' month as starts_at,
            cast('1970-01-01' as timestamp) + (month_number + 1) * interval '1' month as ends_at
        from numbers
    ),

    seen as (
        select min(ordered_at) as first_at
        from orders
        where ordered_at < cast($as_of as timestamp)
    )

select
    spans.month_number, -- months since 1970-01
    cast(spans.starts_at as date) as month,
    spans.starts_at,
    spans.ends_at,
    spans.ends_at <= cast($as_of as timestamp) as is_complete
from spans
cross join seen
where spans.ends_at > seen.first_at and spans.starts_at < cast($as_of as timestamp)
