-- One row per customer with an order before as_of.
-- Reads: purchases, rfm_scores, lifecycle, economics, engagement.
-- The table that all models read. After each column: unit | meaning | null when.
select
    purchases.customer_id, -- text | the customer | never
    lifecycle.recency_days, -- days | since the last order | never
    purchases.order_count, -- orders | all orders; returns do not count | never
    purchases.spend_cents, -- minor units | value of all orders, returns not subtracted | never
    rfm_scores.recency_score, -- 1 to 5 | 5: the most recent fifth, by cut points learnt in training | never
    rfm_scores.frequency_score, -- 1 to 5 | 5: the fifth with the most orders | never
    rfm_scores.monetary_score, -- 1 to 5 | 5: the fifth with the highest spend | never
    rfm_scores.rfm_cell, -- 111 to 555 | the three scores as digits: recency, frequency, monetary | never
    lifecycle.tenure_days, -- days | since sign-up or the first order, whichever is earlier | never
    lifecycle.customer_age_days, -- days | since the first order: T of the purchase process | never
    lifecycle.repeat_days, -- days of purchase | days with an order after the first: x of the purchase process | never
    lifecycle.last_repeat_days, -- days | from the first to the last day of purchase: t_x of the process | never
    lifecycle.mean_purchase_day_cents, -- minor units | spend per day of purchase: m of the process | never
    purchases.first_order_cents, -- minor units | value of the first order, at most 1,073,741,823 | never
    lifecycle.mean_order_cents, -- minor units | spend per order | never
    lifecycle.purchase_velocity, -- orders | per 30 days of tenure | tenure is zero
    lifecycle.gap_mean_days, -- days | mean gap between days of purchase | one day of purchase
    lifecycle.gap_std_days, -- days | standard deviation of the gaps (population) | one day of purchase
    lifecycle.gap_max_days, -- days | the longest gap | one day of purchase
    lifecycle.overdue_ratio, -- ratio | recency / mean gap; above 1: longer than usual | one day of purchase
    purchases.orders_30d, -- orders | in the last 30 days | never
    purchases.orders_90d, -- orders | in the last 90 days | never
    purchases.orders_180d, -- orders | in the last 180 days | never
    purchases.orders_365d, -- orders | in the last 365 days | never
    purchases.orders_year_ago_90d, -- orders | in the 90 days that start a year before as_of | never
    purchases.orders_year_ago_180d, -- orders | in the 180 days that start a year before as_of | never
    purchases.spend_30d_cents, -- minor units | value of the orders of the last 30 days | never
    purchases.spend_90d_cents, -- minor units | value of the orders of the last 90 days | never
    purchases.spend_180d_cents, -- minor units | value of the orders of the last 180 days | never
    purchases.spend_365d_cents, -- minor units | value of the orders of the last 365 days | never
    purchases.spend_year_ago_90d_cents, -- minor units | value in the 90 days that start a year before as_of | never
    purchases.spend_year_ago_180d_cents, -- minor units | value in the 180 days that start a year before as_of | never
    lifecycle.orders_trend_90d, -- -1 to 1 | orders: (last 90 days - 90 before) / both | no order in 180 days
    lifecycle.spend_trend_90d, -- -1 to 1 | spend: (last 90 days - 90 before) / both | nothing spent in 180 days
    economics.return_count, -- returns | all returns | never
    economics.returns_per_order, -- ratio | returns / orders | never
    economics.returned_share, -- ratio | value returned / value bought | nothing spent
    economics.discount_share, -- ratio | discounts / value before discounts | discounts unknown, or nothing spent
    economics.margin_share, -- ratio | margin / value net of returns | margins unknown, or net value zero
    economics.earned_cents, -- minor units | margin before as_of, else value net of returns | never
    lifecycle.acquisition_cost_cents, -- minor units | cost of acquiring the customer | unknown
    economics.ltv_to_cac, -- ratio | earned before as_of / acquisition cost | cost unknown or zero
    economics.payback_days, -- days | tenure that earns the cost back at the past rate | cost unknown, nothing earned
    engagement.email_opens_30d, -- events | e-mails opened in the last 30 days | no event
    engagement.email_opens_90d, -- events | e-mails opened in the last 90 days | no event
    engagement.email_clicks_90d, -- events | e-mails clicked in the last 90 days | no event
    engagement.email_open_rate_90d, -- ratio | opened / sent, last 90 days | none sent
    engagement.site_visits_30d, -- events | visits in the last 30 days | no event
    engagement.site_visits_90d, -- events | visits in the last 90 days | no event
    engagement.days_since_visit, -- days | since the last visit | no visit
    engagement.engagement_score, -- 0 to 100 | weighted opens, clicks and visits minus tickets, 90 days | no event
    engagement.support_tickets_90d, -- events | tickets of the last 90 days | no event
    engagement.support_tickets, -- events | all tickets | no event
    engagement.support_unresolved -- events | tickets without a support_resolved event | no event
from purchases
inner join rfm_scores on purchases.customer_id = rfm_scores.customer_id
inner join lifecycle on purchases.customer_id = lifecycle.customer_id
inner join economics on purchases.customer_id = economics.customer_id
left join engagement on purchases.customer_id = engagement.customer_id
