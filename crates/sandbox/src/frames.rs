//! Frames: how a worker speaks. `[kind u8][length u32, little endian][payload]`, nothing else,
//! so that the side that must not trust has five bytes to understand.

use std::io::{self, IoSlice, Read, Write};

/// The bytes before a payload: kind and length.
pub const HEADER: usize = 5;

/// How much a writer holds back before it writes.
const WRITE_BUFFER: usize = 64 << 10;

/// How much a reader asks for at once, and the least that it allocates.
const READ_BUFFER: usize = 256 << 10;

/// The language of a job: the longest payload in bytes that a kind may carry, or `None` for a
/// kind that the job does not have.
pub type Grammar = fn(kind: u8) -> Option<u32>;

/// One message from a worker, borrowed from the reader's buffer. Every byte is the worker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is, in the job's grammar.
    pub kind: u8,
    /// What it says; no longer than the grammar allows for `kind`.
    pub payload: &'a [u8],
}

/// How a stream of frames broke its grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Occurs when the grammar has no such kind.
    #[error("frame of unknown kind {0}")]
    UnknownKind(u8),
    /// Occurs when a header declares more than its kind may carry.
    #[error("frame of kind {kind} declares {declared} bytes, {allowed} are allowed")]
    Oversize {
        /// The frame's kind.
        kind: u8,
        /// The length in its header, bytes.
        declared: u32,
        /// The grammar's limit, bytes.
        allowed: u32,
    },
    /// Occurs when a frame would carry the unit's output, headers included, over its cap.
    #[error("more than {cap} bytes of output")]
    TooMuch {
        /// The cap, bytes.
        cap: u64,
    },
    /// Occurs when the stream ends inside a frame.
    #[error("the output ends inside a frame")]
    Truncated,
}

/// Why there is no next frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The worker broke the grammar; the stream cannot be read further.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The operating system could not read the stream.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Takes frames off a stream and believes none of them. The buffer is reused from frame to frame
/// and from unit to unit; it never exceeds 256 KiB or the longest frame that its grammar allows,
/// whichever is more, and grows with what arrives rather than with what is declared.
#[derive(Debug)]
pub struct FrameReader {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    cap: u64,
    left: u64,
}

impl FrameReader {
    /// A reader of at most `cap` bytes, headers included.
    pub fn new(cap: u64) -> FrameReader {
        FrameReader { buffer: Vec::new(), start: 0, end: 0, cap, left: cap }
    }

    /// Forgets the stream read so far and begins another one of at most `cap` bytes.
    pub fn restart(&mut self, cap: u64) {
        (self.start, self.end, self.cap, self.left) = (0, 0, cap, cap);
    }

    /// Goes on with the same stream, of which at most `cap` more bytes are admitted.
    pub fn go_on(&mut self, cap: u64) {
        (self.cap, self.left) = (cap, cap);
    }

