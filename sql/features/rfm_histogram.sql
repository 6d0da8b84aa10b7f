-- One row per measure (recency, frequency, monetary) and amount.
-- Reads: rfm.
-- The number of customers with the amount, from which cut points are learnt. Histograms of partitions add up exactly.
with
    counted as (
        select 'recency' as measure, recency_days as amount, count(*) as customers from rfm group by recency_days
        union all
        select 'frequency' as measure, frequency as amount, count(*) as customers from rfm group by frequency
        union all
        select 'monetary' as measure, monetary_cents as amount, count(*) as customers from rfm group by monetary_cents
    )

select
    measure,
    amount,
    customers
from counted
