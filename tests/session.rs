//! The promises of the message session, through its public interface.

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use msgfs::imsg::{
    Access, Attachment, CloseReport, EMBEDDING_DEPTH_MAX, Error, MapiProp, MapiPropMut as _,
    Message, PropertyStream, Recipient, ReleaseCallback, Session, SessionOptions,
    SessionStatistics,
};
use msgfs::mapi::{Value, tags};
use msgfs::storage::{CompoundFile, Source, Storage};
use msgfs::view::{MessageTree, NodeId, Show};

use crate::browse::Browser;
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

fn session() -> Session {
    Session::open(SessionOptions::default())
}

fn storage(message: &MessageBuilder) -> Storage {
    CompoundFile::open(Source::from_bytes(message.to_bytes())).unwrap().root()
}

/// A message with a recipient, a file, and a message that has a file too.
fn letter() -> MessageBuilder {
    let inner = MessageBuilder::new("IPM.Note", "Inner")
        .attach(AttachmentBuilder::file("inner.txt", "inside"));
    MessageBuilder::new("IPM.Note", "Outer")
        .recipient(RecipientBuilder::bcc("Ann", "ann@example.org"))
        .attach(AttachmentBuilder::file("outer.txt", "outside"))
        .attach(AttachmentBuilder::message(inner))
}

/// A session in which the message of [`letter`] is open, and what is told of its release.
fn watched() -> (Released, Session, Message) {
    let released = Released::default();
    let (session, storage) = (session(), storage(&letter()));
    let message = session.open_message_with(&storage, Access::Read, released.callback()).unwrap();
    (released, session, message)
}

/// One handle of every kind on the message of [`letter`].
#[derive(Clone, Debug)]
struct Handles {
    message: Message,
    recipient: Recipient,
    attachment: Attachment,
    embedded: Message,
    inner_attachment: Attachment,
    stream: PropertyStream,
}

impl Handles {
    fn open(message: Message) -> Result<Self, Error> {
        let attachment = message.attachment(1)?;
        let embedded = attachment.embedded_message()?;
        let inner_attachment = embedded.attachment(0)?;
        let stream = inner_attachment.open_property(tags::PR_ATTACH_DATA_BIN, None)?;
        let recipient = message.recipients()?.remove(0);
        Ok(Self { message, recipient, attachment, embedded, inner_attachment, stream })
    }

