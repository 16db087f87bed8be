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
use outlook_msg::mail::unread::{self, Place};
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
    /// The patterns for single fields.
    fields: Vec<Pattern>,
    /// The patterns for which bodies are decoded.
    texts: Vec<Pattern>,
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

/// A pattern, and where it is looked for.
#[derive(Debug)]
struct Pattern {
    matcher: RegexMatcher,
    field: &'static Field,
}

/// Whether a pattern is in a place of a message.
type IsIn = fn(&Mail, &RegexMatcher) -> Result<bool, mail::Error>;

/// A field of messages in which an option looks for its patterns.
#[derive(Debug)]
struct Field {
    option: &'static str,
    patterns: fn(&Filters) -> &Vec<String>,
    is_in: IsIn,
    /// What must be readable for the answer that a pattern is not in the field.
    places: &'static [Place],
}

const FIELDS: [Field; 7] = [
    Field {
        option: "--subject",
        patterns: |filters| &filters.subject,
        is_in: is_in_subject,
        places: &[unread::SUBJECT],
    },
    Field {
        option: "--message-id",
        patterns: |filters| &filters.message_id,
        is_in: is_in_message_id,
        places: &[unread::MESSAGE_ID],
    },
    Field {
        option: "--from",
        patterns: |filters| &filters.from,
        is_in: is_in_from,
        places: &[unread::FROM],
    },
    Field {
        option: "--to",
        patterns: |filters| &filters.to,
        is_in: is_in_recipients,
        places: RECIPIENTS,
    },
    Field {
        option: "--cc",
        patterns: |filters| &filters.cc,
        is_in: |mail, pattern| is_in_lists(&[&|| mail.cc()], pattern),
        places: RECIPIENTS,
    },
    Field {
        option: "--bcc",
        patterns: |filters| &filters.bcc,
        is_in: |mail, pattern| is_in_lists(&[&|| mail.bcc()], pattern),
        places: RECIPIENTS,
    },
    Field {
        option: "--category",
        patterns: |filters| &filters.category,
        is_in: is_in_categories,
        places: &[Place::NamedValues],
    },
];

const RECIPIENTS: &[Place] = &[Place::Recipients, unread::HEADER];

