-- One row per order number (10: the 10th and later) and number of days allowed for the next one.
-- Reads: purchase_steps. Params: $as_of_s.
-- The share of orders that another order followed within those days, of orders at least so old at as_of. Younger orders
-- are in neither count, so that the rate does not fall towards as_of.
with
    allowances as (
        select 30 as within_days
        union all
        select 90 as within_days
        union all
        select 180 as within_days
        union all
        select 365 as within_days
    ),

    placed as (
        select
            least(purchase_steps.order_number, 10) as order_number,
            allowances.within_days,
            cast(sum(purchase_steps.purchases) as bigint) as purchases
        from purchase_steps
        cross join allowances
        where (purchase_steps.ordered_at_day + allowances.within_days + 1) * 86400 <= cast($as_of_s as bigint)
        group by least(purchase_steps.order_number, 10), allowances.within_days
    ),

    followed as (
        select
            purchase_steps.order_number - 1 as order_number, -- of the order before, gap_days earlier
            allowances.within_days,
            cast(sum(purchase_steps.purchases) as bigint) as repeated
        from purchase_steps
        cross join allowances
        where
            purchase_steps.gap_days <= allowances.within_days
            and (purchase_steps.ordered_at_day - purchase_steps.gap_days + allowances.within_days + 1) * 86400
            <= cast($as_of_s as bigint)
        group by purchase_steps.order_number - 1, allowances.within_days
    )

select
    placed.order_number,
    placed.within_days,
    placed.purchases,
    coalesce(followed.repeated, 0) as repeated,
    cast(coalesce(followed.repeated, 0) as double) / cast(placed.purchases as double) as repeat_rate
from placed
left join followed
    on placed.order_number = followed.order_number and placed.within_days = followed.within_days
