-- One row per order.
-- Reads: order_lines.
-- An order_id with sales and returns makes two rows. Sums are of integers and decimals, so row order does not matter.
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
            -- Lines of an order usually have the same attributes; if not, min() is a fixed choice.
            min(order_lines.attributes) as attributes
        from order_lines
        group by order_lines.customer_id, order_lines.order_id, order_lines.is_return
    )

select
    summed.customer_id,
    summed.order_id,
    summed.ordered_at,
    summed.order_value_cents,
    summed.is_return or summed.order_value_cents < 0 as is_return, -- a negative sum is a return
    summed.quantity,
    summed.discount_cents,
    summed.margin_cents,
    summed.attributes
from summed
