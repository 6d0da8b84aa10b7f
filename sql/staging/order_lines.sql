-- One row per order line kept.
-- Reads: staged_orders.
-- Decides for each line whether it is a return, the sign of its amounts, and the order that it belongs to.
with
    signed as (
        select
            staged_orders.customer_id,
            staged_orders.order_id,
            staged_orders.ordered_at,
            staged_orders.order_value_cents,
            staged_orders.quantity,
            staged_orders.discount_cents,
            staged_orders.margin_cents,
            staged_orders.attributes,
            coalesce(staged_orders.is_return, staged_orders.order_value_cents < 0) as is_return
        from staged_orders
    ),

    turned as (
        select
            signed.*,
            -- All amounts of a return with a positive value are negated, so that sums are net.
            case when signed.is_return and signed.order_value_cents > 0 then -1 else 1 end as direction
        from signed
    )

select
    turned.customer_id,
    -- Without an order_id, an order is what one customer bought at one instant.
    coalesce(
        turned.order_id, turned.customer_id || '@' || strftime(turned.ordered_at, '%Y-%m-%dT%H:%M:%S.%f')
    ) as order_id,
    turned.ordered_at,
    turned.direction * turned.order_value_cents as order_value_cents,
    turned.is_return,
    turned.direction * turned.quantity as quantity,
    turned.direction * turned.discount_cents as discount_cents,
    turned.direction * turned.margin_cents as margin_cents,
    turned.attributes
from turned
