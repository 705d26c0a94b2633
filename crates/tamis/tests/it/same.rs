//! The same dump, the same case: however many processes read it, in whatever order its files were made,
//! wherever it lies, however much memory there was.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::desk::{Desk, big_dump, copy_tree};

/// All files below a folder, relative to it, sorted.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push(path.strip_prefix(root).unwrap().to_owned())
            }
        }
    }
    found.sort();
    found
}

/// All that two cases of the same dump have in common: everything but where it lies and when it was made.
fn all_of(desk: &Desk, case: &str) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut summary = desk.ok(&["summary", case, "--json"]).json();
    for key in ["case", "seconds"] {
        summary[key].take();
    }
    summary["sources"][0]["path"].take();
    let hits = |query: &str, sort: &str| {
        desk.ok(&["search", case, query, "--json", "--limit", "100000", "--sort", sort]).out
    };
    let hits = [("mot1 OR mot2", "relevance"), ("kind:mail", "date"), ("", "walk"), ("letter*", "size")]
        .map(|(query, sort)| hits(query, sort));
    let rows = ["items", "messages", "texts", "attachments", "defects", "blobs"]
        .map(|table| desk.sql(case, &format!("SELECT count(*) AS n FROM {table}")));
    (summary, desk.batches(case), desk.ok(&["ledger", case, "--json"]).out, hits, rows)
}

#[test]
fn whatever_differs_but_the_dump_the_case_is_the_same() {
    let desk = Desk::new();
    big_dump(&desk, "dump");

    // The same files, made in the opposite order, somewhere else.
    let reversed = desk.path("another/and a longer/path/reversed");
    for file in files(&desk.path("dump")).into_iter().rev() {
        let to = reversed.join(&file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(desk.path("dump").join(&file), to).unwrap();
    }
    copy_tree(&desk.path("dump"), &desk.path("by-cp"));

    desk.open_with(&["dump", "--case", "first", "--jobs", "1"]);
    let first = all_of(&desk, "first");
    desk.holds("first");
    for (name, args) in [
        ("again", ["dump", "--jobs", "1"].as_slice()),
        ("four", &["dump", "--jobs", "4"]),
        ("nine", &["dump", "--jobs", "9", "--memory", "512M"]),
        ("little-memory", &["dump", "--memory", "16M"]),
        ("backwards", &["another/and a longer/path/reversed", "--jobs", "4"]),
        ("copied", &["by-cp", "--as-of", "1999-01-01T00:00:00Z"]),
    ] {
        let args: Vec<&str> = args.iter().copied().chain(["--case", name]).collect();
        desk.open_with(&args);
        let other = all_of(&desk, name);
        assert!(
            other == first,
            "{name} differs from first:\n{:?}\n{:?}",
            desk.batches(name),
            desk.batches("first")
        );
    }
}
