"""Plain types for values of messages, as named tuples."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from ._msgfs import address_text


class Address(NamedTuple):
    """A name and an address, either of which may be empty."""

    name: str = ""
    address: str = ""

    def __str__(self) -> str:
        return address_text(self.name, self.address)


class Recipient(NamedTuple):
    """A row of the recipient table."""

    type: Literal["to", "cc", "bcc", "other"]
    name: str
    address: str

    def __str__(self) -> str:
        return str(Address(self.name, self.address))


class Defect(NamedTuple):
    """Something that cannot be read: its path in the file, and the cause."""

    place: str
    cause: str


class Note(NamedTuple):
    """Something that was read in another way than the file states, although nothing is lost."""

    place: str
    cause: str


class Attendee(NamedTuple):
    """A person who is invited to a meeting, or who answers an invitation."""

    name: str
    address: str
    role: Literal["required", "optional", "resource"]
    response: Literal["none", "tentative", "accepted", "declined"]


class ChangedOccurrence(NamedTuple):
    """An occurrence of a series that differs from the others.

    ``day`` is the day on which it would take place otherwise, as a date in the time zone of the
    series. Subject and place are ``None`` if they are those of the series.
    """

    day: str
    start: datetime
    end: datetime
    subject: str | None
    location: str | None


class Event(NamedTuple):
    """An appointment or a meeting, or a message about one.

    ``answer`` is what a response to an invitation answers, and ``proposed_start`` and
    ``proposed_end`` are the other time that it proposes; its organizer is its recipient.
    ``changed`` and ``canceled_days`` are the occurrences of a series that differ from it, and
    ``reminder_minutes`` is how long before the start there is a reminder.
    """

    start: datetime
    end: datetime | None
    is_all_day: bool
    time_zone: str | None
    location: str | None
    organizer: Address | None
    attendees: list[Attendee]
    recurrence: str | None
    is_canceled: bool
    answer: Literal["tentative", "accepted", "declined"] | None
    proposed_start: datetime | None
    proposed_end: datetime | None
    changed: list[ChangedOccurrence]
    canceled_days: list[str]
    show_as: Literal["free", "tentative", "busy", "out of office", "working elsewhere"] | None
    reminder_minutes: int | None
