-- One row per recency and frequency score (25 pairs, empty ones too).
-- Reads: rfm_cells, rfm_groups.
with
    cells as (
        select
            recency_score,
            frequency_score,
            cast(sum(customers) as bigint) as customers,
            cast(sum(order_count) as bigint) as order_count,
            cast(sum(revenue_cents) as bigint) as revenue_cents,
            cast(sum(monetary_score * customers) as bigint) as monetary_score_sum
        from rfm_cells
        group by recency_score, frequency_score
    ),

    shared as (
        select
            recency_score,
            frequency_score,
            customers,
            order_count,
            revenue_cents,
            monetary_score_sum,
            cast(sum(customers) over () as bigint) as all_customers,
            cast(sum(revenue_cents) over () as bigint) as all_revenue_cents
        from cells
    )

select
    shared.recency_score,
    shared.frequency_score,
    rfm_groups.segment,
    shared.customers,
    shared.order_count,
    shared.revenue_cents,
    cast(shared.customers as double) / nullif(cast(shared.all_customers as double), cast(0 as double)) as customer_share,
    cast(shared.revenue_cents as double) / nullif(cast(shared.all_revenue_cents as double), cast(0 as double)) as revenue_share,
    cast(shared.revenue_cents as double) / nullif(cast(shared.customers as double), cast(0 as double)) as mean_spend_cents,
    cast(shared.monetary_score_sum as double)
    / nullif(cast(shared.customers as double), cast(0 as double)) as mean_monetary_score
from shared
inner join rfm_groups
    on shared.recency_score = rfm_groups.recency_score and shared.frequency_score = rfm_groups.frequency_score
