-- One row per recency, frequency and monetary score (125 cells, empty ones too).
-- Reads: rfm_scores, purchases.
with
    scale as (
        select cast(1 as bigint) as score
        union all
        select cast(2 as bigint) as score
        union all
        select cast(3 as bigint) as score
        union all
        select cast(4 as bigint) as score
        union all
        select cast(5 as bigint) as score
    ),

    filled as (
        select
            rfm_scores.recency_score,
            rfm_scores.frequency_score,
            rfm_scores.monetary_score,
            count(*) as customers,
            cast(sum(purchases.order_count) as bigint) as order_count,
            cast(sum(purchases.spend_cents) as bigint) as revenue_cents
        from rfm_scores
        inner join purchases on rfm_scores.customer_id = purchases.customer_id
        group by rfm_scores.recency_score, rfm_scores.frequency_score, rfm_scores.monetary_score
    )

select
    recency.score as recency_score,
    frequency.score as frequency_score,
    monetary.score as monetary_score,
    100 * recency.score + 10 * frequency.score + monetary.score as rfm_cell, -- the three scores as digits
    coalesce(filled.customers, 0) as customers,
    coalesce(filled.order_count, 0) as order_count,
    coalesce(filled.revenue_cents, 0) as revenue_cents
from scale as recency
cross join scale as frequency
cross join scale as monetary
left join filled
    on
        recency.score = filled.recency_score
        and frequency.score = filled.frequency_score
        and monetary.score = filled.monetary_score
