-- One row per customer with an order before as_of.
-- Reads: purchases, purchase_gaps, customers. Params: $as_of, $as_of_s.
-- Tenure, recency, gaps and trends. `repeat_days`, `last_repeat_days` and `customer_age_days` are x, t_x and T of
-- the purchase-process models, whose purchases are days with an order.
with
    moment as (
        select cast($as_of as timestamp) as as_of, cast($as_of_s as bigint) as as_of_s
    ),

    known_customers as (
        select
            customer_id,
            signed_up_at_s,
            acquisition_cost_cents
        from customers
        cross join moment
        where coalesce(signed_up_at, cast('1970-01-01' as timestamp)) < as_of
    ),

    spans as (
        select
            purchases.customer_id,
            purchases.order_count,
            purchases.spend_cents,
            purchases.orders_90d,
            purchases.orders_180d,
            purchases.spend_90d_cents,
            purchases.spend_180d_cents,
            purchase_gaps.repeat_days,
            purchase_gaps.gap_sum_days,
            cast(moment.as_of_s - purchases.last_order_s as double) / cast(86400 as double) as recency_days,
            cast(moment.as_of_s - purchases.first_order_s as double) / cast(86400 as double) as customer_age_days,
            cast(moment.as_of_s - least(
                purchases.first_order_s, coalesce(known_customers.signed_up_at_s, purchases.first_order_s)
            ) as double) / cast(86400 as double) as tenure_days,
            nullif(cast(purchase_gaps.repeat_days as double), cast(0 as double)) as gaps,
            cast(purchase_gaps.gap_sum_days as double) as gap_sum,
            cast(purchase_gaps.gap_square_sum_days as double) as gap_square_sum,
            purchase_gaps.gap_max_days,
            known_customers.acquisition_cost_cents
        from purchases
        inner join purchase_gaps on purchases.customer_id = purchase_gaps.customer_id
        left join known_customers on purchases.customer_id = known_customers.customer_id
        cross join moment
    )

select
    customer_id,
    recency_days,
    tenure_days,
    acquisition_cost_cents,
    customer_age_days,
    repeat_days,
    coalesce(gap_sum_days, 0) as last_repeat_days,
    cast(spend_cents as double) / cast(repeat_days + 1 as double) as mean_purchase_day_cents,
    cast(spend_cents as double) / cast(order_count as double) as mean_order_cents,
    cast(30 as double) * cast(order_count as double) / nullif(tenure_days, cast(0 as double)) as purchase_velocity,
    gap_sum / gaps as gap_mean_days,
    case
        when gaps is not null -- greatest() ignores nulls, so it must not see missing gaps
            then sqrt(greatest(gap_square_sum / gaps - (gap_sum / gaps) * (gap_sum / gaps), cast(0 as double)))
    end as gap_std_days,
    case when gaps is not null then gap_max_days end as gap_max_days,
    recency_days / (gap_sum / gaps) as overdue_ratio,
    cast(2 * orders_90d - orders_180d as double)
    / nullif(cast(orders_180d as double), cast(0 as double)) as orders_trend_90d,
    cast(2 * spend_90d_cents - spend_180d_cents as double)
    / nullif(cast(spend_180d_cents as double), cast(0 as double)) as spend_trend_90d
from spans
