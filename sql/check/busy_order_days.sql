-- One row per customer and day with at least so many orders.
-- Reads: orders, customer_orders. Params: $most_orders.
-- Only customers with that many orders in all are counted by day.
with
    candidates as (
        select customer_id
        from customer_orders
        where order_count >= cast($most_orders as bigint)
    )

select
    orders.customer_id,
    orders.ordered_at_day,
    count(*) as order_count
from orders
inner join candidates on orders.customer_id = candidates.customer_id
where not orders.is_return
group by orders.customer_id, orders.ordered_at_day
having count(*) >= cast($most_orders as bigint)
