"""Tables of `msgfs table`, read by DuckDB, pandas and PyArrow; and the recipes of docs/tables.md.

Usage: table.py MSGFS
"""

import csv
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import duckdb
import pandas
import pyarrow
import pyarrow.parquet
from pyarrow import ipc

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SAMPLES = ROOT / "tests" / "samples"
# The columns that the extension `pst` of DuckDB has of a message, and ours have in common with it.
PST = """
    subject varchar, body varchar, body_html varchar, sender_name varchar, sender_email_address varchar,
    recipients struct(display_name varchar, account_name varchar, email_address varchar, address_type varchar,
        recipient_type enum('TO', 'CC', 'BCC'), recipient_type_raw integer)[],
    attachments struct(filename varchar, mime_type varchar, size ubigint, attach_content_id varchar,
        attach_method enum('NO_ATTACHMENT', 'BY_VALUE', 'BY_REFERENCE', 'BY_REF_RESOLVE', 'BY_REF_ONLY',
            'EMBEDDED_MESSAGE', 'OLE'), is_message boolean, bytes blob)[],
    importance enum('LOW', 'NORMAL', 'HIGH'), creation_time timestamp_s, last_modified timestamp_s,
    message_delivery_time timestamp_s, message_class varchar, message_flags integer, message_size ubigint,
    conversation_topic varchar, internet_message_id varchar
"""


class Tables:
    """The samples in every form, in a folder of their own."""

    def __init__(self, msgfs, folder):
        self.msgfs, self.folder = msgfs, folder
        shutil.copytree(SAMPLES, folder / "mail")

    def make(self, out, *options):
        path = self.folder / out
        subprocess.run([self.msgfs, "table", *options, self.folder / "mail", path], check=True, capture_output=True)
        return path


