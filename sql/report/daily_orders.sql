-- One row per day (UTC) with an order or a return before as_of.
-- Reads: orders, months. Params: $as_of.
-- Maps each day to its month, for the other files.
with
    days as (
        select
            ordered_at_day,
            cast('1970-01-01' as timestamp) + ordered_at_day * interval '1' day as starts_at,
            count(*) filter (where not is_return) as order_count,
            count(*) filter (where is_return) as return_count,
            cast(coalesce(sum(order_value_cents) filter (where not is_return), 0) as bigint) as revenue_cents,
            cast(coalesce(sum(order_value_cents) filter (where is_return), 0) as bigint) as returned_cents
        from orders
        where ordered_at < cast($as_of as timestamp)
        group by ordered_at_day
    )

select
    days.ordered_at_day,
    months.month_number,
    days.order_count,
    days.return_count,
    days.revenue_cents,
    days.returned_cents
from days
inner join months on days.starts_at >= months.starts_at and days.starts_at < months.ends_at
