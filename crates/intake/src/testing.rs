//! Reading in this process, through the same frames and the same checks as in the jail. For tests and
//! fuzzing only: the program itself never reads a byte of a dump outside the jail (the tidy test holds
//! it to that).

use std::io;

use crate::{
    job,
    out::Stop,
    protocol::{Machine, Reading, Spool, Task, Thing, Unit},
    reader::Hint,
};

/// Keeps decoded children in memory.
#[derive(Debug, Default)]
pub struct MemorySpool(Vec<u8>);

impl Spool for MemorySpool {
    type Body = Vec<u8>;
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
    fn finish(&mut self) -> io::Result<Vec<u8>> {
        Ok(std::mem::take(&mut self.0))
    }
    fn discard(&mut self) {
        self.0.clear();
    }
}

/// Reads one thing. Panics where the worker's side breaks its own protocol: that is a bug of ours.
pub fn read(bytes: &[u8], name: &str, media_type: &str) -> Reading<Vec<u8>> {
    read_task(bytes, name, media_type, Task::Read)
}

/// Like [`read`], with the task given.
#[allow(clippy::panic)]
pub fn read_task(bytes: &[u8], name: &str, media_type: &str, task: Task) -> Reading<Vec<u8>> {
    let hint = Hint::new(name.as_bytes(), media_type);
    let unit = Unit { things: vec![Thing { at: 0, len: bytes.len() as u64, hint, task }], only_mail: false };
    let mut machine = Machine::new(&unit.things, MemorySpool::default());
    let mut violation = None;
    let end = job::read_unit(&unit, &bytes, &mut |kind, payload| {
        machine.frame(kind as u8, payload).map_err(|error| {
            violation = Some(error);
            Stop::Closed
        })
    });
    if let Some(violation) = violation {
        panic!("{violation} ({end:?})");
    }
    match machine.finish().pop() {
        Some(reading) => reading,
        None => panic!("no reading"),
    }
}
