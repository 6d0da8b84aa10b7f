-- One row per customer with an order before as_of.
-- Reads: orders. Params: $as_of.
-- Gaps are whole days between days with an order: two invoices on one day are one purchase, without a gap of zero.
-- The window reads only its sort key, so the order of orders within a day does not matter.
with
    days as (
        select
            customer_id,
            ordered_at_day - lag(ordered_at_day) over (
                partition by customer_id
                order by ordered_at_day nulls first
            ) as gap_days
        from orders
        where ordered_at < cast($as_of as timestamp) and not is_return
    )

select
    customer_id,
    count(*) filter (where gap_days > 0) as repeat_days,
    cast(sum(gap_days) as bigint) as gap_sum_days,
    cast(sum(gap_days * gap_days) as bigint) as gap_square_sum_days,
    max(gap_days) as gap_max_days
from days
group by customer_id
