"""Segments for people: the evidence for k, what each segment is like, and what became of the last bundle's."""

from collections.abc import Mapping
from typing import Any

from regulars_workbench.console import say, table


def segments(segment: Mapping[str, Any]) -> None:
    """Print the segment part of a manifest's metrics."""
    marks = segment["suggested"]
    evidence = [
        (
            row["k"],
            row["inertia"],
            row["silhouette"],
            ", ".join(name for name, k in marks.items() if k == row["k"]),
            "<-" if row["k"] == segment["k"] else "",
        )
        for row in segment["evidence"]
    ]
    title = "How many segments (elbow and silhouette)"
    table(title, (">k", ">inertia", ">silhouette", "suggested by", "used"), evidence)
    rows = [
        (
            one["segment_id"],
            one["name"],
            one["customers"],
            one["spend_share"],
            one["median_orders"],
            one["median_recency_days"],
        )
        for one in segment["segments"]
    ]
    heads = (">id", "segment", ">customers", ">share of spend", ">median orders", ">median recency, days")
    table("Segments", heads, rows)
    if segment["last"]:
        _since(segment["last"], {one["segment_id"]: one["name"] for one in segment["segments"]})


def _since(last: Mapping[str, Any], names: Mapping[int, str]) -> None:
    rows = [
        (f"{number} {name}", *counts)
        for number, name, counts in zip(last["from"], last["from_names"], last["customers"], strict=True)
    ]
    heads = (f"in {last['bundle']}", *(f">{number} {names[number]}" for number in last["to"]))
    table("Today's customers by their segment in the last bundle, and now", heads, rows)
    say(f"{last['kept_share']:.1%} of today's customers keep their segment")
    for number, was, now in last["renamed"]:
        say(f"segment {number} is no longer like {was}: its profile is that of {now}", "yellow", "renamed: ")
    for word in ("new", "gone"):
        if last[word]:
            say(", ".join(map(str, last[word])), "yellow", f"{word} segments: ")