def test_every_form_holds_the_same(tables):
    options = ["--embedded", "--html"]
    parquet = pyarrow.parquet.read_table(tables.make("t.parquet", *options))
    file = ipc.open_file(tables.make("t.arrow", *options)).read_all()
    command = [tables.msgfs, "table", *options, tables.folder / "mail", "-"]
    stream = ipc.open_stream(subprocess.run(command, check=True, capture_output=True).stdout).read_all()
    assert parquet.num_rows == 14 and parquet.equals(file) and parquet.equals(stream)
    tables.make("parts/", *options, "--files-per-part", "5")
    parts = [pyarrow.parquet.read_table(part) for part in sorted((tables.folder / "parts").glob("*.parquet"))]
    assert len(parts) == 3 and parquet.equals(pyarrow.concat_tables(parts))
    with open(tables.make("t.csv", *options, "--raw"), newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    for name in ["path", "subject", "sender_email_address", "body"]:
        told = [value or "" for value in parquet[name].to_pylist()]
        assert [row[name] for row in rows] == told, name
    frame = pandas.read_csv(tables.folder / "t.csv")
    assert len(frame) == parquet.num_rows
    assert frame["message_size"].sum() == sum(size for size in parquet["message_size"].to_pylist() if size)


def test_the_schema_is_that_of_spark(tables):
    path = tables.make("t.parquet")
    metadata = pyarrow.parquet.ParquetFile(path).metadata.metadata
    assert metadata[b"msgfs.schema"] == b"1" and b"msgfs.version" in metadata
    schema = pyarrow.parquet.read_schema(path)

    def check(field):
        kind = field.type
        assert field.nullable, field
        if pyarrow.types.is_timestamp(kind):
            assert kind == pyarrow.timestamp("us", tz="UTC"), field
        elif pyarrow.types.is_list(kind):
            assert kind.value_field.name == "element", field
            check(kind.value_field)
        elif pyarrow.types.is_struct(kind):
            for inner in kind.fields:
                check(inner)
        else:
            known = [pyarrow.string(), pyarrow.binary(), pyarrow.int32(), pyarrow.int64(), pyarrow.bool_()]
            assert kind in known, field

    for field in schema:
        check(field)


def test_no_name_needs_quotes(tables):
    path = tables.make("t.parquet", "--html")
    db = duckdb.connect()
    for field in pyarrow.parquet.read_schema(path):
        db.sql(f"select {field.name}, t.{field.name} as x from '{path}' t group by {field.name}").fetchall()
        if pyarrow.types.is_list(field.type) and pyarrow.types.is_struct(field.type.value_type):
            for inner in field.type.value_type.fields:
                db.sql(f"select {field.name}[1].{inner.name} from '{path}'").fetchall()
                unnested = f"select unnest({field.name}, recursive := true) from '{path}'"
                db.sql(f"select {inner.name} from ({unnested})").fetchall()


def test_rows_of_pst_files_join(tables):
    path = tables.make("t.parquet", "--html")
    db = duckdb.connect()
    db.sql(f"create table pst ({PST})")
    db.sql("insert into pst (subject, importance, recipients) values ('of a PST', 'HIGH', "
           "[{'display_name': 'Bo', 'account_name': 'bo', 'email_address': 'bo@example.org', "
           "'address_type': 'SMTP', 'recipient_type': 'TO', 'recipient_type_raw': 1}])")
    ours = set(pyarrow.parquet.read_schema(path).names)
    theirs = {name for name, *_ in db.sql("describe pst").fetchall()}
    assert theirs <= ours, theirs - ours
    both = f"from pst union all by name from '{path}'"
    found = db.sql(f"select count(*), count(subject) filter (where importance = 'HIGH') from ({both})").fetchall()
    assert found[0][0] == 13 and found[0][1] >= 1, found
    named = db.sql(f"select count(*) from (select unnest(recipients) r from ({both})) where r.display_name is not null")
    assert named.fetchall()[0][0] > 10


def test_a_question_is_answered(tables):
    """Who sent what to whom in 2024, with PDFs."""
    path = tables.make("t.parquet")
    rows = duckdb.sql(f"""
        select sender_email_address, subject, list_sort([r.email_address for r in recipients]),
            [a.filename for a in attachments if a.filename ilike '%.pdf']
        from '{path}' where year(client_submit_time) = 2024
            and len([a for a in attachments if a.mime_type = 'application/pdf']) > 0""").fetchall()
    assert [(sender, len(names)) for sender, _, _, names in rows] == [("clara.diaz@example.com", 1)], rows


def recipes():
    """The commands of the page on tables."""
    page = (ROOT / "docs/tables.md").read_text(encoding="utf-8")
    section = page.split("\n## A table of the archive\n")[1].split("\n## ")[0]
    return [line[6:] for line in section.splitlines() if line.startswith("    $ ")]


def has_gnu_parallel():
    """The package moreutils has another program of this name."""
    if not shutil.which("parallel"):
        return False
    version = subprocess.run(["parallel", "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return "GNU parallel" in version.stdout


def test_the_recipes_run(tables):
    programs = tables.folder / "bin"
    programs.mkdir()
    (programs / "msgfs").symlink_to(tables.msgfs)
    (programs / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    # The package of Python has no command line.
    (programs / "duckdb").write_text(
        f"#!{sys.executable}\nimport duckdb, sys\nprint(duckdb.sql(sys.argv[2]).fetchall())\n")
    for name in ["python3", "duckdb"]:
        (programs / name).chmod(0o755)
    environment = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}", PYTHONDONTWRITEBYTECODE="1")
    commands = recipes()
    assert len(commands) >= 9, commands
    has_parallel = has_gnu_parallel()
    printed = {}
    for command in commands:
        if not has_parallel and ("parallel" in command or "shards/*" in command):
            print(f"SKIPPED: {command}: no GNU parallel")
            continue
        done = subprocess.run(["bash", "-c", command], cwd=tables.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        printed[command] = done.stdout
    pdfs = next(output for command, output in printed.items() if ".pdf" in command)
    assert "Quotation" in pdfs, pdfs
    assert not has_parallel or printed[commands[-1]].startswith("[(12, "), printed[commands[-1]]


def main():
    msgfs = pathlib.Path(sys.argv[1]).resolve()
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    for test in tests:
        with tempfile.TemporaryDirectory(prefix="msgfs-table-") as folder:
            test(Tables(msgfs, pathlib.Path(folder)))
        print(f"{test.__name__} ... ok")


if __name__ == "__main__":
    main()
