-- One row per measure (recency, frequency, monetary) and cut number (1 to 4).
-- Reads: rfm_histogram.
-- Learnt in training; the bundle holds the rows. The k-th cut point is the exact discrete k/5 quantile: the smallest
-- value with at least k fifths of the customers at or below it.
with
    cumulative as (
        select
            measure,
            amount,
            cast(sum(customers) over (partition by measure order by amount nulls first) as bigint) as at_or_below,
            cast(sum(customers) over (partition by measure) as bigint) as total
        from rfm_histogram
    ),

    quantiles as (
        select
            measure,
            min(amount) filter (where at_or_below * 5 >= total) as cut_1,
            min(amount) filter (where at_or_below * 5 >= total * 2) as cut_2,
            min(amount) filter (where at_or_below * 5 >= total * 3) as cut_3,
            min(amount) filter (where at_or_below * 5 >= total * 4) as cut_4
        from cumulative
        group by measure
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
    quantiles.measure,
    cuts.cut_number,
    case cuts.cut_number
        when 1 then quantiles.cut_1
        when 2 then quantiles.cut_2
        when 3 then quantiles.cut_3
        else quantiles.cut_4
    end as cut_value
from quantiles
cross join cuts
