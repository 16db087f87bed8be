//! Whether a message is one that is looked for.
//!
//! The cheapest filters are asked first, and nothing is read that no filter needs: a body is
//! decoded for `--body` and `--text` only, and a file of the wrong size is not opened.

use std::path::Path;

use grep_matcher::Matcher as _;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use ignore::overrides::{Override, OverrideBuilder};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use outlook_msg::mail::{self, Address, Event, FileTime, Mail, MessageFlags};

use crate::cli::arguments::{Filters, MessageKind};
use crate::cli::clock::Clock;
use crate::cli::messages::FoundMessage;
use crate::cli::suggest::wrong_pattern;
use crate::mount::parse_size;

use super::dates::Period;

/// The filters of one command, ready to be asked.
#[derive(Debug)]
pub(super) struct Filter {
    from: Option<RegexMatcher>,
    to: Option<RegexMatcher>,
    subject: Option<RegexMatcher>,
    body: Option<RegexMatcher>,
    text: Option<RegexMatcher>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    compared: ComparedTime,
    /// Where the days of the user begin.
    zone: TimeZone,
    attachment: Option<Override>,
    class: Option<Override>,
    kinds: Vec<MessageKind>,
    larger: Option<u64>,
    smaller: Option<u64>,
}

/// Which time `--since` and `--until` are compared with.
#[derive(Clone, Copy, Debug)]
enum ComparedTime {
    /// When the message was sent, else when it was received.
    Sent,
    Received,
    /// From the start to the end of an appointment or meeting.
    Event,
}

/// What is wrong with a filter, as the user is told.
#[derive(Debug)]
pub(super) struct Wrong(pub(super) String);

impl Filter {
    pub(super) fn new(filters: &Filters, clock: &Clock, now: Timestamp) -> Result<Self, Wrong> {
        let pattern = |name, patterns: &Vec<String>| pattern(name, patterns, filters);
        let date = |name: &str, text: &Option<String>| {
            let period = text.as_ref().map(|text| Period::parse(text, clock.zone(), now));
            period.transpose().map_err(|error| Wrong(format!("{name}: {error}")))
        };
        Ok(Self {
            from: pattern("--from", &filters.from)?,
            to: pattern("--to", &filters.to)?,
            subject: pattern("--subject", &filters.subject)?,
            body: pattern("--body", &filters.body)?,
            text: pattern("--text", &filters.text)?,
            since: date("--since", &filters.since)?.map(|period| period.start),
            until: date("--until", &filters.until)?.map(|period| period.end),
            zone: clock.zone().clone(),
            compared: match (filters.received, filters.event) {
                (true, _) => ComparedTime::Received,
                (false, true) => ComparedTime::Event,
                (false, false) => ComparedTime::Sent,
            },
            attachment: globs("--attachment", filters.attachment.iter().cloned())?,
            class: globs("--class", filters.class.iter().flat_map(|class| of_class(class)))?,
            kinds: filters.kinds.clone(),
            larger: size("--larger", filters.larger.as_ref())?,
            smaller: size("--smaller", filters.smaller.as_ref())?,
        })
    }

    /// Whether the size of a file, which is known without opening it, is one that is looked for.
    pub(super) fn has_size(&self, size: u64) -> bool {
        self.larger.is_none_or(|limit| size > limit)
            && self.smaller.is_none_or(|limit| size < limit)
    }

    /// Whether something of the content is asked for, so that a message that cannot be opened is
    /// missed.
    pub(super) fn asks_content(&self) -> bool {
        let patterns = [&self.from, &self.to, &self.subject, &self.body, &self.text];
        patterns.iter().any(|pattern| pattern.is_some())
            || self.since.is_some()
            || self.until.is_some()
            || self.attachment.is_some()
            || self.class.is_some()
            || self.kinds.iter().any(|kind| *kind != MessageKind::Damaged)
    }

