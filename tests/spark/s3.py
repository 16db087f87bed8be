"""Messages in object storage: a real S3 server on loopback, read through PyArrow's file system.

Usage: s3.py MSGFS    (with a Python that has pyspark, pyarrow, moto and msgfs)
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
os.environ |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1"}

import pyarrow.fs
from moto.server import ThreadedMotoServer
from pyspark.sql import SparkSession

import msgfs
from msgfs.spark import MsgDataSource

SAMPLES = Path(__file__).resolve().parents[2] / "tests" / "samples"


def main() -> None:
    # Its requests would fill the log.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    filesystem = pyarrow.fs.S3FileSystem(
        endpoint_override=f"{host}:{port}", scheme="http", allow_bucket_creation=True
    )
    filesystem.create_dir("mail")
    names = sorted(path.relative_to(SAMPLES) for path in SAMPLES.rglob("*.*") if path.is_file())
    for name in names:
        with filesystem.open_output_stream(f"mail/2024/{name}") as out:
            out.write((SAMPLES / name).read_bytes())
    config = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    spark = SparkSession.builder.master("local[2]").config(map=config).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    try:
        spark.dataSource.register(MsgDataSource)
        reader = spark.read.format("msg").option("columns", "path,subject,defects")
        uri = f"s3://mail/2024?endpoint_override={host}:{port}&scheme=http"
        rows = {row.path: row for row in reader.load(uri).collect()}
    finally:
        spark.stop()
        server.stop()
    mails = [name for name in names if name.suffix in (".msg", ".oft")]
    assert sorted(rows) == sorted(f"s3://mail/2024/{name}" for name in mails), sorted(rows)
    for name in mails:
        row = rows[f"s3://mail/2024/{name}"]
        try:
            assert row.subject == msgfs.Message(SAMPLES / name).subject, name
        except msgfs.OpenError:
            assert row.subject is None and row.defects, name
    print(f"{len(rows)} messages were read from S3")


if __name__ == "__main__":
    main()
