-- One row per report.
-- Reads: purchases, revenue_concentration.
-- Gini coefficient of spend: sum of (2 i - n - 1) x_i over n times the sum of x_i, customers i = 1 to n by rising spend
-- (Sen, On Economic Inequality, 1973). DECIMAL(38, 0), since the products exceed 64 bits in currencies of low value.
with
    histogram as (
        select
            spend_cents,
            count(*) as customers
        from purchases
        group by spend_cents
    ),

    ranked as (
        select
            spend_cents,
            customers,
            -- 2 i - n - 1, with the mean rank i of customers with equal spend.
            2 * cast(sum(customers) over (order by spend_cents nulls first) as bigint) - customers
            - cast(sum(customers) over () as bigint) as twice_rank
        from histogram
    ),

    totals as (
        select
            cast(sum(customers) as bigint) as customers,
            cast(sum(spend_cents * customers) as bigint) as revenue_cents,
            cast(sum(cast(spend_cents * customers as decimal(38, 0)) * twice_rank) as double) as weighted
        from ranked
    ),

    shares as (
        select
            max(revenue_share) filter (where customer_percent = 1) as top_1_percent_share,
            max(revenue_share) filter (where customer_percent = 5) as top_5_percent_share,
            max(revenue_share) filter (where customer_percent = 10) as top_10_percent_share,
            max(revenue_share) filter (where customer_percent = 20) as top_20_percent_share
        from revenue_concentration
    )

select
    totals.customers,
    totals.revenue_cents,
    shares.top_1_percent_share,
    shares.top_5_percent_share,
    shares.top_10_percent_share,
    shares.top_20_percent_share,
    totals.weighted
    / nullif(cast(totals.customers as double) * cast(totals.revenue_cents as double), cast(0 as double)) as gini
from totals
cross join shares
