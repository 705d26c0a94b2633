//! What one occurrence may decide for another, and what it may not: names, places and declared sizes
//! that somebody planted must not keep a document from being read.

use crate::desk::{Desk, gzip, mail, zip};

/// `depth` zips around `leaf`.
fn wrapped(leaf: Vec<u8>, depth: u32) -> Vec<u8> {
    (0..depth).fold(leaf, |inner, n| zip(&[(&format!("n{n}.zip"), &inner)]))
}

#[test]
fn a_copy_planted_too_deep_hides_nothing() {
    let desk = Desk::new();
    let evidence = zip(&[("secret.txt", b"the word is cormoran")]);
    desk.write("dump/a-poison.zip", wrapped(evidence.clone(), 64));
    desk.write("dump/z-evidence.zip", &evidence);
    desk.open("dump", "case");
    let ledger = desk.ledger("case");
    assert_eq!(ledger["z-evidence.zip!secret.txt"], "parsed");
    assert_eq!(ledger.values().filter(|became| *became == "refused: depth").count(), 1);
    assert_eq!(desk.finds("case", "cormoran"), ["z-evidence.zip!secret.txt"]);
    desk.holds("case");
}

#[test]
fn the_first_name_does_not_decide_for_the_next() {
    let desk = Desk::new();
    let bytes = b"Subject: hi there\n\na mail that hardly looks like one\n";
    desk.write("dump/a.txt", bytes);
    desk.write("dump/b.eml", bytes);
    desk.write("dump/c.txt", bytes);
    desk.write("dump/d.eml", bytes);
    desk.open("dump", "case");
    let readers: Vec<_> = desk
        .sql("case", "SELECT path, reader, state FROM items ORDER BY path")
        .iter()
        .map(|row| format!("{} {} {}", row["path"], row["reader"], row["state"]).replace('"', ""))
        .collect();
    let expected =
        ["a.txt text/1 parsed", "b.eml mail/2 parsed", "c.txt text/1 duplicate", "d.eml mail/2 duplicate"];
    assert_eq!(readers, expected);
    assert_eq!(desk.sql("case", "SELECT subject FROM messages").len(), 1, "facts stand once");
    desk.holds("case");
}

#[test]
fn an_honest_mail_under_many_names_is_read_once() {
    let desk = Desk::new();
    let bytes = mail("the same", "in every box");
    for name in ["dump/a.eml", "dump/cur/1:2,S", "dump/x.txt", "dump/y"] {
        desk.write(name, &bytes);
    }
    let summary = desk.open("dump", "case");
    assert_eq!(summary["items"]["by_state"]["duplicate"], 3);
    assert_eq!(summary["messages"]["occurrences"], 4);
    assert_eq!(summary["messages"]["unique"], 1);
}

/// Copies of copies, listed one by one, grow far faster than the bytes that ask for them.
#[test]
fn copies_are_listed_within_a_budget_that_is_a_row() {
    let desk = Desk::new();
    let many: Vec<String> = (0..400).map(|n| format!("{n}.txt")).collect();
    let leaves: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), b"x".as_slice())).collect();
    let mut inner = zip(&leaves);
    for level in 0..3 {
        let names: Vec<String> = (0..20).map(|n| format!("{level}-{n}.zip")).collect();
        let copies: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), inner.as_slice())).collect();
        inner = zip(&copies);
    }
    desk.write("dump/a.zip", &inner);
    desk.write("dump/good.eml", mail("neighbour", "a word like pintade"));
    let summary = desk.open("dump", "case");
    let total = summary["items"]["total"].as_u64().unwrap();
    assert!(total > 50_000 && total < 120_000, "{total}");
    let not_listed = desk.sql("case", "SELECT count(*) AS n FROM items WHERE reason = 'copies'");
    assert!(not_listed[0]["n"].as_u64().unwrap() > 0);
    assert_eq!(desk.finds("case", "pintade"), ["good.eml"]);
    desk.holds("case");
}

