-- One row per customer with an order before as_of.
-- Reads: orders. Params: $as_of.
-- Gaps are whole days between days with an order: an invoice split in two on one day is one purchase, no gap of zero.
-- The window reads only the key that orders it, so orders of one day may stand in any order among themselves.
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
