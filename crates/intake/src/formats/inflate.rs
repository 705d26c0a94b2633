//! Raw deflate streams (RFC 1951), decoded in steps of 64 KiB: what gzip and zip share.

use std::io::BufRead;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use crate::{out::Stop, source::RangeReader};

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With its last block.
    Finished,
    /// The input ended first.
    Truncated,
    /// With bits that mean nothing.
    Corrupt,
}

/// What a stream decoded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stream {
    /// How it ended.
    pub end: End,
    /// Bytes decoded.
    pub bytes: u64,
    /// CRC-32 of these.
    pub crc: u32,
}

/// A decoder that is used for one stream after the other.
pub(super) struct Inflate {
    decompress: Decompress,
    step: Vec<u8>,
}

impl Inflate {
    pub(super) fn new() -> Inflate {
        Inflate { decompress: Decompress::new(false), step: vec![0; 64 << 10] }
    }

    /// Decodes the stream that begins at the reader's place and leaves the reader behind its last byte.
    /// Whatever was decoded before an end or error goes to `sink`.
    pub(super) fn run(
        &mut self,
        input: &mut RangeReader,
        mut sink: impl FnMut(&[u8]) -> Result<(), Stop>,
    ) -> Result<Stream, Stop> {
        self.decompress.reset(false);
        let mut crc = Crc::new();
        let mut bytes = 0;
        let end = loop {
            let some = input.fill_buf().unwrap_or(&[]);
            let at_end = some.is_empty();
            let (taken, made) = (self.decompress.total_in(), self.decompress.total_out());
            let status = self.decompress.decompress(some, &mut self.step, FlushDecompress::None);
            let taken = self.decompress.total_in() - taken;
            let made = self.decompress.total_out() - made;
            input.consume(usize::try_from(taken).unwrap_or(0));
            let decoded = usize::try_from(made).ok().and_then(|made| self.step.get(..made)).unwrap_or(&[]);
            crc.update(decoded);
            bytes += made;
            sink(decoded)?;
            match status {
                Ok(Status::StreamEnd) => break End::Finished,
                Err(_) => break End::Corrupt,
                Ok(_) if taken == 0 && made == 0 => {
                    break if at_end { End::Truncated } else { End::Corrupt };
                }
                Ok(_) => {}
            }
        };
        Ok(Stream { end, bytes, crc: crc.sum() })
    }
}
