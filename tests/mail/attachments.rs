//! Messages with attachments of every kind.

use msgfs::mapi::{Guid, Value, tags};

use super::{ANNA, BEN, CLARA};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder, Tree};

/// `CLSID_Package`, an embedded file of any kind.
const PACKAGE_CLSID: Guid = Guid::from_u128(0x0003000C_0000_0000_C000_000000000046);

pub(super) fn every_kind() -> MessageBuilder {
    let long_name = format!("{}.txt", "Terms and conditions, ".repeat(14).get(..296).unwrap());
    let hidden = AttachmentBuilder::file("signature.asc", "-----BEGIN PGP SIGNATURE-----\r\n")
        .set(tags::PR_ATTACHMENT_HIDDEN, Value::Boolean(true));
    let web = AttachmentBuilder::reference(
        7,
        "Site plan.xlsx",
        "https://share.example.org/jetty/Site%20plan.xlsx",
    )
    .set(
        tags::PR_ATTACH_PAYLOAD_PROV_GUID_STR,
        Value::String("{00000000-0000-0000-0000-000000000000}".to_owned()),
    );
    MessageBuilder::mail("Quotation for the jetty", CLARA, "2024-04-02T11:30:00Z")
        .recipient(RecipientBuilder::to(ANNA.0, ANNA.1))
        .recipient(RecipientBuilder::cc(BEN.0, BEN.1))
        .body("Dear Anna,\n\nplease find our quotation attached, with three photos' worth of words.\n\nClara\n")
        .attach(
            AttachmentBuilder::file("Quotation 2024-117.pdf", quotation())
                .set(tags::PR_ATTACH_MIME_TAG, Value::String("application/pdf".to_owned())),
        )
        .attach(AttachmentBuilder::file("remarks.txt", "Piles of oak, decking of larch.\r\n"))
        .attach(AttachmentBuilder::file("remarks.txt", "The same again, in steel.\r\n"))
        .attach(AttachmentBuilder::file("costs 2023/2024.csv", "item,euro\r\noak,4200\r\n"))
        .attach(AttachmentBuilder::file(&long_name, "Payable within 30 days.\r\n"))
        .attach(hidden)
        .attach(AttachmentBuilder::reference(
            4,
            "Soundings.dwg",
            r"\\files.example.org\harbour\Soundings.dwg",
        ))
        .attach(web)
}

pub(super) fn ole_object() -> MessageBuilder {
    let mut object = Tree::default();
    object.clsid = PACKAGE_CLSID;
    object.put("\u{1}Ole10Native", package("jetty.svg", JETTY));
    // Link update by hand; aspect "content".
    object.put("\u{3}ObjInfo", [0x40, 0, 3, 0, 4, 0]);
    MessageBuilder::mail("Drawing of the jetty", CLARA, "2024-04-03T07:05:00Z")
        .recipient(RecipientBuilder::to(ANNA.0, ANNA.1))
        .rtf(
            b"{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0\\fswiss Arial;}}\r\n\
              \\pard\\plain\\f0\\fs22 The drawing:\\par\r\n{\\object\\objattph }\\par\r\n}\r\n",
        )
        .attach(AttachmentBuilder::ole("jetty.svg", object))
}

const JETTY: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"240\" height=\"80\">\n\
    <path d=\"M0 60H240\" stroke=\"#00468c\"/>\n<path d=\"M20 40H180V44H20Z\"/>\n\
    <path d=\"M40 44V76M90 44V76M140 44V76\" stroke=\"black\" stroke-width=\"4\"/>\n</svg>\n";

/// A PDF of one page.
fn quotation() -> Vec<u8> {
    let text = "BT /F1 16 Tf 72 720 Td (Quotation 2024-117: one jetty, EUR 18,400) Tj ET\n";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{text}endstream", text.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut pdf = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (number, object) in (1..).zip(&objects) {
        table += &format!("{:010} 00000 n \n", pdf.len());
        pdf += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let (start, size) = (pdf.len(), objects.len() + 1);
    pdf += &format!("xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n");
    pdf += &format!("startxref\n{start}\n%%EOF\n");
    pdf.into_bytes()
}

/// The stream of a package (\[MS-OLEDS\] 2.3.6): a file with its names.
fn package(name: &str, data: &str) -> Vec<u8> {
    let mut native = vec![2, 0];
    native.extend(format!("{name}\0C:\\{name}\0").bytes());
    native.extend([0, 0, 3, 0]);
    let path = format!("C:\\Temp\\{name}\0");
    for part in [path, data.to_owned()] {
        native.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
        native.extend(part.bytes());
    }
    let size = u32::try_from(native.len()).unwrap().to_le_bytes();
    [&size[..], &native].concat()
}
