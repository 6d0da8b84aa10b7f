-- One row per fault of order numbers: several customers share it, or one customer has it twice.
-- Reads: orders.
-- A sale and its return may share an order_id.
with
    repeated as (
        select order_id
        from orders
        where order_id is not null
        group by order_id
        having count(*) > 1
    ),

    counted as (
        select
            orders.order_id,
            min(orders.customer_id) as first_customer_id,
            max(orders.customer_id) as last_customer_id,
            count(*) filter (where not orders.is_return) as sale_count,
            count(*) filter (where orders.is_return) as return_count
        from orders
        inner join repeated on orders.order_id = repeated.order_id
        group by orders.order_id
    )

select
    first_customer_id <> last_customer_id as is_shared,
    count(*) as id_count,
    min(order_id) as first_order_id,
    max(order_id) as last_order_id
from counted
where sale_count > 1 or return_count > 1 or first_customer_id <> last_customer_id
group by first_customer_id <> last_customer_id
