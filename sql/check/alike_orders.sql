-- One row per lake.
-- Reads: orders.
-- Counts orders that repeat another of the same customer, instant and value, and those returned at the same instant.
-- Pairs of instant and amount that occur once are removed first: integers are cheap to count, ids are not.
with
    suspects as (
        select
            ordered_at,
            greatest(order_value_cents, -order_value_cents) as amount_cents
        from orders
        where order_value_cents <> 0
        group by ordered_at, greatest(order_value_cents, -order_value_cents)
        having count(*) > 1
    ),

    alike as (
        select
            min(coalesce(orders.order_id, orders.customer_id)) as example,
            count(*) filter (where not orders.is_return) as sale_count,
            count(*) filter (where orders.is_return) as return_count
        from orders
        inner join suspects
            on
                orders.ordered_at = suspects.ordered_at
                and greatest(orders.order_value_cents, -orders.order_value_cents) = suspects.amount_cents
        where orders.customer_id is not null
        group by orders.customer_id, orders.ordered_at, suspects.amount_cents
        having count(*) > 1
    )

select
    cast(coalesce(sum(greatest(sale_count - 1, 0) + greatest(return_count - 1, 0)), 0) as bigint) as repeated_count,
    min(example) filter (where sale_count > 1 or return_count > 1) as first_repeated,
    max(example) filter (where sale_count > 1 or return_count > 1) as last_repeated,
    cast(coalesce(sum(least(sale_count, return_count)), 0) as bigint) as refunded_count,
    min(example) filter (where sale_count > 0 and return_count > 0) as first_refunded,
    max(example) filter (where sale_count > 0 and return_count > 0) as last_refunded
from alike
