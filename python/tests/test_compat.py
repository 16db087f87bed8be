"""Compares `msgfs.compat` with the packages whose interfaces it has, value by value on the corpus.

`RULES` has the reasons for which values differ in many files, and who is right. A difference that
no rule explains is listed in `differences_PACKAGE.json`, by file and field. `MSGFS_LIST=1 pytest
tests/test_compat.py` prints the differences that are in neither.
"""

from __future__ import annotations

import html
import json
import logging
import os
import re
import warnings
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple

import pytest

import msgfs
from msgfs.compat import extract_msg as our_extract_msg
from msgfs.compat import oxmsg as our_oxmsg

extract_msg = pytest.importorskip("extract_msg")
oxmsg = pytest.importorskip("oxmsg")
pytestmark = pytest.mark.filterwarnings("ignore")


class Value(NamedTuple):
    """The same value, as both packages return it."""

    field: str
    theirs: Any
    ours: Any
    message: msgfs.Message


class Rule(NamedTuple):
    """A reason why values differ."""

    name: str
    right: str
    why: str
    explains: Callable[[Value], bool]


def text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def addresses(value: Any) -> list[tuple[str, str]]:
    """The names and addresses of a list, in a form that does not depend on how they are written."""
    parts = re.split(r"[;,]\s+", text(value)) if value else []
    found = []
    for part in parts:
        match = re.fullmatch(r"\s*(.*?)\s*<([^<>]*)>\s*", part, re.DOTALL)
        name, address = match.groups() if match else ("", part.strip())
        name = name.strip("\"' ").replace('\\"', '"')
        address = "" if address in ("None", name) and "@" not in address else address
        found.append(("" if name == address else name, address.lower()))
    return found


def words(value: Any) -> list[str]:
    """The words that a person reads in an HTML body."""
    content = re.sub(r"(?is)<(style|script|title|head)\b.*?</\1>|<!--.*?-->", " ", text(value))
    return re.findall(r"[a-z0-9]+", html.unescape(re.sub(r"<[^>]*>", " ", content)).lower())


def header(value: Any) -> list[tuple[str, str]]:
    items = value.items() if hasattr(value, "items") else []
    return [(name.lower(), " ".join(str(found).split())) for name, found in items]


def is_address(value: Value) -> bool:
    return value.field in ("sender", "to", "cc", "bcc")


def has_found_more(value: Value) -> bool:
    """Whether ours has all addresses of theirs; it may have further ones, or more names."""
    theirs = {one for pair in addresses(value.theirs) for one in pair if "@" in one}
    ours = {one.lower() for pair in addresses(value.ours) for one in pair}
    return theirs <= ours and len(ours) > 0


def seconds(value: Any) -> float | None:
    return value.timestamp() if isinstance(value, datetime) else None


RULES = [
    Rule(
        "nothing",
        "both",
        "one has an empty text where the other has None",
        lambda one: not one.theirs and not one.ours,
    ),
    Rule(
        "failed",
        "msgfs",
        "the other package fails with an exception that is none of its interface",
        lambda one: isinstance(one.theirs, Failed),
    ),
    Rule(
        "nul",
        "msgfs",
        "NULs behind a text or RTF are left over from its writer",
        lambda one: text(one.theirs).rstrip("\0") == text(one.ours),
    ),
    Rule(
        "fold",
        "msgfs",
        "a field of a header is unfolded: line ends in it are not of its value",
        lambda one: not is_address(one)
        and not hasattr(one.theirs, "items")
        and " ".join(text(one.theirs).split()) == " ".join(text(one.ours).split()),
    ),
    Rule(
        "address form",
        "both",
        "quotes around names, a name that is the address, and 'None' for a missing address",
        lambda one: is_address(one) and addresses(one.theirs) == addresses(one.ours),
    ),
    Rule(
        "address found",
        "msgfs",
        "the SMTP address or the name is elsewhere in the message; an encoded word is decoded",
        lambda one: is_address(one) and has_found_more(one),
    ),
    Rule(
        "exchange address",
        "msgfs",
        "the address is an X.500 name, for which msgfs shows the SMTP address of the message",
        lambda one: is_address(one) and "/o=" in text(one.theirs).lower(),
    ),
    Rule(
        "fraction",
        "msgfs",
        "the other package cuts a time to seconds, or rounds it",
        lambda one: seconds(one.theirs) is not None
        and seconds(one.ours) is not None
        and abs(seconds(one.theirs) - seconds(one.ours)) <= 1,  # type: ignore[operator]
    ),
    Rule(
        "time found",
        "msgfs",
        "the time is in the header, or in another property, only",
        lambda one: one.theirs is None and seconds(one.ours) is not None,
    ),
    Rule(
        "made body",
        "msgfs",
        "PR_BODY is blank or missing: the text is made from the formatted body",
        lambda one: one.field == "body"
        and not text(one.message.property("PR_BODY")).strip()
        and bool(one.ours)
        and (not text(one.theirs).strip() or words(one.theirs) == words(one.ours)),
    ),
    Rule(
        "html written anew",
        "both",
        "msgfs gives HTML in UTF-8 and says so in it; its words are the same",
        lambda one: "html" in one.field and words(one.theirs) == words(one.ours),
    ),
    Rule(
        "html in RTF",
        "msgfs",
        "the HTML body is inside compressed RTF, where the other package does not look",
        lambda one: one.field == "html_body" and one.theirs is None and bool(one.ours),
    ),
    Rule(
        "header spaces",
        "both",
        "white space in the fields of a header",
        lambda one: header(one.theirs) == header(one.ours),
    ),
    Rule(
        "header made",
        "both",
        "the message has no header; each package makes one of the fields as it reads them",
        lambda one: one.field in ("header", "message_headers") and one.message.headers is None,
    ),
]


