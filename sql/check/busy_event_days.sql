-- One row per customer and day with at least so many events of their own.
-- Reads: events, customer_events. Params: $most_events.
-- Events that the shop sends do not count.
with
    candidates as (
        select customer_id
        from customer_events
        where event_count >= cast($most_events as bigint)
    )

select
    events.customer_id,
    events.occurred_at_day,
    count(*) as event_count
from events
inner join candidates on events.customer_id = candidates.customer_id
where events.kind <> 'email_sent'
group by events.customer_id, events.occurred_at_day
having count(*) >= cast($most_events as bigint)
