//! A reading process in an attacker's hands, seen from the case: this program is the nursery of its own
//! runs, and its job reads honestly until it meets a mark in the bytes. Whatever it does then, the thing
//! with the mark is lost and nothing else, its bytes are kept, and the sums close.
//!
//! It has its own `main`, since a nursery must be a process of one thread, and prints what cargo's own
//! harness would. `--ignored` runs the endless loop too, which only the clock ends, after two
//! minutes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test, though not one that clippy recognises"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    panic::catch_unwind,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use postcard::to_stdvec;
use tamis_case::{Case, Options};
use tamis_intake::{
    job::read_unit,
    out::{Child, Coding, Content, Naming},
    protocol::{Kind, Thing, Unit},
    source::ReadAt,
};
use tamis_model::{
    Blob, Outcome, Reason, State,
    tables::{Defect, Fact, Item, Text},
};
use tamis_pipeline::{
    jobs,
    open::{Opened, Request, open},
    progress::Silent,
};
use tamis_sandbox::{Job, Worker, nursery_main, probe};

// ---- the worker ----

/// What a worker does when it meets a mark, and what the ledger says of the thing then.
struct Attack {
    name: &'static str,
    run: fn(&mut Worker, &Met),
    reason: Reason,
}

/// Where a worker was when it met the mark.
struct Met {
    /// What it would have answered.
    honest: Vec<(u8, Vec<u8>)>,
    thing: Thing,
    /// Things that were asked for and not answered yet, this one included.
    left: usize,
}

const ATTACKS: &[Attack] = &[
    Attack { name: "panic", run: panic_half_way, reason: Reason::Died },
    Attack { name: "abort", run: |_, _| std::process::abort(), reason: Reason::Died },
    Attack { name: "overflow", run: |_, _| assert_ne!(deeper(1), 0), reason: Reason::Died },
    Attack { name: "memory", run: |_, _| devour(), reason: Reason::Died },
    Attack { name: "system-call", run: |_, _| open_a_socket(), reason: Reason::Died },
    Attack { name: "exit-code", run: |_, _| leave(7), reason: Reason::Died },
    Attack { name: "complain", run: |_, _| complain(), reason: Reason::Died },
    Attack { name: "silent", run: |_, _| {}, reason: Reason::Protocol },
    Attack { name: "exit", run: |_, _| leave(0), reason: Reason::Protocol },
    Attack { name: "no-end", run: all_but_the_end, reason: Reason::Protocol },
    Attack { name: "fact-flood", run: |w, _| fact_flood(w), reason: Reason::Protocol },
    Attack { name: "byte-flood", run: byte_flood, reason: Reason::Protocol },
    Attack { name: "child-flood", run: |w, _| child_flood(w), reason: Reason::Protocol },
    Attack { name: "lie-range", run: lie_range, reason: Reason::Protocol },
    Attack { name: "lie-overlap", run: lie_overlap, reason: Reason::Protocol },
    Attack { name: "lie-order", run: lie_order, reason: Reason::Protocol },
    Attack { name: "lie-neighbour", run: lie_neighbour, reason: Reason::Protocol },
    Attack { name: "nonsense", run: |w, _| nonsense(w), reason: Reason::Protocol },
    Attack { name: "half-frame", run: |w, _| raw(w, &[1, 200, 0, 0, 0, 1]), reason: Reason::Protocol },
];

const LOOP: Attack = Attack { name: "loop", run: |_, _| spin(), reason: Reason::Time };

/// The mark of an attack. `own`: met on reading the content that holds it; `child`: on handing that
/// content out of its container.
fn mark(level: &str, attack: &str) -> String {
    format!("@@{level}:{attack}@@")
}

const JOBS: &[Job] = &[Job { name: jobs::READ, run: read }, probe::PROBE];

/// The honest job, one thing after the other, up to a mark.
fn read(worker: &mut Worker) {
    let unit: Unit = postcard::from_bytes(&worker.take_params()).unwrap();
    let source = FromWorker(worker.source().unwrap());
    for (n, thing) in unit.things.iter().enumerate() {
        let mut honest = Vec::new();
        let one = Unit { things: vec![thing.clone()], only_mail: unit.only_mail };
        read_unit(&one, &source, &mut |kind, payload| {
            honest.push((kind as u8, payload.to_vec()));
            Ok(())
        })
        .unwrap();
        match marked(&source.all(thing), &honest) {
            Some(attack) => {
                let met = Met { honest, thing: thing.clone(), left: unit.things.len() - n };
                return (attack.run)(worker, &met);
            }
            None => honest.iter().for_each(|(kind, payload)| worker.send(*kind, payload).unwrap()),
        }
    }
}

