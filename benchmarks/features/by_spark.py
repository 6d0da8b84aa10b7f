"""The same SQL files on PySpark, in one JVM on this machine: a first run in a new session, then a warm run."""

from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks.features.contender import Task, arguments, contend
from benchmarks.features.spark_sql import attach, make, session
from regulars.data.sql import SqlFolder
from regulars.features.cut_points import CUT_POINTS
from regulars.features.relations import APPLIED, BASE, RFM
from regulars.instants import as_of_params

SQL = SqlFolder(Path(__file__).parents[2] / "sql")
MEMORY = "6g"
NAMES = (*BASE, RFM, CUT_POINTS, *APPLIED)
KEPT = ("purchases",)
"""Relations with several readers, kept in memory like ours; else Spark computes them for each reader."""


def features(spark: SparkSession, task: Task) -> None:
    """From the lake to a folder of Parquet files."""
    spark.catalog.clearCache()
    attach(spark, task.lake)
    params = as_of_params(task.as_of)
    made = make(spark, SQL, NAMES, params, KEPT)["customer_features"]
    made = made.selectExpr(f"cast('{params['as_of']}' as timestamp_ntz) as as_of", "*")
    made.write.mode("overwrite").parquet(str(task.out))


if __name__ == "__main__":
    task = arguments()
    started: list[SparkSession] = []
    contend(
        lambda: started.append(session(task.threads, MEMORY, 2 * task.threads, task.temp)),
        lambda: features(started[0], task),
        lambda: features(started[0], task),
    )
    started[0].stop()
