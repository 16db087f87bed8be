//! The Debian package: made, installed beside the system, tried and removed. The tar of the static
//! program: unpacked in an empty root, and tried.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::mount::mounted::has_fuse;
use crate::mount::process::{LONG, is_installed, run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// cargo-deb is built before the first package is made.
const BUILD: Duration = Duration::from_secs(900);

/// What the package must have, beside a page for each command.
const FILES: [&str; 12] = [
    "/usr/bin/msgfs",
    "/usr/sbin/mount.fuse.msgfs -> ../bin/msgfs",
    "/usr/share/bash-completion/completions/msgfs",
    "/usr/share/doc/msgfs/README.md",
    "/usr/share/doc/msgfs/changelog.Debian.gz",
    "/usr/share/doc/msgfs/changelog.gz",
    "/usr/share/doc/msgfs/copyright",
    "/usr/share/doc/msgfs/docs/editing.md",
    "/usr/share/doc/msgfs/examples/msgfs@.service",
    "/usr/share/fish/vendor_completions.d/msgfs.fish",
    "/usr/share/man/man1/msgfs.1.gz",
    "/usr/share/zsh/vendor-completions/_msgfs",
];

/// Layers over the system in the empty directory `$1`, for a mount namespace, with which they go:
/// what is installed there is nowhere else.
pub(crate) const LAYERS: &str = r#"
    set -eu
    layers=$1
    # Copies of mounts would keep those of other tests alive, and the mounts made here us.
    leave() { umount --lazy --all --types fuse.msgfs 2>/dev/null || :; }
    leave
    trap leave EXIT
    mount -t tmpfs tmpfs "$layers"
    for directory in usr var etc; do
        mkdir -p "$layers/$directory/upper" "$layers/$directory/work"
        mount -t overlay overlay "/$directory" \
            -o "lowerdir=/$directory,upperdir=$layers/$directory/upper,workdir=$layers/$directory/work"
    done
"#;

/// Installs a package, mounts mail by it, and removes it. Prints a subject read from the mount.
const TRIAL: &str = r#"
    package=$2 samples=$3 mount_point=$1/mail
    export PATH=$PATH:/usr/sbin:/sbin
    dpkg --purge msgfs >/dev/null 2>&1 || :
    dpkg --install "$package" >/dev/null
    mkdir "$mount_point"
    mount -t fuse.msgfs -o ro "$samples" "$mount_point"
    findmnt --noheadings --output FSTYPE,OPTIONS "$mount_point" | cut -d, -f1
    cat "$mount_point/Lunch on Friday.msg/subject"
    umount "$mount_point"
    if [ -e /usr/share/doc/msgfs ] && command -v man >/dev/null; then
        man --where msgfs msgfs-check mount.fuse.msgfs >/dev/null
    fi
    dpkg --remove msgfs >/dev/null
    [ ! -e /usr/bin/msgfs ] && [ ! -L /usr/sbin/mount.fuse.msgfs ]
"#;

/// The path of a package with the program under test.
fn package() -> Option<String> {
    if !is_installed("dpkg-shlibdeps") {
        println!("SKIPPED: no dpkg-shlibdeps; install the package dpkg-dev");
        return None;
    }
    let mut command = Command::new(Path::new(ROOT).join("scripts/package"));
    let ended = run(command.arg(env!("CARGO_BIN_EXE_msgfs")), BUILD);
    if ended.stderr.contains("cargo-deb cannot be installed") {
        println!("SKIPPED: {}", ended.stderr);
        return None;
    }
    assert!(ended.status.success(), "{}", ended.stderr);
    let printed = String::from_utf8(ended.stdout).unwrap();
    Some(printed.lines().last().unwrap().to_owned())
}

#[test]
fn the_package_is_complete_installs_mounts_and_goes() {
    let Some(package) = package() else { return };
    let listing = run(Command::new("dpkg-deb").args(["--contents", &package]), LONG);
    let listing = String::from_utf8(listing.expect_success()).unwrap();
    for file in FILES {
        assert!(listing.contains(&format!(" .{file}\n")), "no {file} in\n{listing}");
    }
    for command in ["check", "umount"] {
        assert!(listing.contains(&format!("/man1/msgfs-{command}.1.gz\n")), "{listing}");
    }
    let control = run(Command::new("dpkg-deb").args(["--field", &package]), LONG);
    let control = String::from_utf8(control.expect_success()).unwrap();
    for line in [concat!("Version: ", env!("CARGO_PKG_VERSION"), "-1"), "Section: mail"] {
        assert!(control.contains(&format!("{line}\n")), "no {line} in\n{control}");
    }
    let depends = control.lines().find(|line| line.starts_with("Depends: ")).unwrap();
    assert!(depends.contains("fuse3") && depends.contains("libc6"), "{depends}");
    lint(&package);
    install(&package);
}

fn lint(package: &str) {
    if !is_installed("lintian") {
        println!("SKIPPED: no lintian; install it");
        return;
    }
    let ended = run(Command::new("lintian").args(["--fail-on", "error", package]), LONG);
    let printed = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{printed}{}", ended.stderr);
}

fn install(package: &str) {
    if !has_fuse() {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: only root can install a package");
        return;
    }
    if !is_installed("fusermount3") {
        println!("SKIPPED: the package needs the package fuse3; install it");
        return;
    }
    let layers = tempfile::TempDir::with_prefix("msgfs-package-").unwrap();
    let samples = Path::new(ROOT).join("tests/samples");
    let in_layers = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh"]).arg(layers.path());
        run(command.arg(package).arg(&samples), LONG)
    };
    let layered = in_layers(LAYERS);
    if !layered.status.success() {
        println!("SKIPPED: no layers over the system to install in: {}", layered.stderr);
        return;
    }
    let tried = in_layers(&[LAYERS, TRIAL].concat());
    assert!(tried.status.success(), "{}: {}", tried.status, tried.stderr);
    let subject = "Re: Lunch on Friday\n";
    assert_eq!(String::from_utf8_lossy(&tried.stdout), format!("fuse.msgfs ro\n{subject}"));
}

