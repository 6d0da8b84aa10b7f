-- One row per complete month in which a customer was lost.
-- Reads: months, customer_months. Params: $lost_after_months.
-- A customer is lost in the first month that completes $lost_after_months whole months without an order. This is known
-- at the end of the month and never revised; a later order makes the customer won back.
with
    silences as (
        -- Lost between two orders,
        select previous_month_number + cast($lost_after_months as bigint) as lost_month_number
        from customer_months
        where month_number - previous_month_number > cast($lost_after_months as bigint)
        union all
        -- and after the last one.
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
