"""The holdout: stable draws, and the share that was asked for in every stratum."""

import duckdb
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regulars.actions.control import action_draws, customer_draws, hold_out, uniform


def test_draws_are_those_that_duckdb_makes(connection: duckdb.DuckDBPyConnection) -> None:
    ids = ["C1", "Zoë", ""]
    made = [connection.execute("select md5_number_upper(concat('salt:', $1))", [one]).fetchall()[0][0] for one in ids]
    assert customer_draws(ids, "salt").tolist() == made


def test_draws_differ_by_salt_and_action_and_are_uniform() -> None:
    ids = [f"C{at}" for at in range(4_000)]
    draws = customer_draws(ids, "a")
    numbers = [uniform(draws), uniform(customer_draws(ids, "b")), uniform(action_draws(draws, "email"))]
    numbers.append(uniform(action_draws(draws, "call")))
    assert np.abs(np.corrcoef(numbers) - np.eye(4)).max() < 0.06
    assert all(abs(one.mean() - 0.5) < 0.02 for one in numbers)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.sampled_from([0.0, 0.1, 0.25, 0.5]))
def test_every_stratum_and_all_together_are_within_one_of_the_share(strata: list[int], share: float) -> None:
    codes = np.array(strata, dtype=np.int64)
    held = hold_out(codes, customer_draws([f"C{at}" for at in range(len(codes))], "s"), share)
    assert abs(held.sum() - share * len(codes)) <= 1
    for stratum in set(strata):
        inside = codes == stratum
        assert abs(held[inside].sum() - share * inside.sum()) <= 1


def test_it_hangs_on_no_order_of_rows() -> None:
    codes = np.arange(300, dtype=np.int64) % 7
    draws = customer_draws([f"C{at}" for at in range(300)], "s")
    turned = hold_out(codes[::-1], draws[::-1], 0.1)[::-1]
    assert np.array_equal(hold_out(codes, draws, 0.1), turned)
