-- One row per customer with an order before as_of.
-- Reads: purchases, returns, lifecycle.
-- Earnings before as_of only: the margin if known, else spend net of returns. No future value is used.
with
    sums as (
        select
            purchases.customer_id,
            purchases.order_count,
            purchases.spend_cents,
            purchases.discount_cents,
            coalesce(returns.return_count, 0) as return_count,
            purchases.spend_cents + coalesce(returns.returned_cents, 0) as net_cents, -- values of returns are negative
            purchases.margin_cents + coalesce(returns.margin_cents, 0) as margin_cents,
            lifecycle.acquisition_cost_cents,
            lifecycle.tenure_days
        from purchases
        inner join lifecycle on purchases.customer_id = lifecycle.customer_id
        left join returns on purchases.customer_id = returns.customer_id
    ),

    earned as (
        select
            sums.*,
            coalesce(margin_cents, net_cents) as earned_cents
        from sums
    )

select
    customer_id,
    return_count,
    cast(return_count as double) / cast(order_count as double) as returns_per_order,
    cast(spend_cents - net_cents as double) / nullif(cast(spend_cents as double), cast(0 as double)) as returned_share,
    cast(discount_cents as double)
    / nullif(cast(discount_cents + spend_cents as double), cast(0 as double)) as discount_share,
    cast(margin_cents as double) / nullif(cast(net_cents as double), cast(0 as double)) as margin_share,
    earned_cents,
    cast(earned_cents as double)
    / nullif(cast(acquisition_cost_cents as double), cast(0 as double)) as ltv_to_cac,
    cast(acquisition_cost_cents as double) * tenure_days
    / nullif(cast(greatest(earned_cents, 0) as double), cast(0 as double)) as payback_days
from earned
