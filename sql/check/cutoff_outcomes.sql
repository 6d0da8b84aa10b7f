-- One row per cutoff.
-- Reads: orders, customer_orders. Params: $as_of, $label_end.
-- The customers with an order before it, and how many of them ordered in [as_of, label_end).
with
    known as (
        select
            count(*) filter (where first_order_at < cast($as_of as timestamp)) as customers,
            count(*) filter (where first_order_at >= cast($as_of as timestamp)) as newcomers
        from customer_orders
        where first_order_at < cast($label_end as timestamp)
    ),

    buyers as (
        select customer_id
        from orders
        where
            not is_return
            and customer_id is not null
            and ordered_at >= cast($as_of as timestamp)
            and ordered_at < cast($label_end as timestamp)
        group by customer_id
    ),

    counted as (
        select count(*) as buyer_count from buyers
    )

select
    known.customers,
    -- All new customers bought in the window; the other buyers had ordered before.
    counted.buyer_count - known.newcomers as stayed
from known
cross join counted
