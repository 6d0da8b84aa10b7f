"""Ids that are one customer's in several spellings, and ids that are nobody's."""

import polars as pl

from regulars.data.identity import NOBODY, placeholders
from regulars_workbench.check.counts import Counts
from regulars_workbench.check.report import Finding
from regulars_workbench.check.rules import found

STEPS = {
    "spaces": pl.col("one").str.strip_chars().str.replace_all(r"\s+", " "),
    "lower": pl.col("one").str.to_lowercase(),
    "float": pl.col("one").str.replace(r"^(\d+)\.0+$", "$1"),
    "zeros": pl.col("one").str.replace(r"^0+(\d)", "$1"),
}
"""What each word of the map's `normalise` does to an id, in the order in which it is done."""

SHOWN = 4


def odd_identities(counts: Counts, minor_units: int, currency: str) -> list[Finding]:
    """Return the findings about ids that would be one customer, and about ids of nobody."""
    frame = counts.frame("customer_orders").select("customer_id", "spend_cents")
    people = frame.filter(~pl.col("customer_id").str.strip_chars().str.to_lowercase().is_in(NOBODY))
    return [*_merging(people), *_nobody(counts, frame, minor_units, currency)]


def _merging(frame: pl.DataFrame) -> list[Finding]:
    ids = frame.select("customer_id", one=pl.col("customer_id"))
    words = []
    for word, step in STEPS.items():
        merged = ids.with_columns(one=step)
        if merged["one"].n_unique() < ids["one"].n_unique():
            words.append(word)
        ids = merged
    groups = ids.group_by("one").agg(pl.col("customer_id").sort()).filter(pl.col("customer_id").list.len() > 1)
    if not groups.height:
        return []
    involved = int(groups["customer_id"].list.len().sum())
    pairs = [" ~ ".join(group) for group in groups.sort("one")["customer_id"].head(SHOWN).to_list()]
    listed = ", ".join(f'"{word}"' for word in words)
    after = ids["one"].n_unique()
    what = f": {', '.join(pairs)}; together {ids.height:,} customers would be {after:,}; normalise = [{listed}]"
    return found("merging_ids", "orders", involved, pairs, of=ids.height, what=what)


def _nobody(counts: Counts, frame: pl.DataFrame, minor_units: int, currency: str) -> list[Finding]:
    ids = placeholders(counts.connection, "orders")
    if not ids:
        return []
    revenue = int(frame["spend_cents"].sum() or 0)
    scale = 10**minor_units
    named = ", ".join(
        f"{who.customer_id or '(blank)'} ({who.orders:,} orders, {who.cents / scale:,.{minor_units}f} {currency})"
        for who in ids[:SHOWN]
    )
    share = sum(who.cents for who in ids) / revenue if revenue > 0 else 0.0
    what = f": {named}; {share:.0%} of all revenue"
    return found("placeholder_ids", "orders", len(ids), [who.customer_id for who in ids], of=frame.height, what=what)