/// The attack whose mark lies in a child that is being handed out, or in what the thing itself says.
fn marked(bytes: &[u8], honest: &[(u8, Vec<u8>)]) -> Option<&'static Attack> {
    let mut from = 0;
    while let Some(at) = find(&bytes[from..], b"@@").map(|at| from + at) {
        let end = at + 2 + find(&bytes[at + 2..], b"@@")?;
        from = end + 2;
        let (level, name) = std::str::from_utf8(&bytes[at + 2..end]).ok()?.split_once(':')?;
        let meets = |(kind, payload): &(u8, Vec<u8>)| {
            let range: Option<Range<u64>> = match level {
                "own" if *kind == Kind::Covered as u8 => postcard::from_bytes(payload).ok(),
                "child" if *kind == Kind::Child as u8 => {
                    postcard::from_bytes::<(Child, Content)>(payload).unwrap().0.stored
                }
                _ => None,
            };
            range.is_some_and(|range| range.contains(&(at as u64)))
        };
        let attack = ATTACKS.iter().chain([&LOOP]).find(|attack| attack.name == name);
        if attack.is_some() && honest.iter().any(meets) {
            return attack;
        }
    }
    None
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

struct FromWorker(tamis_sandbox::SourceFd);

impl ReadAt for FromWorker {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

impl FromWorker {
    fn all(&self, thing: &Thing) -> Vec<u8> {
        let mut bytes = vec![0; thing.len as usize];
        let mut done = 0;
        while done < bytes.len() {
            let n = self.0.read_at(&mut bytes[done..], thing.at + done as u64).unwrap();
            assert_ne!(n, 0);
            done += n;
        }
        bytes
    }
}

/// Sends a row; `false` where nobody listens any more.
fn say(w: &mut Worker, kind: Kind, row: postcard::Result<Vec<u8>>) -> bool {
    w.send(kind as u8, &row.unwrap()).is_ok()
}

fn begin(w: &mut Worker) {
    say(w, Kind::Open, to_stdvec(&(Some("mail/1"), "message/rfc822", true)));
}

fn end(w: &mut Worker) {
    say(w, Kind::Done, to_stdvec(&(Outcome::PARSED, 0u32)));
}

fn a_child(stored: Option<Range<u64>>) -> Child {
    let (naming, coding) = (Naming::Name, Coding::Identity);
    Child { name: Vec::new(), naming, media_type: String::new(), stored, coding, declared: None }
}

fn panic_half_way(w: &mut Worker, met: &Met) {
    let half = &met.honest[..met.honest.len() / 2];
    half.iter().for_each(|(kind, payload)| w.send(*kind, payload).unwrap());
    panic!("met a mark, \u{1b}[31mred");
}

fn deeper(n: u64) -> u64 {
    let frame = std::hint::black_box([n; 64]);
    frame[0] + std::hint::black_box(deeper as fn(u64) -> u64)(n + 1) + frame[63]
}

fn devour() {
    let mut eaten = Vec::new();
    loop {
        eaten.push(vec![1u8; 1 << 20]);
    }
}

fn open_a_socket() {
    // SAFETY: it takes no pointer.
    unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) };
}

fn leave(code: i32) {
    // SAFETY: it takes no pointer and does not return.
    unsafe { libc::_exit(code) }
}

fn complain() {
    (0..10_000).for_each(|n| eprintln!("\u{1b}]0;title\u{7} {n} {}", "\u{202e}".repeat(40)));
    leave(1);
}

fn spin() {
    loop {
        std::hint::black_box(0);
    }
}

fn all_but_the_end(w: &mut Worker, met: &Met) {
    let but = &met.honest[..met.honest.len() - 1];
    but.iter().for_each(|(kind, payload)| w.send(*kind, payload).unwrap());
}

fn fact_flood(w: &mut Worker) {
    begin(w);
    let fact = Fact::Defect(Defect { kind: "x".into(), at: None, len: None, note: "y".repeat(1000) });
    while say(w, Kind::Fact, to_stdvec(&fact)) {}
}

fn byte_flood(w: &mut Worker, met: &Met) {
    begin(w);
    say(w, Kind::Child, to_stdvec(&(a_child(Some(0..met.thing.len)), Content::Follows)));
    while w.send(Kind::Bytes as u8, &[b'x'; 60_000]).is_ok() {}
}

