-- One row per day with treatments, action and arm.
-- Reads: treatments.
select
    treated_at_day,
    action,
    arm,
    count(*) as row_count,
    count(customer_id) as customer_id_count,
    count(cost_cents) as cost_count
from treatments
group by treated_at_day, action, arm
