-- One row per customer with an order before as_of.
-- Reads: purchases. Params: $as_of_s.
-- Recency (whole days), frequency and monetary value as exact integers, for learning and applying cut points.
select
    customer_id,
    cast(
        floor(cast(cast($as_of_s as bigint) - last_order_s as double) / cast(86400 as double)) as bigint
    ) as recency_days,
    order_count as frequency,
    spend_cents as monetary_cents
from purchases
