"""The data source of Spark on a standalone cluster: a master and two workers on loopback.

Usage: cluster.py MSGFS    (with a Python that has pyspark, pyarrow, pandas, duckdb and msgfs)
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable

import duckdb
import pyarrow.parquet
import pyspark
from pyspark.sql import DataFrame, SparkSession

from msgfs.spark import MsgDataSource, rows, rows_of, schema

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "samples"
COPIES = 17
#: Starting a JVM on a busy machine takes a while.
DEADLINE = 240.0
FILES_A_TASK = 2


def wait(what: str, condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + DEADLINE
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {DEADLINE} s: {what}")
        time.sleep(0.02)
    return found


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Daemon:
    """A master or a worker, with all that it starts, in a process group of its own."""

    def __init__(self, log: Path, *arguments: str) -> None:
        home = Path(pyspark.__file__).parent
        environment = os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
        self.log = log
        self.process = subprocess.Popen(
            [str(home / "bin" / "spark-class"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )

    def says(self, text: str) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.log.name} has ended:\n{self.log.read_text()}")
        return text in self.log.read_text(errors="replace")

    def kill(self) -> None:
        """Ends the JVM, the script that started it and its executors, and waits for them."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[Daemon]]]:
    port = free_port()
    deploy = "org.apache.spark.deploy"
    started: list[Daemon] = []
    try:
        ports = ("--host", "127.0.0.1", "--webui-port", "0")
        master = Daemon(folder / "master", f"{deploy}.master.Master", *ports, "--port", str(port))
        started.append(master)
        # A worker whom a master refuses that is not up yet tries again only after a while.
        wait("the master", lambda: master.says("I have been elected leader"))
        workers = []
        for number in range(2):
            work = folder / f"work{number}"
            worker = Daemon(
                folder / f"worker{number}",
                f"{deploy}.worker.Worker",
                *(*ports, "--cores", "1", "--memory", "700m", "--work-dir", str(work)),
                f"spark://127.0.0.1:{port}",
            )
            started.append(worker)
            workers.append(worker)
        for worker in workers:
            wait("a worker", lambda worker=worker: worker.says("Successfully registered"))
        yield f"spark://127.0.0.1:{port}", workers
    finally:
        for daemon in started:
            daemon.kill()


def archive(folder: Path) -> Path:
    """Some 200 messages, a file that is no message among them, and files that are none."""
    mail = folder / "mail"
    for number in range(COPIES):
        shutil.copytree(SAMPLES, mail / f"{number:02}")
    return mail


def by_path(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["path"]: row for row in rows}


def plain(value: Any) -> Any:
    """A value of Spark as one of Python."""
    if hasattr(value, "asDict"):
        return {name: plain(one) for name, one in value.asDict().items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, bytearray):
        return bytes(value)
    return value.timestamp() if hasattr(value, "timestamp") else value


def collected(frame: DataFrame) -> list[dict[str, Any]]:
    return [plain(row) for row in frame.collect()]


def table(program: str, mail: Path, out: Path, *options: str) -> list[dict[str, Any]]:
    subprocess.run([program, "table", *options, str(mail), str(out)], check=True)
    return [
        {name: plain(value) for name, value in row.items()}
        for row in pyarrow.parquet.read_table(out).to_pylist()
    ]


def check_every_row(spark: SparkSession, program: str, mail: Path, folder: Path) -> None:
    expected = by_path(table(program, mail, folder / "all.parquet"))
    reader = spark.read.format("msg").option("partitionFiles", FILES_A_TASK)
    found = by_path(collected(reader.load(str(mail))))
    assert len(found) == len(expected) > 150, (len(found), len(expected))
    for path, row in expected.items():
        assert found[path] == row, f"{path}:\n{found[path]}\n{row}"
    print(f"{len(found)} rows are those of msgfs table")
    whole = [path for path, row in expected.items() if not row["defects"]]
    compared = 0
    for path in whole[:10]:
        for file, column in {"subject": "subject", "body.txt": "body"}.items():
            shown = subprocess.run([program, "cat", f"{path}/{file}"], capture_output=True, check=False)
            if shown.returncode == 0:
                text = shown.stdout.decode()
                assert (found[path][column] or "").rstrip("\n") == text.rstrip("\n"), (path, column)
                compared += 1
    assert compared >= 10, f"only {compared} values were compared with msgfs cat"
    assert any(row["defects"] for row in found.values()), "a bad file is a row"
    columns = "path,subject,client_submit_time"
    some = spark.read.format("msg").option("columns", columns).load(mail.as_uri())
    assert some.columns == columns.split(",")
    assert {row.path for row in some.collect()} == set(expected)
    narrow = spark.read.format("msg").schema("subject string, depth int").load(str(mail))
    assert {row.depth for row in narrow.collect()} == {0}
    for name in reader.load(str(mail)).columns:
        # No column needs quotes.
        spark.sql(f"select 1 as {name}").collect()


