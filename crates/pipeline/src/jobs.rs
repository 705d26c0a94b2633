//! The table of jobs: everything that runs jailed is a line here. The program's hidden subcommand
//! `nursery` serves this table and nothing else.

use tamis_intake::{job::read_unit, out::Stop, protocol::Unit, source::ReadAt};
use tamis_sandbox::{Job, Worker, probe};

/// Name of the job that reads a unit.
pub const READ: &str = "read";

/// All jobs.
pub const ALL: &[Job] = &[Job { name: READ, run: read }, probe::PROBE];

/// The hidden subcommand that makes a process a nursery.
pub const NURSERY: &str = "nursery";

/// Serves units until the program hangs up. Never returns.
pub fn nursery() -> ! {
    tamis_sandbox::nursery_main(ALL)
}

struct SourceFile(tamis_sandbox::SourceFd);

impl ReadAt for SourceFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

fn read(worker: &mut Worker) {
    let params = worker.take_params();
    // Both come from the program itself; without them there is nothing to do, and the program sees a
    // unit that answered nothing.
    let (Ok(unit), Some(source)) = (postcard::from_bytes::<Unit>(&params), worker.source()) else { return };
    let _ = read_unit(&unit, &SourceFile(source), &mut |kind, payload| {
        worker.send(kind as u8, payload).map_err(|_| Stop::Closed)
    });
}
