"""Findings about customer ids: several spellings of one customer, and ids that stand for no customer."""

import polars as pl

from regulars.data.identity import NOBODY, placeholders
from regulars_workbench.check.counts import Counts
from regulars_workbench.check.report import Finding
from regulars_workbench.check.rules.index import findings_of

STEPS = {
    "spaces": pl.col("merged_id").str.strip_chars().str.replace_all(r"\s+", " "),
    "lower": pl.col("merged_id").str.to_lowercase(),
    "float": pl.col("merged_id").str.replace(r"^(\d+)\.0+$", "$1"),
    "zeros": pl.col("merged_id").str.replace(r"^0+(\d)", "$1"),
}
"""What each word of `normalise` in the map does to an id, in the order of application."""

SHOWN = 4


def odd_identities(counts: Counts, minor_units: int, currency: str) -> list[Finding]:
    """Return the findings about ids that may be one customer, and about placeholders."""
    frame = counts.frame("customer_orders").select("customer_id", "spend_cents")
    people = frame.filter(~pl.col("customer_id").str.strip_chars().str.to_lowercase().is_in(NOBODY))
    return [*_merging(people), *_placeholders(counts, frame, minor_units, currency)]


def _merging(frame: pl.DataFrame) -> list[Finding]:
    ids = frame.select("customer_id", merged_id=pl.col("customer_id"))
    words = []
    for word, step in STEPS.items():
        merged = ids.with_columns(merged_id=step)
        if merged["merged_id"].n_unique() < ids["merged_id"].n_unique():
            words.append(word)
        ids = merged
    groups = ids.group_by("merged_id").agg(pl.col("customer_id").sort()).filter(pl.col("customer_id").list.len() > 1)
    if not groups.height:
        return []
    involved = int(groups["customer_id"].list.len().sum())
    pairs = [" ~ ".join(group) for group in groups.sort("merged_id")["customer_id"].head(SHOWN).to_list()]
    listed = ", ".join(f'"{word}"' for word in words)
    after = ids["merged_id"].n_unique()
    detail = f": {', '.join(pairs)}; {ids.height:,} customers would become {after:,} with normalise = [{listed}]"
    return findings_of("merging_ids", "orders", involved, pairs, of=ids.height, detail=detail)


def _placeholders(counts: Counts, frame: pl.DataFrame, minor_units: int, currency: str) -> list[Finding]:
    ids = placeholders(counts.connection, "orders")
    if not ids:
        return []
    revenue = int(frame["spend_cents"].sum() or 0)
    scale = 10**minor_units
    named = ", ".join(
        f"{entry.customer_id or '(blank)'} ({entry.orders:,} orders, {entry.cents / scale:,.{minor_units}f} {currency})"
        for entry in ids[:SHOWN]
    )
    share = sum(entry.cents for entry in ids) / revenue if revenue > 0 else 0.0
    detail = f": {named}; {share:.0%} of all revenue"
    return findings_of(
        "placeholder_ids",
        "orders",
        len(ids),
        [entry.customer_id for entry in ids],
        of=frame.height,
        detail=detail,
    )