/// Makes an empty root of `$2`, the tar of `scripts/package --tar`, and mail, and tries the program there.
const BARE: &str = r#"
    set -eu
    root=$1
    tar --extract --gzip --file "$2" --directory "$root" --strip-components=1
    cp -r "$3/Calendar" "$root/mail"
    cp "$3/Lunch on Friday.msg" "$root/mail"
    for words in "--version" "find --subject Lunch" "ls -l" "show"; do
        case $words in
            --version) set -- ;;
            show) set -- "/mail/Lunch on Friday.msg" ;;
            *) set -- /mail ;;
        esac
        env --ignore-environment TZ=Europe/Prague "$(command -v chroot)" "$root" /bin/msgfs $words "$@"
    done
"#;

/// The static program runs where there is no library, no time zone and no `/dev`.
#[test]
fn the_static_program_runs_in_a_bare_root() {
    let Some(tar) = std::env::var_os("MSGFS_STATIC_TAR") else {
        println!(
            "SKIPPED: no tar in MSGFS_STATIC_TAR; scripts/test makes it by 'scripts/package --tar'"
        );
        return;
    };
    let root = tempfile::TempDir::with_prefix("msgfs-bare-").unwrap();
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "sh", "-c", BARE, "sh"]).arg(root.path()).arg(tar);
    let ended = run(command.arg(Path::new(ROOT).join("tests/samples")), LONG);
    if ended.stderr.starts_with("unshare: ") {
        println!("SKIPPED: no bare root here: {}", ended.stderr);
        return;
    }
    let printed = String::from_utf8(ended.expect_success()).unwrap();
    for expected in [
        concat!("msgfs ", env!("CARGO_PKG_VERSION"), "\n"),
        "/mail/Lunch on Friday.msg\n",
        "+02:00",
    ] {
        assert!(printed.contains(expected), "no {expected:?} in\n{printed}");
    }
    for file in ["share/man/man1/msgfs-find.1", "share/bash-completion/completions/msgfs"] {
        assert!(root.path().join(file).exists(), "{file}");
    }
}
