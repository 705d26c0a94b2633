//! The jail from outside: this program starts itself as its nursery and lets jobs misbehave in
//! every way that the sandbox promises to survive. It has its own `main`, since a nursery must
//! be a process of one thread, and prints what cargo's own harness would.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test, though not one that clippy recognises"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::ops::ControlFlow::{Break, Continue};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use tamis_sandbox::probe::{self, Outcome};
use tamis_sandbox::unit::{MAX_PARAMS, MAX_STDERR, PANICKED};
use tamis_sandbox::{Ending, Exit, Frame, Job, Limits, Nursery, Stop, Unit, Violation, Worker, nursery_main};

const BYTES: u8 = 1;
const NUMBER: u8 = 2;
const SMALL: u8 = 3;
const MIB: usize = 1 << 20;

fn grammar(kind: u8) -> Option<u32> {
    match kind {
        BYTES => Some(MAX_PARAMS),
        NUMBER => Some(4),
        SMALL => Some(16),
        _ => None,
    }
}

const JOBS: &[Job] = &[
    probe::PROBE,
    Job { name: "echo", run: echo },
    Job { name: "silent", run: |_| {} },
    Job { name: "read", run: read },
    Job { name: "std", run: use_the_library },
    Job { name: "pid", run: |w| w.send(NUMBER, &std::process::id().to_le_bytes()).unwrap() },
    Job { name: "fuel", run: burn },
    Job { name: "panic", run: |_| panic!("with \u{1b}[31mcolour\u{202e}") },
    Job { name: "panic-late", run: panic_late },
    Job { name: "recover", run: recover },
    Job { name: "abort", run: |_| std::process::abort() },
    Job { name: "overflow", run: |_| assert_ne!(deeper(1), 0) },
    Job { name: "devour", run: devour },
    Job { name: "loop", run: spin },
    Job { name: "deaf-loop", run: deaf_loop },
    Job { name: "babble", run: babble },
    Job { name: "frame", run: raw_frame },
    Job { name: "code", run: |_| unsafe { libc::_exit(7) } },
    Job { name: "complain", run: complain },
    Job { name: "complain-forever", run: complain_forever },
    Job {
        name: "print",
        run: |w| {
            println!("to nobody");
            w.send(SMALL, b"lives").unwrap()
        },
    },
    Job { name: "fork-bomb", run: fork_bomb },
    Job { name: "kill-nursery", run: kill_nursery },
];

fn echo(w: &mut Worker) {
    let params = w.take_params();
    w.send(BYTES, &params).unwrap();
}

fn read(w: &mut Worker) {
    let source = w.source().unwrap();
    let mut buffer = vec![0; 1000];
    let mut offset = 0;
    loop {
        let n = source.read_at(&mut buffer, offset).unwrap();
        if n == 0 {
            assert_eq!(offset, source.len());
            return;
        }
        offset += n as u64;
        w.send(BYTES, &buffer[..n]).unwrap();
    }
}

/// What honest readers need of the standard library: big and small allocations, hash maps with
/// random seeds, locks, clocks, formatted text, sorting, caught panics.
fn use_the_library(w: &mut Worker) {
    let mut big = vec![0u8; 300 * MIB];
    big[299 * MIB] = 1;
    big.truncate(MIB);
    big.shrink_to_fit();
    let map: std::collections::HashMap<u32, String> = (0..10_000).map(|n| (n, format!("{n:?}"))).collect();
    let lock = std::sync::Mutex::new(std::sync::OnceLock::<usize>::new());
    let length = *lock.lock().unwrap().get_or_init(|| map.values().map(String::len).sum());
    let _ = (Instant::now(), std::time::SystemTime::now(), std::thread::available_parallelism());
    assert!(std::fs::read("/etc/passwd").is_err());
    assert!(std::env::vars_os().next().is_none());
    w.send(NUMBER, &(length as u32).to_le_bytes()).unwrap();
}

fn burn(w: &mut Worker) {
    let steps = std::iter::from_fn(|| w.fuel.spend(3).ok()).count() as u32;
    w.send(NUMBER, &steps.to_le_bytes()).unwrap();
}

fn panic_late(w: &mut Worker) {
    w.send(SMALL, b"before").unwrap();
    panic!("after");
}

fn recover(w: &mut Worker) {
    let caught = catch_unwind(|| panic!("by a library")).is_err();
    w.send(NUMBER, &u32::from(caught).to_le_bytes()).unwrap();
}

