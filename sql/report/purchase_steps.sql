-- One row per order number (11: the 11th and later), day of purchase and gap in days to the one before.
-- Reads: orders. Params: $as_of.
-- Orders are numbered by day of purchase, like gaps: two invoices on one day are one purchase.
with
    purchase_days as (
        select
            customer_id,
            ordered_at_day
        from orders
        where ordered_at < cast($as_of as timestamp) and not is_return
        group by customer_id, ordered_at_day
    ),

    numbered as (
        select
            ordered_at_day,
            count(*) over (partition by customer_id order by ordered_at_day nulls first) as order_number,
            ordered_at_day - lag(ordered_at_day) over (
                partition by customer_id
                order by ordered_at_day nulls first
            ) as gap_days
        from purchase_days
    )

select
    least(order_number, 11) as order_number,
    ordered_at_day,
    gap_days, -- null for a first order
    count(*) as purchases
from numbered
group by least(order_number, 11), ordered_at_day, gap_days
