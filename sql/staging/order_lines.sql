-- One row per order line kept.
-- Reads: staged_orders.
-- Settles what a line leaves open: whether it is a return, which way its amounts point, and which order it belongs to.
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
            -- A return that is written with a positive value is turned round as a whole, so that sums are net.
            case when signed.is_return and signed.order_value_cents > 0 then -1 else 1 end as direction
        from signed
    )

select
    turned.customer_id,
    -- Without a number of its own, an order is what one customer bought at one instant.
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
