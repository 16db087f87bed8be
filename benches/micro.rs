//! The steps that make up a look at a message, one by one: `cargo bench --bench micro`.

mod archive;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use msgfs::body::{compressed_rtf, rtf};
use msgfs::imsg::{Access, MapiProp as _, Session, SessionOptions};
use msgfs::mapi::CodePage;
use msgfs::storage::{CompoundFile, Source};
use msgfs::view::{MessageTree, NodeId, Show};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let session = Session::open(SessionOptions::default());
    open(&mut criterion, &session);
    bodies(&mut criterion);
    strings(&mut criterion);
    whole(&mut criterion, &session);
    criterion.final_summary();
}

/// A message of ordinary size, HTML inside RTF.
fn bytes() -> Vec<u8> {
    archive::message(0)
}

fn open(criterion: &mut Criterion, session: &Session) {
    let bytes = bytes();
    criterion.bench_function("open the compound file", |bencher| {
        bencher.iter(|| CompoundFile::open(Source::from_bytes(bytes.clone())));
    });
    let file = CompoundFile::open(Source::from_bytes(bytes.clone())).expect("it is whole");
    criterion.bench_function("open the message and list its properties", |bencher| {
        bencher.iter(|| {
            session.open_message(&file.root(), Access::Read).map(|message| message.property_tags())
        });
    });
    criterion.bench_function("open and list, with attributes", |bencher| {
        bencher.iter(|| {
            let source = Source::from_bytes(bytes.clone());
            let tree = MessageTree::open(session, source, Show::default()).expect("it is whole");
            for entry in tree.list(NodeId(0)).expect("it is whole").entries() {
                black_box(tree.attributes(entry.id).is_ok());
            }
        });
    });
}

fn bodies(criterion: &mut Criterion) {
    let rtf = archive::encapsulated(&archive::paragraphs(&mut archive::Random::new(1), 40_000));
    let compressed = compressed_rtf::compress(&rtf);
    let mut group = criterion.benchmark_group("rtf");
    group.throughput(Throughput::Bytes(rtf.len() as u64));
    group.bench_function("decompress", |b| b.iter(|| compressed_rtf::decompress(&compressed)));
    group.bench_function("de-encapsulate html", |b| b.iter(|| rtf::to_html(&rtf, usize::MAX)));
    group.bench_function("to text", |b| b.iter(|| rtf::to_text(&rtf, usize::MAX)));
    group.finish();
}

fn strings(criterion: &mut Criterion) {
    let western = "The price of the café naïve is, as Müller says, 12.50. ";
    let japanese = "見積書の件、お世話になっております。よろしくお願いします。";
    let mut group = criterion.benchmark_group("string8");
    for (number, text) in [(1252, western), (932, japanese), (65001, japanese)] {
        let page = CodePage::new(number).expect("it is known");
        let bytes = page.encode(&text.repeat(64)).expect("it is in the page");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(number.to_string(), |b| b.iter(|| page.decode(&bytes).len()));
    }
    group.finish();
}

fn whole(criterion: &mut Criterion, session: &Session) {
    for (name, bytes) in [("message.eml", bytes()), ("message.eml, ansi", archive::ansi_message())]
    {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let source = Source::from_bytes(bytes.clone());
                let tree =
                    MessageTree::open(session, source, Show::default()).expect("it is whole");
                let (id, _) = tree.lookup(NodeId(0), "message.eml").expect("it is whole");
                let len = tree.attributes(id).expect("it is whole").size;
                tree.read(id, 0, usize::try_from(len).unwrap_or(usize::MAX))
            });
        });
    }
}