    /// Whether a message has all that is asked for. A message that cannot be opened is damaged, and
    /// nothing else is known of it.
    pub(super) fn matches(&self, found: &FoundMessage) -> bool {
        if !self.has_size(found.size) {
            return false;
        }
        let Ok(mail) = &found.mail else {
            return self.kinds.contains(&MessageKind::Damaged) || !self.asks_content();
        };
        self.matches_class(mail)
            && self.matches_time(mail)
            && self.matches_fields(mail)
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| is_kind(mail, *kind)))
            && self.matches_attachment(mail)
            && self.body.as_ref().is_none_or(|pattern| body_matches(mail, pattern))
            && self.text.as_ref().is_none_or(|pattern| text_matches(mail, pattern))
    }

    fn matches_class(&self, mail: &Mail) -> bool {
        let Some(globs) = &self.class else { return true };
        let class = mail.message_class().ok().flatten();
        class.is_some_and(|class| globs.matched(Path::new(&class), false).is_whitelist())
    }

    fn matches_time(&self, mail: &Mail) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let moment = |time: Option<FileTime>| time.and_then(timestamp).map(|time| (time, time));
        let span = match self.compared {
            ComparedTime::Received => moment(mail.received().ok().flatten()),
            ComparedTime::Sent => moment(sent_or_received(mail)),
            ComparedTime::Event => {
                mail.shown_event().ok().flatten().and_then(|one| self.span(&one))
            }
        };
        let Some((start, end)) = span else { return false };
        // What ends at midnight is not on the day that begins then.
        let is_since = |since| start >= since || end > since;
        self.since.is_none_or(is_since) && self.until.is_none_or(|until| start < until)
    }

    /// When an event takes place. One that takes whole days has them as it is shown, wherever the
    /// user is.
    fn span(&self, event: &Event) -> Option<(Timestamp, Timestamp)> {
        if let Some((first, last)) = &event.days {
            let day = |text: &str| Period::parse(text, &self.zone, Timestamp::MIN).ok();
            return Some((day(first)?.start, day(last)?.end));
        }
        let start = timestamp(event.start)?;
        Some((start, event.end.and_then(timestamp).unwrap_or(start)))
    }

    fn matches_fields(&self, mail: &Mail) -> bool {
        let asked = |pattern: &Option<RegexMatcher>, has: &dyn Fn(&RegexMatcher) -> bool| {
            pattern.as_ref().is_none_or(has)
        };
        asked(&self.subject, &|pattern| subject_matches(mail, pattern))
            && asked(&self.from, &|pattern| from_matches(mail, pattern))
            && asked(&self.to, &|pattern| to_matches(mail, pattern))
    }

    fn matches_attachment(&self, mail: &Mail) -> bool {
        let Some(globs) = &self.attachment else { return true };
        has_attachment(mail, &|name| globs.matched(Path::new(name), false).is_whitelist())
    }
}

/// The time that a message is found and sorted by: when it was sent, else when it arrived.
pub(in crate::cli) fn sent_or_received(mail: &Mail) -> Option<FileTime> {
    mail.date().ok().flatten().or_else(|| mail.received().ok().flatten())
}

/// A time as jiff has it; `None` after the year 9999.
pub(in crate::cli) fn timestamp(time: FileTime) -> Option<Timestamp> {
    let (seconds, nanos) = time.to_unix();
    Timestamp::new(seconds, i32::try_from(nanos).ok()?).ok()
}

fn is_match(pattern: &RegexMatcher, text: &str) -> bool {
    pattern.is_match(text.as_bytes()).unwrap_or(false)
}

fn subject_matches(mail: &Mail, pattern: &RegexMatcher) -> bool {
    mail.subject().ok().flatten().is_some_and(|subject| is_match(pattern, &subject))
}

fn from_matches(mail: &Mail, pattern: &RegexMatcher) -> bool {
    let parties = [mail.from(), mail.sender()];
    parties
        .into_iter()
        .filter_map(|one| one.ok().flatten())
        .any(|one| address_matches(&one, pattern))
}

fn to_matches(mail: &Mail, pattern: &RegexMatcher) -> bool {
    let recipients: [&dyn Fn() -> Result<Vec<Address>, mail::Error>; 3] =
        [&|| mail.to(), &|| mail.cc(), &|| mail.bcc()];
    recipients
        .into_iter()
        .any(|list| list().unwrap_or_default().iter().any(|one| address_matches(one, pattern)))
}

fn address_matches(address: &Address, pattern: &RegexMatcher) -> bool {
    is_match(pattern, &address.name)
        || is_match(pattern, &address.address)
        // As it is shown: a pattern may have both.
        || is_match(pattern, &address.to_string())
}

