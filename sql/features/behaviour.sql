-- One row per customer with an order before as_of.
-- Reads: purchases, purchase_gaps, customers. Params: $as_of, $as_of_s.
with
    known_customers as (
        select
            customer_id,
            signed_up_at_s
        from customers
        where signed_up_at < cast($as_of as timestamp)
    ),

    spans as (
        select
            purchases.customer_id,
            cast(cast($as_of_s as bigint) - purchases.last_order_s as double) / cast(86400 as double) as recency_days,
            cast(
                cast($as_of_s as bigint) - least(purchases.first_order_s, coalesce(known_customers.signed_up_at_s, purchases.first_order_s))
                as double
            ) / cast(86400 as double) as tenure_days,
            coalesce(purchase_gaps.gap_count, 0) as repeat_days,
            coalesce(purchase_gaps.gap_sum_days, 0) as last_repeat_days,
            cast(cast($as_of_s as bigint) - 86400 * purchases.first_order_day as double) / cast(86400 as double) as customer_age_days,
            cast(purchase_gaps.gap_count as double) as gap_count,
            cast(purchase_gaps.gap_sum_days as double) / cast(purchase_gaps.gap_count as double) as gap_mean_days,
            cast(purchase_gaps.gap_square_sum_days as double) as gap_square_sum_days,
            cast(purchase_gaps.gap_max_days as double) as gap_max_days
        from purchases
        left join purchase_gaps on purchases.customer_id = purchase_gaps.customer_id
        left join known_customers on purchases.customer_id = known_customers.customer_id
    )

select
    spans.customer_id,
    spans.recency_days, -- days since the last order
    spans.tenure_days, -- days since sign-up or the first order, whichever came first
    spans.customer_age_days, -- days since the day of the first order
    spans.repeat_days, -- days of purchase after the first
    spans.last_repeat_days, -- days from the first day of purchase to the last
    cast(purchases.spend_cents as double) / cast(1 + spans.repeat_days as double) as mean_purchase_day_cents,
    cast(30 as double) * cast(purchases.order_count as double)
    / nullif(spans.tenure_days, cast(0 as double)) as purchase_velocity, -- orders per 30 days of tenure
    spans.gap_mean_days, -- mean days between days of purchase; null with one such day
    case
        when spans.gap_count is not null -- greatest() passes over nulls, so a missing gap must not reach it
            then sqrt(greatest(
                spans.gap_square_sum_days / spans.gap_count - spans.gap_mean_days * spans.gap_mean_days,
                cast(0 as double)
            ))
    end as gap_std_days, -- their standard deviation (population)
    spans.gap_max_days, -- the longest of them
    spans.recency_days / spans.gap_mean_days as overdue_ratio, -- above 1: longer away than usual
    cast(purchases.spend_cents as double) / cast(purchases.order_count as double) as mean_order_cents,
    cast(2 * purchases.orders_90d - purchases.orders_180d as double)
    / nullif(cast(purchases.orders_180d as double), cast(0 as double)) as orders_trend_90d, -- -1 to 1, against the 90 days before
    cast(2 * purchases.spend_90d_cents - purchases.spend_180d_cents as double)
    / nullif(cast(purchases.spend_180d_cents as double), cast(0 as double)) as spend_trend_90d, -- the same of money
    cast(purchases.return_count as double) / cast(purchases.order_count as double) as returns_per_order,
    cast(purchases.discount_cents as double)
    / nullif(cast(purchases.discount_cents + purchases.spend_cents as double), cast(0 as double)) as discount_share,
    cast(purchases.margin_cents as double)
    / nullif(cast(purchases.spend_cents + purchases.returned_cents as double), cast(0 as double)) as margin_share
from spans
inner join purchases on spans.customer_id = purchases.customer_id