fn deeper(n: u64) -> u64 {
    let frame = std::hint::black_box([n; 64]);
    frame[0] + std::hint::black_box(deeper as fn(u64) -> u64)(n + 1) + frame[63]
}

fn devour(_: &mut Worker) {
    let mut eaten = Vec::new();
    loop {
        eaten.push(vec![1u8; MIB]);
    }
}

fn spin(_: &mut Worker) {
    loop {
        std::hint::black_box(0);
    }
}

/// A captured worker that ignores SIGXCPU.
fn deaf_loop(w: &mut Worker) {
    unsafe { libc::signal(libc::SIGXCPU, libc::SIG_IGN) };
    spin(w);
}

fn babble(w: &mut Worker) {
    while w.send(BYTES, &[0; 60_000]).is_ok() {}
}

/// Writes its parameters to the channel as they are.
fn raw_frame(w: &mut Worker) {
    let params = w.take_params();
    assert_eq!(unsafe { libc::write(3, params.as_ptr().cast(), params.len()) }, params.len() as isize);
}

fn complain(_: &mut Worker) {
    eprint!("\u{1b}]0;title\u{7}");
    for n in 0..100_000 {
        eprintln!("line {n} of a flood");
    }
}

fn complain_forever(_: &mut Worker) {
    loop {
        eprintln!("again");
    }
}

fn fork_bomb(w: &mut Worker) {
    let mut born = 0u32;
    for _ in 0..1000 {
        match unsafe { libc::fork() } {
            -1 => {}
            0 => unsafe { libc::_exit(0) },
            _ => born += 1,
        }
    }
    w.send(NUMBER, &born.to_le_bytes()).unwrap();
}

fn kill_nursery(w: &mut Worker) {
    let nursery = i32::from_le_bytes(w.params().try_into().unwrap());
    let killed = unsafe { libc::kill(nursery, libc::SIGKILL) };
    w.send(NUMBER, &killed.to_le_bytes()).unwrap();
}

/// Output of a unit: frames one after the other, and the ending.
type Ran = (Vec<(u8, Vec<u8>)>, Ending);

fn limits() -> Limits {
    Limits { fuel: 1000, output: 64 << 20, cpu_seconds: 20, deadline: Duration::from_secs(20) }
}

fn run(nursery: &mut Nursery, job: &str, params: &[u8]) -> Ran {
    run_within(nursery, job, params, limits())
}

fn run_within(nursery: &mut Nursery, job: &str, params: &[u8], limits: Limits) -> Ran {
    let mut frames = Vec::new();
    let unit = Unit { job, params, source: None, grammar, limits };
    let ending = nursery.run(unit, &mut |f: Frame<'_>| {
        frames.push((f.kind, f.payload.to_vec()));
        Continue(())
    });
    (frames, ending)
}

fn number(ran: &Ran) -> i32 {
    assert_eq!(ran.1.exit, Exit::Finished, "{:?}", ran.1);
    assert_eq!(ran.0.len(), 1);
    i32::from_le_bytes(ran.0[0].1[..].try_into().unwrap())
}

/// A nursery goes on as if nothing had been.
fn assert_well(nursery: &mut Nursery) {
    let (frames, ending) = run(nursery, "echo", b"well?");
    assert_eq!((frames, ending.exit), (vec![(BYTES, b"well?".to_vec())], Exit::Finished));
}

fn nursery() -> Nursery {
    Nursery::spawn(Path::new("/proc/self/exe"), &["nursery"]).unwrap()
}

type Test = fn(&mut Nursery);