/// Whether any attachment has such a name, also one in signed mail or in `winmail.dat`.
fn has_attachment(mail: &Mail, is_meant: &dyn Fn(&str) -> bool) -> bool {
    let attachments = mail.all_attachments().unwrap_or_default();
    attachments.iter().any(|one| is_meant(one.name()) || is_meant(mail::whole_name(one.name())))
}

/// Whether a line of the body matches, also of that in signed mail or in `winmail.dat`.
fn body_matches(mail: &Mail, pattern: &RegexMatcher) -> bool {
    let has = |mail: &Mail| {
        let text = mail.text().ok().flatten().unwrap_or_default();
        text.lines().any(|line| is_match(pattern, line))
    };
    has(mail) || mail.wrapped().iter().any(|one| has(&one.mail))
}

fn text_matches(mail: &Mail, pattern: &RegexMatcher) -> bool {
    let in_attachments = || has_attachment(mail, &|name| is_match(pattern, name));
    let in_details =
        || mail.details().iter().flat_map(|(_, values)| values).any(|one| is_match(pattern, one));
    subject_matches(mail, pattern)
        || from_matches(mail, pattern)
        || to_matches(mail, pattern)
        || in_attachments()
        || in_details()
        || body_matches(mail, pattern)
}

fn is_kind(mail: &Mail, kind: MessageKind) -> bool {
    let class = || mail.message_class().ok().flatten().unwrap_or_default();
    let is = |bases: &[&str]| bases.iter().any(|base| mail::is_class(&class(), base));
    let flags = || mail.flags().ok().flatten().unwrap_or(MessageFlags(0));
    match kind {
        MessageKind::Meeting => is(&["IPM.Appointment", "IPM.Schedule.Meeting"]),
        MessageKind::Task => is(&["IPM.Task", "IPM.TaskRequest"]),
        MessageKind::Contact => is(&["IPM.Contact", "IPM.DistList", "IPM.AbchPerson"]),
        MessageKind::Report => {
            is(&["REPORT"]) || class().to_ascii_uppercase().starts_with("REPORT.")
        }
        MessageKind::Signed => mail.security() == mail::Security::Signed,
        MessageKind::Encrypted => mail.security() == mail::Security::Encrypted,
        MessageKind::Damaged => mail.defects().map_or(true, |defects| !defects.is_empty()),
        MessageKind::Unsent => flags().is_unsent(),
        MessageKind::Read => flags().is_read(),
        MessageKind::Unread => !flags().is_read(),
        MessageKind::Undated => sent_or_received(mail).is_none(),
    }
}

/// Patterns of one option, of which one must match.
fn pattern(
    name: &str,
    patterns: &[String],
    filters: &Filters,
) -> Result<Option<RegexMatcher>, Wrong> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut builder = RegexMatcherBuilder::new();
    builder
        .case_smart(true)
        .case_insensitive(filters.ignore_case)
        .fixed_strings(filters.fixed_strings);
    match builder.build_many(patterns) {
        Ok(matcher) => Ok(Some(matcher)),
        Err(error) => Err(Wrong(format!("{name}: {}", wrong_pattern(&error)))),
    }
}

/// Globs of one option, of which one must match, in any case.
fn globs(name: &str, globs: impl Iterator<Item = String>) -> Result<Option<Override>, Wrong> {
    let mut builder = OverrideBuilder::new("");
    let wrong = |error: ignore::Error| Wrong(format!("{name}: {error}"));
    builder.case_insensitive(true).map_err(wrong)?;
    let mut count = 0;
    for glob in globs {
        builder.add(&glob).map_err(wrong)?;
        count += 1;
    }
    let globs = builder.build().map_err(wrong)?;
    Ok(Some(globs).filter(|_| count > 0))
}

/// A class and those below it.
fn of_class(class: &str) -> [String; 2] {
    [class.to_owned(), format!("{class}.*")]
}

fn size(name: &str, text: Option<&String>) -> Result<Option<u64>, Wrong> {
    let Some(text) = text else { return Ok(None) };
    match parse_size(text) {
        Some(size) => Ok(Some(size as u64)),
        None => Err(Wrong(format!("{name} {text}: expected a size, as 500K or 1.5M"))),
    }
}
