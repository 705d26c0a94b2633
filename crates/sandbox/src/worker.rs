//! A worker as its job sees it: parameters, a source, fuel, and a way to send frames.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::frames::FrameWriter;
use crate::fuel::Fuel;
use crate::unit::Closed;

/// What a job has inside the jail. There is nothing else: no path, no clock worth asking, no
/// second process.
#[derive(Debug)]
pub struct Worker {
    /// What the job may still do. A job that is out of fuel says so in a frame and returns.
    pub fuel: Fuel,
    params: Vec<u8>,
    source: Option<SourceFd>,
    out: FrameWriter<&'static File>,
}

impl Worker {
    pub(crate) fn new(
        params: Vec<u8>,
        source: Option<SourceFd>,
        out: FrameWriter<&'static File>,
        fuel: Fuel,
    ) -> Worker {
        Worker { fuel, params, source, out }
    }

    /// What the unit asks, in the job's own words.
    pub fn params(&self) -> &[u8] {
        &self.params
    }

    /// The parameters themselves, for a job that sends while it looks at them; afterwards
    /// [`params`](Worker::params) is empty.
    pub fn take_params(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.params)
    }

    /// The file to read, if the unit has one.
    pub fn source(&self) -> Option<SourceFd> {
        self.source
    }

    /// Sends a frame. Frames are held back up to 64 KiB and go out by themselves at the end,
    /// also when the job panics. A payload beyond `u32::MAX` bytes counts as [`Closed`].
    pub fn send(&mut self, kind: u8, payload: &[u8]) -> Result<(), Closed> {
        self.out.send(kind, payload).map_err(|_| Closed)
    }

    /// Sends what is held back, for a job whose next frame is far.
    pub fn flush(&mut self) -> Result<(), Closed> {
        self.out.flush().map_err(|_| Closed)
    }
}

/// The source of a unit: a descriptor that can be read at an offset and nothing more.
#[derive(Debug, Clone, Copy)]
pub struct SourceFd {
    fd: BorrowedFd<'static>,
    len: u64,
}

impl SourceFd {
    /// A worker holds its source until it ends, so the descriptor is never closed.
    pub(crate) fn new(fd: OwnedFd, len: u64) -> SourceFd {
        let kept: &'static OwnedFd = Box::leak(Box::new(fd));
        SourceFd { fd: kept.as_fd(), len }
    }

    /// Its length in bytes when the unit was given out. It may have grown or shrunk since.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it was empty when the unit was given out.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads from `offset` bytes into the source; 0 at its end. Fewer bytes than `buffer` holds
    /// may come back before the end too.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::pread(self.fd, &mut *buffer, offset))?)
    }
}