const TESTS: &[(&str, Test)] = &[
    ("echoes_parameters_of_every_size", echoes_parameters_of_every_size),
    ("refuses_what_it_cannot_begin", refuses_what_it_cannot_begin),
    ("reads_a_source_without_moving_its_offset", reads_a_source_without_moving_its_offset),
    ("the_library_works_inside", the_library_works_inside),
    ("every_wall_stands", every_wall_stands),
    ("a_worker_looks_jailed_from_outside", a_worker_looks_jailed_from_outside),
    ("without_a_filter_nothing_is_read", without_a_filter_nothing_is_read),
    ("without_landlock_the_filter_holds", without_landlock_the_filter_holds),
    ("every_probe_is_denied_or_killed", every_probe_is_denied_or_killed),
    ("one_process_a_unit", one_process_a_unit),
    ("every_death_is_told_and_survived", every_death_is_told_and_survived),
    ("frames_before_a_panic_arrive", frames_before_a_panic_arrive),
    ("fuel_is_the_units", fuel_is_the_units),
    ("the_deadline_ends_a_loop", the_deadline_ends_a_loop),
    ("processor_time_ends_a_loop", processor_time_ends_a_loop),
    ("output_is_capped", output_is_capped),
    ("the_caller_can_break_off", the_caller_can_break_off),
    ("a_callers_panic_spoils_no_later_unit", a_callers_panic_spoils_no_later_unit),
    ("broken_frames_are_told_apart", broken_frames_are_told_apart),
    ("standard_error_is_bounded_and_escaped", standard_error_is_bounded_and_escaped),
    ("a_fork_bomb_has_no_children", a_fork_bomb_has_no_children),
    ("a_worker_cannot_kill_its_nursery", a_worker_cannot_kill_its_nursery),
    ("a_lost_nursery_is_replaced", a_lost_nursery_is_replaced),
    ("what_is_no_nursery_is_lost_not_waited_for", what_is_no_nursery_is_lost_not_waited_for),
    ("a_dropped_nursery_is_gone", a_dropped_nursery_is_gone),
    ("the_programs_death_kills_nursery_and_worker", the_programs_death_kills_nursery_and_worker),
    ("units_leak_nothing", units_leak_nothing),
];

fn echoes_parameters_of_every_size(nursery: &mut Nursery) {
    for size in [0, 1, 65_530, 65_531, 65_536, 300_000, MAX_PARAMS as usize] {
        let params: Vec<u8> = (0..size).map(|n| (n / 7) as u8).collect();
        let (frames, ending) = run(nursery, "echo", &params);
        assert_eq!(ending, Ending { exit: Exit::Finished, stderr: String::new() });
        assert!(frames == [(BYTES, params)], "{size}");
    }
}

fn refuses_what_it_cannot_begin(nursery: &mut Nursery) {
    for (job, size) in [("no-such-job", 1), ("no-such-job", MIB), ("echo", MAX_PARAMS as usize + 1)] {
        let (frames, ending) = run(nursery, job, &vec![1; size]);
        assert!(matches!(ending.exit, Exit::Refused(_)), "{ending:?}");
        assert!(frames.is_empty());
    }
    assert_well(nursery);
}

