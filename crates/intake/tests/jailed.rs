//! Signed mail read in the jail, where nothing can be opened or looked up: the library that checks
//! signatures has to do with that, and has to say there what it says outside.
//!
//! It has its own `main`, since a nursery must be a process of one thread, and prints what cargo's own
//! harness would.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test, though not one that clippy recognises"
)]

use std::{fs, ops::ControlFlow::Continue, os::fd::AsFd, path::Path, process::ExitCode};

use tamis_intake::{
    job::read_unit,
    out::Stop,
    protocol::{Frame, Machine, Reading, Task, Thing, Unit},
    reader::Hint,
    source::ReadAt,
    testing::{self, MemorySpool},
};
use tamis_model::tables::Fact;
use tamis_sandbox::{Exit, Job, Limits, Nursery, SourceFd, Worker, nursery_main};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/formats/mime/part_signatures/samples");

struct FromWorker(SourceFd);

impl ReadAt for FromWorker {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

fn read(worker: &mut Worker) {
    let unit: Unit = postcard::from_bytes(&worker.take_params()).unwrap();
    let source = FromWorker(worker.source().unwrap());
    let send = &mut |kind, payload: &[u8]| worker.send(kind as u8, payload).map_err(|_| Stop::Closed);
    read_unit(&unit, &source, send).unwrap();
}

/// Reads one mail in the jail.
fn jailed(nursery: &mut Nursery, path: &Path) -> Reading<Vec<u8>> {
    let file = fs::File::open(path).unwrap();
    let len = file.metadata().unwrap().len();
    let things = vec![Thing { at: 0, len, hint: Hint::new(b"", "message/rfc822"), task: Task::Read }];
    let params = postcard::to_stdvec(&Unit { things: things.clone(), only_mail: false }).unwrap();
    let mut machine = Machine::new(&things, MemorySpool::default());
    let unit = tamis_sandbox::Unit {
        job: "read",
        params: &params,
        source: Some(file.as_fd()),
        grammar: Frame::limit,
        limits: Limits::of(1 << 30, 1 << 30),
    };
    let ending = nursery.run(unit, &mut |frame| {
        machine.frame(frame.kind, frame.payload).unwrap();
        Continue(())
    });
    assert_eq!(ending.exit, Exit::Finished, "{path:?}: {}", ending.stderr);
    machine.finish().pop().unwrap()
}

fn signed_mail_reads_the_same_in_the_jail() {
    let mut nursery = Nursery::spawn(Path::new("/proc/self/exe"), &["nursery"]).unwrap();
    let (mut verified, mut mails) = (0, 0);
    for entry in fs::read_dir(SAMPLES).unwrap() {
        let path = entry.unwrap().path();
        let inside = jailed(&mut nursery, &path);
        let outside = testing::read(&fs::read(&path).unwrap(), "", "message/rfc822");
        assert_eq!(inside.outcome.to_string(), "parsed", "{path:?}");
        assert!(inside == outside, "{path:?}: {:?} and {:?}", inside.facts, outside.facts);
        let holds = |fact: &&Fact| matches!(fact, Fact::PartSignature(row) if row.result == "verified");
        verified += inside.facts.iter().filter(holds).count();
        mails += 1;
    }
    assert!(verified >= 16, "{verified} of {mails}");
}

fn main() -> ExitCode {
    const NAME: &str = "signed_mail_reads_the_same_in_the_jail";
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut wanted = args.iter().filter(|arg| !arg.starts_with('-')).peekable();
    let is_wanted = wanted.peek().is_none() || wanted.any(|arg| NAME.contains(arg.as_str()));
    match args.first().map(String::as_str) {
        Some("nursery") => nursery_main(&[Job { name: "read", run: read }]),
        _ if args.iter().any(|arg| arg == "--list") => println!("{NAME}: test"),
        _ if !is_wanted => {}
        _ => {
            signed_mail_reads_the_same_in_the_jail();
            println!("test {NAME} ... ok");
        }
    }
    ExitCode::SUCCESS
}
