//! `extract --html`: a folder that opens in any browser, without server and without network.
//!
//! `index.html` lists the messages; its rows are data in the page itself, since a page that is
//! opened from a file may not load other files. `m/NNNNNN/index.html` is the page of a message,
//! with its attachments beside it, and embedded messages as pages of their own among them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use outlook_msg::mail::{FileTime, Mail, PAGE_STYLE, PageOptions, harmless, without_error_numbers};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::cli::clock::Clock;
use crate::cli::find::{sent_or_received, timestamp};
use crate::cli::messages::{FoundMessage, Opener};
use crate::fs::{FileType, Place};
use crate::view::{ATTACHMENTS, SIGNED};

use super::copy::{Copier, Filled};
use super::differences::{Pass, Refused, Remedy};
use super::jobs::Job;
use super::names::Names;
use super::totals::{Loss, Totals};
use crate::cli::target::{OutputDirectory, Permissions, There};

/// Number, time in seconds, date, sender, subject, attachments, and whether it is damaged.
#[derive(Debug, Serialize)]
pub(super) struct PageRow(usize, Option<i64>, String, String, String, Vec<String>, bool);

/// The URLs of what lies beside a page, relative to it, by the path in the directory of the message.
type Links = HashMap<String, Link>;

/// What a page links to.
struct Link {
    url: String,
    kind: LinkKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LinkKind {
    File,
    /// A directory with the page of a message.
    Page,
    /// A directory with what can be read of a message of which no page can be made.
    Directory,
}

impl Link {
    /// The address that a browser opens.
    fn href(&self) -> String {
        match self.kind {
            LinkKind::File => self.url.clone(),
            LinkKind::Page => format!("{}/{INDEX}", self.url),
            LinkKind::Directory => format!("{}/", self.url),
        }
    }
}

/// Makes the pages.
pub(super) struct Pages<'a> {
    pub(super) copier: &'a Copier<'a>,
    /// Where the directories of the messages are made.
    pub(super) directory: &'a OutputDirectory,
    pub(super) opener: &'a Opener,
    pub(super) clock: &'a Clock,
    /// How many messages there are.
    pub(super) count: usize,
}

/// The list, and the page of each message in its directory.
pub(super) const INDEX: &str = "index.html";
/// The directory of the pages.
pub(super) const PAGES: &str = "m";
/// The digits of the number in the name of a page's directory. A larger number has more.
const DIGITS_MIN: usize = 6;
const SCRIPT: &str = include_str!("index.js");
/// The most levels of messages in messages that have pages.
const DEPTH_MAX: usize = 64;

/// What has the name of the directory of the pages. The pages and their list are one work: they get
/// their names together, so that no list is beside the pages of other messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaceOfPages {
    Free,
    /// Pages of an earlier run, to be replaced.
    Taken,
}

impl PlaceOfPages {
    /// `None` if what is there has to stay.
    pub(super) fn of(
        root: &OutputDirectory,
        may_replace: bool,
        totals: &mut Totals,
    ) -> io::Result<Option<Self>> {
        if let There::Other = root.there(OsStr::new(INDEX))? {
            totals.refuse_to_replace(INDEX, "is no file");
            return Ok(None);
        }
        let pages = match root.existing(OsStr::new(PAGES)) {
            Ok(pages) => pages,
            Err(error) => {
                totals.refuse_to_replace(PAGES, &error.to_string());
                return Ok(None);
            }
        };
        let is_there = pages.is_some() || root.file(OsStr::new(INDEX)).is_some();
        if is_there && !may_replace {
            let path = if pages.is_some() { PAGES } else { INDEX };
            let what = "is of an earlier export".to_owned();
            totals.refused.push(Refused { path: path.into(), what, remedy: Remedy::Update });
            return Ok(None);
        }
        let Some(pages) = pages else { return Ok(Some(Self::Free)) };
        let is_number = |name: &OsStr| {
            let name = name.as_encoded_bytes();
            name.len() >= DIGITS_MIN && name.iter().all(u8::is_ascii_digit)
        };
        if let Some(other) = pages.names_beside(is_number, std::iter::empty())?.first() {
            totals.refuse_to_replace(Path::new(PAGES).join(other), "is of no export");
            return Ok(None);
        }
        Ok(Some(Self::Taken))
    }
}

