-- One row per day with orders or returns, and return flag.
-- Reads: orders.
-- The only pass over all orders: all counts of the report are sums of these rows. Null days and flags have own rows.
select
    ordered_at_day,
    is_return,
    count(*) as row_count,
    count(customer_id) as customer_id_count,
    count(order_id) as order_id_count,
    count(order_value_cents) as order_value_count,
    count(quantity) as quantity_count,
    count(discount_cents) as discount_count,
    count(margin_cents) as margin_count,
    count(*) filter (where ordered_at_s = ordered_at_day * 86400) as midnight_count,
    count(*) filter (where order_value_cents = 0) as zero_count,
    count(*) filter (where order_value_cents < 0) as below_zero_count,
    count(*) filter (where order_value_cents > 0) as above_zero_count,
    cast(coalesce(sum(order_value_cents), 0) as bigint) as value_cents,
    min(order_value_cents) as order_value_least,
    max(order_value_cents) as order_value_most,
    min(quantity) as quantity_least,
    max(quantity) as quantity_most,
    min(discount_cents) as discount_least,
    max(discount_cents) as discount_most,
    min(margin_cents) as margin_least,
    max(margin_cents) as margin_most
from orders
group by ordered_at_day, is_return
