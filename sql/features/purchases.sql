-- One row per customer with an order before as_of.
-- Reads: orders. Params: $as_of.
-- The one pass over the orders: counts and sums of integers only, so that no row order, thread or engine can show.
with
    moment as (
        select cast($as_of as timestamp) as as_of
    ),

    seen as (
        select
            orders.customer_id,
            orders.ordered_at_s,
            orders.ordered_at_day,
            orders.order_value_cents,
            orders.discount_cents,
            orders.margin_cents,
            orders.is_return,
            not orders.is_return as is_order,
            not orders.is_return and orders.ordered_at >= moment.as_of - interval '30' day as in_30d,
            not orders.is_return and orders.ordered_at >= moment.as_of - interval '90' day as in_90d,
            not orders.is_return and orders.ordered_at >= moment.as_of - interval '180' day as in_180d,
            not orders.is_return and orders.ordered_at >= moment.as_of - interval '365' day as in_365d,
            not orders.is_return
            and orders.ordered_at >= moment.as_of - interval '365' day
            and orders.ordered_at < moment.as_of - interval '275' day as in_year_ago_90d
        from orders
        cross join moment
        where orders.ordered_at < moment.as_of
    )

select
    customer_id,
    count(*) filter (where is_order) as order_count,
    count(*) filter (where is_return) as return_count,
    min(ordered_at_s) filter (where is_order) as first_order_s,
    min(ordered_at_day) filter (where is_order) as first_order_day,
    max(ordered_at_s) filter (where is_order) as last_order_s,
    cast(sum(order_value_cents) filter (where is_order) as bigint) as spend_cents,
    cast(coalesce(sum(order_value_cents) filter (where is_return), 0) as bigint) as returned_cents,
    cast(sum(discount_cents) filter (where is_order) as bigint) as discount_cents,
    cast(sum(margin_cents) as bigint) as margin_cents,
    count(*) filter (where in_30d) as orders_30d,
    count(*) filter (where in_90d) as orders_90d,
    count(*) filter (where in_180d) as orders_180d,
    count(*) filter (where in_365d) as orders_365d,
    count(*) filter (where in_year_ago_90d) as orders_year_ago_90d,
    cast(coalesce(sum(order_value_cents) filter (where in_30d), 0) as bigint) as spend_30d_cents,
    cast(coalesce(sum(order_value_cents) filter (where in_90d), 0) as bigint) as spend_90d_cents,
    cast(coalesce(sum(order_value_cents) filter (where in_180d), 0) as bigint) as spend_180d_cents,
    cast(coalesce(sum(order_value_cents) filter (where in_365d), 0) as bigint) as spend_365d_cents,
    cast(coalesce(sum(order_value_cents) filter (where in_year_ago_90d), 0) as bigint) as spend_year_ago_90d_cents
from seen
group by customer_id
having count(*) filter (where is_order) > 0
