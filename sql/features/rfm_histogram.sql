-- One row per measure (recency, frequency, monetary) and amount.
-- Reads: rfm.
-- How many customers have the amount: all that cut points are learnt from. Histograms of partitions merge exactly: add up.
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
