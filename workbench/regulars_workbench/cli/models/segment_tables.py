"""Tables of segments: the choice of k, the segments, and the changes since the last bundle."""

from collections.abc import Mapping
from typing import Any

from regulars_workbench.console import say, table


def segments(segment: Mapping[str, Any]) -> None:
    """Print the segment metrics of a manifest."""
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
            profile["segment_id"],
            profile["name"],
            profile["customers"],
            profile["spend_share"],
            profile["median_orders"],
            profile["median_recency_days"],
        )
        for profile in segment["segments"]
    ]
    heads = (">id", "segment", ">customers", ">share of spend", ">median orders", ">median recency, days")
    table("Segments", heads, rows)
    if segment["last"]:
        _since(segment["last"], {profile["segment_id"]: profile["name"] for profile in segment["segments"]})


def _since(last: Mapping[str, Any], names: Mapping[int, str]) -> None:
    rows = [
        (f"{number} {name}", *counts)
        for number, name, counts in zip(last["from"], last["from_names"], last["customers"], strict=True)
    ]
    heads = (f"in {last['bundle']}", *(f">{number} {names[number]}" for number in last["to"]))
    table("Customers by segment in the last bundle (rows) and in this one (columns)", heads, rows)
    say(f"{last['kept_share']:.1%} of the customers keep their segment")
    for number, was, now in last["renamed"]:
        say(f"segment {number} was {was}; its profile is now that of {now}", "yellow", "renamed: ")
    for word in ("new", "gone"):
        if last[word]:
            say(", ".join(map(str, last[word])), "yellow", f"{word} segments: ")
