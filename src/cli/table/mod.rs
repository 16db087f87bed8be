//! `msgfs table`: messages as Parquet, Arrow or CSV, in parallel and in a fixed order.

mod format;
mod manifest;
mod out;
mod parts;
mod shard;
mod walk;

use std::ffi::OsStr;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use indicatif::ProgressBar;
use msg_table::{Options, Record, UnknownColumn};
use outlook_msg::mail::size_text;

use crate::fs;
use crate::imsg::SessionOptions;

use super::arguments::Table;
use super::ordered::{Output, cores, ordered_on};
use super::places::{Places, cause, count, in_stdin};
use super::signals::stop_at_signals;
use super::status::Status;
use super::suggest::similar;
use super::target::{OutputDirectory, Permissions, Unfinished};
use super::terminal::{counted, one_line, progress_bar};
use super::{complain, wrong_usage};

use format::{Format, TableWriter, of_arrow};
use out::TableOut;
use shard::Shard;
use walk::{MailWalk, WalkItem};

/// Makes a table.
pub(super) fn run(
    arguments: &Table,
    options: fs::Options,
    out: &mut (dyn Write + Send),
) -> io::Result<Status> {
    let Some((dest, paths)) = arguments.words.split_last().filter(|(_, paths)| !paths.is_empty())
    else {
        return Ok(wrong_usage("missing <PATH>... <OUT>"));
    };
    let asked =
        TableOut::of(dest, arguments).and_then(|out| Ok((out, columns(arguments, &options)?)));
    let asked = asked.and_then(|(out, columns)| Ok((out, columns, shard(arguments)?)));
    let (dest, columns, shard) = match asked {
        Ok(asked) => asked,
        Err(what) => return Ok(failed(&what)),
    };
    let mut places = Places::new(options.clone());
    for path in paths {
        if let Err(what) = check(&mut places, path) {
            return Ok(failed(&format!("{}: {what}", one_line(path))));
        }
    }
    let maker = TableMaker {
        threads: arguments.jobs.filter(|jobs| *jobs > 0).unwrap_or_else(cores),
        table: msg_table::Table::new(columns.clone()),
        progress: progress(paths, &options),
        stop: stop_at_signals()?,
    };
    let walk = MailWalk::new(places, paths.to_vec(), shard);
    let made = match &dest {
        TableOut::Stream => maker.stream(walk, out),
        TableOut::File(path, format) => maker.file(walk, path, *format, arguments.mode),
        TableOut::Folder(path) => {
            let settings = parts::settings(&columns, arguments, shard, &options);
            parts::fill(&maker, walk, path, settings, arguments.mode)
        }
    };
    maker.progress.finish_and_clear();
    let totals = match made {
        Ok(totals) => totals,
        Err(error) if dest == TableOut::Stream => return Err(error),
        Err(error) => return Ok(failed(&wrong_writing(&dest, &error))),
    };
    maker.report(&totals, &dest, arguments.strict, out)
}

/// The columns that are asked for.
fn columns(arguments: &Table, options: &fs::Options) -> Result<Options, String> {
    let all = Options::new();
    let chosen = match &arguments.columns {
        None => all,
        Some(list) => all.columns(list).map_err(|UnknownColumn(name)| {
            let known = msg_table::COLUMNS.iter().map(|column| column.name);
            match similar(&name, known) {
                Some(meant) => format!("no column is called '{name}'; did you mean '{meant}'?"),
                None => format!("no column is called '{name}'; 'msgfs help table' lists them"),
            }
        })?,
    };
    let chosen = if arguments.html { chosen.html() } else { chosen };
    let session = SessionOptions { code_page: options.code_page };
    Ok(chosen.hashes(!arguments.no_hash).embedded(arguments.embedded).session(session))
}

fn shard(arguments: &Table) -> Result<Option<Shard>, String> {
    let Some(text) = &arguments.shard else { return Ok(None) };
    let expected = || format!("--shard {text}: expected I/N with I from 1 to N, as 1/8");
    Shard::parse(text).map(Some).ok_or_else(expected)
}

/// Says what is wrong with a path, before hours of work.
fn check(places: &mut Places, path: &Path) -> Result<(), String> {
    places.open_messages(path).map(drop).map_err(|error| cause(&error))
}

fn progress(paths: &[PathBuf], options: &fs::Options) -> ProgressBar {
    progress_bar(|| match paths.iter().any(|path| in_stdin(path).is_some()) {
        // Standard input can be read only once.
        true => paths.len() as u64,
        false => count(Places::new(options.clone()), paths),
    })
}

fn failed(what: &str) -> Status {
    complain(what);
    Status::Failed
}

fn wrong_writing(dest: &TableOut, error: &io::Error) -> String {
    match dest {
        // This error is made by msgfs itself, and says what to do.
        TableOut::Folder(path) if error.kind() == io::ErrorKind::Other => {
            format!("{}: {error}", one_line(path))
        }
        TableOut::Folder(path) => {
            let what = "the same command goes on behind the whole parts";
            format!("{}: {error}; {what}", one_line(path))
        }
        TableOut::File(path, _) => format!("{}: {error}; there is no table", one_line(path)),
        TableOut::Stream => error.to_string(),
    }
}

/// What rows are made with.
struct TableMaker {
    table: msg_table::Table,
    threads: usize,
    progress: ProgressBar,
    stop: Arc<AtomicBool>,
}

