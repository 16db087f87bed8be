//! The options of `-o`, each with its explanation: for `msgfs help` and the man page.

/// An option of `-o`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Topic {
    /// As it is typed, with its value.
    pub(super) usage: &'static str,
    /// What it does, in a few words.
    pub(super) summary: &'static str,
    /// What it does, in full.
    pub(super) text: &'static str,
}

impl Topic {
    /// The names of the options explained together.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.usage.split(", ").map(|usage| usage.split(['=', '[']).next().unwrap_or(usage))
    }
}

/// In the order of their use.
pub(super) const OPTIONS: &[Topic] = &[
    Topic {
        usage: "show=VIEW[,VIEW...]",
        summary: "list views that are otherwise only reachable by name",
        text: "Lists views that every message has but does not list: mapi (mapi/, a file for each \
property), eml (message.eml, the message as RFC 5322), json (message.json, all properties), msg \
(message.msg, the message as a file), raw (raw/, the streams of the compound file), text \
(message.txt, the message as a person reads it), all (all of these but text). Without it they are reachable by name, and programs that read whole trees see each text \
once.",
    },
    Topic {
        usage: "others=hide",
        summary: "leave out files that are no messages",
        text: "Leaves out every file of the source that is neither a folder nor a .msg or .oft \
file, symbolic links included. others=show, which is the default, shows them as they are, \
read-only.",
    },
    Topic {
        usage: "remote=allow",
        summary: "let body.html load what is elsewhere",
        text: "Leaves the policy out of body.html that keeps a browser from running scripts and from \
loading what does not lie beside it, files of other machines such as \\\\host\\x.png included. \
With the policy, which is the default (remote=block), the sender of a \
mail does not learn that it is read.",
    },
    Topic {
        usage: "codepage=N",
        summary: "read every 8-bit string in this code page",
        text: "Reads every 8-bit string in the Windows code page N, such as 1252 or 932, whatever \
the message says of itself. For old messages that say nothing or something wrong; strings in \
Unicode are not touched.",
    },
    Topic {
        usage: "cache=SIZE",
        summary: "memory for open messages, as 64M (the default)",
        text: "Bounds the memory in which messages are kept open for the next look, in bytes or \
with K, M or G. A message may exceed the bound while it is in use.",
    },
    Topic {
        usage: "edit",
        summary: "messages can be changed and made",
        text: "Lets messages be written to: files of a message are set, created, renamed and \
removed, NAME.msg directories made. A message is saved on fsync, a second after the last program \
closed what it wrote in it, and when unmounting; its file is replaced as a whole. Without it \
nothing can be changed (ro). On the command line rw means the same; from mount(8) and in fstab(5) \
it does not, since mount(8) passes rw whenever ro is not given.",
    },
    Topic {
        usage: "delete",
        summary: "with edit: messages can be removed",
        text: "With edit, lets message directories be removed, and with them the files of the \
source. Without it that is not permitted.",
    },
    Topic {
        usage: "uid=N, gid=N",
        summary: "owner and group of everything",
        text: "Makes everything belong to the user or the group of this number. Without it a file \
belongs to who owns the message's file.",
    },
    Topic {
        usage: "umask=OCTAL",
        summary: "permission bits to take away",
        text: "Takes these permission bits away from everything: umask=027 leaves \
the owner and the group what the source gives them, without writing for the group, and others \
nothing: 0640 of the 0644 of a file.",
    },
    Topic {
        usage: "nonempty",
        summary: "cover a mount point that has files in it",
        text: "Allows a mount point that has files in it, which are hidden while it is mounted. \
Without it such a mount point is refused.",
    },
    Topic {
        usage: "allow_other",
        summary: "let all users look into the mount",
        text: "Lets all users look into the mount, as the permissions of the files allow. Without \
it only the user who mounts can, not even root. Others than root need user_allow_other in \
/etc/fuse.conf.",
    },
    Topic {
        usage: "allow_root",
        summary: "let root look into the mount",
        text: "Lets root look into the mount too, beside the user who mounts.",
    },
    Topic {
        usage: "auto_unmount",
        summary: "have fusermount3 unmount when the process dies",
        text: "Has fusermount3 unmount when the process of the mount dies, whatever it died of. \
Without it msgfs-guard, a process of msgfs, does the same.",
    },
    Topic {
        usage: "fsname=NAME",
        summary: "the source's name in the table of mounts",
        text: "Names the source in the table of mounts, as df and findmnt show it.",
    },
    Topic {
        usage: "exec, noexec",
        summary: "whether programs in the source can be run",
        text: "Allows programs in the source to be run from the mount, or forbids it, as for every \
mount. The other options of mount(8) and fstab(5), such as ro, noauto, nofail and x-systemd.*, are \
accepted.",
    },
];

/// What the man page says beside the commands and options: headings, and paragraphs below them.
pub(super) const SECTIONS: &[(&str, &[&str])] = &[
    (
        "LAYOUT OF A MESSAGE",
        &[
            "A message is a directory. It lists a file for each of these values that it has: subject, \
from, sender, to, cc, bcc, reply-to, date, received, class, message-id, importance, categories, \
headers; body.txt, body.html, body.rtf; event.ics, task.ics, contact.vcf; attachments/, in which \
embedded messages are directories again; signed/, encrypted; ERRORS, if something cannot be read.",
            "Reachable by name: mapi/ (every property), message.txt, message.eml, message.json, \
message.msg, raw/. -o show= lists them.",
        ],
    ),
    (
        "EDITING",
        &["With -o edit, writing to a file of a message sets its value. The message is saved on \
fsync, a second after the last program closed what it wrote, and when unmounting; its file is \
replaced as a whole. 'msgfs status' lists what is not saved."],
    ),
    (
        "TAKING WORDS OUT",
        &[
            "In a mount with -o edit, write to the files that have the words (echo Redacted > subject), \
remove attachments and properties (rm attachments/NAME, rm mapi/PR_PREVIEW), and unmount. A save leaves \
nothing of an old value in the file. Then 'msgfs grep --options show=all -il WORD MESSAGE' lists \
what still has the word: bodies that quote it, embedded messages, other properties, raw streams.",
            "It finds text: not what is in attached PDF files, office documents, pictures or archives, and \
not what is encrypted. Bodies and attachments of signed and encrypted mail cannot be changed. \
Backups and snapshots have the old file still.",
        ],
    ),
    (
        "EXAMPLES",
        &[
            "msgfs ~/mail /mnt/mail",
            "msgfs find --from clara --since 2024-04 mail/",
            "msgfs extract --attachments --name '*.pdf' mail/ pdfs/",
            "msgfs umount /mnt/mail",
        ],
    ),
    (
        "FILES",
        &[
            "~/.local/state/msgfs/, or $XDG_STATE_HOME/msgfs: edits that are not saved; recovered/ \
in it has what could not be saved.",
            "MOUNTPOINT/.msgfs/: session (figures), errors (every defect met so far), version.",
        ],
    ),
    (
        "ENVIRONMENT",
        &["MSGFS_PAGER, PAGER: what 'msgfs show' pipes its text through on a terminal. TZ: the \
time zone of the times that commands print. XDG_STATE_HOME: see FILES."],
    ),
    (
        "EXIT STATUS",
        &[
            "0 if all went well, 1 if something is damaged or nothing was found, 2 for wrong usage, a \
missing path or a failed read.",
        ],
    ),
    ("SEE ALSO", &["fusermount3(1), mount(8), fstab(5), grep(1)"]),
];
