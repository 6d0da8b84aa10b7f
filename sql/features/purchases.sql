-- One row per customer with an order before as_of.
-- Reads: orders. Params: $as_of.
-- The only pass over the sales. Counts and sums are of integers, so row order, threads and engines change nothing.
-- The year-ago windows are a horizon of 90 or 180 days from as_of, one year earlier: they show its season.
with
    moment as (
        select cast($as_of as timestamp) as as_of
    ),

    windows as (
        select
            as_of,
            as_of - interval '30' day as from_30d,
            as_of - interval '90' day as from_90d,
            as_of - interval '180' day as from_180d,
            as_of - interval '365' day as from_365d,
            as_of - interval '275' day as until_90d,
            as_of - interval '185' day as until_180d
        from moment
    ),

    seen as (
        select
            orders.*,
            windows.*
        from orders
        cross join windows
        where orders.ordered_at < windows.as_of and not orders.is_return
    )

select
    customer_id,
    count(*) as order_count,
    min(ordered_at_s) as first_order_s,
    max(ordered_at_s) as last_order_s,
    -- The value at the first second (the smallest of ties): minimum of second and value packed in one integer.
    min(ordered_at_s * 1073741824 + least(order_value_cents, 1073741823))
    - min(ordered_at_s) * 1073741824 as first_order_cents,
    cast(sum(order_value_cents) as bigint) as spend_cents,
    cast(sum(discount_cents) as bigint) as discount_cents,
    cast(sum(margin_cents) as bigint) as margin_cents,
    count(*) filter (where ordered_at >= from_30d) as orders_30d,
    count(*) filter (where ordered_at >= from_90d) as orders_90d,
    count(*) filter (where ordered_at >= from_180d) as orders_180d,
    count(*) filter (where ordered_at >= from_365d) as orders_365d,
    count(*) filter (where ordered_at >= from_365d and ordered_at < until_90d) as orders_year_ago_90d,
    count(*) filter (where ordered_at >= from_365d and ordered_at < until_180d) as orders_year_ago_180d,
    cast(coalesce(sum(order_value_cents) filter (where ordered_at >= from_30d), 0) as bigint) as spend_30d_cents,
    cast(coalesce(sum(order_value_cents) filter (where ordered_at >= from_90d), 0) as bigint) as spend_90d_cents,
    cast(coalesce(sum(order_value_cents) filter (where ordered_at >= from_180d), 0) as bigint) as spend_180d_cents,
    cast(coalesce(sum(order_value_cents) filter (where ordered_at >= from_365d), 0) as bigint) as spend_365d_cents,
    cast(coalesce(
        sum(order_value_cents) filter (where ordered_at >= from_365d and ordered_at < until_90d), 0
    ) as bigint) as spend_year_ago_90d_cents,
    cast(coalesce(
        sum(order_value_cents) filter (where ordered_at >= from_365d and ordered_at < until_180d), 0
    ) as bigint) as spend_year_ago_180d_cents
from seen
group by customer_id
