-- One row per order number (10: the 10th and later) and days until the next order.
-- Reads: purchase_steps.
-- Completed gaps only (biased short); repeat_rates also counts the open ones.
select
    order_number - 1 as order_number,
    gap_days,
    cast(sum(purchases) as bigint) as purchases
from purchase_steps
where gap_days is not null
group by order_number - 1, gap_days
