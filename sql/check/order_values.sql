-- One row per value of an order.
-- Reads: orders.
-- A histogram, so that quantiles are exact.
select
    order_value_cents,
    count(*) as order_count
from orders
where not is_return and order_value_cents > 0
group by order_value_cents
