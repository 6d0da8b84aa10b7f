-- One row per calendar month (UTC) from the first order or return to as_of.
-- Reads: months, customer_months, lost_by_month. Params: $lost_after_months.
-- active = new + returning + reactivated, and current = current a month before + new + won back - lost.
with
    kinds as (
        select
            month_number,
            revenue_cents,
            previous_month_number is null as is_new,
            coalesce(previous_month_number = month_number - 1, false) as is_returning,
            coalesce(previous_month_number < month_number - 1, false) as is_reactivated,
            coalesce(month_number - previous_month_number > cast($lost_after_months as bigint), false) as is_won_back
        from customer_months
    ),

    counts as (
        select
            month_number,
            count(*) as active_customers,
            count(*) filter (where is_new) as new_customers,
            count(*) filter (where is_returning) as returning_customers,
            count(*) filter (where is_reactivated) as reactivated_customers,
            count(*) filter (where is_won_back) as won_back_customers,
            cast(coalesce(sum(revenue_cents) filter (where is_new), 0) as bigint) as new_revenue_cents,
            cast(coalesce(sum(revenue_cents) filter (where is_returning), 0) as bigint) as returning_revenue_cents,
            cast(coalesce(sum(revenue_cents) filter (where is_reactivated), 0) as bigint) as reactivated_revenue_cents
        from kinds
        group by month_number
    ),

    flows as (
        select
            months.month_number,
            months.month,
            months.is_complete,
            min(months.month_number) over () + cast($lost_after_months as bigint) as lost_from,
            coalesce(lost_by_month.lost_customers, 0) as lost_customers,
            cast(sum(
                coalesce(counts.new_customers + counts.won_back_customers, 0) - coalesce(lost_by_month.lost_customers, 0)
            ) over (order by months.month_number nulls first) as bigint) as current_customers
        from months
        left join counts on months.month_number = counts.month_number
        left join lost_by_month on months.month_number = lost_by_month.month_number
    )

select
    flows.month,
    flows.is_complete,
    coalesce(counts.active_customers, 0) as active_customers,
    coalesce(counts.new_customers, 0) as new_customers, -- first order of all
    coalesce(counts.returning_customers, 0) as returning_customers, -- also ordered in the month before
    coalesce(counts.reactivated_customers, 0) as reactivated_customers, -- ordered earlier, but not in the month before
    coalesce(counts.won_back_customers, 0) as won_back_customers, -- reactivated after being lost
    case when flows.is_complete and flows.month_number >= flows.lost_from then flows.lost_customers end as lost_customers,
    case when flows.is_complete and flows.month_number >= flows.lost_from - 1 then flows.current_customers end as current_customers,
    coalesce(counts.new_revenue_cents, 0) as new_revenue_cents,
    coalesce(counts.returning_revenue_cents, 0) as returning_revenue_cents,
    coalesce(counts.reactivated_revenue_cents, 0) as reactivated_revenue_cents
from flows
left join counts on flows.month_number = counts.month_number
