"""The calls of `regulars features`, with the number of threads to choose: `python -m benchmarks.features.ours`."""

from pathlib import Path

from regulars.features import make_features_learning, write_features
from regulars.lake import attach
from regulars.sql import SqlFolder, connect

from benchmarks.features.contender import Task, contend, told

SQL = SqlFolder(Path(__file__).parents[2] / "sql")


def features(task: Task) -> None:
    """From the lake to the file."""
    with connect(task.memory_limit, task.threads, task.temp) as connection:
        attach(connection, task.lake)
        make_features_learning(connection, SQL, task.as_of)
        write_features(connection, task.as_of, task.out)


if __name__ == "__main__":
    given = told()
    contend(lambda: features(given))
