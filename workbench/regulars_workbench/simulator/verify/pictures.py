"""Pictures of a simulated lake for docs/world.md.

`python -m regulars_workbench.simulator.verify.pictures LAKE docs/world.png`
"""

import sys
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import numpy as np
import polars as pl

from regulars_workbench.simulator.clock import daily_demand
from regulars_workbench.simulator.verify.measures import responses
from regulars_workbench.simulator.verify.sight import Sight

Chart = Any
"""One of altair's charts, layered or plain: they share no public base."""

WIDTH, HEIGHT, POINTS = 330, 200, 101
WEEKS = 26


def lorenz(sight: Sight) -> Chart:
    """How much of the revenue the best customers bring."""
    [spent] = sight.columns("select sum(order_value_cents)::double from sales group by customer_id")
    share = np.concatenate(([0.0], np.cumsum(np.sort(spent)[::-1]) / spent.sum()))
    buyers = np.linspace(0, 1, POINTS)
    data = pl.DataFrame({"buyers": buyers, "revenue": np.interp(buyers, np.linspace(0, 1, len(share)), share)})
    line = alt.Chart(data).mark_line().encode(_axis("x", "buyers", "buyers, best first"), _axis("y", "revenue"))
    asked = pl.DataFrame({"buyers": [0.2], "revenue": [sight.world.tail.share]})
    point = alt.Chart(asked).mark_point(color="firebrick", size=80).encode(x="buyers", y="revenue")
    return _titled(line + point, "Few bring most: revenue by buyers; circle: what was asked")


def _axis(side: str, name: str, title: str | None = None) -> Chart:
    kind = alt.X if side == "x" else alt.Y
    return kind(f"{name}:Q", title=title or name, axis=alt.Axis(format="%"))


def season(sight: Sight) -> Chart:
    """Orders a day of those who are customers, over the demand that was asked for."""
    [day, orders] = sight.columns(
        "select ordered_at::date as day, count(*) as orders from repeats group by 1 order by 1"
    )
    start = np.datetime64(sight.world.start, "D")
    place = (day.astype("datetime64[D]") - start).astype(np.int64)
    seen = np.bincount(place, orders, int(sight.clock.days)).reshape(-1)
    weeks = len(seen) // 7
    trend = np.convolve(np.pad(seen, 182, mode="edge"), np.ones(365) / 365, mode="valid")[: len(seen)]
    asked = daily_demand(sight.world.start, sight.world.end, sight.world.shop)
    lines = {"orders over their yearly mean": seen / np.maximum(trend, 1e-9), "demand asked for": asked}
    frames = [
        pl.DataFrame(
            {"week": start + 7 * np.arange(weeks), "level": level[: weeks * 7].reshape(-1, 7).mean(axis=1)}
        ).with_columns(line=pl.lit(name))[183 // 7 : -(183 // 7)]
        for name, level in lines.items()
    ]
    encoded = {"x": alt.X("week:T", title=None), "y": alt.Y("level:Q", title="1 is the mean")}
    chart = alt.Chart(pl.concat(frames)).mark_line().encode(**encoded, color=_colour("line"))
    return _titled(chart, "Seasons and holidays, by week")


def fading(sight: Sight) -> Chart:
    """What customers do in the weeks before they leave, beside those who stay."""
    query = f"""
        with
            leavers as (
                select customer_id, true_left_at from true_customers join customers using (customer_id)
                where true_left_at < timestamp '{sight.world.end}' and true_left_at > signed_up_at + to_days(200)
            ),
            signs as (
                select customer_id, ordered_at as moment, 'orders' as kind from sales
                union all
                select customer_id, occurred_at, if(kind = 'email_open', 'emails opened', 'site visits') from events
                where kind in ('email_open', 'site_visit')
            )
        select kind, cast(floor(epoch(true_left_at - moment) / 604800) as integer) as week, count(*)::double as rate
        from signs join leavers using (customer_id)
        where moment < true_left_at and moment >= true_left_at - to_days({7 * WEEKS})
        group by all
    """
    [kind, week, rate] = sight.columns(query)
    data = pl.DataFrame({"kind": kind.astype(str), "week": -1 - week.astype(np.int64), "rate": rate})
    usual = pl.col("rate") / pl.col("rate").filter(pl.col("week") < -WEEKS // 2).mean().over("kind")
    data = data.with_columns(usual.alias("level"))
    encoded = {"x": alt.X("week:Q", title="weeks before leaving"), "y": alt.Y("level:Q", title="of the usual")}
    chart = alt.Chart(data).mark_line().encode(**encoded, color=_colour("kind"))
    return _titled(chart, "Interest fades before customers leave; orders stop at once")


def uplift(sight: Sight) -> Chart:
    """What campaigns add, by group: measured with its error, and what was asked for."""
    found = [one for one in responses(sight) if one.what.startswith("orders added")]
    data = pl.DataFrame(
        {
            "group": [one.what.removeprefix("orders added, ") for one in found],
            "asked": [one.asked for one in found],
            "measured": [one.measured for one in found],
            "low": [one.measured - (one.allowed - 0.1 * abs(one.asked)) / 2 for one in found],
            "high": [one.measured + (one.allowed - 0.1 * abs(one.asked)) / 2 for one in found],
        }
    )
    base = alt.Chart(data).encode(y=alt.Y("group:N", title=None))
    bars = base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", title="orders added in 30 days"), x2="high:Q")
    points = base.mark_point(color="firebrick", size=80).encode(x="asked:Q")
    return _titled(bars + points, "Response, treated less control, +- 2 errors; circle: the truth")


def _colour(name: str) -> Chart:
    return alt.Color(f"{name}:N", title=None, legend=alt.Legend(orient="bottom"))


def _titled(chart: Chart, title: str) -> Chart:
    return chart.properties(title=title, width=WIDTH, height=HEIGHT)


def main(lake: Path, out: Path) -> None:
    """Draw the four pictures of a lake into one PNG."""
    with duckdb.connect() as connection:
        sight = Sight(connection, lake)
        upper = alt.hconcat(lorenz(sight), season(sight)).resolve_scale(color="independent")
        lower = alt.hconcat(fading(sight), uplift(sight)).resolve_scale(color="independent")
        alt.vconcat(upper, lower).resolve_scale(color="independent").save(str(out), scale_factor=1.5)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
