//! What scripts stand on: names, JSON keys, exit codes, the three lines of an error, and that standard
//! output holds data and nothing else.

use serde_json::Value;

use crate::desk::{Desk, Said, mail, mail_with, shared};

/// The keys of an object, sorted.
#[track_caller]
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("not an object: {value}")).keys().map(String::as_str).collect()
}

/// The value has these keys and no others.
#[track_caller]
fn has(value: &Value, expected: &[&str]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let mut found = keys(value);
    found.sort_unstable();
    assert_eq!(found, expected, "{value:#}");
}

#[test]
fn summary_and_open_print_the_same_value() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail_with("attached", "text", &[("a.txt", "text/plain", b"words")]));
    let opened = desk.open("dump", "case");
    let mut summary = desk.ok(&["summary", "case", "--json"]).json();
    has(
        &summary,
        &["case", "digest", "sources", "items", "bytes", "messages", "attachments", "findings", "seconds"],
    );
    has(&summary["sources"][0], &["source_id", "path", "bytes", "sha256"]);
    has(&summary["items"], &["total", "by_state"]);
    let states = ["parsed", "partial", "opaque", "encrypted", "refused", "failed", "duplicate"];
    has(&summary["items"]["by_state"], &states);
    has(&summary["bytes"], &["in", "accounted", "read", "unread"]);
    has(&summary["messages"], &["occurrences", "unique", "senders", "first", "last", "by_state"]);
    has(&summary["attachments"], &["occurrences", "unique"]);
    has(&summary["findings"], &["by_rule"]);
    assert_eq!(summary["digest"], desk.digest("case").trim_end());
    assert_eq!(summary["items"]["total"], 2);
    assert_eq!(summary["messages"]["first"], "2017-05-01T08:00:00Z");
    summary["seconds"] = opened["seconds"].clone();
    assert_eq!(summary, opened);
}

