-- One row per customer with more than a given part of all revenue.
-- Reads: customer_orders. Params: $part.
-- $part is the denominator: 10 means a tenth.
with
    revenue as (
        select cast(sum(spend_cents) as bigint) as total_cents from customer_orders
    )

select
    customer_orders.customer_id,
    customer_orders.spend_cents,
    revenue.total_cents
from customer_orders
cross join revenue
where customer_orders.spend_cents * cast($part as bigint) > revenue.total_cents
