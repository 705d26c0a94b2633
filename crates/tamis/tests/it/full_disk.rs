//! A disk that fills up, at every write: a small file system in memory, larger from run to run. The run
//! stops with three lines and exit code 3, what is committed holds, and with more room the same command
//! finishes with the digest of an undisturbed run.

use std::{fs, process::Command};

use crate::desk::{Desk, Dice, Said, TAMIS, demo, gzip};

/// Sizes tried between nothing and enough.
const SIZES: u64 = 25;

/// Runs in a mount namespace of its own: `$1` kB, the program `$2`. What happened is left in files.
const SCRIPT: &str = r#"
set -u
mkdir -p small && mount -t tmpfs -o "size=$1k" none small || exit 77
open() { "$2" open dump --case small/case --no-desk --quiet --jobs 2 >"$3.out" 2>"$3.err"; echo $? >"$3.code"; }
look() { "$2" "$4" small/case $5 >"$3.out" 2>"$3.err"; echo $? >"$3.code"; }
open "$1" "$2" full
look "$1" "$2" held verify ""
look "$1" "$2" searched search "kind:mail"
mount -o remount,size=400m small || exit 78
open "$1" "$2" again
look "$1" "$2" verified verify ""
look "$1" "$2" digest digest ""
look "$1" "$2" found search "kind:mail"
ls small/case/tmp | wc -l >left
ls small/case/batches >batches
"#;

/// What the step of the script said.
fn said(desk: &Desk, step: &str) -> Said {
    let read = |kind: &str| fs::read_to_string(desk.path(format!("{step}.{kind}"))).unwrap();
    let said = Said { code: read("code").trim().parse().unwrap(), out: read("out"), err: read("err") };
    assert!(said.code != 101 && !said.err.contains("panicked"), "{step}: {said:#?}");
    said
}

#[test]
fn at_every_write() {
    let desk = Desk::new();
    demo(&desk, "dump/demo", tamis_demo::Scale::Small, tamis_demo::Layout::Mixed);
    // Content that is spooled to the disk before it is committed.
    let mut dice = Dice::new(5);
    desk.write("dump/spooled.txt.gz", gzip(dice.prose(4_500_000).as_bytes()));
    desk.open("dump", "whole");
    let whole = (desk.digest("whole"), desk.batches("whole"), desk.ok(&["search", "whole", "kind:mail"]).out);

    let mut size = 4;
    let mut stopped = 0;
    let mut errors = std::collections::BTreeSet::new();
    loop {
        let mut namespace = Command::new("unshare");
        let user: &[&str] = if rustix::process::geteuid().is_root() { &["-m"] } else { &["-rm"] };
        let size_text = size.to_string();
        namespace.args(user).args(["sh", "-c", SCRIPT, "sh", &size_text, TAMIS]).current_dir(desk.path(""));
        let ran = namespace.output().unwrap();
        if !ran.status.success() {
            // As where user namespaces are forbidden: nothing can be mounted, so nothing is shown.
            println!(
                "skipped: no file system can be mounted here ({})",
                String::from_utf8_lossy(&ran.stderr)
            );
            assert_eq!(stopped, 0, "{ran:?}");
            return;
        }
        let full = said(&desk, "full");
        if full.code == 0 {
            break;
        }
        let full = Said { out: String::new(), ..full }.fails(3, "");
        assert!(full.err.contains("hint: free some space"), "{size} kB: {full:#?}");
        stopped += 1;
        errors.insert(full.err.lines().next().unwrap().to_owned());

        // What is there holds, or is not a case yet.
        for step in ["held", "searched"] {
            let said = said(&desk, step);
            let there = said.code == 0 || said.code == 2;
            assert!(there, "{size} kB, {step}: {said:#?}, after {full:#?}");
        }
        let again = said(&desk, "again");
        assert_eq!(again.code, 0, "{size} kB: with room, it goes on: {again:#?}, after {full:#?}");
        assert_eq!(said(&desk, "verified").code, 0, "{size} kB: {:#?}", said(&desk, "verified"));
        let read = |name: &str| fs::read_to_string(desk.path(name)).unwrap();
        let batches: Vec<String> = read("batches").lines().map(str::to_owned).collect();
        assert_eq!((said(&desk, "digest").out, batches, said(&desk, "found").out), whole, "{size} kB");
        assert_eq!(read("left").trim(), "0", "{size} kB: left in tmp/");
        // Small steps where the case is made, larger ones where content is written.
        size += if size < 200 { 16 } else { (size / 5).min(600) };
        assert!(stopped < 3 * SIZES, "{size} kB are not enough: {full:#?}");
    }
    assert!(stopped >= SIZES, "only {stopped} sizes failed");
    assert!(errors.len() >= 4, "always the same write failed: {errors:#?}");
}
