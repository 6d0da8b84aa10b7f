-- One row per day with events, and kind.
-- Reads: events.
select
    occurred_at_day,
    kind,
    count(*) as row_count,
    count(customer_id) as customer_id_count
from events
group by occurred_at_day, kind
