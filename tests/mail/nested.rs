//! A message in a message in a message.

use msgfs::mapi::tags;

use super::{ANNA, BEN, CLARA, HARBOUR};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

pub(super) fn embedded_twice() -> MessageBuilder {
    let notice = MessageBuilder::mail(
        "Your parcel 00340434",
        ("Parcel Service", "noreply@parcels.example.com"),
        "2024-02-26T05:58:12Z",
    )
    .recipient(RecipientBuilder::to(CLARA.0, CLARA.1))
    .body("Your parcel was left with a neighbour.\n")
    .attach(AttachmentBuilder::file("tracking.txt", "26.02. 06:40 left with: Harbour Office\r\n"));
    let question = MessageBuilder::mail("Lost parcel", CLARA, "2024-02-27T16:10:00Z")
        .recipient(RecipientBuilder::to(HARBOUR.0, HARBOUR.1))
        .text(tags::PR_INTERNET_MESSAGE_ID, "<lost-parcel@example.com>")
        .body("Is my parcel with you? See the notice.\n\nClara\n")
        .attach(AttachmentBuilder::message(notice));
    MessageBuilder::mail("Fwd: Lost parcel", HARBOUR, "2024-02-28T08:00:00Z")
        .recipient(RecipientBuilder::to(ANNA.0, ANNA.1))
        .recipient(RecipientBuilder::cc(BEN.0, BEN.1))
        .body("Who has seen it?\n")
        .attach(AttachmentBuilder::message(question))
}
