-- One row per customer and month with an order before as_of.
-- Reads: orders, daily_orders. Params: $as_of.
-- Customers with returns only have no row.
with
    spent as (
        select
            orders.customer_id,
            daily_orders.month_number,
            count(*) as order_count,
            cast(sum(orders.order_value_cents) as bigint) as revenue_cents
        from orders
        inner join daily_orders on orders.ordered_at_day = daily_orders.ordered_at_day
        where orders.ordered_at < cast($as_of as timestamp) and not orders.is_return
        group by orders.customer_id, daily_orders.month_number
    )

select
    customer_id,
    month_number,
    order_count,
    revenue_cents,
    min(month_number) over (partition by customer_id order by month_number nulls first) as first_month_number,
    lag(month_number) over (partition by customer_id order by month_number nulls first) as previous_month_number -- with an order
from spent
