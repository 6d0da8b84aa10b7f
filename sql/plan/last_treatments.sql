-- One row per customer who was treated before $as_of.
-- Reads: treatments. Params: $as_of.
select
    customer_id,
    max(treated_at_s) as last_treated_at_s
from treatments
where
    arm = 'treated'
    and treated_at < cast($as_of as timestamp)
group by customer_id