/// What was made.
#[derive(Debug, Default)]
struct TableTotals {
    rows: usize,
    /// How many rows have defects.
    rows_with_defects: usize,
    bytes: u64,
    /// Parts, and how many of them were there before.
    parts: usize,
    parts_kept: usize,
    /// The worst of what could not be looked at.
    status: Status,
}

impl TableMaker {
    fn stream(&self, walk: MailWalk, out: &mut (dyn Write + Send)) -> io::Result<TableTotals> {
        let mut totals = TableTotals::default();
        self.fill(walk, Format::ArrowStream, out, &mut totals)?.flush()?;
        Ok(totals)
    }

    fn file(
        &self,
        walk: MailWalk,
        path: &Path,
        format: Format,
        mode: u32,
    ) -> io::Result<TableTotals> {
        let (folder, name) = out::split(path)?;
        let folder = OutputDirectory::open(folder)?;
        let unfinished = folder.create(name, Permissions::of_mode(0o600))?;
        let mut totals = TableTotals::default();
        self.write(walk, format, &unfinished, &mut totals)?;
        if !self.is_stopped() {
            publish(unfinished, name, mode)?;
        }
        Ok(totals)
    }

    /// Writes a file, and adds what is in it to the totals.
    fn write(
        &self,
        files: impl Iterator<Item = WalkItem> + Send,
        format: Format,
        unfinished: &Unfinished<'_>,
        totals: &mut TableTotals,
    ) -> io::Result<()> {
        let file = BufWriter::with_capacity(256 << 10, &unfinished.file);
        self.fill(files, format, file, totals)?.flush()?;
        totals.bytes += unfinished.file.metadata()?.len();
        Ok(())
    }

    fn fill<W: Write + Send>(
        &self,
        files: impl Iterator<Item = WalkItem> + Send,
        format: Format,
        out: W,
        totals: &mut TableTotals,
    ) -> io::Result<W> {
        let mut writer = TableWriter::new(format, out, &self.table.schema())?;
        let mut builder = self.table.builder();
        let mut failure = None;
        let work = |item: WalkItem, _: &mut Output<'_>| self.rows(item);
        ordered_on(self.threads, files, &mut io::sink(), work, |rows| {
            let records = rows.unwrap_or_else(|unreadable| {
                self.report_unreadable(&unreadable, totals);
                Vec::new()
            });
            let put = records.into_iter().try_for_each(|record| {
                totals.rows += 1;
                totals.rows_with_defects += usize::from(record.has_defects());
                match builder.push(record).map_err(of_arrow)? {
                    Some(batch) => writer.write(&batch),
                    None => Ok(()),
                }
            });
            self.progress.inc(1);
            failure = put.err();
            failure.is_none() && !self.is_stopped()
        })?;
        if let Some(error) = failure {
            return Err(error);
        }
        if let Some(batch) = builder.finish().map_err(of_arrow)? {
            writer.write(&batch)?;
        }
        writer.finish()
    }

    fn rows(&self, item: WalkItem) -> Result<Vec<Record>, UnreadablePath> {
        let place = match item {
            WalkItem::File(place) => place,
            WalkItem::Failed(unreadable) => return Err(unreadable),
        };
        Ok(walk::inputs(&place).into_iter().flat_map(|input| self.table.records(input)).collect())
    }

    /// Reports a path that could not be looked at.
    fn report_unreadable(&self, unreadable: &UnreadablePath, totals: &mut TableTotals) {
        totals.status.join(unreadable.status);
        self.progress.suspend(|| complain(&unreadable.what));
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Reports what was made. Returns the exit status.
    fn report(
        &self,
        totals: &TableTotals,
        dest: &TableOut,
        is_strict: bool,
        out: &mut dyn Write,
    ) -> io::Result<Status> {
        if self.is_stopped() {
            complain(match dest {
                TableOut::Folder(_) => {
                    "interrupted; the same command goes on behind the whole parts"
                }
                TableOut::File(..) => "interrupted; there is no table",
                TableOut::Stream => "interrupted; the stream ends early",
            });
            return Ok(Status::Interrupted);
        }
        let mut status = totals.status;
        if totals.rows_with_defects > 0 {
            let (rows, damaged) = (totals.rows, totals.rows_with_defects);
            complain(&format!("{damaged} of {} with defects", counted(rows, "row")));
            status.join(if is_strict { Status::Wrong } else { Status::Done });
        }
        let (rows, size) = (counted(totals.rows, "row"), size_text(totals.bytes));
        match dest {
            TableOut::Stream => {}
            TableOut::File(..) => writeln!(out, "{rows}, {size}")?,
            TableOut::Folder(_) => {
                let parts = counted(totals.parts, "part");
                writeln!(out, "{rows}, {parts} ({} kept), {size}", totals.parts_kept)?;
            }
        }
        Ok(status)
    }
}

/// A path that cannot be looked at, so that nobody knows how many rows are missing.
#[derive(Debug)]
struct UnreadablePath {
    status: Status,
    what: String,
}

impl UnreadablePath {
    fn new(path: &Path, error: &fs::Error) -> Self {
        let what = format!("{}: {}", one_line(path), cause(error));
        Self { status: Status::of(error), what }
    }
}

/// Gives a whole file its permissions and its name. It is on the disk before it has the name: a
/// rerun after a power failure takes a file of this name for whole.
fn publish(unfinished: Unfinished<'_>, name: &OsStr, mode: u32) -> io::Result<()> {
    unfinished.file.sync_all()?;
    rustix::fs::fchmod(&unfinished.file, rustix::fs::Mode::from_raw_mode(mode))?;
    unfinished.finish(name, SystemTime::now())
}