    /// Every question that a handle can be asked, and whether it said that the session is closed.
    fn answers(&self) -> Vec<(&'static str, bool)> {
        fn closed<T: Debug>(result: Result<T, Error>) -> bool {
            matches!(result, Err(Error::SessionClosed))
        }
        fn of_properties(object: &dyn MapiProp) -> [(&'static str, bool); 6] {
            let tag = tags::PR_SUBJECT;
            [
                ("property_tags", closed(object.property_tags())),
                ("property", closed(object.property(tag))),
                ("salvage", closed(object.salvage(tag))),
                ("value_defect", closed(object.value_defect(tag))),
                ("value_defects", closed(object.value_defects())),
                ("open_property", closed(object.open_property(tag, None))),
            ]
        }
        let mut answers = Vec::new();
        for message in [&self.message, &self.embedded] {
            answers.extend(of_properties(message));
            answers.extend([
                ("storage", closed(message.storage())),
                ("names", closed(message.names())),
                ("recipients", closed(message.recipients())),
                ("attachments", closed(message.attachments())),
                ("attachment", closed(message.attachment(0))),
                ("defects", closed(message.defects())),
                (
                    "write_standalone",
                    closed(message.write_standalone(tempfile::tempfile().unwrap())),
                ),
            ]);
        }
        for attachment in [&self.attachment, &self.inner_attachment] {
            answers.extend(of_properties(attachment));
            answers.extend([
                ("number", closed(attachment.number())),
                ("storage", closed(attachment.storage())),
                ("method", closed(attachment.method())),
                ("embedded_message", closed(attachment.embedded_message())),
                ("content_storage", closed(attachment.content_storage())),
                ("defects", closed(attachment.defects())),
            ]);
        }
        answers.extend(of_properties(&self.recipient));
        answers.extend([
            ("number", closed(self.recipient.number())),
            ("storage_id", closed(self.recipient.storage_id())),
            ("len", closed(self.stream.len())),
            ("is_empty", closed(self.stream.is_empty())),
            ("read_at", closed(self.stream.read_at(0, &mut [0; 4]))),
        ]);
        answers
    }

    fn assert_all_closed(&self) {
        let open: Vec<_> = self.answers().into_iter().filter(|(_, closed)| !closed).collect();
        assert!(open.is_empty(), "still answered: {open:?}");
    }
}

/// Counts how often callbacks ran.
#[derive(Clone, Default)]
struct Released(Arc<AtomicUsize>);

impl Released {
    fn callback(&self) -> Option<ReleaseCallback> {
        let count = Arc::clone(&self.0);
        Some(Box::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        }))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn counts(open_objects: usize, open_messages: usize, messages_opened: u64) -> SessionStatistics {
    SessionStatistics { open_objects, open_messages, messages_opened }
}

#[test]
fn every_object_is_tracked() {
    let session = session();
    let message = session.open_message(&storage(&letter()), Access::Read).unwrap();
    assert_eq!(session.statistics(), counts(1, 1, 1));
    let handles = Handles::open(message).unwrap();
    assert_eq!(session.statistics(), counts(5, 1, 1));
    assert!(handles.answers().iter().all(|(_, closed)| !closed));
    let report = session.close();
    let expected = CloseReport {
        messages: 1,
        embedded_messages: 1,
        attachments: 2,
        property_streams: 1,
        saves: Vec::new(),
    };
    assert_eq!(report, expected);
}

#[test]
fn close_ends_every_handle() {
    let session = session();
    let handles =
        Handles::open(session.open_message(&storage(&letter()), Access::Read).unwrap()).unwrap();
    let clones = handles.clone();
    drop(session.close());
    handles.assert_all_closed();
    clones.assert_all_closed();
    assert_eq!(session.statistics(), counts(0, 0, 1));
}

#[test]
fn nothing_opens_after_close_and_a_second_close_does_nothing() {
    let released = Released::default();
    let (session, storage) = (session(), storage(&letter()));
    let other_handle = session.clone();
    session.open_message_with(&storage, Access::Read, released.callback()).unwrap();
    drop(session.close());
    assert_eq!(other_handle.close(), CloseReport::default());
    let reopened = other_handle.open_message_with(&storage, Access::Read, released.callback());
    assert!(matches!(reopened, Err(Error::SessionClosed)));
    assert_eq!(released.count(), 1);
    assert_eq!(session.statistics(), counts(0, 0, 1));
}

#[test]
fn sessions_do_not_know_each_other() {
    let (one, other, storage) = (session(), session(), storage(&letter()));
    let message = other.open_message(&storage, Access::Read).unwrap();
    one.open_message(&storage, Access::Read).unwrap();
    drop(one.close());
    assert_eq!(message.text(tags::PR_SUBJECT).as_deref(), Some("Outer"));
    assert_eq!(other.statistics(), counts(1, 1, 1));
}

#[test]
fn a_message_is_released_with_its_last_handle_once() {
    let (released, session, message) = watched();
    let clone = message.clone();
    drop(message);
    assert_eq!((released.count(), session.statistics()), (0, counts(1, 1, 1)));
    drop(clone);
    assert_eq!((released.count(), session.statistics()), (1, counts(0, 0, 1)));
    assert_eq!(session.close(), CloseReport::default());
    assert_eq!(released.count(), 1);
}

#[test]
fn close_releases_once_though_handles_are_dropped_later() {
    let (released, session, message) = watched();
    let handles = Handles::open(message).unwrap();
    assert_eq!(session.close().messages, 1);
    assert_eq!(released.count(), 1);
    drop(handles);
    assert_eq!(released.count(), 1);
}

#[test]
fn a_session_that_is_dropped_leaves_its_messages_readable() {
    let released = Released::default();
    let session = session();
    let message =
        session.open_message_with(&storage(&letter()), Access::Read, released.callback()).unwrap();
    drop(session);
    assert_eq!(message.text(tags::PR_SUBJECT).as_deref(), Some("Outer"));
    assert_eq!(released.count(), 0);
    drop(message);
    assert_eq!(released.count(), 1);
}

#[test]
fn a_child_keeps_its_parents_open() {
    let (released, session, message) = watched();
    let Handles { stream, recipient, .. } = Handles::open(message).unwrap();
    assert_eq!((released.count(), session.statistics()), (0, counts(5, 1, 1)));
    drop(stream);
    // The recipient is a row of its message and keeps that alone.
    assert_eq!((released.count(), session.statistics()), (0, counts(1, 1, 1)));
    drop(recipient);
    assert_eq!((released.count(), session.statistics()), (1, counts(0, 0, 1)));
}

#[test]
fn children_are_released_before_their_parents() {
    // On drop: when the callback of the message runs, the registry has no child left.
    let (session, storage) = (session(), storage(&letter()));
    let seen = Arc::new(Mutex::new(None));
    let callback = {
        let (session, seen) = (session.clone(), Arc::clone(&seen));
        Box::new(move || *seen.lock().unwrap() = Some(session.statistics().open_objects))
    };
    let message = session.open_message_with(&storage, Access::Read, Some(callback)).unwrap();
    drop(Handles::open(message).unwrap());
    assert_eq!(seen.lock().unwrap().take(), Some(0));

    // On close: when the callback of the message runs, its children have been released.
    let handles: Arc<Mutex<Option<Handles>>> = Arc::default();
    let callback = {
        let (handles, seen) = (Arc::clone(&handles), Arc::clone(&seen));
        Box::new(move || {
            let handles = handles.lock().unwrap().take().unwrap();
            *seen.lock().unwrap() = Some(usize::from(handles.stream.len().is_ok()));
            handles.assert_all_closed();
        })
    };
    let message = session.open_message_with(&storage, Access::Read, Some(callback)).unwrap();
    *handles.lock().unwrap() = Some(Handles::open(message).unwrap());
    drop(session.close());
    assert_eq!(seen.lock().unwrap().take(), Some(0));
}

#[test]
fn a_callback_may_use_the_session() {
    let (session, storage) = (session(), storage(&letter()));
    let reports = Arc::new(Mutex::new(Vec::new()));
    let callback = || -> ReleaseCallback {
        let (session, storage) = (session.clone(), storage.clone());
        let reports = Arc::clone(&reports);
        Box::new(move || {
            let reopened = session.open_message(&storage, Access::Read).is_ok();
            reports.lock().unwrap().push((reopened, session.close()));
        })
    };
    let message = session.open_message_with(&storage, Access::Read, Some(callback())).unwrap();
    let other = session.open_message_with(&storage, Access::Read, Some(callback())).unwrap();
    assert_eq!(session.close().messages, 2);
    drop((message, other));
    assert_eq!(*reports.lock().unwrap(), vec![(false, CloseReport::default()); 2]);
}

#[test]
fn a_message_that_does_not_open_is_not_tracked() {
    let released = Released::default();
    let session = session();
    let mut tree = letter().to_tree();
    tree.remove("__properties_version1.0");
    let names: Vec<_> = storage(&letter()).entries().map(|one| one.name().to_owned()).collect();
    for name in names.iter().filter(|name| name.starts_with("__substg1.0_")) {
        tree.remove(name);
    }
    let empty = CompoundFile::open(Source::from_bytes(tree.to_bytes())).unwrap().root();
    let error = session.open_message_with(&empty, Access::Read, released.callback()).unwrap_err();
    assert_eq!(error.to_string(), "/: a storage without message properties");
    assert_eq!((released.count(), session.statistics()), (0, counts(0, 0, 0)));
}

#[test]
fn close_while_other_threads_open() {
    const THREADS: usize = 4;
    for round in 0..20 {
        let (session, storage, released) = (session(), storage(&letter()), Released::default());
        let opened = AtomicUsize::new(0);
        let held = Mutex::new(Vec::new());
        let report = thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while let Ok(message) =
                        session.open_message_with(&storage, Access::Read, released.callback())
                    {
                        opened.fetch_add(1, Ordering::SeqCst);
                        match Handles::open(message) {
                            Ok(handles) if round % 2 == 0 => held.lock().unwrap().push(handles),
                            Ok(_) | Err(Error::SessionClosed) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
            while opened.load(Ordering::SeqCst) < 10 {
                thread::yield_now();
            }
            session.close()
        });
        let opened = opened.into_inner();
        assert_eq!(session.statistics(), counts(0, 0, opened as u64));
        assert!(report.messages <= opened);
        held.into_inner().unwrap().iter().for_each(Handles::assert_all_closed);
        assert_eq!(released.count(), opened);
    }
}

#[test]
fn several_closes_at_once_release_once() {
    let (session, storage, released) = (session(), storage(&letter()), Released::default());
    let open = |_| session.open_message_with(&storage, Access::Read, released.callback()).unwrap();
    let messages: Vec<_> = (0..100).map(open).collect();
    let total: usize = thread::scope(|scope| {
        let closes = [(); 4].map(|()| scope.spawn(|| session.close().messages));
        closes.map(|close| close.join().unwrap()).iter().sum()
    });
    assert_eq!((total, released.count()), (100, 100));
    drop(messages);
    assert_eq!(released.count(), 100);
}

#[test]
fn messages_nest_to_the_limit_and_no_deeper() {
    let innermost = MessageBuilder::new("IPM.Note", "Innermost");
    let nested = (0..=EMBEDDING_DEPTH_MAX).fold(innermost, |inner, _| {
        MessageBuilder::new("IPM.Note", "Around").attach(AttachmentBuilder::message(inner))
    });
    let bytes = nested.to_bytes();
    let file = CompoundFile::open(Source::from_bytes(bytes.clone())).unwrap();
    let session = session();
    let mut message = session.open_message(&file.root(), Access::Read).unwrap();
    for _ in 0..EMBEDDING_DEPTH_MAX {
        message = message.attachment(0).unwrap().embedded_message().unwrap();
    }
    assert_eq!(message.text(tags::PR_SUBJECT).as_deref(), Some("Around"));
    let error = message.attachment(0).unwrap().embedded_message().unwrap_err();
    assert!(matches!(error, Error::TooDeep { .. }), "{error}");
    let place = "/__attach_version1.0_#00000000/__substg1.0_3701000D".repeat(65);
    assert_eq!(error.to_string(), format!("{place}: message embedded more than 64 levels deep"));

    let source = Source::from_bytes(bytes);
    let tree = MessageTree::open(&session, source, Show::default()).unwrap();
    let browser = Browser::new(&tree);
    let deepest = browser.walk(NodeId(0), &["attachments/Around.msg"; 64].join("/")).unwrap();
    let errors = browser.read(deepest, "ERRORS").unwrap();
    assert!(String::from_utf8(errors).unwrap().ends_with("more than 64 levels deep\n"));
    assert_eq!(browser.read(deepest, "subject").as_deref(), Some(&b"Around\n"[..]));
}

#[test]
fn edits_are_not_saved_by_a_session_that_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.msg");
    let target = std::sync::Arc::new(msgfs::imsg::FileTarget::new(&path));
    let message = {
        let session = Session::open(SessionOptions::default());
        session.create_message(target).unwrap()
    };
    assert!(!path.exists());
    // The message can still be saved.
    message.set_property(tags::PR_SUBJECT, &Value::String("Later".to_owned())).unwrap();
    message.save_changes().unwrap();
    drop(message);
    let mail = msgfs::mail::Mail::open(&path).unwrap();
    assert_eq!(mail.subject().unwrap().as_deref(), Some("Later"));
}
