"""The calls of `regulars features`, with a chosen number of threads: `python -m benchmarks.features.ours`."""

from pathlib import Path

from benchmarks.features.contender import Task, arguments, contend
from regulars.data.lake import attach
from regulars.data.sql import SqlFolder, connect
from regulars.features.relations import make_features_learning, write_features

SQL = SqlFolder(Path(__file__).parents[2] / "sql")


def features(task: Task) -> None:
    """From the lake to the file."""
    with connect(task.memory_limit, task.threads, task.temp) as connection:
        attach(connection, task.lake)
        make_features_learning(connection, SQL, task.as_of)
        write_features(connection, task.as_of, task.out)


if __name__ == "__main__":
    task = arguments()
    contend(lambda: features(task))