fn reads_a_source_without_moving_its_offset(nursery: &mut Nursery) {
    let path = std::env::temp_dir().join(format!("tamis-sandbox-{}", std::process::id()));
    let content: Vec<u8> = (0..100_001u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(&path, &content).unwrap();
    let mut file = File::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file.read_exact(&mut [0; 10]).unwrap();
    let mut got = Vec::new();
    let unit = Unit { job: "read", params: b"", source: Some(file.as_fd()), grammar, limits: limits() };
    let ending = nursery.run(unit, &mut |f| {
        got.extend_from_slice(f.payload);
        Continue(())
    });
    assert_eq!(ending.exit, Exit::Finished, "{ending:?}");
    assert!(got == content);
    let mut rest = Vec::new();
    file.read_to_end(&mut rest).unwrap();
    assert!(rest == content[10..]);
}

fn the_library_works_inside(nursery: &mut Nursery) {
    assert_eq!(number(&run(nursery, "std", b"")), 38_890);
    assert_eq!(number(&run(nursery, "recover", b"")), 1);
    assert_eq!(run(nursery, "print", b"").1.exit, Exit::Finished);
}

fn every_wall_stands(nursery: &mut Nursery) {
    let walls = probe::enforcement(nursery).unwrap();
    // Landlock is a second wall that a kernel may lack.
    assert!(tamis_sandbox::Enforcement { landlock_abi: 1, ..walls }.complete(), "{walls:?}");
    assert!(walls.landlock_abi > 0 || !Path::new("/sys/kernel/security/landlock").exists(), "{walls:?}");
}

/// What `/proc` says of a worker at work; its descriptors only to root, since it is not dumpable.
fn a_worker_looks_jailed_from_outside(nursery: &mut Nursery) {
    let (mut status, mut limits_seen, mut held) = (String::new(), String::new(), None);
    let source = File::open("/proc/self/exe").unwrap();
    let source = Some(source.as_fd());
    let unit = Unit { job: "pid-and-loop", params: b"", source, grammar, limits: limits() };
    nursery.run(unit, &mut |f| {
        let proc = format!("/proc/{}", u32::from_le_bytes(f.payload.try_into().unwrap()));
        status = std::fs::read_to_string(format!("{proc}/status")).unwrap();
        limits_seen = std::fs::read_to_string(format!("{proc}/limits")).unwrap_or_default();
        held = std::fs::read_dir(format!("{proc}/fd")).ok().map(|names| {
            let mut names: Vec<_> = names.map(|n| n.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        });
        Break(Stop("seen".into()))
    });
    for line in [
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "Threads:\t1",
    ] {
        assert!(status.contains(line), "{line} in {status}");
    }
    let is_root = unsafe { libc::geteuid() } == 0;
    assert!(held.is_some() || !is_root);
    assert!(held.is_none_or(|held| held == ["2", "3", "4"]));
    for (name, soft) in [("Max data size", "536870912"), ("Max open files", "0"), ("Max file size", "0")] {
        let line = limits_seen.lines().find_map(|l| l.strip_prefix(name));
        assert!(line.map_or(!is_root, |l| l.split_whitespace().next() == Some(soft)), "{limits_seen}");
    }
}

fn without_a_filter_nothing_is_read(_: &mut Nursery) {
    let mut poor = Nursery::spawn(Path::new("/proc/self/exe"), &["nursery-without-filter"]).unwrap();
    let (frames, ending) = run(&mut poor, "echo", &vec![1; MIB]);
    assert!(frames.is_empty());
    assert!(matches!(&ending.exit, Exit::Refused(why) if why.contains("system-call filter")), "{ending:?}");
    let walls = probe::enforcement(&mut poor).unwrap();
    assert!(!walls.seccomp && walls.limited && !walls.complete(), "{walls:?}");
    assert!(probe::all(&mut poor).iter().all(|r| matches!(r.outcome, Outcome::Unknown(Exit::Refused(_)))));
}

fn without_landlock_the_filter_holds(_: &mut Nursery) {
    let mut poor = Nursery::spawn(Path::new("/proc/self/exe"), &["nursery-without-landlock"]).unwrap();
    assert_well(&mut poor);
    let walls = probe::enforcement(&mut poor).unwrap();
    assert!(walls.seccomp && walls.landlock_abi == 0 && !walls.complete(), "{walls:?}");
    every_probe_is_denied_or_killed(&mut poor);
}

/// Makes the kernel look like one without these calls.
fn withhold(calls: &[i64]) {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
    let calls = calls.iter().map(|&call| (call, vec![])).collect();
    let missing = SeccompAction::Errno(libc::ENOSYS as u32);
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter: BpfProgram =
        SeccompFilter::new(calls, SeccompAction::Allow, missing, arch).unwrap().try_into().unwrap();
    seccompiler::apply_filter(&filter).unwrap();
}

fn every_probe_is_denied_or_killed(nursery: &mut Nursery) {
    let results = probe::all(nursery);
    assert!(results.len() > 50);
    let holes: Vec<_> =
        results.iter().filter(|r| !matches!(r.outcome, Outcome::Denied(_) | Outcome::Killed)).collect();
    assert!(holes.is_empty(), "{holes:?}");
    let killed: Vec<_> = results.iter().filter(|r| r.outcome == Outcome::Killed).map(|r| r.name).collect();
    let expected = [
        "socket-inet",
        "socket-udp",
        "socket-unix",
        "socketpair",
        "connect",
        "exec",
        "ptrace",
        "read-memory-of-others",
        "bpf",
        "io-uring",
    ];
    assert_eq!(killed, expected);
    assert_well(nursery);
}

fn one_process_a_unit(nursery: &mut Nursery) {
    let (first, second) = (number(&run(nursery, "pid", b"")), number(&run(nursery, "pid", b"")));
    assert_ne!(first, second);
}

fn every_death_is_told_and_survived(nursery: &mut Nursery) {
    let died: fn(&Exit) -> bool =
        |exit| matches!(exit, Exit::Signal(libc::SIGABRT | libc::SIGSEGV | libc::SIGTRAP | libc::SIGILL));
    type Case = (&'static str, fn(&Exit) -> bool, &'static str);
    let cases: [Case; 6] = [
        ("silent", |e| *e == Exit::Finished, ""),
        ("code", |e| *e == Exit::Code(7), ""),
        ("panic", |e| *e == Exit::Code(PANICKED), "with \\u{1b}[31mcolour\\u{202e}"),
        ("abort", died, ""),
        ("overflow", died, "overflowed its stack"),
        ("devour", died, "memory allocation of 1048576 bytes failed"),
    ];
    for (job, expected, words) in cases {
        let (frames, ending) = run(nursery, job, b"");
        assert!(expected(&ending.exit), "{job}: {ending:?}");
        assert!(ending.stderr.contains(words), "{job}: {ending:?}");
        assert!(frames.is_empty());
        assert_well(nursery);
    }
}

fn frames_before_a_panic_arrive(nursery: &mut Nursery) {
    let (frames, ending) = run(nursery, "panic-late", b"");
    assert_eq!((frames, ending.exit), (vec![(SMALL, b"before".to_vec())], Exit::Code(PANICKED)));
}

fn fuel_is_the_units(nursery: &mut Nursery) {
    for (fuel, steps) in [(0, 0), (2, 0), (1000, 333)] {
        assert_eq!(number(&run_within(nursery, "fuel", b"", Limits { fuel, ..limits() })), steps);
    }
}

fn the_deadline_ends_a_loop(nursery: &mut Nursery) {
    for millis in [0, 100] {
        let deadline = Duration::from_millis(millis);
        let began = Instant::now();
        let (_, ending) = run_within(nursery, "loop", b"", Limits { deadline, ..limits() });
        assert!(began.elapsed() >= deadline && began.elapsed() < deadline + Duration::from_secs(5));
        assert_eq!(ending.exit, Exit::Deadline, "{ending:?}");
        assert_well(nursery);
    }
}

fn processor_time_ends_a_loop(nursery: &mut Nursery) {
    let limits = Limits { cpu_seconds: 1, ..limits() };
    assert_eq!(run_within(nursery, "loop", b"", limits).1.exit, Exit::Signal(libc::SIGXCPU));
    assert_eq!(run_within(nursery, "deaf-loop", b"", limits).1.exit, Exit::Signal(libc::SIGKILL));
}

fn output_is_capped(nursery: &mut Nursery) {
    let cap = 5_000_000;
    let (frames, ending) = run_within(nursery, "babble", b"", Limits { output: cap, ..limits() });
    assert_eq!(ending.exit, Exit::Violated(Violation::TooMuch { cap }));
    assert_eq!(frames.len() as u64, cap / 60_005);
    assert_well(nursery);
}

fn the_caller_can_break_off(nursery: &mut Nursery) {
    // The second does not notice that nobody listens, and has to be killed.
    for (job, wanted) in [("babble", 3), ("pid-and-loop", 1)] {
        let (mut seen, began) = (0, Instant::now());
        let unit = Unit { job, params: b"", source: None, grammar, limits: limits() };
        let ending = nursery.run(unit, &mut |_| {
            seen += 1;
            if seen < wanted { Continue(()) } else { Break(Stop("enough".into())) }
        });
        assert_eq!((seen, ending.exit), (wanted, Exit::Stopped(Stop("enough".into()))));
        assert!(began.elapsed() < limits().deadline / 2);
        assert_well(nursery);
    }
}

fn a_callers_panic_spoils_no_later_unit(nursery: &mut Nursery) {
    let before = nursery.id();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let unit = Unit { job: "babble", params: b"", source: None, grammar, limits: limits() };
    let panicked = catch_unwind(AssertUnwindSafe(|| nursery.run(unit, &mut |_| panic!("the caller's"))));
    std::panic::set_hook(hook);
    assert!(panicked.is_err());
    assert_well(nursery);
    assert_ne!(nursery.id(), before);
}

fn broken_frames_are_told_apart(nursery: &mut Nursery) {
    let oversize = Violation::Oversize { kind: SMALL, declared: 17, allowed: 16 };
    let cases: [(&[u8], usize, Exit); 7] = [
        (b"", 0, Exit::Finished),
        (b"\x03\x02\x00\x00\x00ab", 1, Exit::Finished),
        (b"\x03\x02\x00\x00\x00ab\x63", 1, Exit::Violated(Violation::Truncated)),
        (b"\x03\x02\x00\x00\x00a", 0, Exit::Violated(Violation::Truncated)),
        (b"\x03\x11\x00\x00\x00", 0, Exit::Violated(oversize)),
        (b"\x63\x00\x00\x00\x00", 0, Exit::Violated(Violation::UnknownKind(0x63))),
        (b"\x00\x00\x00\x00\x00", 0, Exit::Violated(Violation::UnknownKind(0))),
    ];
    for (bytes, whole, exit) in cases {
        let (frames, ending) = run(nursery, "frame", bytes);
        assert_eq!((frames.len(), ending.exit), (whole, exit), "{bytes:?}");
    }
}

fn standard_error_is_bounded_and_escaped(nursery: &mut Nursery) {
    let (_, ending) = run(nursery, "complain", b"");
    assert_eq!(ending.exit, Exit::Finished);
    assert!(
        ending.stderr.starts_with("\\u{1b}]0;title\\u{7}line 0 of a flood\\nline 1"),
        "{}",
        ending.stderr
    );
    assert!((MAX_STDERR..2 * MAX_STDERR).contains(&ending.stderr.len()));
    let deadline = Duration::from_millis(200);
    let (_, ending) = run_within(nursery, "complain-forever", b"", Limits { deadline, ..limits() });
    assert_eq!(ending.exit, Exit::Deadline);
    assert!(ending.stderr.starts_with("again\\nagain"));
    assert_well(nursery);
}

fn a_fork_bomb_has_no_children(nursery: &mut Nursery) {
    assert_eq!(number(&run(nursery, "fork-bomb", b"")), 0);
}

fn a_worker_cannot_kill_its_nursery(nursery: &mut Nursery) {
    let id = nursery.id().unwrap();
    assert_eq!(number(&run(nursery, "kill-nursery", &id.to_le_bytes())), -1);
    assert_eq!(nursery.id(), Some(id));
}

fn a_lost_nursery_is_replaced(nursery: &mut Nursery) {
    let id = nursery.id().unwrap() as i32;
    let unit = Unit { job: "babble", params: b"", source: None, grammar, limits: limits() };
    let mut killed = false;
    let ending = nursery.run(unit, &mut |_| {
        if !killed {
            assert_eq!(unsafe { libc::kill(id, libc::SIGKILL) }, 0);
            killed = true;
        }
        Continue(())
    });
    assert!(matches!(&ending.exit, Exit::Lost(why) if why.contains("signal 9")), "{ending:?}");
    assert_eq!(nursery.id(), None);
    assert_well(nursery);
}

fn what_is_no_nursery_is_lost_not_waited_for(_: &mut Nursery) {
    assert!(Nursery::spawn(Path::new("/nonexistent"), &[]).is_err());
    let mut truth = Nursery::spawn(Path::new("/bin/true"), &[]).unwrap();
    assert!(matches!(run(&mut truth, "echo", b"").1.exit, Exit::Lost(_)));
    // One that neither serves nor ends is killed with its handle.
    let sleeper = Nursery::spawn(Path::new("/bin/sleep"), &["600"]).unwrap();
    let id = sleeper.id().unwrap();
    drop(sleeper);
    assert!(!lives(id));
}

fn a_dropped_nursery_is_gone(_: &mut Nursery) {
    let mut nursery = nursery();
    assert_well(&mut nursery);
    let id = nursery.id().unwrap();
    assert!(lives(id));
    drop(nursery);
    assert!(!lives(id));
}

/// Starts this program as one that runs an endless unit and tells the ids of its nursery and
/// worker, kills it, and looks for them.
fn the_programs_death_kills_nursery_and_worker(_: &mut Nursery) {
    let mut program = Command::new("/proc/self/exe").arg("orphan").stdout(Stdio::piped()).spawn().unwrap();
    let mut ids = [0; 8];
    program.stdout.as_mut().unwrap().read_exact(&mut ids).unwrap();
    let id = |at: usize| u32::from_le_bytes(ids[at..at + 4].try_into().unwrap());
    let (nursery, worker) = (id(0), id(4));
    assert!(lives(nursery) && lives(worker));
    program.kill().unwrap();
    program.wait().unwrap();
    let patience = Instant::now() + Duration::from_secs(5);
    while (lives(nursery) || lives(worker)) && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!lives(nursery) && !lives(worker));
}

fn orphan() {
    let mut nursery = nursery();
    let id = nursery.id().unwrap();
    let unit = Unit { job: "pid-and-loop", params: b"", source: None, grammar, limits: limits() };
    nursery.run(unit, &mut |f| {
        let mut out = std::io::stdout();
        out.write_all(&id.to_le_bytes())
            .and_then(|()| out.write_all(f.payload))
            .and_then(|()| out.flush())
            .unwrap();
        Continue(())
    });
}

fn pid_and_loop(w: &mut Worker) {
    w.send(NUMBER, &std::process::id().to_le_bytes()).unwrap();
    w.flush().unwrap();
    spin(w);
}

fn units_leak_nothing(nursery: &mut Nursery) {
    assert_well(nursery);
    let id = nursery.id().unwrap();
    let open = |of: &str| std::fs::read_dir(format!("/proc/{of}/fd")).unwrap().count();
    let before = (open("self"), open(&id.to_string()));
    for n in 0..200 {
        match n % 4 {
            0 => drop(run(nursery, "panic", b"")),
            1 => drop(run(nursery, "frame", b"\x63\0\0\0\0")),
            2 => drop(run(nursery, "no-such-job", b"x")),
            _ => assert_well(nursery),
        }
    }
    assert_eq!((open("self"), open(&id.to_string())), before);
    assert_eq!(nursery.id(), Some(id));
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    assert_eq!(children.trim(), "", "a worker was not reaped");
}

/// Whether a process runs; a zombie does not.
fn lives(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|s| !s.trim().is_empty() && !s.trim_start().starts_with('Z'))
}

