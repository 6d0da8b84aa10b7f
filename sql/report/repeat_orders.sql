-- One row per order number (10: the 10th and later).
-- Reads: purchase_steps, gaps_between_orders.
-- repeat_rate is the share so far: low for recent orders; repeat_rates gives each order the same time.
-- The median is the smallest number of days within which half of the repeat buyers had returned.
with
    placed as (
        select
            least(order_number, 10) as order_number,
            cast(sum(purchases) as bigint) as purchases
        from purchase_steps
        group by least(order_number, 10)
    ),

    cumulative as (
        select
            order_number,
            gap_days,
            cast(sum(purchases) over (partition by order_number order by gap_days nulls first) as bigint) as at_or_below,
            cast(sum(purchases) over (partition by order_number) as bigint) as repeated
        from gaps_between_orders
    ),

    returned as (
        select
            order_number,
            max(repeated) as repeated,
            min(gap_days) filter (where at_or_below * 2 >= repeated) as median_gap_days
        from cumulative
        group by order_number
    )

select
    placed.order_number,
    placed.purchases,
    coalesce(returned.repeated, 0) as repeated,
    cast(coalesce(returned.repeated, 0) as double) / cast(placed.purchases as double) as repeat_rate,
    returned.median_gap_days
from placed
left join returned on placed.order_number = returned.order_number
