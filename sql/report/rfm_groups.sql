-- One row per recency and frequency score (25 pairs), with the name that the field gives it.
-- Reads: rfm_cells.
-- The ten usual names of RFM groups; each pair of scores has exactly one. The monetary score is left out, since it
-- follows frequency closely; rfm_grid shows it.
select
    recency_score,
    frequency_score,
    case
        when recency_score = 5 and frequency_score >= 4 then 'Champions'
        when recency_score >= 3 and frequency_score >= 4 then 'Loyal'
        when recency_score >= 4 and frequency_score >= 2 then 'Potential loyalists'
        when recency_score = 5 then 'New'
        when recency_score = 4 then 'Promising'
        when recency_score = 3 and frequency_score = 3 then 'Need attention'
        when recency_score = 3 then 'About to sleep'
        when frequency_score = 5 then 'Cannot lose them'
        when frequency_score >= 3 then 'At risk'
        else 'Hibernating'
    end as segment
from rfm_cells
where monetary_score = 1
