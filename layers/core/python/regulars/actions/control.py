"""The control group. A salted hash gives each customer and action a random draw that never changes."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

RandomDraws = npt.NDArray[np.uint64]


def customer_draws(customer_ids: Sequence[str] | npt.NDArray[np.object_], salt: str) -> RandomDraws:
    """Return 64 bits a customer: the first half of the MD5 of "salt:customer_id", low byte first.

    The same as `md5_number_upper` of that text in DuckDB, which is quicker for a million.
    """
    digests = (hashlib.md5(f"{salt}:{one}".encode(), usedforsecurity=False).digest()[:8] for one in customer_ids)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def action_draws(draws: RandomDraws, action: str) -> RandomDraws:
    """Return the customers' draws for one action, independent of other actions' (finaliser of SplitMix64).

    Steele, Lea, Flood 2014, Fast Splittable Pseudorandom Number Generators.
    """
    word = hashlib.md5(action.encode(), usedforsecurity=False).digest()[:8]
    mixed: RandomDraws = draws ^ np.uint64(int.from_bytes(word, "little"))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def uniform(draws: RandomDraws) -> npt.NDArray[np.float64]:
    """Return draws as numbers in [0, 1)."""
    return (draws >> np.uint64(11)).astype(np.float64) * 2.0**-53


def hold_out(strata: npt.NDArray[np.int64], draws: RandomDraws, share: float) -> npt.NDArray[np.bool_]:
    """Say who of n customers is control: in each stratum those with the lowest draws, `share` of them.

    `strata` are codes, shape (n,). Counts are those of cumulative rounding, so that each stratum and all together are
    within one customer of the share, and small strata do not add up to none.
    """
    order = np.lexsort((draws, strata))
    held = np.zeros(len(strata), dtype=bool)
    _, first, counts = np.unique(strata[order], return_index=True, return_counts=True)
    ends = np.floor(np.cumsum(counts) * share + 0.5).astype(np.int64)
    take = np.diff(ends, prepend=0)
    rank = np.arange(len(strata)) - np.repeat(first, counts)
    held[order[rank < np.repeat(take, counts)]] = True
    return held
