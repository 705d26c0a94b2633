//! What a run that is killed leaves behind: nothing that the next run does not put right, whatever it
//! was doing. And Ctrl-C, which asks politely.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::Child,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::desk::{Desk, Dice, Said, big_dump};

/// Kills in a row that the issue asks for.
const KILLS: u32 = 50;

/// What must come out in the end.
struct Undisturbed {
    desk: Desk,
    digest: String,
    batches: Vec<String>,
    ledger: BTreeMap<String, String>,
    took: Duration,
}

/// Made once for all tests that run at the same time. Each has cases of its own.
fn undisturbed() -> Arc<Undisturbed> {
    static MADE: Mutex<Weak<Undisturbed>> = Mutex::new(Weak::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(whole) = made.upgrade() {
        return whole;
    }
    let whole = Arc::new(make_undisturbed());
    *made = Arc::downgrade(&whole);
    whole
}

fn make_undisturbed() -> Undisturbed {
    let desk = Desk::new();
    big_dump(&desk, "dump");
    let started = Instant::now();
    desk.open("dump", "whole");
    let took = started.elapsed();
    let (digest, batches, ledger) = (desk.digest("whole"), desk.batches("whole"), desk.ledger("whole"));
    assert!(batches.len() >= 3, "too small to be killed between batches: {batches:?}");
    Undisturbed { desk, digest, batches, ledger, took }
}

impl Undisturbed {
    fn start(&self, case: &str) -> Child {
        let mut command = self.desk.command(&["open", "dump", "--case", case, "--no-desk", "--quiet"]);
        // Its own process group, so that what it leaves running can be counted.
        command.process_group(0).spawn().unwrap()
    }

    /// The case is what an undisturbed run makes.
    fn is_what_comes_out(&self, case: &str) {
        assert_eq!(self.desk.digest(case), self.digest);
        assert_eq!(self.desk.batches(case), self.batches);
        assert_eq!(self.desk.ledger(case), self.ledger);
        self.desk.holds(case);
        for query in ["kind:mail", "mot1", "letter"] {
            assert_eq!(self.desk.finds(case, query), self.desk.finds("whole", query), "{query}");
        }
        let tmp: Vec<_> = fs::read_dir(self.desk.path(case).join("tmp")).unwrap().collect();
        assert!(tmp.is_empty(), "left in tmp/: {tmp:?}");
    }
}

fn signal(child: &Child, signal: libc::c_int) {
    // SAFETY: the process is a child that was not waited for.
    unsafe { libc::kill(child.id() as libc::pid_t, signal) };
}

/// Kills the program and waits until nothing of its group runs any more.
fn kill(child: Child) -> Said {
    signal(&child, libc::SIGKILL);
    let group = -(child.id() as libc::pid_t);
    let said = Said::of(child.wait_with_output().unwrap());
    let deadline = Instant::now() + Duration::from_secs(30);
    // SAFETY: signal 0 only asks.
    while unsafe { libc::kill(group, 0) } == 0 {
        assert!(Instant::now() < deadline, "its reading processes outlive it");
        sleep(Duration::from_millis(1));
    }
    said
}

#[test]
fn fifty_kills_in_a_row() {
    let whole = undisturbed();
    let mut dice = Dice::new(2017);
    let (mut kills, mut finished) = (0, 0);
    let mut case = "killed-0".to_owned();
    while kills < KILLS {
        let mut child = whole.start(&case);
        if kills % 5 == 4 {
            // Some at the moment that matters most: a batch has its folder, and perhaps no name yet.
            on_new_batch(&whole.desk.path(&case), &mut child);
        } else {
            let longest = whole.took.as_micros() as u64 / 2;
            sleep(Duration::from_micros(dice.below(longest)));
        }
        if let Some(status) = child.try_wait().unwrap() {
            // It was faster. It must have done it all, and the next one starts anew.
            assert!(status.success(), "{:?}", Said::of(child.wait_with_output().unwrap()));
            whole.is_what_comes_out(&case);
            finished += 1;
            case = format!("killed-{finished}");
            continue;
        }
        kills += u32::from(kill(child).code == -libc::SIGKILL);
        // What is there can be looked at, or is no case yet.
        let said = whole.desk.tamis(&["verify", &case]);
        assert!(said.code == 0 || said.code == 2 && said.err.contains("is not a case"), "{said:#?}");
    }
    whole.desk.open("dump", &case);
    whole.is_what_comes_out(&case);
}

/// Waits until `batches/` has one folder more, or the program has ended.
fn on_new_batch(case: &Path, child: &mut Child) {
    let count = || fs::read_dir(case.join("batches")).map_or(0, Iterator::count);
    let before = count();
    while count() == before && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_micros(100));
    }
}

