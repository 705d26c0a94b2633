//! What the program and its nursery say to each other: one packet an order, one an answer, over
//! a socket that keeps packets apart. Both ends are ours; no worker holds this socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use crate::unit::{Enforcement, MAX_STDERR};

/// The kind of the frame that carries parameters to a worker, the only frame that goes there.
pub(crate) const PARAMS: u8 = 0;

/// The kind of a worker's first frame, a [`Hello`], written before any input is read.
pub(crate) const HELLO: u8 = 0;

/// The longest [`Hello`], bytes.
pub(crate) const MAX_HELLO: u32 = 1 << 10;

/// The longest packet, bytes: an answer with all of a standard error.
const MAX_PACKET: usize = MAX_STDERR + (1 << 10);

/// The longest reason in an answer or hello, bytes.
const MAX_REASON: usize = 512;

/// From the program to the nursery.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order<'a> {
    /// Fork a worker. With it come the unit channel and, if there is one, the source.
    Run { job: &'a str, terms: Terms },
    /// Kill the worker, if it still lives.
    Kill,
}

/// What the nursery and the worker must know of a unit.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub fuel: u64,
    pub cpu_seconds: u64,
    pub deadline: Duration,
    /// The length of the source, bytes, if a source comes with the order.
    pub source_len: Option<u64>,
}

/// From the nursery to the program, once an order to run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Ended { how: How, stderr: Vec<u8> },
    Refused(String),
}

/// What became of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum How {
    Code(i32),
    Signal(i32),
    Deadline,
}

/// A worker's first words: which walls stand, and whether it goes on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub enforcement: Enforcement,
    pub refused: Option<String>,
}

/// Shortens a reason so that its packet fits.
pub(crate) fn reason(why: impl ToString) -> String {
    let mut why = why.to_string();
    why.truncate(why.floor_char_boundary(MAX_REASON));
    why
}

/// Sends one packet with descriptors. Never raises SIGPIPE.
pub(crate) fn send(socket: BorrowedFd<'_>, what: &impl Serialize, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let packet = postcard::to_stdvec(what).map_err(io::Error::other)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let data = [IoSlice::new(&packet)];
    rustix::io::retry_on_intr(|| sendmsg(socket, &data, &mut control, SendFlags::NOSIGNAL))?;
    Ok(())
}

/// One packet as it came.
#[derive(Debug)]
pub(crate) struct Packet {
    bytes: Vec<u8>,
    pub fds: Vec<OwnedFd>,
}

impl Packet {
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> io::Result<T> {
        postcard::from_bytes(&self.bytes).map_err(io::Error::other)
    }
}

/// Receives one packet; `None` when the other side is gone.
pub(crate) fn receive(socket: BorrowedFd<'_>) -> io::Result<Option<Packet>> {
    let mut bytes = vec![0; MAX_PACKET];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = rustix::io::retry_on_intr(|| {
        recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)
    });
    let got = match got {
        Err(rustix::io::Errno::CONNRESET) => return Ok(None),
        other => other?,
    };
    if got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    bytes.truncate(got.bytes);
    Ok((got.bytes > 0).then_some(Packet { bytes, fds }))
}