impl Pages<'_> {
    /// Makes the page of a message; returns its row.
    pub(super) fn message(&self, job: &Job, place: &Place, totals: &mut Totals) -> Option<PageRow> {
        let number = job.number;
        let Some(found) = self.opener.open(place) else {
            let cause = "holds no message to make a page of".to_owned();
            totals.losses.push(Loss::left_out(place.path(), cause));
            return None;
        };
        totals.messages += usize::from(found.mail.is_ok());
        let path = PathBuf::from(format!("{PAGES}/{number:06}"));
        let losses = totals.losses.len();
        let like = Permissions::of(place.attr()).within(&job.folders);
        let directory = match self.directory_at(&path, like) {
            Ok(directory) => directory,
            Err(error) => {
                self.copier.not_written(place.path(), &path, &error, totals);
                return None;
            }
        };
        let navigation = self.navigation(number);
        self.page(&found, place, (&directory, &path), &navigation, 0, totals);
        totals.tell_defects(place);
        Some(self.row(number, &found, totals.losses.len() > losses))
    }

    /// The directory of a page; the path is that in the target.
    fn directory_at(&self, path: &Path, like: Permissions) -> io::Result<OutputDirectory> {
        self.directory.below(path.strip_prefix(PAGES).unwrap_or(path), like.around())
    }

    fn row(&self, number: usize, found: &FoundMessage, is_damaged: bool) -> PageRow {
        let mail = found.mail.as_ref().ok();
        let time = mail.and_then(sent_or_received).and_then(timestamp);
        let date = time.map(|time| self.clock.short(time)).unwrap_or_default();
        let from = mail.and_then(|mail| mail.from().ok().flatten());
        let from = from.map(|one| harmless(&one.to_string())).unwrap_or_default();
        let subject = match &found.mail {
            Ok(mail) => mail.subject().ok().flatten().unwrap_or_default(),
            Err(_) => format!("(cannot be opened) {}", found.path.display()),
        };
        let attachments = mail.and_then(|mail| mail.all_attachments().ok()).unwrap_or_default();
        let names = attachments.iter().filter(|one| !one.is_inline());
        let names = names.map(|one| harmless(one.name())).collect();
        let seconds = time.map(Timestamp::as_second);
        PageRow(number, seconds, date, from, harmless(&subject), names, is_damaged)
    }

    fn navigation(&self, number: usize) -> String {
        let link = |number: usize, text: &str| {
            format!(" <a href=\"../{number:06}/index.html\">{text}</a>")
        };
        let before = number.checked_sub(1).filter(|one| *one > 0);
        let before = before.map(|one| link(one, "Previous")).unwrap_or_default();
        let behind = Some(number + 1).filter(|one| *one <= self.count);
        let behind = behind.map(|one| link(one, "Next")).unwrap_or_default();
        format!(
            "<nav class=\"bar\"><a href=\"../../index.html\">All messages</a>{before}{behind}</nav>\n"
        )
    }

    /// Writes a page, and copies what is attached beside it.
    fn page(
        &self,
        found: &FoundMessage,
        place: &Place,
        (directory, path): (&OutputDirectory, &Path),
        navigation: &str,
        depth: usize,
        totals: &mut Totals,
    ) -> Links {
        let like = Permissions::of(place.attr());
        let mut links = self.attachments(place, directory, path, (depth, "../.."), totals);
        links.extend(self.signed(place, directory, path, depth, totals));
        let written = directory.create(OsStr::new(INDEX), like).and_then(|mut unfinished| {
            let mut out = io::BufWriter::new(&mut unfinished.file);
            match &found.mail {
                Ok(mail) => self.write(mail, &links, navigation, &mut out)?,
                Err(error) => write_failure(
                    &found.path,
                    &without_error_numbers(&error.to_string()),
                    navigation,
                    &mut out,
                )?,
            }
            out.flush()?;
            drop(out);
            unfinished.finish(OsStr::new(INDEX), place.attr().mtime)
        });
        match written {
            Ok(()) => totals.files += 1,
            Err(error) => {
                self.copier.not_written(place.path(), &path.join(INDEX), &error, totals);
            }
        }
        links
    }

    fn write(
        &self,
        mail: &Mail,
        links: &Links,
        navigation: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let time = |time: FileTime| match timestamp(time) {
            Some(time) => self.clock.exact(time),
            None => "after the year 9999".to_owned(),
        };
        let href = |path: &str| links.get(path).map(Link::href);
        mail.write_page(PageOptions { time: &time, href: Some(&href), navigation }, out).map(drop)
    }

    /// Copies the attachments of signed content, which lie in a directory of their own.
    fn signed(
        &self,
        place: &Place,
        directory: &OutputDirectory,
        path: &Path,
        depth: usize,
        totals: &mut Totals,
    ) -> Links {
        let Ok(signed) = place.child(OsStr::new(SIGNED)) else { return Links::new() };
        if signed.child(OsStr::new(ATTACHMENTS)).is_err() {
            return Links::new();
        }
        match directory.subdirectory(OsStr::new(SIGNED), Permissions::of(signed.attr())) {
            Ok(directory) => {
                let path = path.join(SIGNED);
                let links =
                    self.attachments(&signed, &directory, &path, (depth, "../../.."), totals);
                below(SIGNED, SIGNED, links).collect()
            }
            Err(error) => {
                self.copier.not_written(signed.path(), &path.join(SIGNED), &error, totals);
                Links::new()
            }
        }
    }

    /// Copies the attachments of a message. `around` is the way from the page of an attached message
    /// to the directory of the page of this one.
    fn attachments(
        &self,
        place: &Place,
        directory: &OutputDirectory,
        path: &Path,
        (depth, around): (usize, &str),
        totals: &mut Totals,
    ) -> Links {
        let mut links = Links::new();
        let Ok(attachments) = place.child(OsStr::new(ATTACHMENTS)) else { return links };
        let entries = match attachments.list() {
            Ok(entries) => entries,
            Err(error) => {
                totals.losses.push(Loss::of_source(attachments.path(), &error));
                return links;
            }
        };
        let like = Permissions::of(attachments.attr());
        let target = match directory.subdirectory(OsStr::new(ATTACHMENTS), like) {
            Ok(target) => target,
            Err(error) => {
                self.copier.not_written(attachments.path(), path, &error, totals);
                return links;
            }
        };
        let path = path.join(ATTACHMENTS);
        let mut names = Names::new(self.copier.target.folds_case());
        for entry in entries {
            let found = match attachments.child(&entry.name) {
                Ok(found) => found,
                Err(error) => {
                    let path = attachments.path().join(&entry.name);
                    totals.losses.push(Loss::of_source(&path, &error));
                    continue;
                }
            };
            let name = names.give(&entry.name, None);
            let url = format!("{ATTACHMENTS}/{}", url_of(&name));
            let key = format!("{ATTACHMENTS}/{}", entry.name.to_string_lossy());
            let kind = match entry.file_type {
                FileType::Directory => {
                    let at = (&target, &*path.join(&name));
                    match self.inside(&found, at, (depth, around), totals) {
                        Some(inside) => {
                            links.extend(below(&key, &url, inside));
                            LinkKind::Page
                        }
                        None => LinkKind::Directory,
                    }
                }
                _ => {
                    let into = Filled { directory: &target, path: &path, pass: Pass::Write };
                    self.copier.entry(&found, None, &name, into, totals);
                    LinkKind::File
                }
            };
            links.insert(key, Link { url, kind });
        }
        links
    }

    /// Makes the page of a message in a message, in a directory of this path. If none can be made,
    /// copies what is in the directory of the message.
    fn inside(
        &self,
        found: &Place,
        (target, path): (&OutputDirectory, &Path),
        (depth, around): (usize, &str),
        totals: &mut Totals,
    ) -> Option<Links> {
        let name = path.file_name().unwrap_or_default();
        let like = Permissions::of(found.attr());
        let message = self.opener.open(found).filter(|_| depth < DEPTH_MAX);
        let directory = match &message {
            Some(_) => self.directory_at(path, like),
            None => target.subdirectory(name, like),
        };
        let directory = match directory {
            Ok(directory) => directory,
            Err(error) => {
                self.copier.not_written(found.path(), path, &error, totals);
                return None;
            }
        };
        let Some(message) = message else {
            let into = Filled { directory: &directory, path, pass: Pass::Write };
            self.copier.tree(found, into, totals);
            return None;
        };
        let navigation =
            format!("<nav class=\"bar\"><a href=\"{around}/{INDEX}\">Message around</a></nav>\n");
        Some(self.page(&message, found, (&directory, path), &navigation, depth + 1, totals))
    }
}

