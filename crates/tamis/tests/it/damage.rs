//! Cases that are not what they were: damaged, altered, read-only, locked, of another version. `verify`
//! finds what is wrong and says where; everything else works or says why not.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use rustix::fs::{FlockOperation, flock};

use crate::desk::{Desk, copy_tree, gzip, mail, mail_with, set_modes};

/// A desk with a small case of two batches, in which there is something of everything.
fn desk_with_case() -> Desk {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail_with("one", "apple", &[("list.txt", "text/plain", b"cherry")]));
    desk.write("dump/b.txt.gz", gzip(b"lemon"));
    desk.write("dump/c.gz", b"\x1f\x8b\x08\0broken, and it shows");
    desk.open("dump", "case");
    desk.write("dump/d.eml", mail_with("two", "peach", &[("list.txt", "text/plain", b"cherry")]));
    desk.open("dump", "case");
    assert_eq!(desk.batches("case").len(), 2);
    desk.holds("case");
    desk
}

/// Every command that looks at a case. None of them may panic or hang, whatever the case is.
const LOOKS: &[&[&str]] = &[
    &["summary"],
    &["digest"],
    &["ledger", "--json"],
    &["search", "cherry OR apple", "--json"],
    &["show", "a.eml"],
    &["show", "a.eml!list.txt", "--as", "raw"],
    &["show", "a.eml", "--as", "headers"],
    &["show", "a.eml", "--as", "copies"],
    &["sql", "SELECT count(*) FROM items JOIN texts USING (blob)"],
    &["audit"],
];

/// Runs all of them; how many failed. Who fails says so in three lines.
#[track_caller]
fn look(desk: &Desk, case: &str) -> usize {
    let mut failed = 0;
    for args in LOOKS {
        let args: Vec<&str> = [args[0], case].into_iter().chain(args[1..].iter().copied()).collect();
        let said = desk.command(&args).output().unwrap();
        // Raw bytes of a damaged case may be anything; the rest is checked as always.
        let err = String::from_utf8(said.stderr).unwrap();
        let code = said.status.code();
        assert!(matches!(code, Some(0 | 2)), "{args:?}: {code:?} {err}");
        if code == Some(2) {
            assert!(
                ["error: ", "because: ", "hint: "].iter().all(|label| err.contains(label)),
                "{args:?}: {err}"
            );
            failed += 1;
        }
    }
    failed
}

