//! A case over time: opened again, grown, read again, with a second source, by reference, while it is
//! being read; and dumps that cannot be one.

use std::{fs, os::unix::fs::symlink, process::Command};

use tamis_demo::{Layout, Scale};

use crate::desk::{Desk, Said, demo, mail, mail_with, mbox, set_modes, shared};

// ---- again ----

#[test]
fn opening_the_same_dump_again_changes_nothing() {
    let desk = Desk::new();
    demo(&desk, "dump", Scale::Small, Layout::Mixed);
    let first = desk.open("dump", "case");
    let before = (desk.digest("case"), desk.batches("case"), desk.ok(&["audit", "case"]).out);
    for path in ["dump", "dump/", "./dump/../dump"] {
        let mut again = desk.open(path, "case");
        again["seconds"] = first["seconds"].clone();
        assert_eq!(again, first, "{path}");
        assert_eq!(
            (desk.digest("case"), desk.batches("case"), desk.ok(&["audit", "case"]).out),
            before,
            "{path}"
        );
    }
    desk.holds("case");
}

#[test]
fn a_folder_that_grows_is_read_where_it_grew() {
    let desk = Desk::new();
    desk.write("dump/b.eml", mail("second", "lemon"));
    desk.write("dump/d.eml", mail("fourth", "melon"));
    desk.open("dump", "case");
    let (ledger, batches) = (desk.ledger("case"), desk.batches("case"));

    // Before, between and after; one of them a duplicate of what stands.
    desk.write("dump/a.eml", mail("first", "apple"));
    desk.write("dump/c/c.eml", mail("second", "lemon"));
    desk.write("dump/e.eml", mail("fifth", "peach"));
    let grown = desk.open("dump", "case");
    assert_eq!(grown["items"]["total"], 5);
    assert_eq!(desk.batches("case")[..1], batches, "what is committed stays");
    assert_eq!(desk.batches("case").len(), 2);
    let now = desk.ledger("case");
    assert!(ledger.iter().all(|row| now.get_key_value(row.0) == Some(row)), "{now:#?}");
    assert_eq!(now["c/c.eml"], "duplicate");
    for (word, paths) in
        [("apple", ["a.eml"].as_slice()), ("lemon", &["b.eml", "c/c.eml"]), ("peach", &["e.eml"])]
    {
        assert_eq!(desk.finds("case", word), paths, "{word}");
    }
    desk.holds("case");

    // Two desks that have the same dump see it: whoever got it in parts, and whoever got it whole.
    desk.open("dump", "whole");
    assert_eq!(desk.digest("case"), desk.digest("whole"));
}

#[test]
fn a_file_that_was_rewritten_keeps_both_versions() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("one", "apple"));
    desk.open("dump", "case");
    desk.write("dump/a.eml", mail("one", "lemon"));
    let summary = desk.open("dump", "case");
    assert_eq!(summary["items"]["total"], 2, "what was received once is not lost");
    assert_eq!((desk.finds("case", "apple").len(), desk.finds("case", "lemon").len()), (1, 1));
    desk.holds("case");
    // And now it stands still.
    let batches = desk.batches("case");
    desk.open("dump", "case");
    assert_eq!(desk.batches("case"), batches);
}

#[test]
fn a_file_that_was_deleted_stays_in_the_case() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("one", "apple"));
    desk.write("dump/b.eml", mail("two", "lemon"));
    desk.open("dump", "case");
    fs::remove_file(desk.path("dump/a.eml")).unwrap();
    desk.open("dump", "case");
    assert_eq!(desk.finds("case", "apple"), ["a.eml"]);
    assert!(desk.ok(&["show", "case", "a.eml"]).out.contains("apple"));
    desk.holds("case");
}

// ---- second source ----

