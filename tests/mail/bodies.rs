//! Messages with every kind of body.

use msgfs::mapi::{CodePage, Value, tags};

use super::{ANNA, BEN, CLARA, HARBOUR};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

/// A sailing boat of 48 by 30 pixels, as PNG.
const PICTURE: &[u8] = &[
    0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x30, 0x00, 0x00, 0x00, 0x1E, 0x01, 0x03, 0x00, 0x00, 0x00, 0x50, 0x6A, 0x0F,
    0x82, 0x00, 0x00, 0x00, 0x06, 0x50, 0x4C, 0x54, 0x45, 0xFF, 0xFF, 0xFF, 0x00, 0x46, 0x8C, 0x17,
    0xEF, 0xF4, 0xF6, 0x00, 0x00, 0x00, 0x62, 0x49, 0x44, 0x41, 0x54, 0x78, 0xDA, 0x63, 0x60, 0x80,
    0x01, 0x26, 0x14, 0x8A, 0x0D, 0x42, 0xB1, 0x43, 0x28, 0x7E, 0x28, 0xD5, 0x00, 0xA6, 0xE4, 0xA1,
    0xD4, 0x01, 0x30, 0x65, 0x0F, 0xA5, 0x1E, 0x80, 0xA9, 0x7A, 0x28, 0xF5, 0x01, 0x4C, 0xFD, 0x87,
    0x52, 0x3F, 0x40, 0x24, 0x23, 0x8C, 0xFA, 0x03, 0xA2, 0x98, 0x61, 0xD4, 0x3F, 0xB0, 0x3D, 0x10,
    0x0A, 0x66, 0x2D, 0x84, 0xB2, 0xFF, 0x0F, 0xD6, 0x2F, 0xFF, 0xFF, 0x3F, 0xC8, 0x50, 0xFE, 0xFF,
    0xFF, 0x0F, 0x80, 0x55, 0xFE, 0x6F, 0x00, 0xEB, 0xFB, 0x0F, 0x24, 0x0D, 0x0E, 0xF3, 0x00, 0x11,
    0xC3, 0x79, 0x9B, 0xCF, 0x40, 0x04, 0xF5, 0x07, 0x00, 0x62, 0x60, 0x28, 0x79, 0xAB, 0x08, 0x7D,
    0x9B, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,
];

pub(super) fn plain_text() -> MessageBuilder {
    MessageBuilder::mail("Re: Lunch on Friday", ANNA, "2024-05-14T08:21:07Z")
        .recipient(RecipientBuilder::to(BEN.0, BEN.1))
        .recipient(RecipientBuilder::to(CLARA.0, CLARA.1))
        .recipient(RecipientBuilder::cc(HARBOUR.0, HARBOUR.1))
        .text(tags::PR_INTERNET_MESSAGE_ID, "<20240514082107.4711@mail.example.org>")
        .text(tags::PR_IN_REPLY_TO_ID, "<20240513164500.0815@mail.example.org>")
        .integer(tags::PR_IMPORTANCE, 2)
        .text(
            tags::PR_TRANSPORT_MESSAGE_HEADERS,
            "Received: from mail.example.org (mail.example.org [192.0.2.25])\r\n\
             \tby mx.example.com with ESMTPS; Tue, 14 May 2024 08:21:09 +0000\r\n\
             From: Anna Berg <anna.berg@example.org>\r\n\
             To: Ben Okoro <ben.okoro@example.org>,\r\n \
             =?utf-8?Q?Clara_D=C3=ADaz?= <clara.diaz@example.com>\r\n\
             Cc: Harbour Office <office@harbour.example.org>\r\n\
             Subject: Re: Lunch on Friday\r\n\
             Date: Tue, 14 May 2024 10:21:07 +0200\r\n\
             Message-ID: <20240514082107.4711@mail.example.org>\r\n\
             X-Priority: 1\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n",
        )
        .body(
            "Hello Ben, hello Clara,\n\n\
             Friday at half past twelve is fine. The table at the café is booked for four;\n\
             the Harbour Office comes too, so we can talk about the berths (12 € a metre).\n\n\
             Anna\n\n\
             > Shall we have lunch on Friday?\n> Ben\n",
        )
}