#[test]
fn the_digest_is_one_line() {
    let shared = shared();
    let line = shared.desk.digest("case");
    let words: Vec<&str> = line.split([' ', '\n']).collect();
    let [name, received, read, unsettled, ""] = words[..] else { panic!("{line:?}") };
    assert_eq!((name, unsettled), ("tamis1", "unsettled=0"));
    let value = shared.desk.ok(&["digest", "case", "--json"]).json();
    has(&value, &["received", "read", "unsettled"]);
    for (word, key) in [(received, "received"), (read, "read")] {
        let hex = word.strip_prefix(&format!("{key}=")).unwrap();
        assert!(hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{hex}");
        assert_eq!(value[key], hex);
    }
    assert_eq!(value["unsettled"], 0);
}

#[test]
fn one_line_of_the_ledger_an_item() {
    let shared = shared();
    let all = shared.desk.ok(&["ledger", "case", "--json"]).rows();
    let summary = shared.desk.ok(&["summary", "case", "--json"]).json();
    assert_eq!(summary["items"]["total"], all.len());
    for row in &all {
        has(row, &["source_id", "item_id", "path", "blob", "bytes", "state", "reason", "reader"]);
    }
    for (state, count) in summary["items"]["by_state"].as_object().unwrap() {
        let rows = shared.desk.ok(&["ledger", "case", "--json", "--state", state]).rows();
        assert_eq!(rows.len() as u64, count.as_u64().unwrap(), "{state}");
        assert!(rows.iter().all(|row| row["state"] == **state));
    }
    for (source, expected) in [("1", all.len()), ("2", 0)] {
        assert_eq!(shared.desk.ok(&["ledger", "case", "--json", "--source", source]).rows().len(), expected);
    }
    // The table for people ends with the equation.
    let table = shared.desk.ok(&["ledger", "case"]).out;
    let last = table.lines().last().unwrap();
    let numbers: Vec<u64> = last
        .split(|c: char| !c.is_ascii_digit() && c != ',')
        .filter_map(|word| word.replace(',', "").parse().ok())
        .collect();
    let [received, read, unread, accounted] = numbers[..] else { panic!("{last}") };
    assert_eq!((received, received), (read + unread, accounted), "{last}");
    assert_eq!(summary["bytes"]["in"], received);
}

#[test]
fn hits_of_a_search() {
    let shared = shared();
    let hit =
        ["item_id", "blob", "score", "path", "kind", "date", "from", "subject", "state", "snippet", "copies"];
    let mails = shared.truth.counts.mails as usize;
    let hits = shared.desk.ok(&["search", "case", "kind:mail", "--json", "--limit", "100000"]).rows();
    assert_eq!(hits.len(), mails);
    hits.iter().for_each(|row| has(row, &hit));
    let letters = ["A", "B", "C", "D", "E", "F"];
    assert!(hits.iter().all(|row| row["state"].as_str().is_some_and(|state| letters.contains(&state))));

    let folded =
        shared.desk.ok(&["search", "case", "kind:mail", "--json", "--fold", "--limit", "100000"]).rows();
    assert_eq!(folded.len(), shared.truth.counts.mails_unique as usize);
    let copies: u64 = folded.iter().map(|row| row["copies"].as_u64().unwrap()).sum();
    assert_eq!(copies as usize, mails, "folded hits stand for all of them");

    // Pages follow one another.
    let page = |offset: &str| {
        let args =
            ["search", "case", "kind:mail", "--json", "--sort", "walk", "--limit", "30", "--offset", offset];
        shared.desk.ok(&args).rows()
    };
    let args = ["search", "case", "kind:mail", "--json", "--sort", "walk", "--limit", "60"];
    assert_eq!([page("0"), page("30")].concat(), shared.desk.ok(&args).rows());

    assert_eq!(shared.desk.ok(&["search", "case", "kind:mail AND nothing-of-the-kind", "--json"]).out, "");
    assert_eq!(shared.desk.ok(&["search", "case", "nothing-of-the-kind"]).out, "no items\n");
}

#[test]
fn terms_are_literal_and_reported_one_by_one() {
    let shared = shared();
    let planted = &shared.truth.planted[0];
    let terms = format!("{}\nAT&T AND/OR *\nnothing-of-the-kind\n", planted.text);
    shared.desk.write("terms.txt", terms);
    let rows = shared.desk.ok(&["search", "case", "--terms", "terms.txt", "--json"]).rows();
    let heads: Vec<&Value> = rows.iter().filter(|row| row.get("total").is_some()).collect();
    for head in &heads {
        has(head, &["term", "line", "total"]);
    }
    let told: Vec<_> =
        heads.iter().map(|head| (head["line"].as_u64().unwrap(), head["total"].as_u64().unwrap())).collect();
    assert_eq!(told, [(1, planted.items), (2, 0), (3, 0)]);
    let hits = rows.iter().filter(|row| row.get("item_id").is_some());
    assert_eq!(hits.filter(|hit| hit["term"] == *planted.text).count() as u64, planted.items);
}

#[test]
fn verify_doctor_and_audit() {
    let shared = shared();
    let checked = shared.desk.ok(&["verify", "case", "--json"]).json();
    has(&checked, &["ok", "batches", "blobs", "equations", "audit", "problems"]);
    assert_eq!((&checked["ok"], checked["problems"].as_array().unwrap().len()), (&Value::Bool(true), 0));
    for count in ["batches", "blobs", "equations", "audit"] {
        assert!(checked[count].as_u64().unwrap() > 0, "{count} is 0: nothing was checked");
    }
    assert!(shared.desk.ok(&["verify", "case"]).out.starts_with("holds "));

    let doctor = shared.desk.tamis(&["doctor", "--json"]).json();
    for (object, keys) in [
        (&doctor, ["sandbox", "disk", "memory", "cores", "problems"].as_slice()),
        (&doctor["sandbox"], &["landlock_abi", "seccomp", "rlimits", "complete"]),
        (&doctor["disk"], &["free", "filesystem", "encrypted"]),
    ] {
        has(object, keys);
    }

    let audit = shared.desk.ok(&["audit", "case", "--json"]).rows();
    for (row, n) in audit.iter().zip(1..) {
        has(row, &["seq", "at", "who", "action", "detail", "hash"]);
        assert_eq!(row["seq"], n);
    }
    let actions: Vec<_> = audit.iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["case", "source", "commit", "finished", "examine"]);
    assert_eq!(shared.desk.ok(&["audit", "case"]).out.lines().count(), audit.len());
}

#[test]
fn the_time_that_counts_as_now_is_what_the_audit_says() {
    let desk = Desk::new();
    desk.write("a.eml", mail("now", "text"));
    desk.open_with(&["a.eml", "--as-of", "2017-05-05T20:35:00+02:00"]);
    let audit = desk.ok(&["audit", "a.eml.case", "--json"]).rows();
    assert!(audit.iter().all(|row| row["at"] == "2017-05-05T18:35:00Z"), "{audit:#?}");
}