#[test]
fn interrupted_runs_go_on() {
    let whole = undisturbed();
    let mut dice = Dice::new(3);
    for (n, name) in [(libc::SIGINT, "ctrl-c"), (libc::SIGTERM, "term")] {
        let mut stopped = 0;
        for _ in 0..4 {
            let mut command = whole.desk.command(&["open", "dump", "--case", name, "--no-desk"]);
            let child = command.spawn().unwrap();
            sleep(whole.took / 8 + Duration::from_micros(dice.below(whole.took.as_micros() as u64 / 4)));
            signal(&child, n);
            let said = Said::of(child.wait_with_output().unwrap());
            match said.code {
                0 => {}
                3 => {
                    stopped += 1;
                    assert!(said.err.contains("what is committed stays"), "{said:#?}");
                    said.fails(3, "stopped");
                }
                _ => panic!("{said:#?}"),
            }
        }
        assert!(stopped > 0, "no run was stopped by {name}");
        whole.desk.open("dump", name);
        whole.is_what_comes_out(name);
    }
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let whole = undisturbed();
    let child = whole.start("twice");
    sleep(whole.took / 4);
    signal(&child, libc::SIGINT);
    signal(&child, libc::SIGINT);
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, 3, "{said:#?}");
    whole.desk.open("dump", "twice");
    whole.is_what_comes_out("twice");
}

/// Processes that are no children of the program are none of its descendants.
fn descendants(of: u32) -> Vec<u32> {
    let children = |pid: u32| -> Vec<u32> {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        lists
            .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
            .collect()
    };
    let mut found = children(of);
    let mut at = 0;
    while let Some(pid) = found.get(at) {
        found.extend(children(*pid));
        at += 1;
    }
    found
}

#[test]
fn reading_processes_that_are_killed_cost_no_document() {
    let whole = undisturbed();
    let mut dice = Dice::new(11);
    for round in 0..4 {
        let case = format!("readers-{round}");
        let mut child = whole.start(&case);
        let mut killed = 0;
        while killed < 3 && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_micros(20_000 + dice.below(whole.took.as_micros() as u64 / 6)));
            let found = descendants(child.id());
            // Of the last ones first: the processes that read, then the one that forks them.
            if let Some(pid) = found.get(found.len().wrapping_sub(1 + round % 2)) {
                // SAFETY: at worst the process has just ended.
                unsafe { libc::kill(*pid as libc::pid_t, libc::SIGKILL) };
                killed += 1;
            }
        }
        // It may give up, but it neither hangs nor takes what was killed for read.
        let said = Said::of(child.wait_with_output().unwrap());
        assert!(matches!(said.code, 0 | 2 | 3), "{said:#?}");
        let verified = whole.desk.tamis(&["verify", &case]);
        assert!(verified.code == 0 || verified.err.contains("is not a case"), "{verified:#?}");
        whole.desk.open("dump", &case);
        assert_eq!(whole.desk.digest(&case), whole.digest, "{said:#?}");
        // Which of two copies was read and which is the duplicate may differ now; nothing else does.
        let alike = |ledger: &BTreeMap<String, String>| -> BTreeMap<String, bool> {
            let read = |became: &String| became == "parsed" || became == "duplicate";
            ledger.iter().map(|(path, became)| (path.clone(), read(became))).collect()
        };
        assert_eq!(alike(&whole.desk.ledger(&case)), alike(&whole.ledger));
        let sums = |case: &str| {
            let summary = whole.desk.ok(&["summary", case, "--json"]).json();
            ["bytes", "messages", "attachments"].map(|key| summary[key].clone())
        };
        assert_eq!(sums(&case), sums("whole"));
        whole.desk.holds(&case);
    }
}
