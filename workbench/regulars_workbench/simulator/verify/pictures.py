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
from regulars_workbench.simulator.verify.measures import Measure, responses
from regulars_workbench.simulator.verify.simulated_lake import SimulatedLake

Chart = Any
"""A chart of altair, layered or plain. They share no public base class."""

WIDTH, HEIGHT, POINTS = 330, 200, 101
WEEKS = 26


def lorenz(lake: SimulatedLake) -> Chart:
    """Draw the Lorenz curve of revenue, best buyers first."""
    [spent] = lake.columns("select sum(order_value_cents)::double from sales group by customer_id")
    share = np.concatenate(([0.0], np.cumsum(np.sort(spent)[::-1]) / spent.sum()))
    buyers = np.linspace(0, 1, POINTS)
    data = pl.DataFrame({"buyers": buyers, "revenue": np.interp(buyers, np.linspace(0, 1, len(share)), share)})
    line = alt.Chart(data).mark_line().encode(_axis("x", "buyers", "buyers, best first"), _axis("y", "revenue"))
    asked = pl.DataFrame({"buyers": [0.2], "revenue": [lake.world.tail.share]})
    point = alt.Chart(asked).mark_point(color="firebrick", size=80).encode(x="buyers", y="revenue")
    return _titled(line + point, "Revenue by buyers, best first; circle: the share asked for")


def _axis(side: str, name: str, title: str | None = None) -> Chart:
    kind = alt.X if side == "x" else alt.Y
    return kind(f"{name}:Q", title=title or name, axis=alt.Axis(format="%"))


def season(lake: SimulatedLake) -> Chart:
    """Draw orders by week beside the demand that was asked for."""
    [day, orders] = lake.columns(
        "select ordered_at::date as day, count(*) as orders from repeats group by 1 order by 1"
    )
    start = np.datetime64(lake.world.start, "D")
    place = (day.astype("datetime64[D]") - start).astype(np.int64)
    seen = np.bincount(place, orders, int(lake.clock.days)).reshape(-1)
    weeks = len(seen) // 7
    trend = np.convolve(np.pad(seen, 182, mode="edge"), np.ones(365) / 365, mode="valid")[: len(seen)]
    asked = daily_demand(lake.world.start, lake.world.end, lake.world.shop)
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


def fading(lake: SimulatedLake) -> Chart:
    """Draw orders, opened emails and visits in the weeks before customers leave."""
    query = f"""
        with
            leavers as (
                select customer_id, true_left_at from true_customers join customers using (customer_id)
                where true_left_at < timestamp '{lake.world.end}' and true_left_at > signed_up_at + to_days(200)
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
    [kind, week, rate] = lake.columns(query)
    data = pl.DataFrame({"kind": kind.astype(str), "week": -1 - week.astype(np.int64), "rate": rate})
    usual = pl.col("rate") / pl.col("rate").filter(pl.col("week") < -WEEKS // 2).mean().over("kind")
    data = data.with_columns(usual.alias("level"))
    encoded = {"x": alt.X("week:Q", title="weeks before leaving"), "y": alt.Y("level:Q", title="relative to usual")}
    chart = alt.Chart(data).mark_line().encode(**encoded, color=_colour("kind"))
    return _titled(chart, "Interest fades before customers leave; orders do not")


def uplift(lake: SimulatedLake) -> Chart:
    """Draw the orders that campaigns add, by group: measured with its error, and asked for."""
    added = [measure for measure in responses(lake) if measure.name.startswith("orders added")]
    data = pl.DataFrame(
        {
            "group": [measure.name.removeprefix("orders added, ") for measure in added],
            "asked": [measure.asked for measure in added],
            "measured": [measure.measured for measure in added],
            "low": [measure.measured - _two_errors(measure) for measure in added],
            "high": [measure.measured + _two_errors(measure) for measure in added],
        }
    )
    base = alt.Chart(data).encode(y=alt.Y("group:N", title=None))
    bars = base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", title="orders added in 30 days"), x2="high:Q")
    points = base.mark_point(color="firebrick", size=80).encode(x="asked:Q")
    return _titled(bars + points, "Response, treated less control, +- 2 errors; circle: the truth")


def _two_errors(measure: Measure) -> float:
    return (measure.allowed - 0.1 * abs(measure.asked)) / 2


def _colour(name: str) -> Chart:
    return alt.Color(f"{name}:N", title=None, legend=alt.Legend(orient="bottom"))


def _titled(chart: Chart, title: str) -> Chart:
    return chart.properties(title=title, width=WIDTH, height=HEIGHT)


def main(folder: Path, out: Path) -> None:
    """Draw four pictures of a lake in one PNG."""
    with duckdb.connect() as connection:
        lake = SimulatedLake(connection, folder)
        upper = alt.hconcat(lorenz(lake), season(lake)).resolve_scale(color="independent")
        lower = alt.hconcat(fading(lake), uplift(lake)).resolve_scale(color="independent")
        alt.vconcat(upper, lower).resolve_scale(color="independent").save(str(out), scale_factor=1.5)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