#[test]
fn a_second_source_with_copies_of_the_first() {
    let desk = Desk::new();
    let both = mail_with("both", "apple", &[("list.txt", "text/plain", b"cherry")]);
    desk.write("one/a.eml", &both);
    desk.write("two/x.eml", &both);
    desk.write("two/y.eml", mail("only in two", "lemon"));
    desk.open("one", "case");
    let summary = desk.open("two", "case");
    let sources: Vec<_> =
        summary["sources"].as_array().unwrap().iter().map(|s| s["source_id"].clone()).collect();
    assert_eq!(sources, [1, 2]);
    assert_eq!(summary["messages"]["occurrences"], 3);
    assert_eq!(summary["messages"]["unique"], 2);
    assert_eq!(summary["attachments"], serde_json::json!({ "occurrences": 2, "unique": 1 }));
    let ledger = desk.ledger("case");
    for (path, state) in [
        ("a.eml", "parsed"),
        ("a.eml!list.txt", "parsed"),
        ("x.eml", "duplicate"),
        ("x.eml!list.txt", "duplicate"),
        ("y.eml", "parsed"),
    ] {
        assert_eq!(ledger[path], state, "{path}");
    }
    assert_eq!(desk.finds("case", "cherry"), ["a.eml!list.txt", "x.eml!list.txt"]);
    assert!(desk.ok(&["show", "case", "x.eml!list.txt"]).out.contains("cherry"));
    assert_eq!(desk.ok(&["ledger", "case", "--json", "--source", "2"]).rows().len(), 3);
    desk.holds("case");

    // The same two at once, and the same file name in both sources.
    desk.open_with(&["one", "two", "--case", "at-once"]);
    assert_eq!(desk.digest("at-once"), desk.digest("case"));
    assert_eq!(desk.batches("at-once"), desk.batches("case"));
    desk.write("three/a.eml", &both);
    desk.open("three", "case");
    assert_eq!(desk.finds("case", "cherry").len(), 3);
    desk.holds("case");
    // Opening the first one again leaves all as it is.
    let before = (desk.digest("case"), desk.batches("case"));
    desk.open("one", "case");
    assert_eq!((desk.digest("case"), desk.batches("case")), before);
}

#[test]
fn one_file_is_a_source_too() {
    let desk = Desk::new();
    let one = mail("one", "apple");
    let two = mail("two", "lemon");
    desk.write("box.mbox", mbox([one.as_slice(), &two]));
    desk.ok(&["open", "box.mbox", "--no-desk"]);
    let summary = desk.ok(&["summary", "box.mbox.case", "--json"]).json();
    let rows = desk.ok(&["ledger", "box.mbox.case", "--json"]).rows();
    let top = rows.iter().find(|row| row["path"] == "box.mbox").unwrap();
    assert_eq!(summary["sources"][0]["sha256"], top["blob"]);
    assert_eq!(desk.finds("box.mbox.case", "lemon"), ["box.mbox#1"]);
}

// ---- reading again ----

#[test]
fn reading_again_doubles_nothing() {
    let desk = Desk::new();
    demo(&desk, "dump", Scale::Small, Layout::Mixed);
    desk.write("dump/broken.zip", b"PK\x03\x04broken");
    desk.open("dump", "case");
    let everything = |desk: &Desk| {
        let words = [
            "SELECT count(*) AS n FROM items",
            "SELECT count(*) AS n FROM messages",
            "SELECT count(*) AS n FROM texts",
        ];
        (
            desk.digest("case"),
            desk.ledger("case"),
            words.map(|statement| desk.sql("case", statement)),
            desk.finds("case", ""),
            desk.finds("case", "kind:mail has:attachment"),
            desk.ok(&["summary", "case", "--json"]).json()["messages"].clone(),
        )
    };
    let before = everything(&desk);
    for which in ["mail", "failed", "older", "archive", "mailbox", "mail"] {
        let batches = desk.batches("case");
        desk.open_with(&["dump", "--case", "case", "--reread", which]);
        assert_eq!(everything(&desk), before, "after reading {which} again");
        desk.holds("case");
        let now = desk.batches("case");
        assert_eq!(now[..batches.len()], batches, "{which}: nothing is rewritten");
        // Nothing is older than this program.
        assert_eq!(now.len() > batches.len(), which != "older", "{which}");
    }
    // And an opening without --reread finds nothing to do.
    let batches = desk.batches("case");
    desk.open("dump", "case");
    assert_eq!(desk.batches("case"), batches);
}

