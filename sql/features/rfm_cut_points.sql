-- One row per measure (recency, frequency, monetary) and cut number (1 to 4).
-- Reads: rfm.
-- Learnt once, in training; the bundle carries the rows. The k-th cut point is the exact discrete k/5 quantile: the
-- smallest value with at least k fifths of the customers at or below it. Histograms of partitions merge exactly.
with
    measured as (
        select 'recency' as measure, recency_s as amount from rfm
        union all
        select 'frequency' as measure, frequency as amount from rfm
        union all
        select 'monetary' as measure, monetary_cents as amount from rfm
    ),

    histogram as (
        select
            measure,
            amount,
            count(*) as customers
        from measured
        group by measure, amount
    ),

    cumulative as (
        select
            measure,
            amount,
            cast(sum(customers) over (partition by measure order by amount nulls first) as bigint) as at_or_below,
            cast(sum(customers) over (partition by measure) as bigint) as total
        from histogram
    ),

    cuts as (
        select 1 as cut_number
        union all
        select 2 as cut_number
        union all
        select 3 as cut_number
        union all
        select 4 as cut_number
    )

select
    cumulative.measure,
    cuts.cut_number,
    min(cumulative.amount) as cut_value
from cumulative
cross join cuts
where cumulative.at_or_below * 5 >= cuts.cut_number * cumulative.total
group by cumulative.measure, cuts.cut_number