#[test]
fn every_form_of_an_item() {
    let desk = Desk::new();
    let bytes = mail_with("forms", "bonjour", &[("a.txt", "text/plain", b"attached words")]);
    desk.write("dump/a.eml", &bytes);
    desk.write("dump/b.eml", &bytes);
    desk.write("dump/c.html", "<html><body><p>one</p><script>two</script></body></html>");
    desk.open("dump", "case");
    let rows = desk.ok(&["ledger", "case", "--json"]).rows();
    let id = |path: &str| {
        rows.iter().find(|row| row["path"] == path).unwrap()["item_id"].as_str().unwrap().to_owned()
    };
    let show = |item: &str, form: &str| desk.tamis(&["show", "case", item, "--as", form]);

    // By id and by path, the same.
    assert_eq!(show(&id("a.eml"), "text").out, show("a.eml", "text").out);
    let text = show("a.eml", "text").exits(0).out;
    assert!(text.contains("Subject: forms\n") && text.contains("bonjour"), "{text}");
    assert_eq!(show("a.eml", "raw").exits(0).out.as_bytes(), bytes);
    assert_eq!(show("a.eml!a.txt", "raw").exits(0).out, "attached words");
    assert!(show("a.eml", "headers").exits(0).out.lines().any(|line| line == "Subject: forms"));
    assert!(show("c.html", "html").exits(0).out.contains("one"));
    assert!(!show("c.html", "html").out.contains("two"), "a script is not text");
    show("a.eml!a.txt", "html").fails(2, "has no HTML");
    show("a.eml", "findings").exits(0);
    assert_eq!(show("a.eml", "copies").exits(0).out.lines().count(), 2);

    let json = |item: &str, form: &str| desk.ok(&["show", "case", item, "--json", "--as", form]).rows();
    json("a.eml", "text").iter().for_each(|row| has(row, &["part", "media_type", "lang", "text"]));
    json("a.eml", "headers").iter().for_each(|row| has(row, &["ordinal", "name", "value"]));
    let copies = json("b.eml", "copies");
    copies.iter().for_each(|row| has(row, &["item_id", "path", "state"]));
    assert_eq!((&copies[0]["state"], &copies[1]["state"]), (&"parsed".into(), &"duplicate".into()));

    show("nothing.eml", "text").fails(2, "no item nothing.eml in this case");
    show(&"0".repeat(32), "text").fails(2, "no item 00000000");
}

#[test]
fn sql_in_every_format_and_read_only() {
    let shared = shared();
    let sql =
        |statement: &str, format: &str| shared.desk.tamis(&["sql", "case", statement, "--format", format]);
    let statement = "SELECT 1 AS n, 'a,\"b' AS t, CAST(NULL AS VARCHAR) AS x";
    assert_eq!(sql(statement, "json").exits(0).out, "{\"n\":1,\"t\":\"a,\\\"b\",\"x\":null}\n");
    assert_eq!(sql(statement, "csv").exits(0).out, "n,t,x\r\n1,\"a,\"\"b\",\r\n");
    assert_eq!(sql(statement, "table").exits(0).out.lines().count(), 3);
    let parquet = shared.desk.command(&["sql", "case", statement, "--format", "parquet"]).output().unwrap();
    assert!(parquet.stdout.starts_with(b"PAR1") && parquet.stdout.ends_with(b"PAR1"));
    // `--json` is short for `--format json`.
    assert_eq!(shared.desk.ok(&["sql", "case", statement, "--json"]).out, sql(statement, "json").out);

    for table in ["items", "blobs", "messages", "headers", "texts", "defects", "attachments"] {
        let counted = sql(&format!("SELECT count(*) AS n FROM {table}"), "json").exits(0);
        assert!(counted.json()["n"].as_u64().is_some(), "{table}");
    }
    let counts = &shared.truth.counts;
    let one = |statement: &str| sql(statement, "json").exits(0).json()["n"].as_u64().unwrap();
    assert_eq!(one("SELECT count(*) AS n FROM messages"), counts.mails_unique);

    let before = shared.desk.digest("case");
    for statement in [
        "DELETE FROM items",
        "UPDATE items SET path = 'x'",
        "INSERT INTO items SELECT * FROM items",
        "DROP TABLE items",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW items AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "COPY items TO 'out.csv'",
        "SET datafusion.execution.target_partitions = 1",
        "SELECT 1; SELECT 2",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'case/case.toml'",
        "EXPLAIN ANALYZE DELETE FROM items",
        "SELEC 1",
        "SELECT nothing FROM items",
        "",
    ] {
        let said = sql(statement, "json").exits(2);
        assert!(said.out.is_empty() && said.err.contains("error: "), "{statement:?}: {said:?}");
    }
    assert!(!shared.desk.path("out.csv").exists());
    assert_eq!(shared.desk.digest("case"), before);
    shared.desk.holds("case");
}

