//! Names, types and order of what `check`, `examine`, `findings`, `rules`, `summary` and `search` print of
//! signed mail.

use serde_json::Value;
use tamis_demo::{Layout, Scale};
use tamis_model::findings::MessageState;

use super::{
    KNOWN, NOW, check,
    letter::{Letter, Signer},
    signed_demo,
};
use crate::desk::{Desk, mail};

/// What a key's value is.
#[derive(Clone, Copy)]
enum Is {
    Text,
    Number,
    Flag,
    List,
    Object,
    OrNull(&'static Is),
    OneOf(&'static [&'static str]),
}
use Is::{Flag, List, Number, Object, OneOf, OrNull, Text};

/// The value has these keys, each of its type. Others may stand beside them.
#[track_caller]
fn has(value: &Value, keys: &[(&str, Is)]) {
    let object = value.as_object().unwrap_or_else(|| panic!("not an object: {value}"));
    for (key, is) in keys {
        let found = object.get(*key).unwrap_or_else(|| panic!("no {key}: {value:#}"));
        assert!(fits(found, *is), "{key} is {found}");
    }
}

fn fits(value: &Value, is: Is) -> bool {
    match is {
        Text => value.is_string(),
        Number => value.is_u64(),
        Flag => value.is_boolean(),
        List => value.is_array(),
        Object => value.is_object(),
        OrNull(is) => value.is_null() || fits(value, *is),
        OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
    }
}

const STATES: Is = OneOf(&["A", "B", "C", "D", "E", "F"]);

const CHECKED: &[(&str, Is)] = &[
    ("path", Text),
    ("blob", Text),
    ("media_type", Text),
    ("form", OrNull(&OneOf(&["source", "rebuilt"]))),
    ("state", OrNull(&STATES)),
    ("state_reason", OrNull(&Text)),
    ("flags", List),
    ("limits", List),
    ("time", Object),
    ("signatures", List),
    ("arc", Object),
    ("findings", List),
];
const TIME: &[(&str, Is)] =
    &[("not_before", OrNull(&Text)), ("not_after", OrNull(&Text)), ("witness", OrNull(&Text))];
const ARC: &[(&str, Is)] = &[("result", OneOf(&["pass", "fail", "none"])), ("hops", Number)];
const SIGNATURE: &[(&str, Is)] = &[
    ("ordinal", Number),
    ("kind", OneOf(&["dkim", "domainkeys", "arc-seal", "arc-message"])),
    ("dialect", Text),
    ("domain", Text),
    ("selector", Text),
    ("algorithm", Text),
    ("key_bits", OrNull(&Number)),
    (
        "result",
        OneOf(&[
            "verified",
            "does-not-verify",
            "key-does-not-fit",
            "no-key",
            "malformed",
            "unsupported",
            "revoked-key",
        ]),
    ),
    ("key_fits", OrNull(&Flag)),
    ("header_holds", OrNull(&Flag)),
    ("body_holds", OrNull(&Flag)),
    ("alignment", OneOf(&["same", "provider", "third-party", "none"])),
    ("repair", OrNull(&Text)),
    ("signed_headers", List),
    ("unsigned_visible_headers", List),
    ("uncovered_body_bytes", Number),
    ("key", OrNull(&Object)),
    ("notes", List),
];
const KEY: &[(&str, Is)] = &[
    (
        "channel",
        OneOf(&["dnssec", "dns", "archive", "outside-mail", "archive-unstated", "user", "recovered"]),
    ),
    ("witness", OrNull(&Text)),
    ("first_seen", OrNull(&Text)),
    ("last_seen", OrNull(&Text)),
];
const FINDING: &[(&str, Is)] = &[
    ("finding_id", Text),
    ("rule", Text),
    ("version", Number),
    ("polarity", OneOf(&["supports", "against", "context"])),
    ("about", OneOf(&["integrity", "origin", "time", "set"])),
    ("strength", Number),
    ("scope", Text),
    ("observed", Object),
    ("subjects", List),
    ("standard", Text),
    ("assumptions", List),
    ("alternatives", List),
    ("base_rate", OrNull(&Object)),
    ("reproduce", Text),
];

#[track_caller]
fn finding(value: &Value) {
    has(value, FINDING);
    assert!(value["strength"].as_u64().unwrap() <= 4);
    if value["base_rate"].is_object() {
        has(&value["base_rate"], &[("of", Number), ("corpus", Text)]);
        assert!(value["base_rate"]["share"].is_f64(), "{value:#}");
    }
    for subject in value["subjects"].as_array().unwrap() {
        has(subject, &[("item_id", OrNull(&Text)), ("path", Text), ("blob", Text)]);
    }
}

