//! A folder of parts: each has so many files, is renamed when it is whole, and is left alone by a
//! rerun whose files are the same.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use crate::cli::arguments::Table;
use crate::cli::status::Status;
use crate::cli::target::{OutputDirectory, OutputTarget, Permissions};
use crate::fs::{self, Place};

use super::format::Format;
use super::manifest::{self, Manifest, PartFiles, Settings, TablePart, part_name};
use super::shard::Shard;
use super::walk::{MailWalk, WalkItem};
use super::{TableMaker, TableTotals, publish};

/// How many files become a part, unless the user says otherwise.
const FILES_PER_PART: usize = 10_000;

/// What the rows of a folder depend on.
pub(super) fn settings(
    columns: &msg_table::Options,
    arguments: &Table,
    shard: Option<Shard>,
    options: &fs::Options,
) -> Settings {
    let files_per_part = arguments.files_per_part.unwrap_or(FILES_PER_PART).max(1);
    let code_page = options.code_page.map(|page| page.number());
    Settings::new(columns, arguments, shard, files_per_part, code_page)
}

/// Fills a folder.
pub(super) fn fill(
    maker: &TableMaker,
    mut walk: MailWalk,
    path: &Path,
    settings: Settings,
    mode: u32,
) -> io::Result<TableTotals> {
    let target = OutputTarget::open(path)?;
    let like = Permissions::of_mode(mode);
    target.narrow_if_new(like.around())?;
    let folder = target.directory(Path::new(""), like)?;
    let files_per_part = settings.files_per_part();
    let mut parts = Parts { maker, mode, manifest: open(path, &folder, settings)?, folder };
    parts.manifest.write(&parts.folder, mode)?;
    let mut totals = TableTotals::default();
    while !maker.is_stopped() {
        let places = next_places(&mut walk, files_per_part, maker, &mut totals);
        if places.is_empty() {
            break;
        }
        parts.add(places, &mut totals)?;
    }
    if !maker.is_stopped() {
        parts.remove_behind(totals.parts)?;
    }
    Ok(totals)
}

/// What is known of the parts that are there, which must be of the same table.
fn open(path: &Path, folder: &OutputDirectory, settings: Settings) -> io::Result<Manifest> {
    let elsewhere = "give a new folder, or remove this one";
    match Manifest::read(folder)? {
        Some(known) if known.schema != msg_table::SCHEMA => {
            let what = "its parts have the columns of another version of msgfs";
            Err(io::Error::other(format!("{what}; {elsewhere}")))
        }
        Some(known) if known.options != settings => {
            let what = "its parts were made with other options";
            Err(io::Error::other(format!("{what}; repeat these, {elsewhere}")))
        }
        Some(known) => Ok(known),
        None => {
            let mut entries = std::fs::read_dir(path)?;
            let is_part = |name: OsString| manifest::is_part(Path::new(&name));
            match entries.any(|entry| entry.is_ok_and(|entry| is_part(entry.file_name()))) {
                true => Err(io::Error::other(format!(
                    "it has Parquet files but no {}; {elsewhere}",
                    manifest::NAME
                ))),
                false => Ok(Manifest::new(settings)),
            }
        }
    }
}

/// The files of the next part.
fn next_places(
    walk: &mut MailWalk,
    files: usize,
    maker: &TableMaker,
    totals: &mut TableTotals,
) -> Vec<Place> {
    let mut places = Vec::new();
    while places.len() < files {
        match walk.next() {
            None => break,
            Some(WalkItem::File(place)) => places.push(place),
            Some(WalkItem::Failed(unreadable)) => maker.report_unreadable(&unreadable, totals),
        }
    }
    places
}

struct Parts<'a> {
    maker: &'a TableMaker,
    folder: OutputDirectory,
    manifest: Manifest,
    mode: u32,
}

impl Parts<'_> {
    /// Makes the next part, unless it is there.
    fn add(&mut self, places: Vec<Place>, totals: &mut TableTotals) -> io::Result<()> {
        let number = totals.parts;
        let files = PartFiles::of(&places);
        if let Some(part) = self.manifest.has(number, &files, &self.folder) {
            totals.parts += 1;
            totals.parts_kept += 1;
            totals.rows += part.rows;
            totals.rows_with_defects += part.rows_with_defects;
            totals.bytes += part.bytes;
            self.maker.progress.inc(places.len() as u64);
            return Ok(());
        }
        let file = part_name(number);
        let name = OsStr::new(&file);
        let unfinished = self.folder.create(name, Permissions::OWN)?;
        let mut made = TableTotals::default();
        let places = places.into_iter().map(WalkItem::File);
        self.maker.write(places, Format::Parquet, &unfinished, &mut made)?;
        if self.maker.is_stopped() {
            return Ok(());
        }
        publish(unfinished, name, self.mode)?;
        let TableTotals { rows, rows_with_defects, bytes, status, .. } = made;
        totals.parts += 1;
        totals.rows += rows;
        totals.rows_with_defects += rows_with_defects;
        totals.bytes += bytes;
        totals.status.join(status);
        // If something could not be looked at, the part is noted with no files at all. No part has
        // none, so the next run makes it anew.
        let files = if status == Status::Done { files } else { PartFiles::of(&[]) };
        self.manifest.set(number, TablePart { file, bytes, rows, rows_with_defects, files });
        self.manifest.write(&self.folder, self.mode)
    }

    /// Removes the parts of files that are gone.
    fn remove_behind(&mut self, parts: usize) -> io::Result<()> {
        let gone = self.manifest.cut(parts);
        for part in &gone {
            self.folder.remove(OsStr::new(&part.file))?;
        }
        match gone.is_empty() {
            true => Ok(()),
            false => self.manifest.write(&self.folder, self.mode),
        }
    }
}