/// Not a test: how long a unit takes, and how fast frames come. Asked for with `--ignored`.
fn measure(nursery: &mut Nursery) {
    let time = |n: u32, f: &mut dyn FnMut()| {
        let began = Instant::now();
        (0..n).for_each(|_| f());
        began.elapsed() / n
    };
    println!("unit, jail and first frame: {:?}", time(300, &mut || assert_well(nursery)));
    for payload in [64usize << 10, 4 << 10, 64] {
        let total = 4usize << 30 >> if payload < 1024 { 5 } else { 0 };
        let params = [(payload as u32).to_le_bytes(), ((total / payload) as u32).to_le_bytes()].concat();
        let mut got = 0;
        let limits = Limits { output: u64::MAX, ..limits() };
        let unit = Unit { job: "stream", params: &params, source: None, grammar, limits };
        let began = Instant::now();
        let ending = nursery.run(unit, &mut |f| {
            got += f.payload.len();
            Continue(())
        });
        assert_eq!((got, ending.exit), (total, Exit::Finished));
        let rate = got as f64 / began.elapsed().as_secs_f64() / 1e9;
        println!("frames of {payload} bytes: {rate:.2} GB/s, {:.2} million/s", rate * 1e3 / payload as f64);
    }
}

fn stream(w: &mut Worker) {
    let params = w.take_params();
    let number = |at: usize| u32::from_le_bytes(params[at..at + 4].try_into().unwrap());
    let payload = vec![1; number(0) as usize];
    for _ in 0..number(4) {
        w.send(BYTES, &payload).unwrap();
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let jobs =
        [JOBS, &[Job { name: "pid-and-loop", run: pid_and_loop }, Job { name: "stream", run: stream }]]
            .concat();
    match args.first().map(String::as_str) {
        Some("nursery") => nursery_main(&jobs),
        Some("nursery-without-filter") => {
            withhold(&[libc::SYS_seccomp]);
            nursery_main(&jobs)
        }
        Some("nursery-without-landlock") => {
            withhold(&[libc::SYS_landlock_create_ruleset]);
            nursery_main(&jobs)
        }
        Some("orphan") => orphan(),
        Some("--ignored") => measure(&mut nursery()),
        Some("--list") => TESTS.iter().for_each(|(name, _)| println!("{name}: test")),
        _ => return run_tests(args.iter().find(|a| !a.starts_with('-')).map_or("", String::as_str)),
    }
    ExitCode::SUCCESS
}

fn run_tests(wanted: &str) -> ExitCode {
    let began = Instant::now();
    let (chosen, others): (Vec<_>, Vec<_>) = TESTS.iter().partition(|(name, _)| name.contains(wanted));
    println!("\nrunning {} tests", chosen.len());
    let mut shared = nursery();
    let mut failed = Vec::new();
    for (name, test) in &chosen {
        let passed = catch_unwind(AssertUnwindSafe(|| test(&mut shared))).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    println!(
        "\ntest result: {}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        if failed.is_empty() { "ok" } else { "FAILED" },
        chosen.len() - failed.len(),
        failed.len(),
        others.len(),
        began.elapsed().as_secs_f64(),
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
