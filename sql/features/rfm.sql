-- One row per customer with an order before as_of.
-- Reads: purchases. Params: $as_of_s.
-- Recency, frequency and monetary value as exact integers: what the cut points are learnt from and applied to.
select
    customer_id,
    cast($as_of_s as bigint) - last_order_s as recency_s,
    order_count as frequency,
    spend_cents as monetary_cents
from purchases