def check_map_in_arrow(spark: SparkSession, mail: Path) -> None:
    files = spark.read.format("binaryFile").option("pathGlobFilter", "*.{msg,oft}")
    files = files.option("recursiveFileLookup", "true").load(str(mail)).select("path", "content")
    columns = "path,subject"
    subjects = {row.subject for row in files.mapInArrow(rows_of(columns), schema(columns)).collect()}
    assert {"Re: Lunch on Friday", "Fwd: Lost parcel", None} <= subjects, subjects
    assert files.limit(3).mapInArrow(rows, schema()).count() == 3


def check_a_killed_worker(
    spark: SparkSession, worker: Daemon, program: str, mail: Path, folder: Path
) -> None:
    """The job ends right though a worker dies in the middle of it."""
    columns = "path,subject,body,attachments"
    options = ("--columns", columns)
    expected = by_path(table(program, mail, folder / "some.parquet", *options))
    reader = spark.read.format("msg").option("partitionFiles", 1).option("columns", columns)
    frame = reader.load(str(mail))
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(collected(frame))
        except BaseException as error:  # noqa: BLE001
            outcome.append(error)

    job = threading.Thread(target=run)
    tracker = spark.sparkContext.statusTracker()
    job.start()

    def is_in_the_middle() -> bool:
        if not job.is_alive():
            raise RuntimeError(f"the job ended before the worker was killed: {outcome!r:.300}")
        stages = [tracker.getStageInfo(one) for one in tracker.getActiveStageIds()]
        return any(stage and 5 <= stage.numCompletedTasks < stage.numTasks / 2 for stage in stages)

    wait("the middle of the job", is_in_the_middle)
    worker.kill()
    print("a worker was killed in the middle of the job")
    job.join(DEADLINE)
    assert outcome and not isinstance(outcome[0], BaseException), outcome
    assert by_path(outcome[0]) == expected, "rows differ after a worker was killed"
    print(f"{len(expected)} rows are right all the same")


def check_a_question(spark: SparkSession, program: str, mail: Path, folder: Path) -> None:
    """Who sent what to whom in 2024, with PDFs: the same answer from both engines."""
    parquet = folder / "question.parquet"
    table(program, mail, parquet)
    names = "transform(recipients, r -> r.email_address)"
    spark.read.format("msg").load(str(mail)).createOrReplaceTempView("mail")
    condition = "year(client_submit_time) = 2024"
    of_spark = spark.sql(
        f"select sender_email_address a, subject b, {names} c from mail where {condition}"
        " and exists(attachments, f -> f.filename like '%.pdf') order by path"
    )
    of_duckdb = duckdb.sql(
        "select sender_email_address a, subject b,"
        " list_transform(recipients, lambda r: r.email_address) c"
        f" from '{parquet}' where {condition}"
        " and len(list_filter(attachments, lambda f: f.filename like '%.pdf')) > 0 order by path"
    )
    spark_rows = [(row.a, row.b, list(row.c)) for row in of_spark.collect()]
    assert spark_rows == [(a, b, list(c)) for a, b, c in of_duckdb.fetchall()]
    assert len(spark_rows) >= COPIES, spark_rows
    print(f"{len(spark_rows)} answers are the same in Spark and in DuckDB")


def main(program: str) -> None:
    with tempfile.TemporaryDirectory(prefix="msgfs-spark-") as name:
        folder = Path(name)
        mail = archive(folder)
        with cluster(folder) as (url, workers):
            session = SparkSession.builder.master(url).config(
                map={
                    "spark.driver.bindAddress": "127.0.0.1",
                    "spark.driver.host": "127.0.0.1",
                    "spark.driver.memory": "600m",
                    "spark.executor.memory": "500m",
                    "spark.sql.session.timeZone": "UTC",
                    "spark.sql.shuffle.partitions": "2",
                    "spark.ui.enabled": "false",
                    "spark.ui.showConsoleProgress": "false",
                }
            )
            spark = session.getOrCreate()
            spark.sparkContext.setLogLevel("ERROR")
            try:
                spark.dataSource.register(MsgDataSource)
                check_every_row(spark, program, mail, folder)
                check_map_in_arrow(spark, mail)
                check_a_question(spark, program, mail, folder)
                check_a_killed_worker(spark, workers[0], program, mail, folder)
            finally:
                spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