#[test]
fn every_file_that_is_checked_is_one_object() {
    let desk = Desk::new();
    let truth = signed_demo(&desk, Scale::Small, Layout::OneFileAMail);
    desk.write("note.txt", "no mail");
    desk.write("empty.eml", "");
    let mut kinds = std::collections::BTreeSet::new();
    let mut files: Vec<String> = truth
        .signed
        .mails
        .iter()
        .filter(|mail| desk.path("dump").join(&mail.path).is_file() && kinds.insert(mail.kind))
        .map(|mail| format!("dump/{}", mail.path))
        .collect();
    assert!(files.len() > 30, "{}", files.len());
    files.extend(["note.txt", "empty.eml"].map(str::to_owned));
    let judged = check(&desk, &files, &KNOWN);
    for value in &judged {
        has(value, CHECKED);
        has(&value["time"], TIME);
        has(&value["arc"], ARC);
        let signatures = value["signatures"].as_array().unwrap();
        for (n, signature) in signatures.iter().enumerate() {
            has(signature, SIGNATURE);
            assert_eq!(signature["ordinal"], n, "in the order of their fields");
            if signature["key"].is_object() {
                has(&signature["key"], KEY);
            }
        }
        value["findings"].as_array().unwrap().iter().for_each(finding);
        let proven = matches!(value["state"].as_str(), Some("A"));
        assert_eq!(
            value["limits"].as_array().unwrap().len(),
            if proven { 7 } else { value["limits"].as_array().unwrap().len() }
        );
    }
    for value in &judged[judged.len() - 2..] {
        assert!(value["signatures"].as_array().unwrap().is_empty());
    }
    assert!(judged[judged.len() - 2]["state"].is_null(), "a text is no mail");

    // The same file twice and by another name: an answer for each.
    let twice = ["note.txt", "./note.txt", "note.txt"].map(str::to_owned);
    assert_eq!(check(&desk, &twice, &[]).len(), 3);
    // What people read says the same state; a file that is not there is wrong usage.
    let said = desk.tamis(&["check", &files[0], "--keys", "keys.jsonl"]);
    assert!(matches!(said.code, 0 | 1), "{said:#?}");
    assert!(
        said.out.contains(&format!(
            "state       {}",
            check(&desk, &files[..1], &KNOWN[..2])[0]["state"].as_str().unwrap()
        )),
        "{said:#?}"
    );
    desk.tamis(&["check", "nowhere.eml"]).fails(2, "nowhere.eml");
    desk.tamis(&["check", "dump"]).fails(2, "cannot check dump");
    desk.tamis(&["check", &files[0], "--keys", "nowhere.jsonl"]).fails(2, "nowhere.jsonl");
}

#[test]
fn signatures_stand_in_the_order_of_their_fields() {
    let desk = Desk::new();
    let signers = ["un.example", "deux.example", "example.org", "trois.example"]
        .map(|domain| Signer::new(domain, "ed"));
    let mut letter = Letter::parse(&mail("Point budget", "apple"));
    for signer in &signers {
        let field = signer.sign(&letter);
        letter.insert(0, &field);
    }
    signers[0].seal(&mut letter, 1, "none");
    desk.write("a.eml", letter.bytes());
    desk.write("keys.jsonl", signers[2].line());
    let value = check(&desk, &["a.eml".to_owned()], &["--keys", "keys.jsonl"]).remove(0);
    let found: Vec<(&str, &str, &str)> = value["signatures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["kind"].as_str().unwrap(), s["domain"].as_str().unwrap(), s["result"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("arc-seal", "un.example", "no-key"),
            ("arc-message", "un.example", "no-key"),
            ("dkim", "trois.example", "no-key"),
            ("dkim", "example.org", "verified"),
            ("dkim", "deux.example", "no-key"),
            ("dkim", "un.example", "no-key"),
        ]
    );
    assert_eq!(value["state"], "A");
}

