-- One row per number of days waited after the first day of purchase, and whether a second one came.
-- Reads: orders, customer_orders. Params: $as_of, $as_of_day.
-- Customers without a second day of purchase have waited until the day before as_of.
with
    firsts as (
        select
            customer_id,
            first_order_day
        from customer_orders
        where first_order_at < cast($as_of as timestamp)
    ),

    seconds as (
        select
            orders.customer_id,
            min(orders.ordered_at_day) as second_day
        from orders
        inner join firsts on orders.customer_id = firsts.customer_id
        where
            not orders.is_return
            and orders.ordered_at < cast($as_of as timestamp)
            and orders.ordered_at_day > firsts.first_order_day
        group by orders.customer_id
    ),

    waits as (
        select
            coalesce(seconds.second_day, greatest(cast($as_of_day as bigint) - 1, firsts.first_order_day))
            - firsts.first_order_day as waited_days,
            seconds.second_day is not null as came_back
        from firsts
        left join seconds on firsts.customer_id = seconds.customer_id
    )

select
    waited_days,
    came_back,
    count(*) as customer_count
from waits
group by waited_days, came_back