#[test]
fn reading_again_after_the_dump_is_gone_from_its_place() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("one", "apple"));
    desk.open("dump", "case");
    fs::rename(desk.path("dump"), desk.path("moved")).unwrap();
    desk.tamis(&["open", "dump", "--case", "case", "--reread", "mail"]).fails(2, "cannot read the dump dump");
    desk.holds("case");
}

// ---- by reference ----

#[test]
fn by_reference_the_files_stay_where_they_are() {
    let desk = Desk::new();
    let noise: Vec<u8> = (0..400_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    desk.write("dump/noise.bin", &noise);
    desk.write("dump/a.eml", mail_with("one", "apple", &[("list.txt", "text/plain", b"cherry")]));
    let summary = desk.open_with(&["dump", "--case", "case", "--by-reference"]);
    assert!(size(&desk, "case") < noise.len() as u64, "the case holds what it should only refer to");
    desk.holds("case");
    assert_eq!(desk.ok(&["show", "case", "a.eml!list.txt", "--as", "raw"]).out, "cherry");
    desk.open("dump", "whole");
    assert_eq!(
        summary["digest"],
        desk.digest("whole").trim_end(),
        "where the bytes are is not what they are"
    );

    // The source moved: what is inside it stays readable, the file itself is not, and verify says so.
    fs::rename(desk.path("dump"), desk.path("moved")).unwrap();
    desk.tamis(&["show", "case", "a.eml", "--as", "raw"]).fails(2, "");
    assert!(desk.ok(&["show", "case", "a.eml"]).out.contains("apple"), "the text is in the case");
    assert_eq!(desk.finds("case", "cherry"), ["a.eml!list.txt"]);
    let problems = desk.problems("case");
    assert!(problems.len() >= 2, "{problems:?}");

    // Back, but altered.
    fs::rename(desk.path("moved"), desk.path("dump")).unwrap();
    desk.holds("case");
    desk.write("dump/a.eml", mail("one", "another"));
    desk.tamis(&["show", "case", "a.eml", "--as", "raw"]).exits(2);
    assert!(!desk.problems("case").is_empty());
}

fn size(desk: &Desk, case: &str) -> u64 {
    let out = Command::new("du").arg("-sb").arg(desk.path(case).join("batches")).output().unwrap();
    String::from_utf8(out.stdout).unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

// ---- only mail ----

#[test]
fn only_mail_keeps_and_lists_the_rest() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail_with("one", "apple", &[("list.txt", "text/plain", b"cherry")]));
    desk.write("dump/b.txt", "lemon");
    desk.open_with(&["dump", "--case", "case", "--only", "mail"]);
    let ledger = desk.ledger("case");
    assert_eq!(ledger["a.eml"], "parsed");
    assert_eq!(ledger["b.txt"], "opaque: not-asked");
    assert_eq!(desk.finds("case", "lemon"), [""; 0]);
    assert_eq!(desk.ok(&["show", "case", "b.txt", "--as", "raw"]).out, "lemon", "it is kept all the same");
    desk.holds("case");
    desk.tamis(&["open", "dump", "--case", "case"]).fails(2, "was made with other options");
    desk.tamis(&["open", "dump", "--case", "case", "--only", "mail", "--by-reference"])
        .fails(2, "was made with other options");
}

// ---- dumps that cannot be one ----

