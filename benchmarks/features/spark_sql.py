"""The SQL files on Spark: transpiled by sqlglot, on views with the contract's columns over a lake's Parquet."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import sqlglot
from pyspark.sql import DataFrame, SparkSession

from regulars.data.schema import TABLES, Table
from regulars.data.sql import Relation, SqlFolder

SPARK_TYPES = {"VARCHAR": "string", "TIMESTAMP": "timestamp_ntz", "BIGINT": "bigint", "DOUBLE": "double"}


def session(threads: int, memory: str, partitions: int, scratch: Path) -> SparkSession:
    """Start Spark in this process, in UTC, without web page and console messages."""
    options = {
        "spark.driver.memory": memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={scratch}",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(partitions),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master(f"local[{threads}]").appName("regulars")
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def attach(spark: SparkSession, lake: Path) -> None:
    """Create the contract's views, the only SQL written for Spark: absent columns are null, integer times are added."""
    for table in TABLES.values():
        files = sorted(map(str, (lake / table.name).glob("**/*.parquet")))
        frame = spark.read.parquet(*files) if files else None
        present = frame.columns if frame else []
        columns = [_column(column.lake_name, column.lake_type, present) for column in table.columns]
        if frame:
            frame.createOrReplaceTempView(f"given_{table.name}")
        inner = f"select {', '.join(columns)} {f'from given_{table.name}' if frame else 'where false'}"
        spark.sql(f"select *, {_integers(table)} from ({inner})").createOrReplaceTempView(table.name)


def _column(name: str, kind: str, present: Iterable[str]) -> str:
    return name if name in present else f"cast(null as {SPARK_TYPES.get(kind, kind)}) as {name}"


def _integers(table: Table) -> str:
    seconds = f"unix_seconds(cast({table.time} as timestamp))"
    return f"{seconds} as {table.time}_s, cast(floor({seconds} / 86400) as bigint) as {table.time}_day"


def transpiled(relation: Relation) -> str:
    """Return a file as Spark SQL, with `:name` for `$name`."""
    [text] = sqlglot.transpile(
        relation.text, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE, comments=False
    )
    return text


def make(
    spark: SparkSession, sql: SqlFolder, names: Iterable[str], params: Mapping[str, str | int], kept: Iterable[str] = ()
) -> dict[str, DataFrame]:
    """Create the named relations as views, in the order given; rows of relations in `kept` stay in memory."""
    made = {}
    for name in names:
        relation = sql.relations[name]
        frame = spark.sql(transpiled(relation), {key: params[key] for key in relation.params})
        made[name] = frame.cache() if name in kept else frame
        made[name].createOrReplaceTempView(name)
    return made