const TEXTS: [Field; 2] = [
    Field {
        option: "--body",
        patterns: |filters| &filters.body,
        is_in: is_in_body,
        places: &[Place::Bodies],
    },
    Field {
        option: "--text",
        patterns: |filters| &filters.text,
        is_in: is_in_text,
        places: &[Place::AllValues, Place::Recipients, Place::Attachments, Place::Bodies],
    },
];

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
        let patterns = |fields: &'static [Field]| {
            let patterns = fields.iter().map(|field| pattern(field, filters).transpose());
            patterns.flatten().collect::<Result<Vec<_>, _>>()
        };
        let date = |name: &str, text: &Option<String>| {
            let period = text.as_ref().map(|text| Period::parse(text, clock.zone(), now));
            period.transpose().map_err(|error| Wrong(format!("{name}: {error}")))
        };
        Ok(Self {
            fields: patterns(&FIELDS)?,
            texts: patterns(&TEXTS)?,
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

    /// Whether it depends on the size.
    pub(super) fn asks_size(&self) -> bool {
        self.larger.is_some() || self.smaller.is_some()
    }

    /// Whether something of the content is asked for, so that a message that cannot be opened is
    /// missed.
    pub(super) fn asks_content(&self) -> bool {
        !self.fields.is_empty()
            || !self.texts.is_empty()
            || self.since.is_some()
            || self.until.is_some()
            || self.attachment.is_some()
            || self.class.is_some()
            || self.kinds.iter().any(|kind| *kind != MessageKind::Damaged)
    }

    /// Whether it asks for damaged messages.
    pub(super) fn asks_damage(&self) -> bool {
        self.kinds.contains(&MessageKind::Damaged)
    }

    /// Whether a message has all that is asked for. A message that cannot be opened is damaged, and
    /// nothing else is known of it.
    ///
    /// # Errors
    /// Where that depends on something that cannot be read.
    pub(super) fn matches(&self, found: &FoundMessage) -> Result<bool, mail::Error> {
        if self.asks_size() && !found.size().is_some_and(|size| self.has_size(size)) {
            return Ok(false);
        }
        let mail = match &found.mail {
            Ok(mail) => mail,
            Err(error) if self.asks_damage() => return Ok(error.is_damage()),
            Err(_) => return Ok(!self.asks_content()),
        };
        let filters: [&dyn Fn() -> Result<bool, mail::Error>; 6] = [
            &|| self.matches_class(mail),
            &|| self.matches_time(mail),
            &|| all_match(&self.fields, mail),
            &|| self.matches_kind(mail),
            &|| self.matches_attachment(mail),
            &|| all_match(&self.texts, mail),
        ];
        all(filters.into_iter().map(|matches| matches()))
    }

    fn matches_class(&self, mail: &Mail) -> Result<bool, mail::Error> {
        let Some(globs) = &self.class else { return Ok(true) };
        let class = mail.message_class()?;
        let is_meant = |class: String| globs.matched(Path::new(&class), false).is_whitelist();
        found_or_read(class.is_some_and(is_meant), mail, &[unread::MESSAGE_CLASS])
    }

    fn matches_time(&self, mail: &Mail) -> Result<bool, mail::Error> {
        if self.since.is_none() && self.until.is_none() {
            return Ok(true);
        }
        let moment = |time: Option<FileTime>| time.and_then(timestamp).map(|time| (time, time));
        // Whether it is known what the time is compared with, or another one stands in for it.
        let (span, is_known) = match self.compared {
            ComparedTime::Received => (moment(mail.received()?), true),
            ComparedTime::Sent => {
                let is_known = mail.date().is_ok_and(|date| date.is_some());
                (moment(sent_or_received(mail)), is_known)
            }
            ComparedTime::Event => {
                let event = mail.shown_event()?;
                let has_end = |event: &Event| event.days.is_some() || event.end.is_some();
                (event.as_ref().and_then(|one| self.span(one)), event.as_ref().is_some_and(has_end))
            }
        };
        let is_meant = span.is_some_and(|(start, end)| {
            // What ends at midnight is not on the day that begins then.
            let is_since = |since| start >= since || end > since;
            self.since.is_none_or(is_since) && self.until.is_none_or(|until| start < until)
        });
        if span.is_some() && is_known {
            return Ok(is_meant);
        }
        let places = match self.compared {
            ComparedTime::Sent | ComparedTime::Received => &[unread::TIMES],
            ComparedTime::Event => &[Place::AllValues],
        };
        found_or_read(is_meant, mail, places)
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

    fn matches_kind(&self, mail: &Mail) -> Result<bool, mail::Error> {
        Ok(self.kinds.is_empty() || any(self.kinds.iter().map(|kind| is_kind(mail, *kind)))?)
    }

    fn matches_attachment(&self, mail: &Mail) -> Result<bool, mail::Error> {
        let Some(globs) = &self.attachment else { return Ok(true) };
        let is_meant = |name: &str| globs.matched(Path::new(name), false).is_whitelist();
        found_or_read(has_attachment(mail, &is_meant)?, mail, &[Place::Attachments])
    }
}

fn all_match(patterns: &[Pattern], mail: &Mail) -> Result<bool, mail::Error> {
    all(patterns.iter().map(|Pattern { matcher, field }| {
        found_or_read((field.is_in)(mail, matcher)?, mail, field.places)
    }))
}

/// Whether something was found. That it is not there is known only if all of the places where it may
/// be can be read.
fn found_or_read(found: bool, mail: &Mail, places: &[Place]) -> Result<bool, mail::Error> {
    if !found {
        unread::check_read(mail, places)?;
    }
    Ok(found)
}

/// Whether all of several things hold. It is an error only if all others hold.
fn all(things: impl Iterator<Item = Result<bool, mail::Error>>) -> Result<bool, mail::Error> {
    Ok(!any(things.map(|holds| holds.map(|holds| !holds)))?)
}

/// Whether one of several places has what is looked for. It is an error only if it may be in a
/// place that cannot be read, and is in no other.
fn any(places: impl Iterator<Item = Result<bool, mail::Error>>) -> Result<bool, mail::Error> {
    let mut failed = None;
    for place in places {
        match place {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(false), Err)
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

fn is_in_subject(mail: &Mail, pattern: &RegexMatcher) -> Result<bool, mail::Error> {
    Ok(mail.subject()?.is_some_and(|subject| is_match(pattern, &subject)))
}

fn is_in_message_id(mail: &Mail, pattern: &RegexMatcher) -> Result<bool, mail::Error> {
    Ok(mail.message_id()?.is_some_and(|id| is_match(pattern, &id)))
}

fn is_in_from(mail: &Mail, pattern: &RegexMatcher) -> Result<bool, mail::Error> {
    let parties: [&dyn Fn() -> Result<Option<Address>, mail::Error>; 2] =
        [&|| mail.from(), &|| mail.sender()];
    any(parties.into_iter().map(|party| Ok(party()?.is_some_and(|one| is_in(&one, pattern)))))
}

fn is_in_recipients(mail: &Mail, pattern: &RegexMatcher) -> Result<bool, mail::Error> {
    is_in_lists(&[&|| mail.to(), &|| mail.cc(), &|| mail.bcc()], pattern)
}

/// Whether a person in one of these lists matches.
fn is_in_lists(
    lists: &[&dyn Fn() -> Result<Vec<Address>, mail::Error>],
    pattern: &RegexMatcher,
) -> Result<bool, mail::Error> {
    any(lists.iter().map(|list| Ok(list()?.iter().any(|one| is_in(one, pattern)))))
}

fn is_in(address: &Address, pattern: &RegexMatcher) -> bool {
    is_match(pattern, &address.name)
        || is_match(pattern, &address.address)
        // As it is shown: a pattern may have both.
        || is_match(pattern, &address.to_string())
}

fn is_in_categories(mail: &Mail, pattern: &RegexMatcher) -> Result<bool, mail::Error> {
    Ok(mail.categories()?.iter().any(|category| is_match(pattern, category)))
}

/// Whether any attachment has such a name, also one in signed mail or in `winmail.dat`.
fn has_attachment(mail: &Mail, is_meant: &dyn Fn(&str) -> bool) -> Result<bool, mail::Error> {
    let is_one_meant = |one: &mail::Attachment| {
        let mut names = std::iter::once(one.name()).chain(one.inner_name());
        names.any(|name| is_meant(name) || is_meant(mail::whole_name(name)))
    };
    Ok(mail.all_attachments()?.iter().any(is_one_meant))
}

/// Whether a line of the body matches, also of that in signed mail or in `winmail.dat`.
fn is_in_body(mail: &Mail, pattern: &RegexMatcher) -> Result<bool, mail::Error> {
    let has = |mail: &Mail| {
        let text = mail.text()?.unwrap_or_default();
        Ok(text.lines().any(|line| is_match(pattern, line)))
    };
    let in_wrapped = || any(mail.wrapped().iter().map(|one| has(&one.mail)));
    any([&|| has(mail), &in_wrapped as &dyn Fn() -> _].into_iter().map(|place| place()))
}

fn is_in_text(mail: &Mail, pattern: &RegexMatcher) -> Result<bool, mail::Error> {
    let is_in_details = |mail: &Mail, pattern: &RegexMatcher| {
        let details = mail.details();
        Ok(details.iter().flat_map(|(_, values)| values).any(|one| is_match(pattern, one)))
    };
    let places: [IsIn; 6] = [
        is_in_subject,
        is_in_from,
        is_in_recipients,
        |mail, pattern| has_attachment(mail, &|name| is_match(pattern, name)),
        is_in_details,
        is_in_body,
    ];
    any(places.into_iter().map(|is_in| is_in(mail, pattern)))
}

fn is_kind(mail: &Mail, kind: MessageKind) -> Result<bool, mail::Error> {
    let is_class = |is: &dyn Fn(&str) -> bool| {
        let class = mail.message_class()?.unwrap_or_default();
        found_or_read(is(&class), mail, &[unread::MESSAGE_CLASS])
    };
    let is =
        |bases: &[&str]| is_class(&|class| bases.iter().any(|base| mail::is_class(class, base)));
    let has = |security| {
        let places = [unread::MESSAGE_CLASS, Place::Attachments];
        found_or_read(mail.security() == security, mail, &places)
    };
    let flags = || {
        let flags = mail.flags()?;
        found_or_read(flags.is_some(), mail, &[unread::FLAGS])?;
        Ok(flags.unwrap_or(MessageFlags(0)))
    };
    match kind {
        MessageKind::Meeting => is(&["IPM.Appointment", "IPM.Schedule.Meeting"]),
        MessageKind::Task => is(&["IPM.Task", "IPM.TaskRequest"]),
        MessageKind::Contact => is(&["IPM.Contact", "IPM.DistList", "IPM.AbchPerson"]),
        MessageKind::Report => is_class(&|class| {
            mail::is_class(class, "REPORT") || class.to_ascii_uppercase().starts_with("REPORT.")
        }),
        MessageKind::Signed => has(mail::Security::Signed),
        MessageKind::Encrypted => has(mail::Security::Encrypted),
        MessageKind::Damaged => Ok(mail.defects().map_or(true, |defects| !defects.is_empty())),
        MessageKind::Unsent => flags().map(|flags| flags.is_unsent()),
        MessageKind::Read => flags().map(|flags| flags.is_read()),
        MessageKind::Unread => flags().map(|flags| !flags.is_read()),
        MessageKind::Undated => match sent_or_received(mail) {
            Some(_) => Ok(false),
            None => found_or_read(false, mail, &[unread::TIMES]).map(|_| true),
        },
    }
}

/// The pattern of one option, which each of its values matches by itself.
fn pattern(field: &'static Field, filters: &Filters) -> Result<Option<Pattern>, Wrong> {
    let values = (field.patterns)(filters);
    if values.is_empty() {
        return Ok(None);
    }
    let mut builder = RegexMatcherBuilder::new();
    builder
        .case_smart(true)
        .case_insensitive(filters.ignore_case)
        .fixed_strings(filters.fixed_strings);
    match builder.build_many(values) {
        Ok(matcher) => Ok(Some(Pattern { matcher, field })),
        Err(error) => Err(Wrong(format!("{}: {}", field.option, wrong_pattern(&error)))),
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