#[test]
fn wrong_usage_is_2_and_says_what_to_do() {
    let shared = shared();
    let desk = &shared.desk;
    desk.write("latin.txt", b"caf\xe9\n");
    for (args, what) in [
        (["summary", "nothing.case"].as_slice(), "nothing.case is not a case"),
        (&["digest", "dump"], "dump is not a case"),
        (&["search", "case", "\"open"], "the query cannot be read"),
        (&["search", "case", "--terms", "nothing.txt"], "cannot read the terms in nothing.txt"),
        (&["search", "case", "--terms", "latin.txt"], "cannot read the terms in latin.txt"),
        (&["open", "nothing"], "cannot read the dump nothing"),
        (&["open", "dump", "dump/boites", "--no-desk"], "no case is named"),
        (&["open", "dump", "--case", "case", "--reread", "everything"], "cannot read \"everything\" again"),
        (&["help", "nothing"], "no command \"nothing\""),
    ] {
        desk.tamis(args).fails(2, what);
    }
    // What the command line itself cannot be.
    for args in [
        ["nothing"].as_slice(),
        &[],
        &["open"],
        &["ledger", "case", "--state", "lost"],
        &["ledger", "case", "--source", "x"],
        &["search", "case"],
        &["search", "case", "a", "--terms", "t"],
        &["show", "case"],
        &["sql", "case", "SELECT 1", "--format", "xml"],
        &["summary", "case", "--jobs", "0"],
        &["summary", "case", "--memory", "much"],
        &["summary", "case", "--as-of", "yesterday"],
        &["open", "dump", "--only", "pictures"],
    ] {
        let said = desk.tamis(args).exits(2);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{args:?}: {said:?}");
    }
}

#[test]
fn losses_are_1_only_if_asked() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("fine", "text"));
    std::os::unix::fs::symlink("a.eml", desk.path("dump/link")).unwrap();
    let strict = ["open", "dump", "--case", "case", "--strict", "--no-desk"];
    // A link is refused, but nothing is lost by that.
    let said = desk.ok(&strict);
    assert!(!said.err.contains("with losses"), "{said:?}");
    desk.write("dump/broken.zip", b"PK\x03\x04broken");
    let said = desk.tamis(&strict).exits(1);
    assert!(said.err.contains("with losses"), "{said:?}");
    desk.ok(&["open", "dump", "--case", "case", "--no-desk"]);
    desk.holds("case");
}

#[test]
fn progress_and_words_go_to_standard_error() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("words", "text"));
    let json: Said = desk.ok(&["open", "dump", "--case", "one", "--json", "--no-desk"]);
    json.json();
    let people = desk.ok(&["open", "dump", "--case", "two", "--no-desk"]);
    assert!(people.out.lines().all(|line| line.split_whitespace().next().is_some()), "{people:?}");
    assert!(people.err.contains("tamis search two"), "how to go on: {people:?}");
    let quiet = desk.ok(&["open", "dump", "--case", "three", "--quiet", "--no-desk"]);
    assert_eq!(quiet.err, "");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::io::Read;
    let shared = shared();
    let desk = Desk::new();
    for args in [["ledger", "case", "--json"].as_slice(), &["sql", "case", "SELECT * FROM headers", "--json"]]
    {
        let mut command = shared.desk.command(args);
        let mut child = command.env("TMPDIR", desk.path("")).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut [0; 1]).unwrap();
        drop(out);
        let said = Said::of(child.wait_with_output().unwrap());
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
        let left: Vec<_> = std::fs::read_dir(desk.path("")).unwrap().collect();
        assert!(left.is_empty(), "{args:?} left {left:?}");
    }
}

#[test]
fn help_of_every_command() {
    let desk = Desk::new();
    insta::assert_snapshot!("help", desk.ok(&["help", "--all"]).out);
    let all = desk.ok(&["help", "--all"]).out;
    let commands = "open, demo, summary, digest, verify, ledger, search, show, sql, check, examine, findings, rules, \
        keys, keys import, keys list, keys wanted, keys recover, keys fetch, keys export, \
        incident, incident add, incident list, prove, audit, doctor, bench, help";
    for command in commands.split(',').map(str::trim) {
        let words: Vec<&str> = command.split(' ').collect();
        let help = desk.ok(&[&["help"], words.as_slice()].concat()).out;
        assert!(all.contains(help.trim_end()), "{command}");
        assert_eq!(
            desk.ok(&[words.as_slice(), &["--help"]].concat()).out.trim_end(),
            help.trim_end(),
            "{command}"
        );
    }
}

#[test]
fn man_pages_and_completions() {
    let desk = Desk::new();
    desk.ok(&["help", "--man", "man"]);
    for page in ["tamis.1", "tamis-open.1", "tamis-search.1", "tamis-keys.1", "tamis-keys-import.1"] {
        let text = std::fs::read_to_string(desk.path("man").join(page)).unwrap();
        assert!(text.contains(".SH NAME"), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(desk.ok(&["help", "--completions", shell]).out.contains("tamis"), "{shell}");
    }
}
