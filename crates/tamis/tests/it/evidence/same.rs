//! The same case and the same keys, the same answer: whatever number of threads judged, in how many steps the
//! keys came, and however often a run was killed on the way.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;
use tamis_demo::{Layout, Scale};
use tamis_pipeline::examine;

use super::{
    KNOWN, NOW,
    letter::{Letter, Signer},
    signed_demo,
};
use crate::desk::{Desk, Dice, Said, copy_tree, mail};

/// All that is said of a case, byte for byte.
#[track_caller]
fn said_of(desk: &Desk, case: &str) -> Vec<(&'static str, String)> {
    let facet = fs::read(last_run(&desk.path(case)).join("states.facet")).unwrap();
    let summary = desk.ok(&["summary", case, "--json"]).json();
    let sql = |statement: &str| desk.ok(&["sql", case, statement, "--format", "json"]).out;
    vec![
        ("findings", desk.ok(&["findings", case, "--json"]).out),
        ("states", sql("SELECT * FROM states ORDER BY blob")),
        ("rows of findings", sql("SELECT * FROM findings ORDER BY finding_id")),
        ("facet", format!("{facet:?}")),
        ("sums", format!("{} {}", summary["messages"]["by_state"], summary["findings"])),
        (
            "search",
            desk.ok(&["search", case, "kind:mail", "--json", "--sort", "walk", "--limit", "100000"]).out,
        ),
    ]
}

/// The folder of the last complete run.
fn last_run(case: &Path) -> std::path::PathBuf {
    let number = |path: &Path| path.file_name()?.to_str()?.strip_prefix("evidence-")?.parse::<u64>().ok();
    let entries = fs::read_dir(case.join("derived")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| number(path).is_some()).max_by_key(|path| number(path)).unwrap()
}

#[track_caller]
fn same(one: &[(&'static str, String)], other: &[(&'static str, String)], what: &str) {
    for ((name, one), (_, other)) in one.iter().zip(other) {
        if one != other {
            let differs = one.lines().zip(other.lines()).find(|(a, b)| a != b);
            panic!("{what}: {name} differ, first in {differs:?}");
        }
    }
}

#[track_caller]
fn open(desk: &Desk, case: &str, args: &[&str]) {
    let args: Vec<&str> = ["dump", "--case", case, "--as-of", NOW].iter().chain(args).copied().collect();
    desk.open_with(&args);
}

#[test]
fn threads_and_runs_change_nothing() {
    let desk = Desk::new();
    signed_demo(&desk, Scale::Small, Layout::Mixed);
    let with = |jobs: &'static str| [&KNOWN[..], &["--jobs", jobs]].concat();
    open(&desk, "one.case", &with("1"));
    open(&desk, "four.case", &with("4"));
    let one = said_of(&desk, "one.case");
    assert!(one[0].1.lines().count() > 100, "too little is found to compare");
    same(&one, &said_of(&desk, "four.case"), "four threads");
    for jobs in ["1", "3", "16"] {
        desk.ok(&["examine", "four.case", "--jobs", jobs, "--as-of", NOW]);
        same(&one, &said_of(&desk, "four.case"), "afresh");
    }
    // Asked again without news, nothing is judged.
    let examined = desk.open_with(&["dump", "--case", "one.case", "--as-of", NOW]);
    assert_eq!(
        examined["messages"]["by_state"].to_string() + " ",
        one[4].1.split_inclusive(' ').next().unwrap()
    );
    same(&one, &said_of(&desk, "one.case"), "opened again");
}

