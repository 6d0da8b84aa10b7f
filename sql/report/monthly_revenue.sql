-- One row per calendar month (UTC) from the first order or return to as_of.
-- Reads: months, daily_orders, customer_months.
-- Revenue is the value of orders. Returns have columns of their own, in the month of the return.
with
    sold as (
        select
            month_number,
            cast(sum(order_count) as bigint) as order_count,
            cast(sum(return_count) as bigint) as return_count,
            cast(sum(revenue_cents) as bigint) as revenue_cents,
            cast(sum(returned_cents) as bigint) as returned_cents
        from daily_orders
        group by month_number
    ),

    buyers as (
        select
            month_number,
            count(*) as active_customers
        from customer_months
        group by month_number
    )

select
    months.month,
    months.is_complete,
    coalesce(sold.order_count, 0) as order_count,
    coalesce(buyers.active_customers, 0) as active_customers,
    coalesce(sold.revenue_cents, 0) as revenue_cents,
    coalesce(sold.return_count, 0) as return_count,
    coalesce(sold.returned_cents, 0) as returned_cents, -- zero or below
    coalesce(sold.revenue_cents + sold.returned_cents, 0) as net_revenue_cents,
    cast(sold.revenue_cents as double)
    / nullif(cast(sold.order_count as double), cast(0 as double)) as mean_order_cents,
    cast(sold.revenue_cents as double)
    / nullif(cast(buyers.active_customers as double), cast(0 as double)) as mean_customer_cents
from months
left join sold on months.month_number = sold.month_number
left join buyers on months.month_number = buyers.month_number
