-- One row per customer with an order or a return.
-- Reads: orders.
select
    customer_id,
    count(*) filter (where not is_return) as order_count,
    count(*) filter (where is_return) as return_count,
    min(ordered_at) filter (where not is_return) as first_order_at,
    min(ordered_at_day) filter (where not is_return) as first_order_day,
    min(ordered_at) filter (where is_return) as first_return_at,
    cast(coalesce(sum(order_value_cents) filter (where not is_return), 0) as bigint) as spend_cents,
    cast(coalesce(sum(order_value_cents) filter (where is_return), 0) as bigint) as returned_cents
from orders
where customer_id is not null
group by customer_id
