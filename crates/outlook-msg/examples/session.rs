//! A message session as MAPI has it, with a callback when a message is released:
//! `cargo run --example session -- FILE...`

use std::error::Error;

use outlook_msg::imsg::{Access, FileTarget, MapiProp as _, Session, SessionOptions};
use outlook_msg::mail::{Mail, Value};
use outlook_msg::mapi::tags;

fn main() -> Result<(), Box<dyn Error>> {
    // OpenIMsgSession
    let session = Session::open(SessionOptions::default());
    let mut messages = Vec::new();
    for path in std::env::args().skip(1) {
        let (file, target) = FileTarget::open(&path)?;
        let released = Box::new(move || println!("{path} is released"));
        // OpenIMsgOnIStg, with MSGCALLRELEASE
        let access = Access::ReadWrite(target);
        messages.push(session.open_message_with(&file.root(), access, Some(released))?);
    }
    for message in &messages {
        // GetProps
        if let Ok(Value::String(subject)) = message.property(tags::PR_SUBJECT) {
            println!("{subject}");
        }
        // The getters of a mail serve in a session too.
        println!("{} attachments", Mail::of(message.clone()).attachments()?.len());
    }
    // CloseIMsgSession: what is unsaved is saved, and every message is released.
    let report = session.close();
    println!("{} messages closed", report.messages);
    Ok(())
}
