-- One row per percent of the customers, best first (1 to 100).
-- Reads: purchases.
-- The Lorenz curve from its upper end: the share of revenue of the best 1 %, 2 %, ... of customers. Where a percent is
-- not a whole number of customers, the last one counts in part. The order of customers with equal spend is arbitrary.
with
    digits as (
        select 0 as digit
        union all
        select 1 as digit
        union all
        select 2 as digit
        union all
        select 3 as digit
        union all
        select 4 as digit
        union all
        select 5 as digit
        union all
        select 6 as digit
        union all
        select 7 as digit
        union all
        select 8 as digit
        union all
        select 9 as digit
    ),

    percents as (
        select cast(10 * tens.digit + units.digit + 1 as bigint) as customer_percent
        from digits as tens
        cross join digits as units
    ),

    histogram as (
        select
            spend_cents,
            count(*) as customers
        from purchases
        group by spend_cents
    ),

    cumulative as (
        select
            spend_cents,
            customers,
            cast(sum(customers) over (order by spend_cents desc nulls last) as bigint) as customers_through,
            cast(sum(spend_cents * customers) over (order by spend_cents desc nulls last) as bigint) as revenue_through_cents,
            cast(sum(customers) over () as bigint) as all_customers,
            cast(sum(spend_cents * customers) over () as bigint) as all_revenue_cents
        from histogram
    )

select
    percents.customer_percent,
    cumulative.spend_cents as least_spend_cents, -- of the last customer included
    -- Spend of all down to this value, minus that of its customers beyond the percent; in hundredths, so it is exact.
    cast(
        100 * cumulative.revenue_through_cents
        - (100 * cumulative.customers_through - percents.customer_percent * cumulative.all_customers) * cumulative.spend_cents
        as double
    ) / nullif(cast(100 * cumulative.all_revenue_cents as double), cast(0 as double)) as revenue_share
from percents
inner join cumulative
    on
        percents.customer_percent * cumulative.all_customers <= 100 * cumulative.customers_through
        and percents.customer_percent * cumulative.all_customers > 100 * (cumulative.customers_through - cumulative.customers)