fn child_flood(w: &mut Worker) {
    begin(w);
    let absent = Content::Absent { outcome: Outcome::ENCRYPTED, bytes: u64::MAX };
    while say(w, Kind::Child, to_stdvec(&(a_child(None), absent))) {}
}

fn lie_range(w: &mut Worker, met: &Met) {
    begin(w);
    say(w, Kind::Child, to_stdvec(&(a_child(Some(0..met.thing.len + 1)), Content::Stored)));
    end(w);
}

fn lie_overlap(w: &mut Worker, met: &Met) {
    begin(w);
    for range in [0..met.thing.len, 0..met.thing.len] {
        say(w, Kind::Covered, to_stdvec(&range));
    }
    end(w);
}

fn lie_order(w: &mut Worker, met: &Met) {
    met.honest.iter().rev().for_each(|(kind, payload)| w.send(*kind, payload).unwrap());
}

/// Answers for everybody else in its unit, and for one more.
fn lie_neighbour(w: &mut Worker, met: &Met) {
    for _ in 0..=met.left {
        begin(w);
        end(w);
    }
}

fn nonsense(w: &mut Worker) {
    let mut state = 1u32;
    let noise = (0..100_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    raw(w, &noise.collect::<Vec<u8>>());
}

/// Writes to the channel what need not be a frame.
fn raw(w: &mut Worker, bytes: &[u8]) {
    let _ = w.flush();
    // SAFETY: pointer and length are those of `bytes`.
    unsafe { libc::write(3, bytes.as_ptr().cast(), bytes.len()) };
}

// ---- the dump ----

/// What a dump holds, and what must become of it.
#[derive(Default)]
struct Dump {
    files: Vec<(String, Vec<u8>)>,
    /// Mails that are read, by content, and words of theirs.
    honest: BTreeMap<Blob, String>,
    /// Things that are lost: path, and content where it is known.
    lost: BTreeMap<String, Option<Vec<u8>>>,
    /// Containers that could not hand out something.
    damaged: BTreeSet<String>,
}

/// An archive of this size is read in slices.
const BIG: usize = 9 << 20;

impl Dump {
    /// Marked mails among others: in a folder, a mailbox and an archive, which moreover holds one that
    /// cannot even be handed out.
    fn of(attack: &str) -> Dump {
        let mut dump = Dump::default();
        let (own, child) = (mark("own", attack), mark("child", attack));
        for (n, letter) in dump.letters("folder", 30, &own, |n| format!("mails/{n:02}.eml")) {
            dump.files.push((format!("mails/{n:02}.eml"), letter));
        }
        let letters = dump.letters("box.mbox", 5, &own, |n| format!("box.mbox#{n}"));
        dump.files.push(("box.mbox".into(), mbox(letters.into_iter().map(|(_, letter)| letter))));

        let mut letters = dump.letters("big.zip", 10, &own, |n| format!("big.zip!{n:02}.eml"));
        // What was not handed out has no name, only a number, and the filler is number 0.
        letters.extend(dump.letters("deep", 3, &child, |n| format!("big.zip!{}:", 11 + n)));
        let letters: Vec<_> = letters.into_iter().enumerate().map(|(n, (_, letter))| (n, letter)).collect();
        dump.files.push(("big.zip".into(), zip(BIG, &letters)));
        dump.damaged.insert("big.zip".into());
        dump
    }

    /// A mailbox that falls as a whole, since its reader does not cut, beside mails that do not.
    fn whole(attack: &str) -> Dump {
        let mut dump = Dump::default();
        let bytes = mbox([letter(0, &mark("child", attack)), letter(1, "beside it")].into_iter());
        for (n, letter) in dump.letters("folder", 4, "nothing", |_| "none".into()) {
            dump.files.push((format!("{n:02}.eml"), letter));
        }
        dump.lost = BTreeMap::from([("whole.mbox".into(), Some(bytes.clone()))]);
        dump.files.push(("whole.mbox".into(), bytes));
        dump
    }

    /// A folder of `count` mails.
    fn few(count: usize, attack: &str) -> Dump {
        let mut dump = Dump::default();
        let letters = dump.letters("folder", count, &mark("own", attack), |n| format!("{n:02}.eml"));
        dump.files.extend(letters.into_iter().map(|(n, letter)| (format!("{n:02}.eml"), letter)));
        dump
    }

    /// `count` letters; the one in the middle holds `mark`, and will stand at the path that `at` says.
    fn letters(
        &mut self,
        place: &str,
        count: usize,
        mark: &str,
        at: fn(usize) -> String,
    ) -> Vec<(usize, Vec<u8>)> {
        let letters = (0..count).map(|n| {
            if n == count / 2 {
                let letter = letter(n, &format!("in {place} with {mark}"));
                self.lost.insert(at(n), mark.starts_with("@@own").then(|| letter.clone()));
                return (n, letter);
            }
            let letter = letter(n, &format!("in {place}"));
            self.honest.insert(Blob::of(&letter), format!("letter number {n}, in {place}."));
            (n, letter)
        });
        letters.collect()
    }
}

fn letter(n: usize, inside: &str) -> Vec<u8> {
    format!(
        "From: Person {n} <p{n}@left.example>\r\nTo: desk@right.example\r\nSubject: Letter {n}\r\n\
         Date: Mon, 4 Mar 2024 10:{n:02}:00 +0100\r\n\r\nThis is letter number {n}, {inside}.\r\n"
    )
    .into_bytes()
}

fn mbox(letters: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let from = b"From p@left.example Mon Mar  4 10:00:00 2024\r\n".as_slice();
    letters.flat_map(|letter| [from, &letter, b"\r\n"].concat()).collect()
}

/// Letters as stored members, after one of `filler` bytes that makes the archive big.
fn zip(filler: usize, letters: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![0; filler]].concat();
    let mut members = vec![("filler.png".to_owned(), picture)];
    members.extend(letters.iter().map(|(n, letter)| (format!("{n:02}.eml"), letter.clone())));

    let (mut file, mut central) = (Vec::new(), Vec::new());
    for (name, content) in &members {
        let mut common = Vec::new();
        for value in [20u16, 0, 0, 0, 0x5821] {
            common.extend(value.to_le_bytes());
        }
        for value in [crc32(content), content.len() as u32, content.len() as u32, name.len() as u32] {
            common.extend(value.to_le_bytes());
        }
        let at = file.len() as u32;
        file.extend([b"PK\x03\x04", common.as_slice(), name.as_bytes(), content].concat());
        central.extend(
            [b"PK\x01\x02\x14\0", common.as_slice(), &[0; 10], &at.to_le_bytes(), name.as_bytes()].concat(),
        );
    }
    let (n, size, at) = (members.len() as u16, central.len() as u32, file.len() as u32);
    file.extend(central);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([n.to_le_bytes(), n.to_le_bytes()].concat());
    file.extend([size.to_le_bytes(), at.to_le_bytes()].concat());
    file.extend([0, 0]);
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut table = [0u32; 256];
    for (n, entry) in (0u32..).zip(&mut table) {
        *entry = (0..8).fold(n, |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()));
    }
    !bytes.iter().fold(!0, |crc, byte| (crc >> 8) ^ table[usize::from(crc as u8 ^ byte)])
}

