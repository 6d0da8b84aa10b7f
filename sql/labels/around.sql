-- One row per customer with an order within a horizon before or after as_of.
-- Reads: orders. Params: $as_of_s, $horizon_s.
-- Measures a plan made at as_of: [as_of, as_of + horizon), and the horizon before as_of. Returns are left out.
select
    customer_id,
    count(*) filter (where ordered_at_s >= $as_of_s) as future_orders,
    cast(
        coalesce(sum(order_value_cents) filter (where ordered_at_s >= $as_of_s), 0) as bigint
    ) as future_value_cents,
    count(*) filter (where ordered_at_s < $as_of_s) as past_orders,
    cast(
        coalesce(sum(order_value_cents) filter (where ordered_at_s < $as_of_s), 0) as bigint
    ) as past_value_cents
from orders
where
    ordered_at_s >= $as_of_s - $horizon_s
    and ordered_at_s < $as_of_s + $horizon_s
    and not is_return
group by customer_id
