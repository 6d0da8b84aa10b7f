-- One row per complete month in which a customer was lost.
-- Reads: months, customer_months. Params: $lost_after_months.
-- Lost: the first month at whose end a customer has gone $lost_after_months whole months without an order. It is known
-- at that end and never taken back; an order after it makes the customer won back.
with
    silences as (
        -- Between two orders, ...
        select previous_month_number + cast($lost_after_months as bigint) as lost_month_number
        from customer_months
        where month_number - previous_month_number > cast($lost_after_months as bigint)
        union all
        -- ... and after the last one.
        select max(month_number) + cast($lost_after_months as bigint) as lost_month_number
        from customer_months
        group by customer_id
    )

select
    months.month_number,
    count(*) as lost_customers
from silences
inner join months on silences.lost_month_number = months.month_number
where months.is_complete
group by months.month_number
