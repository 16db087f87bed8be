//! Prints what a message says: `cargo run --example read -- FILE`.

use std::error::Error;

use outlook_msg::Mail;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: read FILE")?;
    let mail = Mail::open(path)?;
    println!("Subject: {}", mail.subject()?.unwrap_or_default());
    if let Some(from) = mail.from()? {
        println!("From:    {from}");
    }
    for to in mail.to()? {
        println!("To:      {to}");
    }
    if let Some(date) = mail.date()? {
        println!("Date:    {date}");
    }
    for attachment in mail.attachments()? {
        println!("With:    {} ({})", attachment.name(), attachment.media_type());
    }
    println!("\n{}", mail.text()?.unwrap_or_default());
    for defect in mail.defects()? {
        eprintln!("not all of it could be read: {defect}");
    }
    Ok(())
}