#[test]
fn dumps_that_cannot_be_read() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("one", "apple"));
    desk.open("dump", "case");
    desk.write("case/inside/b.eml", mail("two", "lemon"));
    desk.write("closed/a.eml", mail("one", "apple"));
    desk.write("closed.eml", mail("one", "apple"));
    set_modes(&desk.path("closed"), 0o600, 0o000);
    set_modes(&desk.path("closed.eml"), 0o000, 0o000);
    symlink("nowhere", desk.path("dangling")).unwrap();
    symlink("case", desk.path("link-to-case")).unwrap();
    symlink("dump", desk.path("link-to-dump")).unwrap();
    let made = Command::new("mkfifo").arg(desk.path("pipe")).status().unwrap();
    assert!(made.success());
    let before = desk.digest("case");
    for (dump, case, because) in [
        ("nothing", "new", "No such file"),
        ("dangling", "new", "No such file"),
        ("closed", "new", "Permission denied"),
        ("pipe", "new", "neither a file nor a directory"),
        ("/dev/null", "new", "neither a file nor a directory"),
        ("case", "case", "it is the case itself, or lies inside it"),
        ("link-to-case", "case", "it is the case itself, or lies inside it"),
        ("case/inside", "case", "it is the case itself, or lies inside it"),
        ("case/case.db", "case", "it is the case itself, or lies inside it"),
        ("case", "new", "it is a case"),
        ("dump", "dump/case", "the case would lie inside the dump"),
        ("dump", "dump", "it is the case itself, or lies inside it"),
        (".", "new", "the case would lie inside the dump"),
        ("dump", "link-to-dump/case", "the case would lie inside the dump"),
        ("dump/a.eml", "dump/a.eml/case", "the case would lie inside the dump"),
        ("no\u{1b}[31mthing", "new", "No such file"),
    ] {
        let said = desk.bound(&["open", dump, "--case", case, "--no-desk"]).fails(2, "");
        assert!(said.err.contains(because), "{dump} into {case}: {said:#?}");
        assert!(!desk.path("new").exists(), "{dump} into {case}: something was half made");
        assert!(!desk.path("dump/case").exists(), "a dump is never written to");
    }
    // One good dump does not make up for a bad one.
    desk.tamis(&["open", "dump", "nothing", "--case", "new"]).fails(2, "cannot read the dump nothing");
    assert!(!desk.path("new").exists());
    // A file that cannot be read is a row, as it would be in a folder.
    desk.bound(&["open", "closed.eml", "--case", "one", "--no-desk"]).exits(0);
    assert_eq!(desk.ledger("one")["closed.eml"], "failed: unreadable");
    desk.holds("one");
    assert_eq!(desk.digest("case"), before);
    set_modes(&desk.path("closed"), 0o600, 0o700);
}

#[test]
fn an_empty_folder_is_a_dump_of_nothing() {
    let desk = Desk::new();
    fs::create_dir(desk.path("dump")).unwrap();
    let summary = desk.open("dump", "case");
    assert_eq!((&summary["items"]["total"], &summary["bytes"]["in"]), (&0.into(), &0.into()));
    desk.holds("case");
    assert_eq!(desk.ok(&["search", "case", "anything"]).out, "no items\n");
    assert_eq!(desk.ok(&["ledger", "case", "--json"]).out, "");
    assert_eq!(desk.sql("case", "SELECT count(*) AS n FROM items")[0]["n"], 0);
    desk.open("dump", "case");
}

