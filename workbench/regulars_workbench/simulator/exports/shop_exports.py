"""A shop's own exports: the SELECT that writes each file with its defects, and the map for `regulars ingest`."""

ORDERS = """
with
    rows as (
        select * exclude (times), unnest(range(times)) as time from marked
        union all by name
        select
            * exclude (times) replace (
                'X' || order_id as order_id,
                -abs(order_value_cents) as order_value_cents,
                -abs(discount_cents) as discount_cents,
                -abs(margin_cents) as margin_cents,
                -abs(quantity) as quantity,
                true as is_return
            ),
            0 as time
        from marked
        where defect = 'refund without an order'
    )

select
    order_id as "Order No",
    case when defect <> 'null id' then customer_id end as "Customer",
    case
        when defect = 'broken date' then 'n/a'
        when defect = 'date as 31/12/2025 18:05:00' then strftime(ordered_at, '%d/%m/%Y %H:%M:%S')
        else strftime(ordered_at, '%Y-%m-%d %H:%M:%S')
    end as "Date",
    case when defect = 'broken amount' then 'see invoice' else {order_value} end as "Total",
    {discount} as "Discount",
    {margin} as "Margin",
    quantity as "Items",
    case when changed then '{other}' else '{currency}' end as "Currency",
    case when is_return then 'REFUND' else 'SALE' end as "Type"
from rows
where file_year = {year}
order by month(ordered_at), hash(order_id, time, {seed}), order_id, time
"""
"""One year's file: sorted by month, unsorted within a month. It includes late rows of the year before."""

CUSTOMERS = """
select
    case when defect <> 'null id' then customer_id end as customer_id,
    signed_up_at,
    acquisition_channel,
    {acquisition_cost} as acquisition_cost
from (select *, unnest(range(times)) as time from marked)
order by hash(customer_id, {seed}), customer_id, time
"""

EVENTS = """
select case when defect <> 'null id' then customer_id end as customer_id, occurred_at, kind, cause
from marked
union all
select '{bot}', (select max(occurred_at) from events) - to_seconds(2 * range), 'site_visit', null
from range({visits})
"""

TREATMENTS = "select customer_id, treated_at, action, arm, {cost} as cost from marked"

ORDERS_MAP = """\
# The shop's own export: two forms of dates, two forms of amounts, and another currency from one day on.
currency = "{currency}"

[orders]
files = ["orders-*.csv"]
customer_id = "Customer"
order_id = "Order No"
ordered_at = \"\"\"case when contains("Date", '/')
    then strftime(try_strptime("Date", '%d/%m/%Y %H:%M:%S'), '%Y-%m-%d %H:%M:%S') else "Date" end\"\"\"
order_value = \"\"\"replace(Total, ',', '.') / case when Currency = '{other}' then {rate} else 1 end\"\"\"
discount = \"\"\"replace(Discount, ',', '.') / case when Currency = '{other}' then {rate} else 1 end\"\"\"
margin = \"\"\"replace(Margin, ',', '.') / case when Currency = '{other}' then {rate} else 1 end\"\"\"
quantity = "Items"
is_return = "Type = 'REFUND'"
"""
CUSTOMERS_MAP = """
[customers]
files = ["customers.csv"]
customer_id = "customer_id"
signed_up_at = "signed_up_at"
acquisition_channel = "acquisition_channel"
acquisition_cost = "acquisition_cost"
"""
EVENTS_MAP = """
[events]
files = ["events.parquet"]
customer_id = "customer_id"
occurred_at = "occurred_at"
kind = "kind"

[events.attributes]
cause = "cause"
"""
TREATMENTS_MAP = """
[treatments]
files = ["treatments.csv"]
customer_id = "customer_id"
treated_at = "treated_at"
action = "action"
arm = "arm"
cost = "cost"
"""
