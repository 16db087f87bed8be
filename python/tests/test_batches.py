"""`read_batches`: the rows of a table, through PyArrow."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Iterator

import pytest

import msgfs

pa = pytest.importorskip("pyarrow")


def read(inputs: object, **options: object) -> "pa.Table":
    return pa.RecordBatchReader.from_stream(msgfs.read_batches(inputs, **options)).read_all()


def test_rows_are_what_messages_say(samples: Path) -> None:
    paths = sorted(samples.glob("*.msg"))
    table = read(paths)
    assert table.num_rows == len(paths)
    for path, row in zip(paths, table.to_pylist()):
        message = msgfs.Message(path)
        assert (row["path"], row["subject"]) == (str(path), message.subject)
        assert row["client_submit_time"] == message.date
        assert row["body"] == message.text
        assert row["message_size"] == message.size
        assert [one["filename"] for one in row["attachments"]] == [
            one.name for one in message.attachments
        ]
        assert [one["email_address"] for one in row["recipients"]] == [
            one.address for one in message.recipients
        ]


def test_columns_and_options(samples: Path) -> None:
    path = samples / "Fwd Lost parcel.msg"
    assert read([path], columns="subject,path").column_names == ["subject", "path"]
    assert msgfs.read_batches([path], columns=["path"]).columns == ["path"]
    assert read([path], hashes=False).column("sha256").to_pylist() == [None]
    assert "body_html" in read([path], html=True).column_names
    rows = read([path], embedded=True, columns="subject,parent_path,depth").to_pylist()
    assert [row["depth"] for row in rows] == [0, 1, 2] and rows[1]["parent_path"] == str(path)
    with pytest.raises(ValueError, match="no_such"):
        msgfs.read_batches([path], columns="no_such")


def test_bytes_and_failures(samples: Path) -> None:
    content = (samples / "Lunch on Friday.msg").read_bytes()
    inputs = [
        ("a/b.msg", content),
        ("c.msg", bytearray(b"no message")),
        ("d.msg", PermissionError("not for you")),
        samples / "none.msg",
    ]
    rows = read(inputs, columns="path,subject,defects").to_pylist()
    assert [row["path"] for row in rows[:3]] == ["a/b.msg", "c.msg", "d.msg"]
    assert rows[0]["subject"] == "Re: Lunch on Friday" and not rows[0]["defects"]
    assert all(row["subject"] is None and row["defects"] for row in rows[1:])
    assert rows[2]["defects"][0]["cause"] == "not for you"


def test_the_messages_of_a_zip_archive(samples: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mail.zip", "w") as archive:
        archive.write(samples / "Lunch on Friday.msg", "2024/lunch.msg")
    archive = zipfile.ZipFile(tmp_path / "mail.zip")
    rows = read((name, archive.read(name)) for name in archive.namelist()).to_pylist()
    assert [(row["path"], row["subject"]) for row in rows] == [
        ("2024/lunch.msg", "Re: Lunch on Friday")
    ]


def test_the_lines_of_the_page_on_tables(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("duckdb")
    blocks = (samples.parents[1] / "docs/tables.md").read_text().split("```python\n")[1:]
    [code] = [one for one in (one.split("```")[0] for one in blocks) if "zipfile" in one]
    with zipfile.ZipFile(tmp_path / "mail.zip", "w") as archive:
        archive.write(samples / "Lunch on Friday.msg", "2024/lunch.msg")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "tables.md", "exec"), {})
    assert "Re: Lunch on Friday" in capsys.readouterr().out


def test_an_error_of_the_iterator_is_no_end(samples: Path) -> None:
    def paths() -> Iterator[Path]:
        yield samples / "Lunch on Friday.msg"
        raise RuntimeError("the list was cut short")

    with pytest.raises(Exception, match="the list was cut short"):
        read(paths())
    with pytest.raises(Exception, match="expected paths"):
        read([17])


def test_batches_are_taken_once(samples: Path) -> None:
    batches = msgfs.read_batches([samples / "Lunch on Friday.msg"])
    assert pa.RecordBatchReader.from_stream(batches).read_all().num_rows == 1
    with pytest.raises(RuntimeError, match="already"):
        pa.RecordBatchReader.from_stream(batches)
    # A stream that no consumer takes is released.
    msgfs.read_batches(io.StringIO("a\nb\n")).__arrow_c_stream__()


def test_messages_are_read_as_they_are_asked_for(samples: Path) -> None:
    asked = 0

    def paths() -> Iterator[Path]:
        nonlocal asked
        for _ in range(5000):
            asked += 1
            yield samples / "Lunch on Friday.msg"

    reader = pa.RecordBatchReader.from_stream(msgfs.read_batches(paths(), columns="subject"))
    assert asked == 0
    assert reader.read_next_batch().num_rows == 1024
    assert asked < 2000
    assert sum(batch.num_rows for batch in reader) == 5000 - 1024
