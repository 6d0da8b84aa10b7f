"""Random draws: stable, uniform, and independent of each other."""

import duckdb
import numpy as np

from regulars.actions.random_draws import action_draws, customer_draws, uniform


def test_duckdb_makes_the_same_draws(connection: duckdb.DuckDBPyConnection) -> None:
    ids = ["C1", "Zoë", ""]
    draws = [
        connection.execute("select md5_number_upper(concat('salt:', $1))", [name]).fetchall()[0][0] for name in ids
    ]
    assert customer_draws(ids, "salt").tolist() == draws


def test_draws_differ_by_salt_and_action_and_are_uniform() -> None:
    ids = [f"C{at}" for at in range(4_000)]
    draws = customer_draws(ids, "a")
    numbers = [uniform(draws), uniform(customer_draws(ids, "b")), uniform(action_draws(draws, "email"))]
    numbers.append(uniform(action_draws(draws, "call")))
    assert np.abs(np.corrcoef(numbers) - np.eye(4)).max() < 0.06
    assert all(abs(draw.mean() - 0.5) < 0.02 for draw in numbers)
