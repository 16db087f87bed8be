//! Writes a new message with an attachment: `cargo run --example create -- FILE`.

use std::error::Error;

use outlook_msg::mail::{Address, Importance, Mail};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: create FILE")?;
    let mut mail = Mail::create()?;
    mail.set_subject("Lunch on Friday")?;
    mail.set_from(&Address::new("Anna Berg", "anna.berg@example.org"))?;
    mail.set_to(&[Address::new("Ben Okoro", "ben.okoro@example.org")])?;
    mail.set_importance(Importance::High)?;
    mail.set_html("<p>At noon? The <b>menu</b> is attached.</p>")?;
    mail.add_attachment("menu.txt", "Soup, bread, plums\n")?;
    mail.save_as(path)?;
    Ok(())
}
