-- One row per order.
-- Reads: order_lines.
-- A number that covers sales and returns makes two rows; sums are of integers and decimals, so row order cannot show.
with
    summed as (
        select
            order_lines.customer_id,
            order_lines.order_id,
            order_lines.is_return,
            min(order_lines.ordered_at) as ordered_at,
            cast(sum(order_lines.order_value_cents) as bigint) as order_value_cents,
            cast(sum(order_lines.quantity) as double) as quantity,
            cast(sum(order_lines.discount_cents) as bigint) as discount_cents,
            cast(sum(order_lines.margin_cents) as bigint) as margin_cents,
            -- An order's lines agree on country or channel; where they do not, any fixed choice will do.
            min(order_lines.attributes) as attributes
        from order_lines
        group by order_lines.customer_id, order_lines.order_id, order_lines.is_return
    )

select
    summed.customer_id,
    summed.order_id,
    summed.ordered_at,
    summed.order_value_cents,
    summed.is_return or summed.order_value_cents < 0 as is_return, -- no sale brings less than nothing
    summed.quantity,
    summed.discount_cents,
    summed.margin_cents,
    summed.attributes
from summed
