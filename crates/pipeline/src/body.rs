//! Where the bytes of something are while it is being read: in memory, or a range of a file.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read},
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use sha2::{Digest, Sha256};
use tamis_intake::protocol::Spool;
use tamis_model::Blob;

/// Decoded content up to here stays in memory; above, it goes to a file without a name.
const MEMORY: usize = 4 << 20;

/// Decoded content of one unit that stays in memory; what comes after goes to the file as well.
const UNIT_MEMORY: usize = 32 << 20;

/// Bytes that are at hand. Cheap to clone and to slice.
#[derive(Debug, Clone)]
pub enum Body {
    /// A range of bytes in memory.
    Memory(Arc<Vec<u8>>, Range<usize>),
    /// A range of an open file.
    File(Arc<File>, Range<u64>),
}

impl Body {
    /// Bytes in memory, all of them.
    pub fn memory(bytes: Vec<u8>) -> Body {
        let all = 0..bytes.len();
        Body::Memory(Arc::new(bytes), all)
    }

    /// Size in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Body::Memory(_, range) => range.len() as u64,
            Body::File(_, range) => range.end - range.start,
        }
    }

    /// Bytes that it keeps in memory.
    pub fn held(&self) -> u64 {
        match self {
            Body::Memory(..) => self.len(),
            Body::File(..) => 0,
        }
    }

    /// A range of it, clipped.
    pub fn slice(&self, range: Range<u64>) -> Body {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        match self {
            Body::Memory(bytes, own) => {
                Body::Memory(bytes.clone(), own.start + start as usize..own.start + end as usize)
            }
            Body::File(file, own) => Body::File(file.clone(), own.start + start..own.start + end),
        }
    }

    /// All bytes; of a file, read now. Fewer than [`Body::len`] where the file shrank.
    pub fn bytes(&self) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Body::Memory(bytes, range) => Ok(Cow::Borrowed(bytes.get(range.clone()).unwrap_or(&[]))),
            Body::File(..) => {
                let mut bytes = Vec::with_capacity(self.len() as usize);
                self.reader().read_to_end(&mut bytes)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }

    /// Goes through the bytes from front to back.
    pub fn reader(&self) -> BodyReader<'_> {
        BodyReader { body: self, at: 0 }
    }

    /// SHA-256 of the bytes as they are now, and how many there were.
    pub fn hash(&self) -> io::Result<(Blob, u64)> {
        let mut reader = HashingReader::new(self.reader());
        io::copy(&mut reader, &mut io::sink())?;
        Ok(reader.finish())
    }
}

/// See [`Body::reader`].
pub struct BodyReader<'b> {
    body: &'b Body,
    at: u64,
}

impl Read for BodyReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.body.len() - self.at).unwrap_or(usize::MAX);
        let want = left.min(buf.len());
        let Some(buf) = buf.get_mut(..want) else { return Ok(0) };
        let n = match self.body {
            Body::Memory(bytes, range) => {
                let from = range.start + self.at as usize;
                buf.copy_from_slice(bytes.get(from..from + want).unwrap_or(&[]));
                want
            }
            Body::File(file, range) => file.read_at(buf, range.start + self.at)?,
        };
        self.at += n as u64;
        Ok(n)
    }
}

/// Hashes what is read through it.
pub struct HashingReader<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> HashingReader<R> {
    /// Wraps a reader.
    pub fn new(inner: R) -> Self {
        HashingReader { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// Hash and number of the bytes that were read.
    pub fn finish(self) -> (Blob, u64) {
        (Blob(self.hash.finalize().into()), self.bytes)
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.hash.update(buf.get(..n).unwrap_or(&[]));
        self.bytes += n as u64;
        Ok(n)
    }
}

/// Content of a child that a worker decoded, hashed here.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// SHA-256.
    pub blob: Blob,
    /// The bytes.
    pub body: Body,
}

/// Takes decoded content in: hashes it, keeps it in memory, or in a file below the case's `tmp/` that
/// has no name and is gone with its last reader. One file for all large children of a unit: descriptors
/// are few.
pub struct BodySpool<'d> {
    tmp: &'d Path,
    hash: Sha256,
    memory: Vec<u8>,
    /// Bytes of finished children that are in memory.
    kept: usize,
    file: Option<Arc<File>>,
    /// The range of the file that the current child takes; empty while it is in memory.
    range: Range<u64>,
}

impl<'d> BodySpool<'d> {
    /// A spool that writes below `tmp`.
    pub fn new(tmp: &'d Path) -> Self {
        BodySpool { tmp, hash: Sha256::new(), memory: Vec::new(), kept: 0, file: None, range: 0..0 }
    }
}

impl Spool for BodySpool<'_> {
    type Body = Decoded;

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        let len = self.memory.len() + bytes.len();
        if self.range.is_empty() && len <= MEMORY && self.kept + len <= UNIT_MEMORY {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        let file = match &self.file {
            Some(file) => file.clone(),
            None => self.file.insert(Arc::new(nameless_file(self.tmp)?)).clone(),
        };
        for part in [std::mem::take(&mut self.memory).as_slice(), bytes] {
            file.write_all_at(part, self.range.end)?;
            self.range.end += part.len() as u64;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<Decoded> {
        let blob = Blob(self.hash.finalize_reset().into());
        let body = match &self.file {
            Some(file) if !self.range.is_empty() => Body::File(file.clone(), self.range.clone()),
            _ => {
                let mut memory = std::mem::take(&mut self.memory);
                memory.shrink_to_fit();
                self.kept += memory.len();
                Body::memory(memory)
            }
        };
        self.range.start = self.range.end;
        Ok(Decoded { blob, body })
    }

    fn discard(&mut self) {
        Digest::reset(&mut self.hash);
        self.memory.clear();
        self.range.end = self.range.start;
    }
}

/// A file in `dir` without a name.
fn nameless_file(dir: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(File::from(open(dir, flags, Mode::RUSR | Mode::WUSR)?))
}

/// A file in memory without a name, to be filled: the source of a unit made of many small things.
pub fn memory_file() -> io::Result<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    Ok(File::from(memfd_create("unit", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?))
}

/// Seals a [`memory_file`]: nothing about it changes any more.
pub fn seal(file: &File) -> io::Result<()> {
    use rustix::fs::{SealFlags, fcntl_add_seals};
    Ok(fcntl_add_seals(file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn memory_and_file_are_alike() {
        let bytes: Vec<u8> = (0..100).collect();
        let mut file = memory_file().unwrap();
        file.write_all(&bytes).unwrap();
        seal(&file).unwrap();
        assert!(file.write_all(b"x").is_err());
        for body in [Body::memory(bytes.clone()), Body::File(Arc::new(file), 0..100)] {
            let part = body.slice(10..30).slice(5..1000);
            assert_eq!(part.bytes().unwrap(), &bytes[15..30]);
            assert_eq!(part.hash().unwrap(), (Blob::of(&bytes[15..30]), 15));
            assert_eq!(body.slice(200..300).len(), 0);
        }
    }

    #[test]
    fn spooled_content_is_hashed_wherever_it_lies() {
        let dir = std::env::temp_dir();
        let mut spool = BodySpool::new(&dir);
        for len in [0, 5, MEMORY, MEMORY + 1, 3] {
            let bytes = vec![len as u8; len];
            spool.write(b"dropped").unwrap();
            spool.discard();
            bytes.chunks(65536).for_each(|chunk| spool.write(chunk).unwrap());
            let decoded = spool.finish().unwrap();
            assert_eq!(decoded.blob, Blob::of(&bytes));
            assert_eq!(decoded.body.hash().unwrap().0, decoded.blob);
        }
    }
}
