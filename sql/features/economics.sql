-- One row per customer with an order before as_of.
-- Reads: purchases, customers. Params: $as_of.
-- Earned before as_of only: margin where the shop knows it, else spend less returns. No future value enters here.
with
    known_customers as (
        select
            customer_id,
            acquisition_cost_cents
        from customers
        where coalesce(signed_up_at, cast('1970-01-01' as timestamp)) < cast($as_of as timestamp)
    ),

    earned as (
        select
            purchases.customer_id,
            coalesce(purchases.margin_cents, purchases.spend_cents + purchases.returned_cents) as earned_cents,
            known_customers.acquisition_cost_cents
        from purchases
        left join known_customers on purchases.customer_id = known_customers.customer_id
    )

select
    customer_id,
    earned_cents,
    acquisition_cost_cents,
    cast(earned_cents as double)
    / nullif(cast(acquisition_cost_cents as double), cast(0 as double)) as ltv_to_cac
from earned