// ---- the runs ----

/// Opens the dump with one process at a time and with three, and looks at what the cases hold.
fn survives(dump: &Dump, attack: &str, reason: Reason) {
    let scratch = tempfile::tempdir().unwrap();
    for (name, bytes) in &dump.files {
        let path = scratch.path().join("dump").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let opened = [1, 3].map(|jobs| {
        let case = scratch.path().join(format!("{jobs}.case"));
        let opened = run(&scratch.path().join("dump"), &case, jobs);
        check(dump, attack, reason, &case);
        opened
    });
    assert_eq!(opened[0].digest, opened[1].digest, "{attack}");
    assert_eq!(opened[0].totals, opened[1].totals, "{attack}");
}

fn run(dump: &Path, case: &Path, jobs: usize) -> Opened {
    let exe: PathBuf = std::env::current_exe().unwrap();
    let request = Request {
        dumps: &[dump.to_owned()],
        case,
        options: Options::default(),
        reread: None,
        jobs,
        memory: 64 << 20,
        nursery: (&exe, &["nursery"]),
        now: &|| "2024-03-05T00:00:00Z".to_owned(),
    };
    open(&request, &mut Silent).unwrap()
}

fn check(dump: &Dump, attack: &str, reason: Reason, dir: &Path) {
    let case = Case::open(dir, dir).unwrap();
    let checked = case.verify(|_| true);
    assert_eq!(checked.problems, [], "{attack}");
    assert!(checked.blobs > 0 && checked.equations > 0);

    let mut items: BTreeMap<String, Item> = BTreeMap::new();
    case.items(|item| {
        assert!(items.insert(item.path.clone(), item).is_none());
        Ok(())
    })
    .unwrap();
    let mut texts: BTreeMap<Blob, String> = BTreeMap::new();
    let mut add = |blob, row: Text| {
        texts.entry(blob).or_default().push_str(&row.text);
        Ok(())
    };
    case.facts(|_| true, &mut add).unwrap();

    for (path, item) in &items {
        let expected = match path {
            _ if dump.lost.contains_key(path) => Outcome::failed(reason),
            _ if dump.damaged.contains(path) => Outcome::partial(Reason::Damaged),
            _ if path.ends_with("filler.png") => Outcome::opaque(Reason::NoReader),
            _ => Outcome::PARSED,
        };
        assert_eq!(Outcome { state: item.state, reason: item.reason }, expected, "{attack}: {path}");
    }
    for (path, bytes) in &dump.lost {
        let item = items.get(path).unwrap_or_else(|| panic!("{attack}: no row for {path}"));
        assert_eq!(item.blob, bytes.as_deref().map(Blob::of), "{attack}: {path}");
        assert_eq!((item.unread, item.children), (item.bytes, 0), "{attack}: {path}");
        assert!(item.blob.is_none_or(|blob| !texts.contains_key(&blob)), "{attack}: {path}");
    }
    let parsed: BTreeSet<Blob> =
        items.values().filter(|item| item.state == State::Parsed).filter_map(|item| item.blob).collect();
    for (blob, words) in &dump.honest {
        assert!(parsed.contains(blob), "{attack}: {words}");
        assert!(texts.get(blob).is_some_and(|text| text.contains(words)), "{attack}: {words}");
    }
    let mut vault = case.vault().unwrap();
    for bytes in dump.lost.values().flatten().chain(dump.files.iter().map(|(_, bytes)| bytes)) {
        assert!(vault.bytes(&Blob::of(bytes), 1 << 30).unwrap() == *bytes, "{attack}");
    }
}

// ---- tests ----

type Test = (String, Box<dyn Fn() + std::panic::RefUnwindSafe>);

fn tests(with_loop: bool) -> Vec<Test> {
    let mut tests: Vec<Test> = vec![("nobody-lies".to_owned(), Box::new(nobody_lies))];
    for Attack { name, reason, .. } in ATTACKS {
        // What costs much each time a unit is halved stands among few.
        let dump =
            || if ["memory", "byte-flood"].contains(name) { Dump::few(3, name) } else { Dump::of(name) };
        tests.push(((*name).to_owned(), Box::new(move || survives(&dump(), name, *reason))));
        if ["panic", "silent", "child-flood"].contains(name) {
            let test = || survives(&Dump::whole(name), name, *reason);
            tests.push((format!("{name}-in-a-mailbox"), Box::new(test)));
        }
    }
    if with_loop {
        tests.push(("loop".to_owned(), Box::new(|| survives(&Dump::few(1, "loop"), "loop", LOOP.reason))));
    }
    tests
}

/// With marks that mean nothing to the worker, all is read: else the others would show nothing.
fn nobody_lies() {
    let mut dump = Dump::of("nothing");
    assert_eq!((dump.lost.len(), dump.damaged.len()), (4, 1));
    (dump.lost, dump.damaged) = Default::default();
    survives(&dump, "nothing", Reason::Died);
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let tests = tests(args.iter().any(|arg| arg.ends_with("ignored")));
    let wanted = args.iter().find(|arg| !arg.starts_with('-')).map_or("", String::as_str);
    match args.first().map(String::as_str) {
        Some("nursery") => nursery_main(JOBS),
        Some("--list") => tests.iter().for_each(|(name, _)| println!("{name}: test")),
        _ => return run_tests(tests, wanted),
    }
    ExitCode::SUCCESS
}

fn run_tests(tests: Vec<Test>, wanted: &str) -> ExitCode {
    let began = Instant::now();
    let (chosen, others): (Vec<_>, Vec<_>) = tests.into_iter().partition(|(name, _)| name.contains(wanted));
    println!("\nrunning {} tests", chosen.len());
    let mut failed = 0;
    for (name, test) in &chosen {
        let passed = catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    println!(
        "\ntest result: {}. {} passed; {failed} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        if failed == 0 { "ok" } else { "FAILED" },
        chosen.len() - failed,
        others.len(),
        began.elapsed().as_secs_f64(),
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
