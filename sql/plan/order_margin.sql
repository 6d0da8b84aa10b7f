-- One row per lake.
-- Reads: orders. Params: $as_of.
select
    cast(sum(margin_cents) as bigint) as margin_cents,
    cast(sum(order_value_cents) as bigint) as revenue_cents
from orders
where
    ordered_at < cast($as_of as timestamp)
    and margin_cents is not null
    and order_value_cents > 0
    and not coalesce(is_return, false)