fn batch(desk: &Desk, case: &str, n: usize) -> PathBuf {
    desk.path(case).join("batches").join(&desk.batches(case)[n])
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

// ---- bytes that changed ----

#[test]
fn every_file_of_a_batch_is_checked() {
    let desk = desk_with_case();
    let files: Vec<_> =
        fs::read_dir(batch(&desk, "case", 0)).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(files.len() >= 9, "{files:?}");
    for name in files {
        let name = name.to_str().unwrap();
        let len = fs::metadata(batch(&desk, "case", 0).join(name)).unwrap().len() as usize;
        for at in [0, len / 3, len / 2, len.saturating_sub(9), len - 1] {
            copy_tree(&desk.path("case"), &desk.path("flipped"));
            flip(&batch(&desk, "flipped", 0).join(name), at);
            let problems = desk.problems("flipped");
            let told = problems.iter().any(|(_, place)| place.contains(name) || name == "manifest.json");
            assert!(told, "{name} at {at}: {problems:#?}");
            look(&desk, "flipped");
            fs::remove_dir_all(desk.path("flipped")).unwrap();
        }
        copy_tree(&desk.path("case"), &desk.path("cut"));
        let file = fs::File::options().write(true).open(batch(&desk, "cut", 0).join(name)).unwrap();
        file.set_len(len as u64 / 2).unwrap();
        assert!(!desk.problems("cut").is_empty());
        look(&desk, "cut");
        fs::remove_file(batch(&desk, "cut", 0).join(name)).unwrap();
        assert!(!desk.problems("cut").is_empty());
        look(&desk, "cut");
        fs::remove_dir_all(desk.path("cut")).unwrap();
    }
}

#[test]
fn a_batch_that_is_gone_is_missed() {
    let desk = desk_with_case();
    for n in [0, 1] {
        copy_tree(&desk.path("case"), &desk.path("without"));
        let gone = batch(&desk, "without", n);
        fs::remove_dir_all(&gone).unwrap();
        let problems = desk.problems("without");
        let name = gone.file_name().unwrap().to_str().unwrap();
        assert!(problems.iter().any(|(_, place)| place.contains(name)), "{problems:#?}");
        assert!(look(&desk, "without") > 0);
        // It is not read anew behind the back of whoever trusts the case.
        let said = desk.tamis(&["open", "dump", "--case", "without", "--no-desk", "--reread", "mail"]);
        assert_eq!(said.code, 2, "{said:#?}");
        fs::remove_dir_all(desk.path("without")).unwrap();
    }
}

#[test]
fn a_folder_that_no_transaction_names_does_not_exist() {
    let desk = desk_with_case();
    let (ledger, digest) = (desk.ledger("case"), desk.digest("case"));
    copy_tree(&batch(&desk, "case", 0), &desk.path("case/batches/000003-0123456789abcdef"));
    desk.holds("case");
    assert_eq!((desk.ledger("case"), desk.digest("case")), (ledger, digest));
    desk.write("dump/e.eml", mail("three", "melon"));
    desk.open("dump", "case");
    desk.holds("case");
}

#[test]
fn the_database_is_checked() {
    let desk = desk_with_case();
    let elsewhere = desk.path("case/batches").join(&desk.batches("case")[0]);
    let elsewhere = elsewhere.to_str().unwrap();
    // A statement, and what verify says of it; or, where nothing can be opened any more, exit code 2.
    let cases: &[(&str, Result<&str, ()>)] = &[
        (
            "UPDATE audit SET detail = 'batch of something else' WHERE seq = 3",
            Ok("the audit chain is broken"),
        ),
        ("UPDATE audit SET who = 'nobody' WHERE seq = 1", Ok("the audit chain is broken")),
        ("UPDATE audit SET at = '1999-01-01T00:00:00Z' WHERE seq = 2", Ok("the audit chain is broken")),
        ("DELETE FROM audit WHERE seq = 2", Ok("the audit chain is broken")),
        ("DELETE FROM audit", Ok("a batch that the audit chain does not know")),
        ("DELETE FROM audit WHERE action = 'commit'", Ok("the audit chain is broken")),
        ("DELETE FROM commits WHERE n = 2", Ok("")),
        ("DELETE FROM commits WHERE n = 1", Ok("")),
        (
            "UPDATE commits SET totals = replace(totals, '\"parsed\":', '\"parsed\":1')",
            Ok("the sums of items"),
        ),
        (
            "UPDATE commits SET totals = replace(totals, '\"unread\":', '\"unread\":1')",
            Ok("the sums of bytes"),
        ),
        ("UPDATE commits SET n = n + 7", Ok("the manifest is not the one that was committed")),
        ("UPDATE commits SET name = 'nothing' WHERE n = 1", Err(())),
        ("UPDATE commits SET name = '..' WHERE n = 1", Err(())),
        ("UPDATE commits SET name = '' WHERE n = 1", Err(())),
        ("UPDATE commits SET name = '../../dump' WHERE n = 1", Err(())),
        ("UPDATE commits SET name = '{elsewhere}' WHERE n = 1", Err(())),
        ("UPDATE commits SET totals = 'nonsense'", Err(())),
        ("DROP TABLE commits", Err(())),
        ("DROP TABLE audit", Err(())),
        ("DROP TABLE sources", Err(())),
        ("UPDATE sources SET path = x'00'", Ok("-")),
        ("UPDATE memo SET value = 'tamis1 nonsense'", Ok("-")),
        ("UPDATE memo SET value = replace(value, 'read=', 'read=0')", Ok("-")),
        // What computes is no table of ours, and is not run.
        ("CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM commits; END", Err(())),
        ("ALTER TABLE memo RENAME TO m; CREATE VIEW memo AS SELECT * FROM m", Err(())),
    ];
    for (statement, expected) in cases {
        copy_tree(&desk.path("case"), &desk.path("altered"));
        let statement = statement.replace("{elsewhere}", elsewhere);
        let db = Connection::open(desk.path("altered/case.db")).unwrap();
        db.execute_batch(&statement).unwrap();
        drop(db);
        match expected {
            Err(()) => drop(desk.tamis(&["verify", "altered"]).fails(2, "")),
            // Nothing that verify speaks of, and nothing that breaks anything.
            Ok("-") => drop(desk.tamis(&["verify", "altered"])),
            Ok(what) => {
                let problems = desk.problems("altered");
                assert!(problems.iter().any(|(said, _)| said.contains(what)), "{statement}: {problems:#?}");
            }
        }
        look(&desk, "altered");
        let said = desk.tamis(&["open", "dump", "--case", "altered", "--no-desk"]);
        assert!(matches!(said.code, 0 | 2), "{statement}: {said:#?}");
        fs::remove_dir_all(desk.path("altered")).unwrap();
    }
}

#[test]
fn a_database_that_is_none() {
    let desk = desk_with_case();
    let whole = fs::read(desk.path("case/case.db")).unwrap();
    let noise: Vec<u8> = (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut holes = whole.clone();
    for page in (4096 + 100..holes.len()).step_by(4096) {
        holes[page - 96..page].fill(0xa5);
    }
    for (name, bytes) in
        [("empty", [].as_slice()), ("half", &whole[..whole.len() / 2]), ("noise", &noise), ("holes", &holes)]
    {
        let _ = fs::remove_file(desk.path("case/case.db-wal"));
        let _ = fs::remove_file(desk.path("case/case.db-shm"));
        fs::write(desk.path("case/case.db"), bytes).unwrap();
        let said = desk.tamis(&["verify", "case"]);
        assert!(matches!(said.code, 1 | 2), "{name}: {said:#?}");
        assert!(look(&desk, "case") > 0, "{name}");
    }
    fs::remove_file(desk.path("case/case.db")).unwrap();
    desk.tamis(&["verify", "case"]).fails(2, "case is not a case");
    look(&desk, "case");
}

// ---- what may be deleted at any time ----

#[test]
fn what_is_derived_may_be_deleted_or_damaged() {
    let desk = desk_with_case();
    let before = (desk.finds("case", "cherry"), desk.digest("case"), desk.batches("case"));
    for folder in ["index", "derived", "tmp"] {
        let path = desk.path("case").join(folder);
        let mut files: Vec<PathBuf> = Vec::new();
        let mut folders = vec![path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        // Each file flipped in its middle: what looks at it works, or says how it is put right; never more.
        for file in files.iter().filter(|file| fs::metadata(file).unwrap().len() > 0) {
            let whole = fs::read(file).unwrap();
            for at in [0, whole.len() / 2, whole.len() - 1] {
                flip(file, at);
                look(&desk, "case");
                fs::write(file, &whole).unwrap();
            }
            fs::remove_file(file).unwrap();
            look(&desk, "case");
            fs::write(file, &whole).unwrap();
        }
        fs::remove_dir_all(&path).unwrap();
        desk.holds("case");
        look(&desk, "case");
        desk.open("dump", "case");
        assert_eq!(
            (desk.finds("case", "cherry"), desk.digest("case"), desk.batches("case")),
            before,
            "{folder}"
        );
        assert_eq!(look(&desk, "case"), 0, "after {folder}/ was made anew");
    }
}

#[test]
fn a_damaged_index_is_made_anew_by_the_next_open() {
    let desk = desk_with_case();
    let before = desk.finds("case", "cherry");
    for entry in fs::read_dir(desk.path("case/index")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::write(path, b"{").unwrap();
        }
    }
    desk.tamis(&["search", "case", "cherry"]).fails(2, "");
    desk.holds("case");
    desk.open("dump", "case");
    assert_eq!(desk.finds("case", "cherry"), before);
}

// ---- not a case, or not ours ----

#[test]
fn folders_that_are_no_case() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("one", "apple"));
    desk.write("folder/something", "else");
    desk.write("other/case.toml", "[package]\nname = \"other\"\n");
    desk.write(
        "stranger/case.toml",
        "what = \"another case\"\nformat = 2\n[options]\nonly_mail = false\nby_reference = false\n",
    );
    desk.write("file", "a file");
    fs::create_dir(desk.path("empty")).unwrap();
    for case in ["nothing", "folder", "other", "stranger", "file", "empty"] {
        for command in ["summary", "verify", "ledger", "audit", "digest"] {
            desk.tamis(&[command, case]).fails(2, "");
        }
    }
    for case in ["folder", "other", "stranger", "file"] {
        let before = fs::metadata(desk.path(case)).unwrap().modified().unwrap();
        desk.tamis(&["open", "dump", "--case", case, "--no-desk"]).fails(2, "");
        assert_eq!(
            fs::metadata(desk.path(case)).unwrap().modified().unwrap(),
            before,
            "{case} was written to"
        );
    }
    // An empty folder can become one.
    desk.open("dump", "empty");
}