/// A gzip in which many small things lie: the whole run is made of rows that a reread may touch.
#[test]
fn reading_again_changes_nothing_where_nothing_is_new() {
    let desk = Desk::new();
    let mut bad = gzip(b"a text that is cut off in the middle");
    bad.truncate(bad.len() - 12);
    let pack = zip(&[("bad.gz", &bad), ("good.txt", b"good"), ("m.eml", &mail("inside", "a mail in a zip"))]);
    desk.write("dump/a.zip", &pack);
    desk.write("dump/b.zip", &pack);
    desk.write("dump/c.eml", mail("outside", "a mail beside"));
    let first = desk.open("dump", "case");
    let digest = desk.digest("case");
    for which in ["failed", "archive", "mail", "text", "older", "mail"] {
        let again = desk.open_with(&["dump", "--case", "case", "--reread", which]);
        for key in ["items", "bytes", "messages", "attachments"] {
            assert_eq!(again[key], first[key], "{key} after --reread {which}");
        }
        assert_eq!(desk.digest("case"), digest, "after --reread {which}");
        desk.holds("case");
    }
    assert_eq!(desk.finds("case", "mail beside"), ["c.eml"]);
    assert_eq!(desk.sql("case", "SELECT subject FROM messages ORDER BY 1").len(), 2);
}

/// Another source of the same case keeps its rows and sums.
#[test]
fn reading_one_source_again_leaves_the_others_alone() {
    let desk = Desk::new();
    let shared = mail("in both", "the same bytes");
    desk.write("one/a.eml", &shared);
    desk.write("one/b.eml", mail("only in one", "…"));
    desk.write("two/a.eml", &shared);
    desk.write("two/c.eml", mail("only in two", "…"));
    desk.open("one", "case");
    let both = desk.open("two", "case");
    let digest = desk.digest("case");
    let again = desk.open_with(&["two", "--case", "case", "--reread", "mail"]);
    assert_eq!(again["messages"], both["messages"]);
    assert_eq!(desk.digest("case"), digest);
    desk.holds("case");
}

/// Numbers in walk order are unique within a source, whatever grew when.
#[test]
fn walk_numbers_stay_unique_when_a_folder_grows() {
    let desk = Desk::new();
    desk.write("dump/b.txt", "b");
    desk.write("dump/c.txt", "c");
    desk.open("dump", "case");
    for name in ["a.txt", "bb.txt", "d.txt"] {
        desk.write(format!("dump/{name}"), name);
        desk.open("dump", "case");
    }
    let rows = desk
        .sql("case", "SELECT walk, count(*) AS n FROM items GROUP BY source_id, walk HAVING count(*) > 1");
    assert_eq!(rows, Vec::<serde_json::Value>::new());
}

/// A file that was only touched is not read again at every opening.
#[test]
fn a_touched_file_is_known_by_its_content() {
    let desk = Desk::new();
    let path = desk.write("dump/a.txt", "the same as ever");
    desk.open("dump", "case");
    let batches = desk.batches("case");
    std::fs::write(&path, "the same as ever").unwrap();
    desk.open("dump", "case");
    assert_eq!(desk.batches("case"), batches);
    let stamp: i64 = rusqlite::Connection::open(desk.path("case/case.db"))
        .unwrap()
        .query_row("SELECT mtime_ns FROM inventory", [], |row| row.get(0))
        .unwrap();
    let now = std::os::unix::fs::MetadataExt::mtime_nsec(&std::fs::metadata(&path).unwrap());
    assert_eq!(stamp % 1_000_000_000, now);
}

/// What is derived may be deleted: the next opening makes it again.
#[test]
fn derived_tables_and_the_index_come_back() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("hello", "a word like bécasse"));
    desk.open("dump", "case");
    std::fs::remove_dir_all(desk.path("case/derived")).unwrap();
    std::fs::remove_dir_all(desk.path("case/index")).unwrap();
    desk.open("dump", "case");
    assert_eq!(desk.sql("case", "SELECT message_id FROM threads").len(), 1);
    assert_eq!(desk.finds("case", "bécasse"), ["a.eml"]);
}
