-- One row per customer with a return before as_of.
-- Reads: orders. Params: $as_of.
-- Counts and sums of integers; values of returns are negative.
select
    customer_id,
    count(*) as return_count,
    cast(sum(order_value_cents) as bigint) as returned_cents,
    cast(sum(margin_cents) as bigint) as margin_cents
from orders
where ordered_at < cast($as_of as timestamp) and is_return
group by customer_id
