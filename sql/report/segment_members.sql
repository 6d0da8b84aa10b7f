-- One row per customer with an order before as_of.
-- Reads: rfm_scores, rfm_groups.
-- Each customer's segment without a bundle; a bundle's segments and forecasts have the same columns.
select
    rfm_scores.customer_id,
    rfm_groups.segment,
    cast(null as bigint) as predicted_value_cents,
    cast(null as bigint) as churn_millionths -- P(no order within the horizon) as a whole number, so that sums are exact
from rfm_scores
inner join rfm_groups
    on rfm_scores.recency_score = rfm_groups.recency_score and rfm_scores.frequency_score = rfm_groups.frequency_score
