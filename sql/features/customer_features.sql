-- One row per customer with an order before as_of.
-- Reads: purchases, rfm_scores, behaviour, engagement, economics.
-- The table that every model reads. Counts and money of the windows are 0 without orders; what was never brought
-- (events, costs, discounts, margins) is null, and the models take nulls.
select
    purchases.customer_id,
    behaviour.recency_days,
    behaviour.tenure_days,
    behaviour.customer_age_days,
    behaviour.repeat_days,
    behaviour.last_repeat_days,
    behaviour.mean_purchase_day_cents,
    purchases.order_count,
    purchases.spend_cents,
    behaviour.mean_order_cents,
    behaviour.purchase_velocity,
    behaviour.gap_mean_days,
    behaviour.gap_std_days,
    behaviour.gap_max_days,
    behaviour.overdue_ratio,
    purchases.orders_30d,
    purchases.orders_90d,
    purchases.orders_180d,
    purchases.orders_365d,
    purchases.orders_year_ago_90d,
    purchases.spend_30d_cents,
    purchases.spend_90d_cents,
    purchases.spend_180d_cents,
    purchases.spend_365d_cents,
    purchases.spend_year_ago_90d_cents,
    behaviour.orders_trend_90d,
    behaviour.spend_trend_90d,
    behaviour.returns_per_order,
    behaviour.discount_share,
    behaviour.margin_share,
    engagement.email_opens_90d,
    engagement.email_clicks_90d,
    engagement.email_open_rate_90d,
    engagement.site_visits_90d,
    engagement.support_tickets_90d,
    engagement.support_tickets,
    engagement.days_since_visit,
    engagement.engagement_score,
    economics.earned_cents,
    economics.acquisition_cost_cents,
    economics.ltv_to_cac,
    rfm_scores.recency_score,
    rfm_scores.frequency_score,
    rfm_scores.monetary_score
from purchases
inner join rfm_scores on purchases.customer_id = rfm_scores.customer_id
inner join behaviour on purchases.customer_id = behaviour.customer_id
inner join economics on purchases.customer_id = economics.customer_id
left join engagement on purchases.customer_id = engagement.customer_id