#[test]
fn a_case_of_a_newer_version_is_left_alone() {
    let desk = desk_with_case();
    let toml = fs::read_to_string(desk.path("case/case.toml")).unwrap();
    fs::write(desk.path("case/case.toml"), toml.replace("format = 2", "format = 3\nnews = true")).unwrap();
    let batches = desk.batches("case");
    for args in [
        ["summary", "case"].as_slice(),
        &["verify", "case"],
        &["search", "case", "apple"],
        &["open", "dump", "--case", "case"],
    ] {
        let said = desk.tamis(args).fails(2, "has format 3; this program knows formats up to 2");
        assert!(said.err.contains("hint: use the version of tamis that made it"), "{said:#?}");
    }
    assert_eq!(desk.batches("case"), batches);
}

#[test]
fn a_case_of_an_older_version_is_left_alone() {
    let desk = desk_with_case();
    let toml = fs::read_to_string(desk.path("case/case.toml")).unwrap();
    fs::write(desk.path("case/case.toml"), toml.replace("format = 2", "format = 1")).unwrap();
    for args in [["summary", "case"].as_slice(), &["open", "dump", "--case", "case"]] {
        let said = desk.tamis(args).fails(2, "has format 1; this program reads format 2");
        assert!(said.err.contains("hint: open the dump again into a new case"), "{said:#?}");
    }
}