#[test]
fn keys_in_steps_are_keys_at_once() {
    let desk = Desk::new();
    signed_demo(&desk, Scale::Small, Layout::Mixed);
    let text = fs::read_to_string(desk.path("keys.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (n, share) in [2, 3].iter().enumerate() {
        let of = |rest: bool| -> String {
            let chosen = lines.iter().enumerate().filter(|(m, _)| (m % share == n) == rest);
            chosen.map(|(_, line)| format!("{line}\n")).collect()
        };
        desk.write(format!("first-{n}.jsonl"), of(true));
        desk.write(format!("then-{n}.jsonl"), of(false));
    }
    open(&desk, "once.case", &KNOWN);
    let once = said_of(&desk, "once.case");
    for n in 0..2 {
        let case = format!("steps-{n}.case");
        open(&desk, &case, &["--keys", &format!("first-{n}.jsonl")]);
        let first = said_of(&desk, &case);
        assert_ne!(first[4], once[4], "half of the keys must not do");
        open(&desk, &case, &["--keys", &format!("then-{n}.jsonl"), "--keys", "more.jsonl"]);
        desk.ok(&["keys", "import", &case, "key-events.jsonl", "--as-of", NOW, "--quiet"]);
        let told =
            examine::is_current(&case_at(&desk, &case), &examine::last(&case_at(&desk, &case)).unwrap().1);
        assert!(told.unwrap(), "importing judges again");
        same(&once, &said_of(&desk, &case), "in steps");
        desk.holds(&case);
    }
}

fn case_at(desk: &Desk, case: &str) -> tamis_case::Case {
    tamis_case::Case::open(&desk.path(case), &desk.path(case)).unwrap()
}

/// A key that becomes known can make a mail comparable with others than before: their rates change with it,
/// though no key of theirs did.
#[test]
fn rates_follow_the_keys_of_other_mails() {
    let desk = Desk::new();
    let (relay, author) = (Signer::new("relais.example", "ed"), Signer::new("example.org", "ed"));
    let relay_rsa =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/evidence/odd_keys.json"))
            .unwrap();
    let made: Vec<Value> = serde_json::from_str(&relay_rsa).unwrap();
    let (record, rsa_mail) = (made[0]["record"].as_str().unwrap(), made[0]["mail"].as_str().unwrap());
    // Signed with RSA by example.org, which tells that the key fits although the body was changed.
    let changed = rsa_mail.replace("4800", "48000");
    desk.write("dump/changed.eml", &changed);
    // The same signature, and above it one of a name that is nearer or as near and comes first.
    let mut both = Letter::parse(rsa_mail.as_bytes());
    let field = author.sign(&both);
    both.insert(0, &field);
    desk.write("dump/both.eml", both.bytes());
    desk.write("dump/honest.eml", mail("nothing signed", "apple"));
    desk.write("rsa.jsonl", super::letter::observed("example.org", "exponent-3", record));
    desk.write("ed.jsonl", format!("{}{}", author.line(), relay.line()));
    open(&desk, "once.case", &["--keys", "rsa.jsonl", "--keys", "ed.jsonl"]);
    open(&desk, "steps.case", &["--keys", "rsa.jsonl"]);
    let before = said_of(&desk, "steps.case");
    open(&desk, "steps.case", &["--keys", "ed.jsonl"]);
    let once = said_of(&desk, "once.case");
    assert!(before[1].1.contains("1 of 2 comparable"), "{}", before[1].1);
    assert!(once[1].1.contains("1 of 1 comparable"), "{}", once[1].1);
    same(&once, &said_of(&desk, "steps.case"), "in steps");
}

#[test]
fn a_killed_examination_leaves_the_last_one() {
    let desk = Desk::new();
    signed_demo(&desk, Scale::Fraction(0.03), Layout::OneFileAMail);
    open(&desk, "case", &KNOWN);
    let before = said_of(&desk, "case");
    let args = ["examine", "case", "--as-of", NOW, "--quiet"];
    let started = Instant::now();
    desk.ok(&args);
    let took = started.elapsed();
    same(&before, &said_of(&desk, "case"), "afresh");
    let mut dice = Dice::new(5);
    let (mut killed, mut half) = (0, 0);
    for _ in 0..24 {
        let mut child = desk.command(&args).process_group(0).spawn().unwrap();
        // SAFETY: the process is a child that was not waited for.
        let kill = |id: u32| unsafe { libc::kill(id as libc::pid_t, libc::SIGKILL) };
        sleep(Duration::from_micros(dice.below(took.as_micros() as u64)));
        if child.try_wait().unwrap().is_none() {
            kill(child.id());
        }
        let said = Said::of(child.wait_with_output().unwrap());
        killed += u32::from(said.code == -libc::SIGKILL);
        half += u32::from(making(&desk.path("case")) > 0);
        assert_eq!(desk.ok(&["findings", "case", "--json"]).out, before[0].1);
    }
    assert!(killed > 5 && half > 0, "{killed} were killed, {half} of them at work: too few to tell");
    desk.ok(&args);
    same(&before, &said_of(&desk, "case"), "after the kills");
    assert_eq!(making(&desk.path("case")), 0, "what is half done is cleared away");
    desk.holds("case");

    // A run of which a part was lost is not taken for whole.
    copy_tree(&desk.path("case"), &desk.path("copy.case"));
    fs::remove_file(last_run(&desk.path("copy.case")).join("run.json")).unwrap();
    desk.ok(&["examine", "copy.case", "--as-of", NOW, "--quiet"]);
    assert_eq!(desk.ok(&["findings", "copy.case", "--json"]).out, before[0].1);
}

/// Folders of runs that were not completed.
fn making(case: &Path) -> usize {
    let entries = fs::read_dir(case.join("derived")).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().file_name() == "making").count()
}
