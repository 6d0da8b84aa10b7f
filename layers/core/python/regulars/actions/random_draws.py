"""Random draws that never change: a salted hash gives each customer, and each customer and action, the same number."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from regulars.arrays import FloatArray

RandomDraws = npt.NDArray[np.uint64]


def customer_draws(customer_ids: Sequence[str] | npt.NDArray[np.object_], salt: str) -> RandomDraws:
    """Return 64 random bits for each customer: the first half of the MD5 of "salt:customer_id", low byte first.

    It equals `md5_number_upper` of that text in DuckDB, which is faster for a million customers.
    """
    digests = (
        hashlib.md5(f"{salt}:{customer_id}".encode(), usedforsecurity=False).digest()[:8]
        for customer_id in customer_ids
    )
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def action_draws(draws: RandomDraws, action: str) -> RandomDraws:
    """Return the customers' draws for one action, independent of the draws for other actions.

    The finaliser of SplitMix64: Steele, Lea, Flood 2014, Fast Splittable Pseudorandom Number Generators.
    """
    name_bits = hashlib.md5(action.encode(), usedforsecurity=False).digest()[:8]
    mixed: RandomDraws = draws ^ np.uint64(int.from_bytes(name_bits, "little"))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def uniform(draws: RandomDraws) -> FloatArray:
    """Return draws as numbers in [0, 1)."""
    return (draws >> np.uint64(11)).astype(np.float64) * 2.0**-53
