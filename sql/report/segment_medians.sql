-- One row per segment and measure (order_count, recency_s, spend_cents).
-- Reads: segment_members, purchases. Params: $as_of_s.
-- Exact discrete medians: the smallest value with at least half of the segment at or below it.
with
    measured as (
        select
            segment_members.segment,
            purchases.order_count,
            purchases.spend_cents,
            cast($as_of_s as bigint) - purchases.last_order_s as recency_s
        from segment_members
        inner join purchases on segment_members.customer_id = purchases.customer_id
    ),

    amounts as (
        select segment, 'order_count' as measure, order_count as amount from measured
        union all
        select segment, 'recency_s' as measure, recency_s as amount from measured
        union all
        select segment, 'spend_cents' as measure, spend_cents as amount from measured
    ),

    histogram as (
        select
            segment,
            measure,
            amount,
            count(*) as customers
        from amounts
        group by segment, measure, amount
    ),

    cumulative as (
        select
            segment,
            measure,
            amount,
            cast(sum(customers) over (partition by segment, measure order by amount nulls first) as bigint) as at_or_below,
            cast(sum(customers) over (partition by segment, measure) as bigint) as total
        from histogram
    )

select
    segment,
    measure,
    min(amount) as median
from cumulative
where at_or_below * 2 >= total
group by segment, measure
