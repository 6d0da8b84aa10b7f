-- One row per customer with an event before as_of.
-- Reads: events. Params: $as_of, $as_of_s.
-- engagement_score is a weighted index of the last 90 days on a scale from 0 to 100: points / (points + half), so that
-- `half` points score 50. A support ticket is contact, but of a customer with trouble: its weight is negative.
with
    weights as (
        select
            cast(1 as double) as email_open,
            cast(3 as double) as email_click,
            cast(2 as double) as site_visit,
            cast(-4 as double) as support_ticket,
            cast(10 as double) as half
    ),

    seen as (
        select
            customer_id,
            kind,
            occurred_at_s,
            occurred_at >= cast($as_of as timestamp) - interval '90' day as in_90d
        from events
        where occurred_at < cast($as_of as timestamp)
    ),

    counts as (
        select
            customer_id,
            count(*) filter (where in_90d and kind = 'email_sent') as emails_sent_90d,
            count(*) filter (where in_90d and kind = 'email_open') as email_opens_90d,
            count(*) filter (where in_90d and kind = 'email_click') as email_clicks_90d,
            count(*) filter (where in_90d and kind = 'site_visit') as site_visits_90d,
            count(*) filter (where in_90d and kind = 'support_ticket') as support_tickets_90d,
            count(*) filter (where kind = 'support_ticket') as support_tickets,
            max(occurred_at_s) filter (where kind = 'site_visit') as last_visit_s
        from seen
        group by customer_id
    ),

    points as (
        select
            counts.customer_id,
            greatest(
                weights.email_open * cast(counts.email_opens_90d as double)
                + weights.email_click * cast(counts.email_clicks_90d as double)
                + weights.site_visit * cast(counts.site_visits_90d as double)
                + weights.support_ticket * cast(counts.support_tickets_90d as double),
                cast(0 as double)
            ) as earned,
            weights.half
        from counts
        cross join weights
    )

select
    counts.customer_id,
    counts.email_opens_90d,
    counts.email_clicks_90d,
    cast(counts.email_opens_90d as double)
    / nullif(cast(counts.emails_sent_90d as double), cast(0 as double)) as email_open_rate_90d,
    counts.site_visits_90d,
    counts.support_tickets_90d,
    counts.support_tickets,
    cast(cast($as_of_s as bigint) - counts.last_visit_s as double) / cast(86400 as double) as days_since_visit,
    cast(100 as double) * points.earned / (points.earned + points.half) as engagement_score
from counts
inner join points on counts.customer_id = points.customer_id