    /// The next frame of `stream`; `None` where it ends between two frames.
    pub fn next(
        &mut self,
        stream: &mut impl Read,
        grammar: Grammar,
    ) -> Result<Option<Frame<'_>>, FrameError> {
        if !self.fill(stream, HEADER)? {
            return if self.held().is_empty() { Ok(None) } else { Err(Violation::Truncated.into()) };
        }
        let Some((&[kind, a, b, c, d], _)) = self.held().split_first_chunk::<HEADER>() else {
            return Err(Violation::Truncated.into());
        };
        let declared = u32::from_le_bytes([a, b, c, d]);
        let whole = self.admit(kind, declared, grammar)?;
        if !self.fill(stream, whole)? {
            return Err(Violation::Truncated.into());
        }
        let at = self.start;
        self.start += whole;
        let payload = self.buffer.get(at + HEADER..at + whole).unwrap_or_default();
        Ok(Some(Frame { kind, payload }))
    }

    /// Checks a header before anything is allocated for it; the length of the whole frame.
    fn admit(&mut self, kind: u8, declared: u32, grammar: Grammar) -> Result<usize, Violation> {
        let allowed = grammar(kind).ok_or(Violation::UnknownKind(kind))?;
        if declared > allowed {
            return Err(Violation::Oversize { kind, declared, allowed });
        }
        let too_much = Violation::TooMuch { cap: self.cap };
        let whole = u64::from(declared) + HEADER as u64;
        self.left = self.left.checked_sub(whole).ok_or(too_much)?;
        usize::try_from(whole).map_err(|_| too_much)
    }

    fn held(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads until `want` bytes are held; false if the stream ends before.
    fn fill(&mut self, stream: &mut impl Read, want: usize) -> io::Result<bool> {
        while self.end - self.start < want {
            self.make_room(want);
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            match stream.read(free) {
                Ok(0) => return Ok(false),
                Ok(n) => self.end += n.min(free.len()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// Leaves free space behind the bytes held. Called only while fewer than `want` are held.
    fn make_room(&mut self, want: usize) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.start + want > self.buffer.len() && self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            let length = READ_BUFFER.max(want.min(self.buffer.len() * 2));
            self.buffer.reserve_exact(length - self.buffer.len());
            self.buffer.resize(length, 0);
        }
    }
}

/// Puts frames on a stream, up to 64 KiB at a time; longer payloads are not copied.
#[derive(Debug)]
pub struct FrameWriter<W> {
    stream: W,
    held: Vec<u8>,
    broken: bool,
}

impl<W: Write> FrameWriter<W> {
    /// A writer to `stream`.
    pub fn new(stream: W) -> FrameWriter<W> {
        FrameWriter { stream, held: Vec::with_capacity(WRITE_BUFFER + HEADER), broken: false }
    }

    /// Adds a frame. Fails if `payload` exceeds `u32::MAX` bytes, or with the stream's error;
    /// after the latter half a frame may have left, so every later call fails too.
    pub fn send(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let length = u32::try_from(payload.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let [a, b, c, d] = length.to_le_bytes();
        self.held.extend_from_slice(&[kind, a, b, c, d]);
        if self.held.len() + payload.len() <= WRITE_BUFFER {
            self.held.extend_from_slice(payload);
            return Ok(());
        }
        self.write_out(payload)
    }

    /// Writes what is held back.
    pub fn flush(&mut self) -> io::Result<()> {
        self.write_out(&[])?;
        self.stream.flush()
    }

    fn write_out(&mut self, behind: &[u8]) -> io::Result<()> {
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let written = write_all(&mut self.stream, &self.held, behind);
        self.broken = written.is_err();
        self.held.clear();
        written
    }
}

/// Writes two slices as if they were one.
fn write_all(stream: &mut impl Write, first: &[u8], second: &[u8]) -> io::Result<()> {
    let mut both = [IoSlice::new(first), IoSlice::new(second)];
    let mut left = &mut both[..];
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match stream.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => IoSlice::advance_slices(&mut left, n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Kinds 0 to 9 may carry 10^kind bytes, no other kind exists.
    fn grammar(kind: u8) -> Option<u32> {
        (kind < 10).then(|| 10u32.pow(u32::from(kind)))
    }

    /// A stream that gives at most `step` bytes a read.
    struct Drip<'a> {
        bytes: &'a [u8],
        step: usize,
    }

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let n = self.step.min(into.len());
            self.bytes.read(&mut into[..n])
        }
    }

    /// Frames, the violation after them, and the memory that it took.
    type AllRead = (Vec<(u8, Vec<u8>)>, Option<Violation>, usize);

    fn read_all(bytes: &[u8], step: usize, cap: u64) -> AllRead {
        let mut reader = FrameReader::new(cap);
        let mut stream = Drip { bytes, step };
        let mut frames = Vec::new();
        loop {
            match reader.next(&mut stream, grammar) {
                Ok(Some(f)) => frames.push((f.kind, f.payload.to_vec())),
                Ok(None) => return (frames, None, reader.buffer.capacity()),
                Err(FrameError::Violation(v)) => return (frames, Some(v), reader.buffer.capacity()),
                Err(FrameError::Io(e)) => panic!("{e}"),
            }
        }
    }

    #[test]
    fn violations_are_told_apart() {
        let oversize = Violation::Oversize { kind: 1, declared: 11, allowed: 10 };
        let cases: [(&[u8], usize, Option<Violation>); 9] = [
            (b"", 0, None),
            (b"\x00\x00\x00\x00\x00", 1, None),
            (b"\x01\x02\x00\x00\x00ab", 1, None),
            (b"\x01", 0, Some(Violation::Truncated)),
            (b"\x01\x02\x00\x00\x00a", 0, Some(Violation::Truncated)),
            (b"\x01\x01\x00\x00\x00a\x01\x01", 1, Some(Violation::Truncated)),
            (b"\x0a\x00\x00\x00\x00", 0, Some(Violation::UnknownKind(10))),
            (b"\x01\x0b\x00\x00\x00", 0, Some(oversize)),
            (b"\x01\x0a\x00\x00\x000123456789\x02\x64\x00\x00\x00", 1, Some(Violation::TooMuch { cap: 100 })),
        ];
        for (bytes, frames, violation) in cases {
            for step in [1, 3, 1000] {
                let (got, why, _) = read_all(bytes, step, 100);
                assert_eq!((got.len(), why), (frames, violation), "{bytes:?}");
            }
        }
    }

    #[test]
    fn a_declared_length_allocates_nothing_before_it_arrives() {
        let mut header = vec![9u8];
        header.extend(900_000_000u32.to_le_bytes());
        let (_, why, capacity) = read_all(&header, 5, u64::MAX);
        assert_eq!(why, Some(Violation::Truncated));
        assert_eq!(capacity, READ_BUFFER);
    }

    #[test]
    fn a_broken_stream_stays_broken() {
        let mut short = [0u8; 8];
        let mut writer = FrameWriter::new(&mut short[..]);
        assert!(writer.send(1, b"0123456789").is_ok());
        assert_eq!(writer.flush().map_err(|e| e.kind()), Err(io::ErrorKind::WriteZero));
        assert_eq!(writer.flush().map_err(|e| e.kind()), Err(io::ErrorKind::BrokenPipe));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn arbitrary_bytes_never_panic_nor_allocate(
            bytes in proptest::collection::vec(prop_oneof![Just(0u8), 0u8..12, any::<u8>()], 0..4000),
            step in 1usize..5000,
            cap in 0u64..5000,
        ) {
            let (frames, _, capacity) = read_all(&bytes, step, cap);
            let total: usize = frames.iter().map(|(_, p)| p.len() + HEADER).sum();
            prop_assert!(total as u64 <= cap);
            prop_assert!(total <= bytes.len());
            prop_assert!(capacity <= READ_BUFFER);
        }

        #[test]
        fn what_is_written_is_read(
            lengths in proptest::collection::vec(prop_oneof![0usize..40, 0usize..300_000], 0..12),
            step in prop_oneof![1000usize..5000, Just(usize::MAX)],
        ) {
            let sent: Vec<(u8, Vec<u8>)> = lengths.iter().map(|&n| (6, vec![n as u8; n])).collect();
            let mut writer = FrameWriter::new(Vec::new());
            for (kind, payload) in &sent {
                writer.send(*kind, payload)?;
            }
            writer.flush()?;
            let (got, why, capacity) = read_all(&writer.stream, step, u64::MAX);
            prop_assert_eq!(why, None);
            prop_assert!(got == sent);
            let longest = lengths.iter().max().map_or(0, |n| n + HEADER);
            prop_assert!(capacity <= READ_BUFFER.max(longest));
        }
    }
}