#[test]
fn a_case_that_another_process_writes_can_be_searched() {
    let desk = desk_with_case();
    let lock = fs::File::options().write(true).open(desk.path("case/ingest.lock")).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    desk.tamis(&["open", "dump", "--case", "case"]).fails(3, "is being written by another process");
    assert_eq!(desk.finds("case", "peach"), ["d.eml"]);
    assert_eq!(look(&desk, "case"), 0);
    desk.holds("case");
    drop(lock);
    desk.open("dump", "case");
}

// ---- read-only ----

#[test]
fn a_case_that_cannot_be_written_to_can_be_read() {
    let desk = desk_with_case();
    set_modes(&desk.path("case"), 0o444, 0o555);
    for args in LOOKS.iter().chain([["verify"].as_slice()].iter()) {
        let args: Vec<&str> = [args[0], "case"].into_iter().chain(args[1..].iter().copied()).collect();
        assert_eq!(desk.bound(&args).exits(0).out, desk.ok(&args).out, "{args:?}");
    }
    desk.write("dump/e.eml", mail("three", "melon"));
    desk.bound(&["open", "dump", "--case", "case"]).fails(2, "");
    set_modes(&desk.path("case"), 0o644, 0o755);
    desk.open("dump", "case");
}

#[test]
fn a_log_that_was_not_replayed_is_not_overlooked() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("one", "apple"));
    desk.open("dump", "case");
    // Somebody reads while the second batch is committed, so it stays in the log.
    let reader = Connection::open(desk.path("case/case.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM commits").unwrap();
    desk.write("dump/b.eml", mail("two", "lemon"));
    desk.open("dump", "case");
    copy_tree(&desk.path("case"), &desk.path("copy"));
    drop(reader);
    let wal = fs::metadata(desk.path("copy/case.db-wal")).map_or(0, |meta| meta.len());
    assert!(wal > 0, "the log was replayed: this test shows nothing");
    fs::remove_file(desk.path("copy/case.db-shm")).unwrap();
    set_modes(&desk.path("copy"), 0o444, 0o555);
    assert_eq!(desk.bound(&["ledger", "copy", "--json"]).exits(0).rows().len(), 2);
    assert_eq!(desk.bound(&["search", "copy", "lemon", "--json"]).exits(0).rows().len(), 1);
    desk.bound(&["verify", "copy"]).exits(0);
    assert_eq!(fs::metadata(desk.path("copy/case.db-wal")).unwrap().len(), wal, "it was written to");
    set_modes(&desk.path("copy"), 0o644, 0o755);
    desk.holds("copy");
}

// ---- a case from a stranger ----

#[test]
fn links_in_a_case_lead_nowhere() {
    let desk = desk_with_case();
    desk.write("secret.txt", "nobody is to see this");
    let pack = batch(&desk, "case", 0).join("vault.pack");
    fs::remove_file(&pack).unwrap();
    symlink(desk.path("secret.txt"), &pack).unwrap();
    let said = desk.command(&["show", "case", "a.eml!list.txt", "--as", "raw"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&said.stdout).contains("nobody"));
    assert!(!desk.problems("case").is_empty());
    look(&desk, "case");
}
