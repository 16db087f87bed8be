//! What the log and the user are told when a session was closed.

use std::fmt::Write as _;

use crate::imsg::{CloseReport, SaveOutcome};

/// Logs what was saved, and gives a line for each message that was not.
pub(super) fn failures(report: &CloseReport) -> Option<String> {
    let mut text = String::new();
    for save in &report.saves {
        let name = &save.name;
        // Writing to a String cannot fail.
        let _ = match &save.outcome {
            SaveOutcome::Saved => {
                tracing::info!("{name}: saved");
                continue;
            }
            SaveOutcome::Kept { cause, path } => {
                writeln!(text, "{name}: not saved: {cause}; its edits are in {}", path.display())
            }
            SaveOutcome::Lost { cause } => {
                writeln!(text, "{name}: not saved, its edits are lost: {cause}")
            }
        };
    }
    let text = text.trim_end().to_owned();
    (!text.is_empty()).then_some(text)
}
