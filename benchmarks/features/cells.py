"""Compare two Parquet tables cell by cell."""

from pathlib import Path

import numpy as np
import polars as pl


def read(path: Path) -> pl.DataFrame:
    """Read a Parquet file, or a folder of them."""
    return pl.read_parquet(sorted(path.glob("*.parquet")) if path.is_dir() else path)


def ordered(frame: pl.DataFrame) -> pl.DataFrame:
    """Sort by every column, doubles last: both engines then have the same order, unless doubles decide it."""
    exact = [name for name, kind in frame.schema.items() if not kind.is_float()]
    return frame.sort([*exact, *(name for name in frame.columns if name not in exact)], nulls_last=True)


def differing(ours: pl.DataFrame, theirs: pl.DataFrame, tolerance: float | None = None) -> dict[str, int]:
    """Count differing cells by column, of tables with rows in the same order; columns without any are left out.

    Doubles are equal when all bits are; with a `tolerance`, when their relative difference is at most that. Other types
    are compared by value. With a `tolerance`, integers may be whole doubles, since pandas has no null integers.
    ValueError when columns or numbers of rows differ.
    """
    if ours.columns != theirs.columns:
        raise ValueError(f"columns differ: {ours.columns} and {theirs.columns}")
    if len(ours) != len(theirs):
        raise ValueError(f"rows differ: {len(ours):,} and {len(theirs):,}")
    counts = {name: _different(ours[name], theirs[name], tolerance) for name in ours.columns}
    return {name: count for name, count in counts.items() if count}


def _different(ours: pl.Series, theirs: pl.Series, tolerance: float | None) -> int:
    if ours.dtype.is_float() != theirs.dtype.is_float():
        if tolerance is None or ours.dtype.is_float():
            raise ValueError(f"{ours.name}: {ours.dtype} and {theirs.dtype}")
        return int(ours.cast(pl.Float64).ne_missing(theirs).sum())
    if not ours.dtype.is_float():
        return int(ours.ne_missing(theirs.cast(ours.dtype)).sum())
    nulls = ours.is_null().to_numpy(), theirs.is_null().to_numpy()
    left, right = ours.fill_null(0).to_numpy(), theirs.fill_null(0).to_numpy()
    if tolerance is None:
        unlike = left.view(np.int64) != right.view(np.int64)
    else:
        unlike = ~np.isclose(left, right, rtol=tolerance, atol=0, equal_nan=True)
    return int((unlike | (nulls[0] != nulls[1])).sum())
