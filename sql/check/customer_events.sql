-- One row per customer with an event.
-- Reads: events.
select
    customer_id,
    count(*) as event_count
from events
where customer_id is not null
group by customer_id
