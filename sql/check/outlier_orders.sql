-- One row per order above a limit.
-- Reads: orders. Params: $above_cents.
select
    customer_id,
    order_id,
    order_value_cents
from orders
where not is_return and order_value_cents > cast($above_cents as bigint)
