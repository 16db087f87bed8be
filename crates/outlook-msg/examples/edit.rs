//! Puts a word before the subject of a message and saves it:
//! `cargo run --example edit -- FILE WORD`.

use std::error::Error;

use outlook_msg::Mail;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(word)) = (arguments.next(), arguments.next()) else {
        return Err("usage: edit FILE WORD".into());
    };
    let mut mail = Mail::open(file)?;
    let subject = mail.subject()?.unwrap_or_default();
    mail.set_subject(&format!("{word} {subject}"))?;
    mail.set_categories(&[word])?;
    // The file is replaced as a whole, or stays as it is.
    mail.save()?;
    Ok(())
}
