//! The bytes of one thing, read at explicit offsets: in the jail from a descriptor that allows nothing
//! else, in tests from memory.

use std::{cell::RefCell, io, ops::Range};

/// Bytes that can be read at an offset.
pub trait ReadAt {
    /// Reads into `buf` from `offset`; fewer bytes than asked only at the end, which is `Ok(0)`.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for [u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|at| self.get(at..)).unwrap_or(&[]);
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

impl ReadAt for &[u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buf, offset)
    }
}

/// Bytes fetched at once where a reader goes through a range from front to back.
const WINDOW: usize = 256 << 10;
/// Bytes shown to `claims`.
pub const HEAD: usize = 4096;

/// A window on a [`ReadAt`]: the bytes of one thing, offsets from its start. Reading past its end gives
/// fewer bytes, never an error; a file that shrank while read is noticed by the parent.
pub struct Source<'a> {
    bytes: &'a dyn ReadAt,
    start: u64,
    len: u64,
    /// The last window of a front-to-back read, kept for the next one.
    spare: RefCell<Vec<u8>>,
}

impl<'a> Source<'a> {
    /// The window of `len` bytes from `start`.
    pub fn new(bytes: &'a dyn ReadAt, start: u64, len: u64) -> Source<'a> {
        Source { bytes, start, len, spare: RefCell::default() }
    }

    /// Size in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first bytes, at most [`HEAD`].
    pub fn head(&self) -> Vec<u8> {
        self.take(0..self.len.min(HEAD as u64))
    }

    /// A window inside this one; clipped to it.
    pub fn within(&self, range: Range<u64>) -> Source<'a> {
        let start = range.start.min(self.len);
        let end = range.end.clamp(start, self.len);
        Source::new(self.bytes, self.start.saturating_add(start), end - start)
    }

    /// Reads from `at` until `buf` is full or the source ends; how many bytes were read.
    pub fn read_at(&self, buf: &mut [u8], at: u64) -> usize {
        let want = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX).min(buf.len());
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..want).filter(|rest| !rest.is_empty()) {
            match self.bytes.read_at(rest, self.start.saturating_add(at).saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        done
    }

    /// The bytes of `range`, clipped to the source. The caller bounds the range: this allocates it.
    pub fn take(&self, range: Range<u64>) -> Vec<u8> {
        let len = usize::try_from(range.end.min(self.len).saturating_sub(range.start)).unwrap_or(0);
        let mut bytes = vec![0; len];
        let n = self.read_at(&mut bytes, range.start);
        bytes.truncate(n);
        bytes
    }

    /// Goes through `range` (clipped) from front to back with bounded memory.
    pub fn reader(&self, range: Range<u64>) -> RangeReader<'_, 'a> {
        let mut window = self.spare.take();
        window.clear();
        RangeReader {
            source: self,
            next: range.start.min(self.len),
            end: range.end.min(self.len),
            window,
            at: 0,
        }
    }
}

/// A buffered front-to-back reader of a range; see [`Source::reader`].
pub struct RangeReader<'s, 'a> {
    source: &'s Source<'a>,
    /// Offset of the first byte that is not in the window.
    next: u64,
    end: u64,
    window: Vec<u8>,
    at: usize,
}

impl RangeReader<'_, '_> {
    /// Offset, in the source, of the next byte.
    pub fn offset(&self) -> u64 {
        self.next - (self.window.len() - self.at) as u64
    }
}

impl io::BufRead for RangeReader<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.window.len() {
            let len = usize::try_from(self.end - self.next).unwrap_or(usize::MAX).min(WINDOW);
            self.window.resize(len, 0);
            let n = self.source.read_at(&mut self.window, self.next);
            self.window.truncate(n);
            self.next = if n == 0 { self.end } else { self.next + n as u64 };
            self.at = 0;
        }
        Ok(self.window.get(self.at..).unwrap_or(&[]))
    }

    fn consume(&mut self, n: usize) {
        self.at = self.window.len().min(self.at + n);
    }
}

impl io::Read for RangeReader<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = io::BufRead::fill_buf(self)?.read_at(buf, 0)?;
        io::BufRead::consume(self, n);
        Ok(n)
    }
}

impl Drop for RangeReader<'_, '_> {
    fn drop(&mut self) {
        self.source.spare.replace(std::mem::take(&mut self.window));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn windows_are_clipped() {
        let bytes: Vec<u8> = (0..=255).cycle().take(600_000).collect();
        let slice = bytes.as_slice();
        let source = Source::new(&slice, 10, 599_000);
        assert_eq!(source.take(598_999..700_000), [bytes[599_009]]);
        assert!(source.take(5..5).is_empty());
        assert_eq!(source.within(10..20).take(0..100), bytes[20..30]);
        let mut all = Vec::new();
        source.reader(1..u64::MAX).read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes[11..599_010]);
    }

    #[test]
    fn a_source_that_lies_about_its_length_just_ends() {
        let bytes = b"abc".as_slice();
        let source = Source::new(&bytes, 0, 100);
        assert_eq!(source.take(0..100), b"abc");
        let mut reader = source.reader(0..100);
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"abc");
    }
}
