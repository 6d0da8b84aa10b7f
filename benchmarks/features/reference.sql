-- The same table as fast as one statement makes it: what a specialist writes for DuckDB alone, for this lake alone.
-- One pass over each big table, filtered aggregates, gaps by lag, cut points from histograms, one join at the end.
-- It keeps no rule: no order of rows, no columns that may be absent, no second engine, no names for steps.
with
    sales as (
        select
            customer_id,
            count(*) filter (where not is_return) as order_count,
            min(epoch_us(ordered_at)) filter (where not is_return) as first_us,
            max(epoch_us(ordered_at)) filter (where not is_return) as last_us,
            min((epoch_us(ordered_at) // 1000000) * 1073741824 + least(order_value_cents, 1073741823))
            filter (where not is_return) % 1073741824 as first_order_cents,
            sum(order_value_cents) filter (where not is_return) as spend_cents,
            sum(discount_cents) filter (where not is_return) as discount_cents,
            sum(margin_cents) filter (where not is_return) as margin_cents,
            count(*) filter (where not is_return and ordered_at >= $d30) as orders_30d,
            count(*) filter (where not is_return and ordered_at >= $d90) as orders_90d,
            count(*) filter (where not is_return and ordered_at >= $d180) as orders_180d,
            count(*) filter (where not is_return and ordered_at >= $d365) as orders_365d,
            count(*) filter (where not is_return and ordered_at >= $d365 and ordered_at < $d275) as orders_year_ago_90d,
            count(*) filter (where not is_return and ordered_at >= $d365 and ordered_at < $d185) as orders_year_ago_180d,
            sum(order_value_cents) filter (where not is_return and ordered_at >= $d30) as spend_30d_cents,
            sum(order_value_cents) filter (where not is_return and ordered_at >= $d90) as spend_90d_cents,
            sum(order_value_cents) filter (where not is_return and ordered_at >= $d180) as spend_180d_cents,
            sum(order_value_cents) filter (where not is_return and ordered_at >= $d365) as spend_365d_cents,
            sum(order_value_cents) filter (
                where not is_return and ordered_at >= $d365 and ordered_at < $d275
            ) as spend_year_ago_90d_cents,
            sum(order_value_cents) filter (
                where not is_return and ordered_at >= $d365 and ordered_at < $d185
            ) as spend_year_ago_180d_cents,
            count(*) filter (where is_return) as return_count,
            sum(order_value_cents) filter (where is_return) as returned_cents,
            sum(margin_cents) filter (where is_return) as returned_margin_cents
        from read_parquet($orders)
        where ordered_at < $d0
        group by customer_id
        having order_count > 0
    ),

    gaps as (
        select
            customer_id,
            count(*) filter (where gap > 0) as repeat_days,
            sum(gap) as gap_sum,
            sum(gap * gap) as gap_square_sum,
            max(gap) filter (where gap > 0) as gap_max
        from (
            select
                customer_id,
                day - lag(day) over (partition by customer_id order by day) as gap
            from (
                select
                    customer_id,
                    epoch_us(ordered_at) // 86400000000 as day
                from read_parquet($orders)
                where ordered_at < $d0 and not is_return
            )
        )
        group by customer_id
    ),

    visits as (
        select
            customer_id,
            count(*) filter (where occurred_at >= $d90 and kind = 'email_sent') as emails_sent_90d,
            count(*) filter (where occurred_at >= $d30 and kind = 'email_open') as email_opens_30d,
            count(*) filter (where occurred_at >= $d90 and kind = 'email_open') as email_opens_90d,
            count(*) filter (where occurred_at >= $d90 and kind = 'email_click') as email_clicks_90d,
            count(*) filter (where occurred_at >= $d30 and kind = 'site_visit') as site_visits_30d,
            count(*) filter (where occurred_at >= $d90 and kind = 'site_visit') as site_visits_90d,
            count(*) filter (where occurred_at >= $d90 and kind = 'support_ticket') as support_tickets_90d,
            count(*) filter (where kind = 'support_ticket') as support_tickets,
            count(*) filter (where kind = 'support_resolved') as support_resolved,
            max(occurred_at) filter (where kind = 'site_visit') as last_visit_at
        from read_parquet($events)
        where occurred_at < $d0
        group by customer_id
    ),

    histogram as (
        select 1 as measure, (epoch_us($d0) - last_us) // 86400000000 as amount, count(*) as n from sales group by all
        union all
        select 2, order_count, count(*) from sales group by all
        union all
        select 3, spend_cents, count(*) from sales group by all
    ),

    cumulative as (
        select
            measure,
            amount,
            5 * sum(n) over (partition by measure order by amount) as below,
            sum(n) over (partition by measure) as total
        from histogram
    ),

    cuts as (
        select
            min(amount) filter (where measure = 1 and below >= total) as r1,
            min(amount) filter (where measure = 1 and below >= total * 2) as r2,
            min(amount) filter (where measure = 1 and below >= total * 3) as r3,
            min(amount) filter (where measure = 1 and below >= total * 4) as r4,
            min(amount) filter (where measure = 2 and below >= total) as f1,
            min(amount) filter (where measure = 2 and below >= total * 2) as f2,
            min(amount) filter (where measure = 2 and below >= total * 3) as f3,
            min(amount) filter (where measure = 2 and below >= total * 4) as f4,
            min(amount) filter (where measure = 3 and below >= total) as m1,
            min(amount) filter (where measure = 3 and below >= total * 2) as m2,
            min(amount) filter (where measure = 3 and below >= total * 3) as m3,
            min(amount) filter (where measure = 3 and below >= total * 4) as m4
        from cumulative
    ),

    joined as (
        select
            sales.*,
            gaps.* exclude (customer_id),
            visits.* exclude (customer_id),
            known.acquisition_cost_cents,
            (epoch_us($d0) - last_us) // 86400000000 as whole_days,
            (epoch_us($d0) // 1000000 - last_us // 1000000) / 86400 as recency_days,
            (epoch_us($d0) // 1000000 - first_us // 1000000) / 86400 as customer_age_days,
            (epoch_us($d0) // 1000000 - least(first_us, coalesce(signed_up_us, first_us)) // 1000000)
            / 86400 as tenure_days,
            spend_cents + coalesce(returned_cents, 0) as net_cents,
            coalesce(margin_cents + coalesce(returned_margin_cents, 0), net_cents) as earned_cents,
            visits.customer_id is not null as has_events,
            greatest(email_opens_90d + 3 * email_clicks_90d + 2 * site_visits_90d - 4 * support_tickets_90d, 0) as points
        from sales
        inner join gaps using (customer_id)
        left join visits using (customer_id)
        left join (
            select customer_id, epoch_us(signed_up_at) as signed_up_us, acquisition_cost_cents
            from read_parquet($customers)
            where signed_up_at is null or signed_up_at < $d0
        ) as known using (customer_id)
    )

select
    $d0 as as_of,
    customer_id,
    recency_days,
    order_count,
    cast(spend_cents as bigint) as spend_cents,
    5 - (whole_days > r1)::int - (whole_days > r2)::int - (whole_days > r3)::int - (whole_days > r4)::int
    as recency_score,
    1 + (order_count > f1)::int + (order_count > f2)::int + (order_count > f3)::int + (order_count > f4)::int
    as frequency_score,
    1 + (spend_cents > m1)::int + (spend_cents > m2)::int + (spend_cents > m3)::int + (spend_cents > m4)::int
    as monetary_score,
    100 * recency_score + 10 * frequency_score + monetary_score as rfm_cell,
    tenure_days,
    customer_age_days,
    repeat_days,
    cast(coalesce(gap_sum, 0) as bigint) as last_repeat_days,
    spend_cents / (repeat_days + 1) as mean_purchase_day_cents,
    first_order_cents,
    spend_cents / order_count as mean_order_cents,
    30 * order_count / nullif(tenure_days, 0) as purchase_velocity,
    gap_sum / nullif(repeat_days, 0) as gap_mean_days,
    if(repeat_days > 0, sqrt(greatest(gap_square_sum / repeat_days - (gap_sum / repeat_days) ** 2, 0)), null)
    as gap_std_days,
    gap_max as gap_max_days,
    recency_days / gap_mean_days as overdue_ratio,
    orders_30d,
    orders_90d,
    orders_180d,
    orders_365d,
    orders_year_ago_90d,
    orders_year_ago_180d,
    cast(coalesce(spend_30d_cents, 0) as bigint) as spend_30d_cents,
    cast(coalesce(spend_90d_cents, 0) as bigint) as spend_90d_cents,
    cast(coalesce(spend_180d_cents, 0) as bigint) as spend_180d_cents,
    cast(coalesce(spend_365d_cents, 0) as bigint) as spend_365d_cents,
    cast(coalesce(spend_year_ago_90d_cents, 0) as bigint) as spend_year_ago_90d_cents,
    cast(coalesce(spend_year_ago_180d_cents, 0) as bigint) as spend_year_ago_180d_cents,
    (2 * orders_90d - orders_180d) / nullif(orders_180d, 0) as orders_trend_90d,
    (2 * coalesce(joined.spend_90d_cents, 0) - joined.spend_180d_cents) / nullif(joined.spend_180d_cents, 0)
    as spend_trend_90d,
    return_count,
    return_count / order_count as returns_per_order,
    (joined.spend_cents - net_cents) / nullif(joined.spend_cents, 0) as returned_share,
    discount_cents / nullif(discount_cents + joined.spend_cents, 0) as discount_share,
    (margin_cents + coalesce(returned_margin_cents, 0)) / nullif(net_cents, 0) as margin_share,
    cast(earned_cents as bigint) as earned_cents,
    acquisition_cost_cents,
    joined.earned_cents / nullif(acquisition_cost_cents, 0) as ltv_to_cac,
    acquisition_cost_cents * tenure_days / nullif(greatest(joined.earned_cents, 0), 0) as payback_days,
    email_opens_30d,
    email_opens_90d,
    email_clicks_90d,
    email_opens_90d / nullif(emails_sent_90d, 0) as email_open_rate_90d,
    site_visits_30d,
    site_visits_90d,
    (epoch_us($d0) // 1000000 - epoch_us(last_visit_at) // 1000000) / 86400 as days_since_visit,
    if(has_events, 100 * points / (points + 10), null) as engagement_score,
    support_tickets_90d,
    support_tickets,
    if(has_events, greatest(support_tickets - support_resolved, 0), null) as support_unresolved
from joined
cross join cuts
