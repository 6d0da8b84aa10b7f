-- One row per customer with at least two days of purchase before as_of.
-- Reads: orders. Params: $as_of.
-- Gaps are whole days between days with an order: an invoice split in two on one day is one purchase, not a gap of zero.
with
    purchase_days as (
        select
            customer_id,
            ordered_at_s,
            ordered_at_day - lag(ordered_at_day) over (
                partition by customer_id
                order by ordered_at_s nulls first, order_id nulls first
            ) as gap_days
        from orders
        where ordered_at < cast($as_of as timestamp) and not is_return
    )

select
    customer_id,
    count(*) as gap_count,
    cast(sum(gap_days) as bigint) as gap_sum_days,
    cast(sum(gap_days * gap_days) as bigint) as gap_square_sum_days,
    max(gap_days) as gap_max_days
from purchase_days
where gap_days > 0
group by customer_id
