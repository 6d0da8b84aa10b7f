-- One row per segment.
-- Reads: segment_members, segment_medians, purchases. Params: $as_of_s.
with
    profiles as (
        select
            segment_members.segment,
            count(*) as customers,
            cast(sum(purchases.order_count) as bigint) as order_count,
            cast(sum(purchases.spend_cents) as bigint) as revenue_cents,
            cast(sum(cast($as_of_s as bigint) - purchases.last_order_s) as bigint) as recency_s,
            count(segment_members.predicted_value_cents) as forecasts,
            cast(sum(segment_members.predicted_value_cents) as bigint) as predicted_value_cents,
            cast(sum(segment_members.churn_millionths) as bigint) as churn_millionths
        from segment_members
        inner join purchases on segment_members.customer_id = purchases.customer_id
        group by segment_members.segment
    ),

    totals as (
        select
            cast(sum(customers) as bigint) as customers,
            cast(sum(revenue_cents) as bigint) as revenue_cents
        from profiles
    ),

    medians as (
        select
            segment,
            max(median) filter (where measure = 'order_count') as median_order_count,
            max(median) filter (where measure = 'spend_cents') as median_spend_cents,
            max(median) filter (where measure = 'recency_s') as median_recency_s
        from segment_medians
        group by segment
    )

select
    profiles.segment,
    profiles.customers,
    cast(profiles.customers as double) / cast(totals.customers as double) as customer_share,
    profiles.revenue_cents,
    cast(profiles.revenue_cents as double)
    / nullif(cast(totals.revenue_cents as double), cast(0 as double)) as revenue_share,
    profiles.order_count,
    cast(profiles.order_count as double) / cast(profiles.customers as double) as mean_order_count,
    medians.median_order_count,
    cast(profiles.revenue_cents as double) / cast(profiles.customers as double) as mean_spend_cents,
    medians.median_spend_cents,
    cast(profiles.revenue_cents as double) / cast(profiles.order_count as double) as mean_order_cents,
    cast(profiles.recency_s as double) / cast(profiles.customers as double) / cast(86400 as double) as mean_recency_days,
    cast(medians.median_recency_s as double) / cast(86400 as double) as median_recency_days,
    profiles.predicted_value_cents, -- sum over the segment, within the bundle's horizon; null without a bundle
    cast(profiles.predicted_value_cents as double)
    / nullif(cast(profiles.forecasts as double), cast(0 as double)) as mean_predicted_value_cents,
    cast(profiles.churn_millionths as double)
    / nullif(cast(profiles.forecasts as double), cast(0 as double)) / cast(1000000 as double) as mean_churn_probability
from profiles
cross join totals
inner join medians on profiles.segment = medians.segment
