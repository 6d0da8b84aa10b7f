-- One row per customer with an order before as_of.
-- Reads: rfm, rfm_cut_points.
-- Score = 1 + number of cut points below the value, reversed for recency: 5 is always best. Equal values get equal
-- scores. A customer's score depends only on that customer and on the learnt cut points.
with
    cuts as (
        select
            max(cut_value) filter (where measure = 'recency' and cut_number = 1) as recency_1,
            max(cut_value) filter (where measure = 'recency' and cut_number = 2) as recency_2,
            max(cut_value) filter (where measure = 'recency' and cut_number = 3) as recency_3,
            max(cut_value) filter (where measure = 'recency' and cut_number = 4) as recency_4,
            max(cut_value) filter (where measure = 'frequency' and cut_number = 1) as frequency_1,
            max(cut_value) filter (where measure = 'frequency' and cut_number = 2) as frequency_2,
            max(cut_value) filter (where measure = 'frequency' and cut_number = 3) as frequency_3,
            max(cut_value) filter (where measure = 'frequency' and cut_number = 4) as frequency_4,
            max(cut_value) filter (where measure = 'monetary' and cut_number = 1) as monetary_1,
            max(cut_value) filter (where measure = 'monetary' and cut_number = 2) as monetary_2,
            max(cut_value) filter (where measure = 'monetary' and cut_number = 3) as monetary_3,
            max(cut_value) filter (where measure = 'monetary' and cut_number = 4) as monetary_4
        from rfm_cut_points
    ),

    scores as (
        select
            rfm.customer_id,
            5
            - cast(rfm.recency_days > cuts.recency_1 as bigint)
            - cast(rfm.recency_days > cuts.recency_2 as bigint)
            - cast(rfm.recency_days > cuts.recency_3 as bigint)
            - cast(rfm.recency_days > cuts.recency_4 as bigint) as recency_score,
            1
            + cast(rfm.frequency > cuts.frequency_1 as bigint)
            + cast(rfm.frequency > cuts.frequency_2 as bigint)
            + cast(rfm.frequency > cuts.frequency_3 as bigint)
            + cast(rfm.frequency > cuts.frequency_4 as bigint) as frequency_score,
            1
            + cast(rfm.monetary_cents > cuts.monetary_1 as bigint)
            + cast(rfm.monetary_cents > cuts.monetary_2 as bigint)
            + cast(rfm.monetary_cents > cuts.monetary_3 as bigint)
            + cast(rfm.monetary_cents > cuts.monetary_4 as bigint) as monetary_score
        from rfm
        cross join cuts
    )

select
    customer_id,
    recency_score,
    frequency_score,
    monetary_score,
    100 * recency_score + 10 * frequency_score + monetary_score as rfm_cell
from scores