#[test]
fn unreadable_files_are_rows_and_tried_again() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("one", "apple"));
    desk.write("dump/b.eml", mail("two", "lemon"));
    desk.write("dump/closed/c.eml", mail("three", "melon"));
    set_modes(&desk.path("dump/b.eml"), 0o000, 0o000);
    set_modes(&desk.path("dump/closed"), 0o600, 0o000);
    desk.bound(&["open", "dump", "--case", "case", "--no-desk"]).exits(0);
    let ledger = desk.ledger("case");
    assert_eq!(ledger["a.eml"], "parsed");
    assert_eq!(ledger["b.eml"], "failed: unreadable");
    assert_eq!(ledger["closed"], "failed: unreadable");
    assert!(desk.digest("case").ends_with(" unsettled=2\n"), "{}", desk.digest("case"));
    desk.holds("case");
    desk.bound(&["open", "dump", "--case", "case", "--no-desk", "--strict"]).exits(1);

    // Once they can be read, they are; what stood in their place is gone.
    set_modes(&desk.path("dump"), 0o600, 0o700);
    desk.open("dump", "case");
    let ledger = desk.ledger("case");
    let paths: Vec<_> = ledger.iter().map(|(path, state)| (path.as_str(), state.as_str())).collect();
    assert_eq!(paths, [("a.eml", "parsed"), ("b.eml", "parsed"), ("closed/c.eml", "parsed")]);
    assert_eq!(desk.finds("case", "melon"), ["closed/c.eml"]);
    desk.holds("case");
    desk.open("dump", "whole");
    assert_eq!(desk.digest("case"), desk.digest("whole"));
}

// ---- while it is being read ----

#[test]
fn searching_works_while_a_dump_is_read() {
    let desk = Desk::new();
    demo(&desk, "dump", Scale::Fraction(0.05), Layout::OneFileAMail);
    let mut child = desk.start(&["open", "dump", "--case", "case", "--no-desk", "--quiet"]);
    let mut counts = Vec::new();
    let mut running = true;
    while running {
        running = child.try_wait().unwrap().is_none();
        let said = desk.tamis(&["search", "case", "kind:mail", "--json", "--limit", "1000000"]);
        // Before the first batch there may be no case yet, or no index; afterwards there always is.
        if said.code == 0 {
            counts.push(said.rows().len());
            for args in [
                ["ledger", "case", "--json"].as_slice(),
                &["summary", "case"],
                &["digest", "case"],
                &["sql", "case", "SELECT count(*) FROM items"],
            ] {
                desk.ok(args);
            }
        } else {
            assert!(said.code == 2 && counts.is_empty(), "after {counts:?}: {said:#?}");
        }
    }
    assert_eq!(Said::of(child.wait_with_output().unwrap()).code, 0);
    assert!(counts.is_sorted(), "{counts:?}");
    let all = desk.ok(&["summary", "case", "--json"]).json()["messages"]["occurrences"].as_u64().unwrap();
    assert_eq!(desk.finds("case", "kind:mail").len() as u64, all);
    assert!(
        counts.iter().any(|n| *n > 0 && (*n as u64) < all),
        "nothing was found before the end: {counts:?}"
    );
    desk.holds("case");
}

// ---- what users of other tools miss ----

#[test]
fn an_attachment_hangs_on_every_mail_that_has_it() {
    let desk = Desk::new();
    let mails: Vec<_> = (0..9)
        .map(|n| {
            mail_with(
                &format!("mail {n}"),
                &format!("text {n}"),
                &[("plan.txt", "text/plain", b"cherry orchard")],
            )
        })
        .collect();
    desk.write("dump/box.mbox", mbox(mails.iter().map(Vec::as_slice)));
    desk.write("dump/again.eml", &mails[4]);
    let summary = desk.open("dump", "case");
    assert_eq!(summary["attachments"], serde_json::json!({ "occurrences": 10, "unique": 1 }));
    let mut expected: Vec<_> = (0..9).map(|n| format!("box.mbox#{n}!plan.txt")).collect();
    expected.insert(0, "again.eml!plan.txt".to_owned());
    assert_eq!(desk.finds("case", "\"cherry orchard\""), expected);
    for path in &expected {
        assert_eq!(desk.ok(&["show", "case", path, "--as", "raw"]).out, "cherry orchard", "{path}");
        assert_eq!(desk.ok(&["show", "case", path, "--as", "copies"]).out.lines().count(), 10, "{path}");
    }
    let linked = desk.sql(
        "case",
        "SELECT count(*) AS n FROM items m JOIN items a ON a.parent_id = m.item_id AND a.source_id = m.source_id \
         WHERE m.media_type = 'message/rfc822' AND a.path LIKE '%plan.txt'",
    );
    assert_eq!(linked[0]["n"], 10);
}

