-- One row per customer with an order before as_of.
-- Reads: purchases, orders. Params: $as_of, $label_end.
-- Orders in [as_of, label_end): the targets, which no feature file reads. Returns are left out.
with
    ahead as (
        select
            customer_id,
            count(*) as future_orders,
            cast(sum(order_value_cents) as bigint) as future_value_cents
        from orders
        where
            ordered_at >= cast($as_of as timestamp)
            and ordered_at < cast($label_end as timestamp)
            and not is_return
        group by customer_id
    )

select
    purchases.customer_id,
    coalesce(ahead.future_orders, 0) as future_orders,
    coalesce(ahead.future_value_cents, 0) as future_value_cents,
    ahead.customer_id is null as churned
from purchases
left join ahead on purchases.customer_id = ahead.customer_id