pub(super) fn html_with_picture() -> MessageBuilder {
    let picture = AttachmentBuilder::file("boat.png", PICTURE)
        .set(tags::PR_ATTACH_MIME_TAG, Value::String("image/png".to_owned()))
        .set(tags::PR_ATTACH_CONTENT_ID, Value::String("boat@regatta.example.org".to_owned()))
        // Shown in the body only.
        .set(tags::PR_ATTACH_FLAGS, Value::Integer32(4))
        .set(tags::PR_ATTACHMENT_HIDDEN, Value::Boolean(true));
    MessageBuilder::mail("Summer regatta", HARBOUR, "2024-06-03T15:00:00Z")
        .recipient(RecipientBuilder::to(ANNA.0, ANNA.1))
        .recipient(RecipientBuilder::bcc(BEN.0, BEN.1))
        .text(tags::PR_INTERNET_MESSAGE_ID, "<regatta-2024@harbour.example.org>")
        .body("Summer regatta\n\nSaturday, 22 June, from 10 o'clock.\nAll boats are welcome.\n")
        .html(
            "<!DOCTYPE html>\r\n<html>\r\n<head>\r\n\
             <meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\r\n\
             <title>Summer regatta</title>\r\n</head>\r\n<body>\r\n\
             <h1>Summer regatta</h1>\r\n\
             <p><img src=\"cid:boat@regatta.example.org\" alt=\"A boat\" width=\"96\"></p>\r\n\
             <p>Saturday, 22&nbsp;June, from 10&nbsp;o&rsquo;clock.<br>\r\n\
             <b>All boats</b> are welcome. \
             <a href=\"https://harbour.example.org/regatta\">Put your name down</a>.</p>\r\n\
             </body>\r\n</html>\r\n",
        )
        .attach(picture)
}

/// What Outlook saves for an HTML mail: the HTML is inside the RTF, and nowhere else.
pub(super) fn html_in_rtf() -> MessageBuilder {
    const RTF: &[u8] = b"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0\r\n\
        {\\fonttbl\r\n{\\f0\\fswiss\\fcharset0 Arial;}\r\n{\\f1\\fmodern Courier New;}\r\n\
        {\\f2\\fnil\\fcharset2 Symbol;}}\r\n{\\colortbl\\red0\\green0\\blue0;}\r\n\
        \\uc1\\pard\\plain\\deftab360 \\f0\\fs24\r\n\
        {\\*\\htmltag19 <html>}\r\n{\\*\\htmltag34 <head>}\r\n{\\*\\htmltag41 </head>}\r\n\
        {\\*\\htmltag50 <body>}\\htmlrtf \\lang1033 \\htmlrtf0\r\n\
        {\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0\r\n\
        Minutes of the committee, 7 May 2024\r\n\
        {\\*\\htmltag72 </p>}\\htmlrtf\\par}\\htmlrtf0\r\n\
        {\\*\\htmltag64 <ol>}\r\n\
        {\\*\\htmltag64 <li>}\\htmlrtf {\\htmlrtf0 The slipway is repaired in June \
        (\\'80 4,800).{\\*\\htmltag72 </li>}\\htmlrtf\\par}\\htmlrtf0\r\n\
        {\\*\\htmltag64 <li>}\\htmlrtf {\\htmlrtf0 The club thanks J\\'f6rg and \
        \\u321?ukasz.{\\*\\htmltag72 </li>}\\htmlrtf\\par}\\htmlrtf0\r\n\
        {\\*\\htmltag72 </ol>}\r\n\
        {\\*\\htmltag58 </body>}\r\n{\\*\\htmltag27 </html>}}\r\n";
    MessageBuilder::mail("Minutes of the committee", BEN, "2024-05-08T19:45:30Z")
        .recipient(RecipientBuilder::to("Committee", "committee@example.org"))
        .rtf(RTF)
}

pub(super) fn native_rtf() -> MessageBuilder {
    const RTF: &[u8] = b"{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0\\fswiss Arial;}}\r\n\
        \\pard\\plain\\f0\\fs22 {\\b Price list 2024}\\par\r\n\\par\r\n\
        Berth, a metre and year\\tab \\'80 12\\par\r\n\
        Crane, once\\tab \\'80 85\\par\r\n\
        Winter storage\\tab on request\\par\r\n}\r\n";
    MessageBuilder::mail("Price list", HARBOUR, "2024-01-09T09:00:00Z")
        .recipient(RecipientBuilder::to(ANNA.0, ANNA.1))
        .body("Price list 2024\n\nBerth, a metre and year\t€ 12\nCrane, once\t€ 85\nWinter storage\ton request\n")
        .rtf(RTF)
}

/// A message of the time before Unicode: every string is in code page 932.
pub(super) fn japanese() -> MessageBuilder {
    let sender = ("佐藤 花子", "hanako.sato@example.com");
    MessageBuilder::mail("見積書の件", sender, "2003-11-04T02:15:00Z")
        .integer(tags::PR_MESSAGE_CODEPAGE, 932)
        .integer(tags::PR_MESSAGE_LOCALE_ID, 1041)
        .integer(tags::PR_INTERNET_CPID, 50220)
        .recipient(RecipientBuilder::to("鈴木 一郎", "ichiro.suzuki@example.org"))
        .body(
            "鈴木様\n\nお世話になっております。\n\
             ご依頼の桟橋の見積書を添付いたします。ご確認ください。\n\n佐藤\n",
        )
        .attach(AttachmentBuilder::file("見積書.txt", "桟橋: 1,200,000円\r\n".as_bytes()))
        .ansi(CodePage::new(932).unwrap())
}