#[test]
fn one_malformed_mail_does_not_end_its_mbox() {
    let desk = Desk::new();
    let good = mail("good", "apple");
    let bad = b"Content-Type: multipart/mixed; boundary=\"\"\n\xff\xfe\x00: \x00\n\n--\n--\0\n".to_vec();
    let open = b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n".to_vec();
    let last = mail("last", "peach");
    desk.write("dump/box.mbox", mbox([good.as_slice(), &bad, &open, b"", &last]));
    desk.open("dump", "case");
    assert_eq!(desk.finds("case", "apple"), ["box.mbox#0"]);
    assert_eq!(desk.finds("case", "peach"), ["box.mbox#4"]);
    desk.holds("case");
}

#[test]
fn mails_with_one_message_id_that_differ_are_two() {
    let desk = Desk::new();
    let genuine = mail("contract", "we pay one hundred");
    let altered = String::from_utf8(genuine.clone()).unwrap().replace("one hundred", "nine hundred");
    desk.write("dump/a.eml", &genuine);
    desk.write("dump/b.eml", altered);
    desk.open("dump", "case");
    assert_eq!(desk.finds("case", "\"one hundred\""), ["a.eml"]);
    assert_eq!(desk.finds("case", "\"nine hundred\""), ["b.eml"]);
    let folded = desk.ok(&["search", "case", "hundred", "--fold", "--json"]).rows();
    assert_eq!(folded.len(), 2, "copies that differ are never folded");
}

#[test]
fn every_planted_word_is_found_where_it_stands() {
    let shared = shared();
    // Readers of these formats have not come yet.
    let unread = ["AttachmentPdf", "AttachmentDocx", "AttachmentXlsx"];
    for planted in &shared.truth.planted {
        if unread.contains(&format!("{:?}", planted.place).as_str()) {
            continue;
        }
        let found = shared.desk.finds("case", &format!("\"{}\"", planted.text));
        assert_eq!(found.len() as u64, planted.items, "{planted:?} found at {found:?}");
        let below = |path: &String| planted.paths.iter().any(|stands| path.starts_with(stands.as_str()));
        assert!(found.iter().all(below), "{planted:?} found at {found:?}");
    }
    for word in &shared.truth.absent {
        assert_eq!(shared.desk.finds("case", word), [""; 0], "{word}");
    }
    let ledger = shared.desk.ledger("case");
    for expected in &shared.truth.ledger {
        let row = ledger.get(&expected.path).unwrap_or_else(|| panic!("no row for {expected:?}"));
        let (state, reason) = row.split_once(": ").unwrap_or((row, ""));
        // The empty file is not the only one.
        let fits = state == "duplicate" || expected.states.iter().any(|s| s.as_str() == state);
        assert!(fits, "{row}: {expected:?}");
        let reasons = &expected.reasons;
        let fits = reason.is_empty() || reasons.is_empty() || reasons.iter().any(|r| r == reason);
        assert!(fits, "{row}: {expected:?}");
    }
}

#[test]
fn the_summary_has_the_figures_of_the_truth() {
    let shared = shared();
    let (summary, counts) = (shared.desk.ok(&["summary", "case", "--json"]).json(), &shared.truth.counts);
    for (found, expected) in [
        (&summary["bytes"]["in"], counts.bytes),
        (&summary["messages"]["occurrences"], counts.mails),
        (&summary["messages"]["unique"], counts.mails_unique),
        (&summary["messages"]["senders"], counts.senders),
    ] {
        assert_eq!(*found, expected, "{summary:#} against {counts:#?}");
    }
    assert_eq!(summary["messages"]["first"], *counts.first);
    assert_eq!(summary["messages"]["last"], *counts.last);
}
