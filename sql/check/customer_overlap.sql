-- One row per way in which customers are in the tables.
-- Reads: customers, customer_orders, customer_events, treatments.
with
    found as (
        select customer_id, 1 as listed, 0 as ordered, 0 as seen, 0 as treated, signed_up_at, null as first_order_at
        from customers
        where customer_id is not null
        union all
        select customer_id, 0, case when order_count > 0 then 2 else 1 end, 0, 0, null, first_order_at
        from customer_orders
        union all
        select customer_id, 0, 0, 1, 0, null, null
        from customer_events
        union all
        select customer_id, 0, 0, 0, 1, null, null
        from treatments
        where customer_id is not null
        group by customer_id
    ),

    merged as (
        select
            customer_id,
            max(listed) as listed,
            max(ordered) as ordered,
            max(seen) as seen,
            max(treated) as treated,
            coalesce(max(first_order_at) < max(signed_up_at), false) as is_early
        from found
        group by customer_id
    )

select
    listed, -- 1: in the table customers
    ordered, -- 2: with an order, 1: with returns only
    seen, -- 1: with an event
    treated, -- 1: with a treatment
    is_early, -- first order before sign-up
    count(*) as customer_count,
    min(customer_id) as first_customer_id,
    max(customer_id) as last_customer_id
from merged
group by listed, ordered, seen, treated, is_early
