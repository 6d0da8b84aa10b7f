-- One row per customer and action treated, or held out as control, on the day of as_of.
-- Reads: treatments, orders. Params: $as_of_s, $soon_s, $horizon_s.
-- Orders in [treated_at, treated_at + horizon): the outcome of an experiment. Returns are left out.
with
    wave as (
        select
            customer_id,
            action,
            min(arm) as arm,
            max(arm) as other_arm,
            min(treated_at_s) as treated_at_s
        from treatments
        where treated_at_s >= $as_of_s and treated_at_s < $as_of_s + 86400
        group by customer_id, action
    ),

    ahead as (
        select
            wave.customer_id,
            wave.action,
            count(*) filter (
                where orders.ordered_at_s < wave.treated_at_s + $soon_s
            ) as soon_orders,
            count(*) as future_orders,
            cast(sum(orders.order_value_cents) as bigint) as future_value_cents
        from wave
        inner join orders on wave.customer_id = orders.customer_id
        where
            orders.ordered_at_s >= wave.treated_at_s
            and orders.ordered_at_s < wave.treated_at_s + $horizon_s
            and not orders.is_return
        group by wave.customer_id, wave.action
    )

select
    wave.customer_id,
    wave.action,
    wave.arm,
    wave.other_arm,
    wave.treated_at_s,
    coalesce(ahead.soon_orders, 0) as soon_orders,
    coalesce(ahead.future_orders, 0) as future_orders,
    coalesce(ahead.future_value_cents, 0) as future_value_cents
from wave
left join ahead on wave.customer_id = ahead.customer_id and wave.action = ahead.action
