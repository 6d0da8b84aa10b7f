-- One row per lake.
-- Reads: customer_orders.
select
    count(*) as customer_count,
    count(*) filter (where order_count > 0) as buyer_count,
    count(*) filter (where order_count = 1) as one_order_count,
    count(*) filter (where order_count = 0 and return_count > 0) as only_returns_count,
    min(customer_id) filter (where order_count = 0 and return_count > 0) as only_returns_first,
    max(customer_id) filter (where order_count = 0 and return_count > 0) as only_returns_last,
    count(*) filter (where first_return_at < first_order_at) as returns_before_count,
    min(customer_id) filter (where first_return_at < first_order_at) as returns_before_first,
    max(customer_id) filter (where first_return_at < first_order_at) as returns_before_last,
    count(*) filter (where order_count > 0 and spend_cents + returned_cents < 0) as more_returned_count,
    min(customer_id) filter (where order_count > 0 and spend_cents + returned_cents < 0) as more_returned_first,
    max(customer_id) filter (where order_count > 0 and spend_cents + returned_cents < 0) as more_returned_last
from customer_orders
