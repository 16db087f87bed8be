"""Tests of getters, exceptions and edits of messages."""

from __future__ import annotations

import datetime
import io
import json
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import msgfs

UTC = datetime.timezone.utc


@pytest.fixture
def lunch(samples: Path) -> msgfs.Message:
    return msgfs.Message(samples / "Lunch on Friday.msg")


def test_the_fields(lunch: msgfs.Message, samples: Path) -> None:
    assert lunch.subject == "Re: Lunch on Friday"
    assert lunch.from_ == msgfs.Address("Anna Berg", "anna.berg@example.org")
    assert str(lunch.sender) == "Anna Berg <anna.berg@example.org>"
    assert str(msgfs.Address("Anna@example.org", "anna@example.org")) == "anna@example.org"
    # As everywhere else: only ASCII letters are alike in an address, and a word is a name, too.
    assert str(msgfs.Address("Ä@example.org", "ä@example.org")) == "Ä@example.org <ä@example.org>"
    assert str(msgfs.Address("Anna", "anna")) == "Anna <anna>"
    assert str(msgfs.Address("Anna")) == "Anna"
    assert [one.address for one in lunch.to] == ["ben.okoro@example.org", "clara.diaz@example.com"]
    assert lunch.bcc == [] and lunch.reply_to == []
    assert lunch.date == datetime.datetime(2024, 5, 14, 8, 21, 7, tzinfo=UTC)
    assert lunch.message_class == "IPM.Note"
    assert lunch.importance == "high"
    assert lunch.text is not None and lunch.text.startswith("Hello Ben")
    assert lunch.html is None or "Content-Security-Policy" in lunch.html
    assert lunch.path == samples / "Lunch on Friday.msg"
    assert lunch.defects == [] and lunch.attachments == []
    assert [one.type for one in lunch.recipients] == ["to", "to", "cc"]
    assert repr(lunch).startswith("<msgfs.Message 'Re: Lunch on Friday' of ")


def winmail() -> bytes:
    """A TNEF stream ([MS-OXTNEF]) with a text and a file."""
    stream = (0x223E9F78).to_bytes(4, "little") + b"\x01\x00"
    for level, id, data in [
        (1, 0x0002800C, b"Text\r\n\0"),
        (2, 0x00069002, bytes(14)),
        (2, 0x00018010, b"file.txt\0"),
        (2, 0x0006800F, b"data"),
    ]:
        stream += bytes([level]) + id.to_bytes(4, "little") + len(data).to_bytes(4, "little") + data
        stream += (sum(data) & 0xFFFF).to_bytes(2, "little")
    return stream


def test_what_attachments_wrap(tmp_path: Path, lunch: msgfs.Message) -> None:
    assert lunch.wrapped == [] and lunch.details == []
    assert lunch.shown_text == lunch.text and lunch.shown_html == lunch.html
    message = msgfs.Message.create()
    message.add_attachment("winmail.dat", winmail())
    assert message.text is None
    assert message.shown_text == "Text\n" and message.shown_html is None
    [(path, inside)] = message.wrapped
    assert path == "attachments/winmail.dat.d"
    assert [one.name for one in inside.attachments] == ["file.txt"]


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "bytearray", "memoryview", "file"])
def test_every_source(samples: Path, kind: str) -> None:
    path = samples / "Lunch on Friday.msg"
    content = path.read_bytes()
    sources = {
        "path": path,
        "text": str(path),
        "bytes": content,
        "bytearray": bytearray(content),
        "memoryview": memoryview(content),
        "file": io.BytesIO(content),
    }
    assert msgfs.Message(sources[kind]).subject == "Re: Lunch on Friday"


