-- One row per customer with an event before as_of.
-- Reads: events. Params: $as_of, $as_of_s.
-- engagement_score is a weighted index of the last 90 days, from 0 to 100: 100 * points / (points + half), so that
-- `half` points score 50. A support ticket has a negative weight: it is contact, but with a problem.
with
    weights as (
        select
            cast(1 as double) as opened, cast(3 as double) as clicked, cast(2 as double) as visited,
            cast(-4 as double) as in_trouble, cast(10 as double) as half
    ),

    seen as (
        select
            customer_id,
            kind,
            occurred_at_s,
            occurred_at >= cast($as_of as timestamp) - interval '30' day as in_30d,
            occurred_at >= cast($as_of as timestamp) - interval '90' day as in_90d
        from events
        where occurred_at < cast($as_of as timestamp)
    ),

    counts as (
        select
            customer_id,
            count(*) filter (where in_90d and kind = 'email_sent') as emails_sent_90d,
            count(*) filter (where in_30d and kind = 'email_open') as email_opens_30d,
            count(*) filter (where in_90d and kind = 'email_open') as email_opens_90d,
            count(*) filter (where in_90d and kind = 'email_click') as email_clicks_90d,
            count(*) filter (where in_30d and kind = 'site_visit') as site_visits_30d,
            count(*) filter (where in_90d and kind = 'site_visit') as site_visits_90d,
            count(*) filter (where in_90d and kind = 'support_ticket') as support_tickets_90d,
            count(*) filter (where kind = 'support_ticket') as support_tickets,
            count(*) filter (where kind = 'support_resolved') as support_resolved,
            max(occurred_at_s) filter (where kind = 'site_visit') as last_visit_s
        from seen
        group by customer_id
    ),

    points as (
        select
            counts.*,
            weights.half,
            greatest(
                weights.opened * cast(counts.email_opens_90d as double)
                + weights.clicked * cast(counts.email_clicks_90d as double)
                + weights.visited * cast(counts.site_visits_90d as double)
                + weights.in_trouble * cast(counts.support_tickets_90d as double),
                cast(0 as double)
            ) as points
        from counts
        cross join weights
    )

select
    customer_id,
    email_opens_30d,
    email_opens_90d,
    email_clicks_90d,
    cast(email_opens_90d as double)
    / nullif(cast(emails_sent_90d as double), cast(0 as double)) as email_open_rate_90d,
    site_visits_30d,
    site_visits_90d,
    support_tickets_90d,
    support_tickets,
    greatest(support_tickets - support_resolved, 0) as support_unresolved,
    cast(cast($as_of_s as bigint) - last_visit_s as double) / cast(86400 as double) as days_since_visit,
    cast(100 as double) * points / (points + half) as engagement_score
from points
