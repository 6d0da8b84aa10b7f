-- One row per day of sign-up.
-- Reads: customers.
-- Customers without a day of sign-up make one row, with a null day.
select
    signed_up_at_day,
    count(*) as row_count,
    count(customer_id) as customer_id_count,
    count(signed_up_at) as signed_up_at_count,
    count(acquisition_channel) as acquisition_channel_count,
    count(acquisition_cost_cents) as acquisition_cost_count,
    min(acquisition_channel) as acquisition_channel_least,
    max(acquisition_channel) as acquisition_channel_most,
    min(acquisition_cost_cents) as acquisition_cost_least,
    max(acquisition_cost_cents) as acquisition_cost_most
from customers
group by signed_up_at_day