#[test]
fn a_case_that_was_examined() {
    let desk = Desk::new();
    let truth = signed_demo(&desk, Scale::Small, Layout::Mixed);
    let args: Vec<&str> = ["dump", "--case", "case", "--as-of", NOW].into_iter().chain(KNOWN).collect();
    let opened = desk.open_with(&args);
    let mut summary = desk.ok(&["summary", "case", "--json"]).json();
    summary["seconds"] = opened["seconds"].clone();
    assert_eq!(summary, opened);
    let by_state = summary["messages"]["by_state"].as_object().unwrap();
    let letters: Vec<&str> = by_state.keys().map(String::as_str).collect();
    assert_eq!(letters, ["A", "B", "C", "D", "E", "F"]);
    let sum: u64 = by_state.values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(summary["messages"]["unique"], sum, "each message has one state");
    for state in MessageState::ALL {
        let letter = state.letter();
        let n = by_state[letter].as_u64().unwrap();
        // A search for the state finds its occurrences, and folded its contents.
        let query = format!("state:{letter} kind:mail");
        let hits = desk.ok(&["search", "case", &query, "--json", "--limit", "100000"]).rows();
        assert!(hits.iter().all(|hit| hit["state"] == letter), "{letter}");
        let folded = desk.ok(&["search", "case", &query, "--json", "--fold", "--limit", "100000"]).rows();
        assert_eq!(folded.len() as u64, n, "{letter}");
        let rows = desk.sql("case", &format!("SELECT count(*) AS n FROM states WHERE state = '{letter}'"));
        assert_eq!(rows[0]["n"], n, "{letter}");
        let found = desk.ok(&["findings", "case", "--state", letter, "--json"]).rows();
        assert!(found.is_empty() || n > 0, "{letter}");
    }
    assert!(by_state["A"].as_u64().unwrap() > 0 && truth.signed.verifiable > 0);

    let examined = desk.ok(&["examine", "case", "--json", "--as-of", NOW]).json();
    assert_eq!(examined["messages"]["by_state"], summary["messages"]["by_state"]);
    assert_eq!(examined["findings"]["by_rule"], summary["findings"]["by_rule"]);

    let found = desk.ok(&["findings", "case", "--json"]).rows();
    found.iter().for_each(finding);
    let strengths: Vec<u64> = found.iter().map(|row| row["strength"].as_u64().unwrap()).collect();
    assert!(strengths.is_sorted_by(|a, b| a >= b), "strongest first");
    let ids: std::collections::HashSet<&str> =
        found.iter().map(|row| row["finding_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), found.len(), "each finding has an id of its own");
    assert!(found.iter().all(|row| !row["subjects"].as_array().unwrap().is_empty()));
    let by_rule = summary["findings"]["by_rule"].as_object().unwrap();
    assert_eq!(by_rule.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), found.len() as u64);
    for (rule, n) in by_rule {
        let of_rule = desk.ok(&["findings", "case", "--rule", rule, "--json"]).rows();
        // A rule's name may be the beginning of another's.
        let exact = of_rule.iter().filter(|row| row["rule"] == **rule).count() as u64;
        assert_eq!(
            (exact, of_rule.iter().all(|row| row["rule"].as_str().unwrap().starts_with(rule))),
            (n.as_u64().unwrap(), true),
            "{rule}"
        );
    }
    let alone = desk.ok(&["examine", "case", "--rule", "mail.dkim.verified", "--json", "--as-of", NOW]).out;
    assert_eq!(alone, desk.ok(&["findings", "case", "--rule", "mail.dkim.verified", "--json"]).out);
    desk.tamis(&["findings", "case", "--rule", "mail.nothing"]).fails(2, "mail.nothing");
    desk.tamis(&["examine", "case", "--rule", "mail.nothing"]).fails(2, "mail.nothing");
    desk.tamis(&["findings", "case", "--state", "G"]).exits(2);
    desk.holds("case");
}

#[test]
fn every_rule_says_what_it_means() {
    let desk = Desk::new();
    let rules = desk.ok(&["rules", "--json"]).rows();
    for rule in &rules {
        has(
            rule,
            &[
                ("rule", Text),
                ("version", Number),
                ("about", OneOf(&["integrity", "origin", "time", "set"])),
                ("polarity", OneOf(&["supports", "against", "context"])),
                ("strength_at_most", Number),
                ("meaning", Text),
                ("standard", Text),
                ("assumptions", List),
                ("alternatives", List),
                ("base_rates", List),
                ("reproduce", Text),
            ],
        );
        for rate in rule["base_rates"].as_array().unwrap() {
            has(rate, &[("hits", Number), ("of", Number), ("corpus", Text)]);
        }
        let against = rule["polarity"] == "against";
        assert!(
            !against || !rule["alternatives"].as_array().unwrap().is_empty(),
            "no innocent explanation: {rule:#}"
        );
    }
    let told = desk.ok(&["rules"]).out;
    assert!(rules.iter().all(|rule| told.contains(rule["rule"].as_str().unwrap())));
    assert!(rules.iter().any(|rule| rule["rule"] == "mail.dkim.verified"));
}

#[test]
fn a_case_that_was_not_examined_says_so() {
    let desk = Desk::new();
    desk.write("dump/a.txt", "no mail");
    desk.open("dump", "case");
    // Opening examines; what is left is an empty answer.
    assert_eq!(desk.ok(&["findings", "case", "--json"]).out, "");
    std::fs::remove_dir_all(desk.path("case/derived")).unwrap();
    let said = desk.tamis(&["findings", "case"]);
    assert!(said.code == 2 && said.err.contains("examine"), "{said:#?}");
    desk.ok(&["examine", "case"]);
    assert_eq!(desk.ok(&["findings", "case", "--json"]).out, "");
}