/// The links to what lies in a directory of the message, from the page of that message.
fn below(path: &str, url: &str, links: Links) -> impl Iterator<Item = (String, Link)> {
    let link = move |link: Link| Link { url: format!("{url}/{}", link.url), ..link };
    links.into_iter().map(move |(below, one)| (format!("{path}/{below}"), link(one)))
}

/// The page of a file that holds no message that can be opened.
fn write_failure(
    path: &Path,
    cause: &str,
    navigation: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (name, cause) = (escape(&path.display().to_string()), escape(cause));
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">\n<title>{name}</title><style>{PAGE_STYLE}</style></head><body>\n\
         {navigation}<h1>{name}</h1>\n<p class=\"warn\">Cannot be opened: {cause}</p></body></html>\n"
    )
}

/// Writes `index.html`.
pub(super) fn write_index(rows: &[PageRow], out: &mut dyn Write) -> io::Result<()> {
    let hash = BASE64.encode(Sha256::digest(SCRIPT.as_bytes()));
    let json = serde_json::to_string(rows)?;
    // Nothing else than `<` could begin what ends a script element.
    let json = json.replace('<', "\\u003c");
    let column = |name: &str, title: &str| {
        format!(
            "<th class=\"{name}\" data-column=\"{name}\" scope=\"col\"><button type=\"button\">\
             {title}</button></th>"
        )
    };
    let columns =
        [("date", "Date"), ("from", "From"), ("subject", "Subject"), ("files", "Attachments")];
    let columns: String = columns.iter().map(|(name, title)| column(name, title)).collect();
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>Messages</title>\n<style>{PAGE_STYLE}</style></head><body>\n\
         <h1>Messages <span class=\"quiet\" id=\"count\"></span></h1>\n\
         <div class=\"bar\"><input type=\"search\" id=\"search\" autofocus \
         placeholder=\"Search date, sender, subject, attachments\" aria-label=\"Search\">\
         <button type=\"button\" id=\"reset\" hidden>Show all</button></div>\n\
         <svg id=\"chart\" role=\"group\" aria-label=\"Messages over time\"></svg>\n\
         <noscript><p>The list needs scripts. The messages are in the folder m.</p></noscript>\n\
         <table><thead><tr>{columns}</tr></thead><tbody id=\"list\"></tbody></table>\n\
         <div id=\"end\"></div>\n\
         <script type=\"application/json\" id=\"rows\">{json}</script>\n\
         <script>{SCRIPT}</script></body></html>\n"
    )
}

/// A file name in a URL.
fn url_of(name: &OsStr) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut url = String::new();
    for byte in name.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                url.push(char::from(*byte));
            }
            // Writing to a String cannot fail.
            byte => drop(write!(url, "%{byte:02X}")),
        }
    }
    url
}

fn escape(text: &str) -> String {
    harmless(text).replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