class Failed:
    """Stands for the value if a package raises an exception."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __repr__(self) -> str:
        return f"{type(self.error).__name__}: {self.error}"


def ask(owner: Any, field: str) -> Any:
    try:
        return getattr(owner, field)
    except Exception as error:  # noqa: BLE001
        return Failed(error)


def is_equal(theirs: Any, ours: Any) -> bool:
    if hasattr(theirs, "items") and hasattr(ours, "items"):
        return list(theirs.items()) == list(ours.items())
    return not isinstance(theirs, Failed) and theirs == ours


def attachments_of_extract_msg(message: Any) -> list[Any]:
    def content(one: Any) -> Any:
        return len(one.data) if isinstance(one.data, bytes) else "message"

    names = ("longFilename", "shortFilename", "cid")
    return [
        (*(str(getattr(one, name) or "").rstrip("\0") for name in names), content(one))
        for one in message.attachments
    ]


def attachments_of_oxmsg(message: Any) -> list[Any]:
    return [
        (one.file_name, len(one.file_bytes) if one.attached_by_value else None)
        for one in message.attachments
    ]


def recipients_of_oxmsg(message: Any) -> list[Any]:
    return [(one.name, one.email_address.lower()) for one in message.recipients]


def values(path: Path, package: str) -> Iterator[Value]:
    """Every value of a message that both packages open."""
    lists: dict[str, Callable[[Any], Any]]
    try:
        if package == "extract_msg":
            theirs: Any = extract_msg.openMsg(path)
            ours: Any = our_extract_msg.openMsg(path)
            fields = "subject sender to cc bcc date body htmlBody rtfBody header messageId".split()
            lists = {"attachments": attachments_of_extract_msg}
        else:
            theirs, ours = oxmsg.Message.load(str(path)), our_oxmsg.Message.load(path)
            theirs.subject
            fields = "sender sent_date subject body html_body message_headers".split()
            lists = {"attachments": attachments_of_oxmsg, "recipients": recipients_of_oxmsg}
    except Exception:  # noqa: BLE001
        return
    message = msgfs.Message(path)
    for field in fields:
        yield Value(field, ask(theirs, field), ask(ours, field), message)
    for field, found in lists.items():
        try:
            yield Value(field, found(theirs), found(ours), message)
        except Exception as error:  # noqa: BLE001
            yield Value(field, Failed(error), found(ours), message)


@pytest.mark.parametrize("package", ["extract_msg", "oxmsg"])
def test_every_difference_is_explained(package: str, corpus_files: list[Path]) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    listed = json.loads(Path(__file__).with_name(f"differences_{package}.json").read_text())
    known = {(one["file"], one["field"]) for one in listed}
    found: Counter[str] = Counter()
    unexplained = []
    for path in corpus_files:
        for value in values(path, package):
            found["values"] += 1
            assert not isinstance(value.ours, Failed), f"{path.name} {value.field}: {value.ours}"
            if is_equal(value.theirs, value.ours):
                found["equal"] += 1
                continue
            rule = next((rule.name for rule in RULES if rule.explains(value)), None)
            if rule is not None:
                found[rule] += 1
            elif (path.name, value.field) in known:
                found["listed"] += 1
            else:
                unexplained.append(
                    f"{path.name} {value.field}\n    {value.theirs!r:.180}\n    {value.ours!r:.180}"
                )
    print(dict(found))
    assert found["values"] > 1000
    assert not unexplained, f"{len(unexplained)}:\n" + "\n".join(
        unexplained if os.environ.get("MSGFS_LIST") else unexplained[:20]
    )


def test_whoever_is_right_is_named() -> None:
    assert {rule.right for rule in RULES} <= {"msgfs", "both"}
    assert all(rule.why for rule in RULES)
    for package in ("extract_msg", "oxmsg"):
        path = Path(__file__).with_name(f"differences_{package}.json")
        for one in json.loads(path.read_text()):
            assert set(one) == {"file", "field", "right", "why"}, one


def test_options_and_files(samples: Path, tmp_path: Path) -> None:
    path = samples / "Fwd Lost parcel.msg"
    with our_extract_msg.openMsg(path, delayAttachments=True, overrideEncoding="cp1252") as message:
        [attachment] = message.attachments
        assert attachment.data.subject == "Lost parcel"
        saved = attachment.save(customPath=tmp_path / "new")
        assert Path(saved).read_bytes()[:4] == b"\xd0\xcf\x11\xe0"
        named = attachment.save(customPath=tmp_path, customFilename="../../outside.msg")
        assert Path(named) == tmp_path / "outside.msg"
    with pytest.raises(TypeError, match="unknown options: wrong"):
        our_extract_msg.openMsg(path, wrong=1)
    with pytest.raises(LookupError):
        our_extract_msg.openMsg(path, overrideEncoding="no-such")
    loaded = our_oxmsg.Message.load(path)
    assert loaded.properties.str_prop_value(0x0037) == "Fwd: Lost parcel"
    assert loaded.properties.date_prop_value(0x0E06) is not None
    assert loaded.properties.int_prop_value(0x0017) == 1
    assert loaded.properties.binary_prop_value(0x0037) is None


def test_a_sender_may_have_any_address(tmp_path: Path) -> None:
    for address in ["ann@example.org", "ann@exämple.org"]:
        message = msgfs.Message.create()
        message.sender = msgfs.Address("Ann", address)
        path = tmp_path / "a.msg"
        message.save_as(path)
        assert our_oxmsg.Message.load(path).sender == f"Ann <{address}>"
