//! Writes the attachments of a message, and of those embedded in it, into a folder:
//! `cargo run --example attachments -- FILE FOLDER`.

use std::error::Error;
use std::path::Path;

use outlook_msg::Mail;

fn save(mail: &Mail, folder: &Path) -> Result<(), Box<dyn Error>> {
    for attachment in mail.attachments()? {
        match attachment.save(folder) {
            Ok(path) => println!("{}", path.display()),
            // A damaged one is not saved as if it were whole.
            Err(error) => eprintln!("{}: {error}", attachment.name()),
        }
        if let Some(embedded) = attachment.message()? {
            save(&embedded, folder)?;
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(file), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: attachments FILE FOLDER".into());
    };
    save(&Mail::open(file)?, Path::new(&folder))
}