def test_what_is_no_source(samples: Path) -> None:
    with pytest.raises(TypeError, match="expected a path"):
        msgfs.Message(17)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="binary"):
        msgfs.Message(io.StringIO("text"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no code page 9"):
        msgfs.Message(samples / "Lunch on Friday.msg", codepage=9)


def test_attachments(samples: Path, tmp_path: Path) -> None:
    message = msgfs.Message(samples / "Fwd Lost parcel.msg")
    [attachment] = message.attachments
    assert (attachment.name, attachment.kind) == ("Lost parcel.msg", "message")
    assert attachment.mime_type == "application/vnd.ms-outlook"
    content = attachment.read()
    assert attachment.size == len(content)
    assert attachment.message is not None and attachment.message.subject == "Lost parcel"
    assert msgfs.Message(content).subject == "Lost parcel"
    with attachment.open() as file:
        assert file.read(8) == content[:8]
        assert file.seek(-4, io.SEEK_END) == len(content) - 4
        assert file.read() == content[-4:]
    saved = [attachment.save(tmp_path), attachment.save(tmp_path)]
    assert [path.name for path in saved] == ["Lost parcel.msg", "Lost parcel (2).msg"]
    assert saved[0].read_bytes() == content
    # An attachment can still be read after its message was closed.
    message.close()
    assert attachment.read() == content


def test_properties(lunch: msgfs.Message, samples: Path) -> None:
    assert lunch.property("PR_SUBJECT") == lunch.property(0x0037001F) == "Re: Lunch on Friday"
    assert isinstance(lunch.property("PR_CLIENT_SUBMIT_TIME"), datetime.datetime)
    assert lunch.property("PR_INTERNET_CPID") is None or lunch.property("PR_INTERNET_CPID") > 0
    assert lunch.property("PR_TITLE") is None
    with pytest.raises(msgfs.InvalidError, match="NO_SUCH"):
        lunch.property("NO_SUCH")
    made = msgfs.Message.create()
    for name, value in {
        "PR_BODY": "text",
        "PR_MESSAGE_DELIVERY_TIME": datetime.datetime(2020, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        "PR_SENDER_SEARCH_KEY": b"bytes",
        "PR_READ_RECEIPT_REQUESTED": True,
        "PR_SENSITIVITY": 2,
    }.items():
        made.set_property(name, value)
        assert made.property(name) == value, name
    made.remove_property("PR_SENSITIVITY")
    assert made.property("PR_SENSITIVITY") is None
    boat = msgfs.Message(samples / "Calendar" / "Boat inspection.msg")
    assert boat.event is not None and boat.event.start.tzinfo is not None
    assert (boat.event.answer, boat.event.proposed_start) == (None, None)
    assert (boat.event.changed, boat.event.canceled_days) == ([], [])
    boat.message_class = "IPM.Schedule.Meeting.Resp.Pos"
    assert boat.event is not None and boat.event.answer == "accepted"
    assert boat.from_ is not None
    assert [one.address for one in boat.event.attendees] == [boat.from_.address]


def test_other_formats(lunch: msgfs.Message) -> None:
    assert b"Subject: Re: Lunch on Friday" in lunch.to_eml()
    assert json.loads(lunch.to_json())["schema"] == 1
    assert lunch.to_msg() == Path(lunch.path or "").read_bytes()
    row = lunch.to_dict()
    assert row["subject"] == lunch.subject and row["sent"] == "2024-05-14T08:21:07Z"
    assert row["size"] == len(lunch.to_msg()) == lunch.size
    with pytest.raises(msgfs.InvalidError, match="no contact"):
        lunch.to_vcf()


def test_the_command(samples: Path) -> None:
    def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "msgfs", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, check=False)

    lunch = samples / "Lunch on Friday.msg"
    done = run(lunch)
    assert (done.returncode, done.stdout.decode()) == (0, msgfs.Message(lunch).to_text())
    done = run(samples / "Damaged" / "Not a message.msg", lunch)
    assert done.returncode == 2 and b"Lunch" in done.stdout and b"Not a message" in done.stderr
    assert run().returncode == 2


def test_errors_have_path_and_cause(samples: Path, tmp_path: Path) -> None:
    with pytest.raises(msgfs.OpenError, match="No such file") as raised:
        msgfs.Message(tmp_path / "none.msg")
    assert raised.value.path == tmp_path / "none.msg"
    assert isinstance(raised.value.__cause__, FileNotFoundError)
    with pytest.raises(msgfs.OpenError, match="compound file") as raised:
        msgfs.Message(b"no message")
    assert raised.value.path is None
    lunch = msgfs.Message(samples / "Lunch on Friday.msg")
    lunch.close()
    with pytest.raises(msgfs.ClosedError):
        lunch.subject
    assert repr(lunch) == "<msgfs.Message closed>"
    for kind in (msgfs.OpenError, msgfs.SaveError, msgfs.DamagedError, msgfs.InvalidError):
        assert issubclass(kind, msgfs.Error)


def test_a_path_that_is_no_text_is_whole_in_the_row(samples: Path, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/Men\xfc.msg"
    with open(path, "wb") as copy:
        copy.write((samples / "Lunch on Friday.msg").read_bytes())
    row = msgfs.Message(os.fsdecode(path)).to_dict()
    assert bytes(row["path_bytes"]) == path
    assert "\ufffd" in row["path"]
    assert msgfs.Message(samples / "Lunch on Friday.msg").to_dict().get("path_bytes") is None


def test_what_is_damaged_is_named(samples: Path) -> None:
    damaged = msgfs.Message(samples / "Damaged" / "Report cut short.msg")
    assert damaged.defects
    for attachment in damaged.attachments:
        content, missing = attachment.read_partial()
        if missing:
            with pytest.raises(msgfs.DamagedError) as raised:
                attachment.read()
            assert raised.value.path == damaged.path and raised.value.place
            break
        assert attachment.read() == content


def test_edits_are_saved(samples: Path, tmp_path: Path) -> None:
    path = tmp_path / "edited.msg"
    path.write_bytes((samples / "Lunch on Friday.msg").read_bytes())
    with msgfs.Message(path) as message:
        message.subject = "Dinner"
        message.to = [("Ann", "ann@example.org"), "Bob <bob@example.org>, cy@example.org"]
        message.cc = None
        message.date = datetime.datetime(2025, 1, 2, tzinfo=UTC)
        message.importance = "low"
        message.categories = ["one", "two"]
        message.text = "At eight.\n"
        message.add_attachment("menu.txt", bytearray(b"soup"))
        message.save()
    again = msgfs.Message(path)
    assert (again.subject, again.text) == ("Dinner", "At eight.\n")
    assert [one.address for one in again.to] == [
        "ann@example.org",
        "bob@example.org",
        "cy@example.org",
    ]
    assert again.cc == [] and again.importance == "low" and again.categories == ["one", "two"]
    assert again.date == datetime.datetime(2025, 1, 2, tzinfo=UTC)
    [attachment] = again.attachments
    assert attachment.read() == b"soup"
    again.set_attachment(attachment, b"fish")
    assert again.attachments[0].read() == b"fish"
    again.remove_attachment(again.attachments[0])
    assert again.attachments == []
    again.save_as(tmp_path / "other.msg")
    assert again.path == tmp_path / "other.msg"
    assert msgfs.Message(path).attachments[0].read() == b"soup"


def test_edits_that_are_not_saved_are_told(samples: Path, tmp_path: Path) -> None:
    path = tmp_path / "edited.msg"
    path.write_bytes((samples / "Lunch on Friday.msg").read_bytes())
    with pytest.warns(msgfs.UnsavedWarning), msgfs.Message(path) as message:
        message.subject = "Lost"
    assert msgfs.Message(path).subject == "Re: Lunch on Friday"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with msgfs.Message(path) as message:
            assert message.subject
    made = msgfs.Message.create()
    made.subject = "No path"
    with pytest.raises(msgfs.SaveError, match="no path"):
        made.save()
    for place in (tmp_path / "none" / "a.msg", tmp_path):
        with pytest.raises(msgfs.SaveError) as failed:
            made.save_as(place)
        causes: list[BaseException] = [failed.value]
        while (cause := causes[-1].__cause__) is not None:
            causes.append(cause)
        assert isinstance(causes[-1], OSError), causes
    with pytest.raises(TypeError, match="time zone"):
        made.date = datetime.datetime(2025, 1, 2)
    with pytest.raises(ValueError, match="low"):
        made.importance = "urgent"  # type: ignore[assignment]


def test_a_save_does_not_overwrite_the_work_of_others(samples: Path, tmp_path: Path) -> None:
    path = tmp_path / "edited.msg"
    path.write_bytes((samples / "Lunch on Friday.msg").read_bytes())
    message = msgfs.Message(path)
    message.subject = "Mine"
    path.write_bytes((samples / "Price list.msg").read_bytes())
    with pytest.raises(msgfs.Error):
        message.save()
    assert path.read_bytes() == (samples / "Price list.msg").read_bytes()


def test_pickling(samples: Path, tmp_path: Path) -> None:
    path = samples / "Lunch on Friday.msg"
    by_path = pickle.dumps(msgfs.Message(path))
    assert len(by_path) < 1000
    assert pickle.loads(by_path).path == path
    by_bytes = pickle.loads(pickle.dumps(msgfs.Message(path.read_bytes())))
    assert by_bytes.subject == "Re: Lunch on Friday" and by_bytes.path is None
    edited = msgfs.Message.create()
    edited.subject = "Edited"
    assert pickle.loads(pickle.dumps(edited)).subject == "Edited"


def test_a_session(samples: Path, tmp_path: Path) -> None:
    path = tmp_path / "edited.msg"
    path.write_bytes((samples / "Lunch on Friday.msg").read_bytes())
    with msgfs.Session() as session:
        message = session.open(path)
        message.subject = "Saved at the end"
        assert session.open_messages >= 1
    with pytest.raises(msgfs.ClosedError):
        message.subject
    assert msgfs.Message(path).subject == "Saved at the end"
    session = msgfs.Session()
    message = session.open(path)
    message.subject = "Conflict"
    path.write_bytes((samples / "Price list.msg").read_bytes())
    [(_, cause)] = session.close()
    assert cause


def test_the_lines_of_the_readme(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = samples.parents[1]
    for name, page in {"README.md": root / "README.md", "python": root / "python/README.md"}.items():
        blocks = page.read_text().split("```python\n")[1:]
        [code] = [one for one in (one.split("```")[0] for one in blocks) if "attachment.save" in one]
        folder = tmp_path / name
        (folder / "out").mkdir(parents=True)
        (folder / "Lunch on Friday.msg").write_bytes((samples / "Fwd Lost parcel.msg").read_bytes())
        monkeypatch.chdir(folder)
        exec(compile(code, str(page), "exec"), {})
        assert "Fwd: Lost parcel Harbour Office <office@harbour.example.org>" in capsys.readouterr().out
        assert list(folder.rglob("Lost parcel.msg")), name
