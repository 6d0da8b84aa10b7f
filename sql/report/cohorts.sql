-- One row per month of first orders and number of months since then, as many as the longest history has.
-- Reads: months, customer_months.
-- Months that have not begun are null; a month that is not over has counts but no shares: zero would mean no orders.
with
    sizes as (
        select
            first_month_number,
            count(*) as cohort_customers
        from customer_months
        where month_number = first_month_number
        group by first_month_number
    ),

    ages as (
        select
            month_number - min(month_number) over () as months_since
        from months
    ),

    seen as (
        select
            first_month_number,
            month_number,
            count(*) as active_customers,
            cast(sum(revenue_cents) as bigint) as revenue_cents
        from customer_months
        group by first_month_number, month_number
    ),

    cells as (
        select
            born.month as cohort_month,
            ages.months_since,
            months.month,
            months.is_complete,
            sizes.cohort_customers,
            case when months.month is not null then coalesce(seen.active_customers, 0) end as active_customers,
            case when months.month is not null then coalesce(seen.revenue_cents, 0) end as revenue_cents,
            cast(sum(seen.revenue_cents) over (
                partition by sizes.first_month_number
                order by ages.months_since nulls first
            ) as bigint) as cumulative_revenue_cents
        from sizes
        cross join ages
        inner join months as born on sizes.first_month_number = born.month_number
        left join months on sizes.first_month_number + ages.months_since = months.month_number
        left join seen
            on sizes.first_month_number = seen.first_month_number and months.month_number = seen.month_number
    )

select
    cohort_month,
    months_since,
    month, -- null: not begun
    is_complete,
    cohort_customers,
    active_customers,
    revenue_cents,
    case when is_complete then cast(active_customers as double) / cast(cohort_customers as double) end as retention_share,
    case
        when is_complete then cast(cumulative_revenue_cents as double) / cast(cohort_customers as double)
    end as cumulative_customer_cents -- revenue so far per customer of the cohort
from cells
