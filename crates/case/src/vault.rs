//! Content, once each: packed into frames, as a range of other content, or by reference to the source.
//!
//! `vault.pack` is a row of frames: length of the content as u32 LE (at most 1 MiB), length as stored as
//! u32 LE, one byte of coding (0 raw, 1 zstd), the stored bytes. Content runs on from frame to frame; a
//! blob begins `skip` bytes into the content of the frame at offset `at`.
//!
//! A case may come from a stranger: every length is checked before it is allocated, and nothing is
//! handed out as verified before its SHA-256 was compared.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Write},
    os::unix::{ffi::OsStrExt, fs::FileExt},
    path::{Component, Path, PathBuf},
    rc::Rc,
};

use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};
use tamis_model::{Blob, SourceId, tables::BlobPlace};

use crate::{
    Batch, CaseError,
    files::{HashedFile, Written},
    tables,
};

/// Content of one frame.
const FRAME: usize = 1 << 20;
const FRAME_HEADER: usize = 9;
/// Longest chain of ranges of ranges that is followed: the deepest nesting that intake allows.
const CHAIN: usize = 80;

/// Writes a `vault.pack`.
pub(crate) struct PackWriter {
    file: HashedFile,
    path: PathBuf,
    frame: Vec<u8>,
    /// The frame as stored; kept, so that its memory is not asked for again each time.
    packed: Vec<u8>,
    zstd: zstd::bulk::Compressor<'static>,
}

impl PackWriter {
    pub(crate) fn create(dir: &Path) -> Result<PackWriter, CaseError> {
        let path = dir.join("vault.pack");
        let zstd = zstd::bulk::Compressor::new(1).map_err(CaseError::io("compress into", &path))?;
        let (frame, packed) =
            (Vec::with_capacity(FRAME), Vec::with_capacity(zstd::zstd_safe::compress_bound(FRAME)));
        Ok(PackWriter { file: HashedFile::create(&path)?, path, frame, packed, zstd })
    }

    /// Appends content; returns `(at, skip)`, where it begins, and what it is.
    pub(crate) fn add(&mut self, content: &mut dyn Read) -> Result<(u64, u64, Blob), CaseError> {
        if self.frame.len() >= FRAME {
            self.flush()?;
        }
        let (at, skip) = (self.file.len(), self.frame.len());
        let mut hash = Sha256::new();
        loop {
            let from = self.frame.len();
            let room = FRAME - from;
            let n = content.take(room as u64).read_to_end(&mut self.frame);
            let n = n.map_err(CaseError::io("read into", &self.path))?;
            hash.update(self.frame.get(from..).unwrap_or(&[]));
            if n < room {
                return Ok((at, skip as u64, Blob(hash.finalize().into())));
            }
            self.flush()?;
        }
    }

    /// Appends content that is in memory; returns `(at, skip)`, where it begins.
    pub(crate) fn add_bytes(&mut self, mut content: &[u8]) -> Result<(u64, u64), CaseError> {
        if self.frame.len() >= FRAME {
            self.flush()?;
        }
        let place = (self.file.len(), self.frame.len() as u64);
        while let Some((now, rest)) = content.split_at_checked((FRAME - self.frame.len()).min(content.len()))
        {
            self.frame.extend_from_slice(now);
            if rest.is_empty() {
                break;
            }
            content = rest;
            self.flush()?;
        }
        Ok(place)
    }

    fn flush(&mut self) -> Result<(), CaseError> {
        if self.frame.is_empty() {
            return Ok(());
        }
        self.packed.clear();
        let (coding, stored) = match self.zstd.compress_to_buffer(&self.frame, &mut self.packed) {
            Ok(bytes) if bytes < self.frame.len() => (1, &self.packed),
            _ => (0, &self.frame),
        };
        let written = [self.frame.len(), stored.len()]
            .iter()
            .try_for_each(|len| self.file.write_all(&(*len as u32).to_le_bytes()))
            .and_then(|()| self.file.write_all(&[coding]))
            .and_then(|()| self.file.write_all(stored));
        written.map_err(CaseError::io("write", &self.path))?;
        self.frame.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Written, CaseError> {
        self.flush()?;
        self.file.finish().map_err(CaseError::io("write", &self.path))
    }
}

/// Reads content of a case. Not shared between threads; opening it reads nothing.
pub struct Vault {
    batches: Vec<PathBuf>,
    /// Folders or files of the sources, for content held by reference.
    sources: HashMap<SourceId, PathBuf>,
    packs: HashMap<usize, Pack>,
    /// All places, once more than a few were asked for.
    places: Option<Places>,
    asked: u32,
}

/// Where each content is: the position of its batch, and the place within.
type Places = HashMap<Blob, (usize, BlobPlace)>;

/// A decoded frame.
type Frame = Rc<Vec<u8>>;

struct Pack {
    file: File,
    path: PathBuf,
    /// Offsets of frames: in the content of all frames, and in the file; as far as they are known.
    frames: Vec<(u64, u64)>,
    /// The frame decoded last: offset in the file and content.
    last: Option<(u64, Frame)>,
}

impl Vault {
    pub(crate) fn new(batches: &[Batch], sources: HashMap<SourceId, PathBuf>) -> Vault {
        let batches = batches.iter().map(|batch| batch.dir.clone()).collect();
        Vault { batches, sources, packs: HashMap::new(), places: None, asked: 0 }
    }

    /// Where content is; `None` if the case does not hold it.
    pub fn place(&mut self, blob: &Blob) -> Result<Option<BlobPlace>, CaseError> {
        Ok(self.find(blob)?.map(|(_, place)| place))
    }

    /// Hands the content of `blob` to `each`, piece by piece, and compares its hash at the end: what was
    /// handed out counts only if this returns `Ok`. Returns the size.
    pub fn read(
        &mut self,
        blob: &Blob,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<u64, CaseError> {
        let mut reader = self.open(blob)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        let mut total = 0;
        loop {
            let n = reader.read(&mut buffer).map_err(CaseError::io("read", &reader.path))?;
            let piece = buffer.get(..n).unwrap_or(&[]);
            if piece.is_empty() {
                break;
            }
            hash.update(piece);
            total += n as u64;
            each(piece).map_err(CaseError::io("write", Path::new("output")))?;
        }
        if Blob(hash.finalize().into()) != *blob {
            let because = format!("the content of {blob} has another hash now");
            return Err(CaseError::Damaged { path: reader.path, because });
        }
        Ok(total)
    }

    /// The content of `blob` in memory, verified. Content over `limit` bytes is an error.
    pub fn bytes(&mut self, blob: &Blob, limit: u64) -> Result<Vec<u8>, CaseError> {
        let mut bytes = Vec::new();
        self.read(blob, |piece| {
            if bytes.len() as u64 + piece.len() as u64 > limit {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes")));
            }
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// A reader of the content of `blob`, not verified: for callers that hash it themselves.
    pub fn open(&mut self, blob: &Blob) -> Result<BlobReader<'_>, CaseError> {
        let unknown = |blob: &Blob| CaseError::Unknown { what: "blob", id: blob.to_string() };
        let (mut batch, mut place) = self.find(blob)?.ok_or_else(|| unknown(blob))?;
        let bytes = place.bytes;
        let mut offset = 0;
        for _ in 0..CHAIN {
            let Some(of) = place.of else { break };
            offset = u64::saturating_add(offset, place.at);
            (batch, place) = self.find(&of)?.ok_or_else(|| unknown(&of))?;
        }
        match (place.place.as_str(), place.source_id, &place.path_raw) {
            ("pack", ..) => {
                let pack = self.pack(batch)?;
                let path = pack.path.clone();
                let start = pack.content_offset(place.at)?.saturating_add(place.skip).saturating_add(offset);
                Ok(BlobReader { from: From::Pack { pack, at: start }, left: bytes, path })
            }
            ("source", Some(source), Some(raw)) => {
                let root = self
                    .sources
                    .get(&source)
                    .ok_or(CaseError::Unknown { what: "source", id: source.to_string() })?;
                let path = match root.is_dir() {
                    true => root.join(inside(raw).ok_or_else(|| CaseError::Damaged {
                        path: self.batches.get(batch).cloned().unwrap_or_default(),
                        because: format!("the place of {blob} leads out of its source"),
                    })?),
                    false => root.clone(),
                };
                let file = open_file(&path).map_err(CaseError::io("open", &path))?;
                Ok(BlobReader { from: From::File { file, at: offset }, left: bytes, path })
            }
            _ => Err(CaseError::Damaged {
                path: self.batches.get(batch).cloned().unwrap_or_default(),
                because: format!("the place of {blob} makes no sense"),
            }),
        }
    }

    fn find(&mut self, blob: &Blob) -> Result<Option<(usize, BlobPlace)>, CaseError> {
        self.asked += 1;
        if self.places.is_none() && self.asked > 4 {
            let mut places = HashMap::new();
            for (n, dir) in self.batches.iter().enumerate() {
                tables::read_rows(&dir.join("blobs.parquet"), |place: BlobPlace| {
                    places.entry(place.blob).or_insert((n, place));
                    Ok(())
                })?;
            }
            self.places = Some(places);
        }
        if let Some(places) = &self.places {
            return Ok(places.get(blob).cloned());
        }
        for (n, dir) in self.batches.iter().enumerate() {
            if let Some(place) = tables::find_row(&dir.join("blobs.parquet"), "blob", &blob.to_string())? {
                return Ok(Some((n, place)));
            }
        }
        Ok(None)
    }

    fn pack(&mut self, batch: usize) -> Result<&mut Pack, CaseError> {
        if !self.packs.contains_key(&batch) {
            let dir = self.batches.get(batch).cloned().unwrap_or_default();
            let path = dir.join("vault.pack");
            let file = File::open(&path).map_err(CaseError::io("open", &path))?;
            self.packs.insert(batch, Pack { file, path, frames: vec![(0, 0)], last: None });
        }
        self.packs.get_mut(&batch).ok_or(CaseError::Unknown { what: "batch", id: batch.to_string() })
    }
}

/// A raw path below a source, if it stays below it.
fn inside(raw: &[u8]) -> Option<&Path> {
    let path = Path::new(std::ffi::OsStr::from_bytes(raw));
    path.components().all(|step| matches!(step, Component::Normal(_))).then_some(path)
}

/// Opens a file of a source, and nothing but a file: a pipe would hang us, a device never end, a link
/// lead elsewhere.
fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file")),
    }
}

impl Pack {
    fn broken(&self, because: &str) -> CaseError {
        CaseError::Damaged { path: self.path.clone(), because: because.to_owned() }
    }

    /// Content length, stored length and coding of the frame at `at`; `None` at the end of the file.
    fn header(&self, at: u64) -> Result<Option<(u64, u64, u8)>, CaseError> {
        let mut header = [0; FRAME_HEADER];
        match self.file.read_exact_at(&mut header, at) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(CaseError::io("read", &self.path)(error)),
        }
        let [a, b, c, d, e, f, g, h, coding] = header;
        let (content, stored) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        if content == 0 || content as usize > FRAME || stored > content || coding > 1 {
            return Err(self.broken("a frame header makes no sense"));
        }
        Ok(Some((content.into(), stored.into(), coding)))
    }

    /// Learns one more frame's offsets; `false` at the end.
    fn learn(&mut self) -> Result<bool, CaseError> {
        let (content_at, at) = self.frames.last().copied().unwrap_or((0, 0));
        let Some((content, stored, _)) = self.header(at)? else { return Ok(false) };
        self.frames.push((content_at + content, at + FRAME_HEADER as u64 + stored));
        Ok(true)
    }

    /// Offset in the content of all frames of the frame at file offset `at`.
    fn content_offset(&mut self, at: u64) -> Result<u64, CaseError> {
        while self.frames.last().is_some_and(|(_, known)| *known < at) && self.learn()? {}
        match self.frames.binary_search_by_key(&at, |(_, file)| *file) {
            Ok(n) => Ok(self.frames.get(n).map_or(0, |(content, _)| *content)),
            Err(_) => Err(self.broken("no frame begins where a blob should")),
        }
    }

    /// The frame that holds content offset `at`, decoded, and the offset within it.
    fn frame_at(&mut self, at: u64) -> Result<Option<(Frame, usize)>, CaseError> {
        while self.frames.last().is_some_and(|(content, _)| *content <= at) {
            if !self.learn()? {
                return Ok(None);
            }
        }
        let n = self.frames.partition_point(|(content, _)| *content <= at).saturating_sub(1);
        let (content_at, file_at) = self.frames.get(n).copied().unwrap_or((0, 0));
        let frame = match &self.last {
            Some((last, frame)) if *last == file_at => frame.clone(),
            _ => {
                let frame = Rc::new(self.decode(file_at)?);
                self.last = Some((file_at, frame.clone()));
                frame
            }
        };
        Ok(Some((frame, (at - content_at) as usize)))
    }

    fn decode(&self, at: u64) -> Result<Vec<u8>, CaseError> {
        let (content, stored, coding) = self.header(at)?.ok_or_else(|| self.broken("a frame is missing"))?;
        let mut bytes = vec![0; stored as usize];
        self.file
            .read_exact_at(&mut bytes, at + FRAME_HEADER as u64)
            .map_err(CaseError::io("read", &self.path))?;
        let bytes = match coding {
            0 => bytes,
            _ => zstd::bulk::decompress(&bytes, content as usize)
                .map_err(|_| self.broken("a frame cannot be decoded"))?,
        };
        if bytes.len() as u64 != content {
            return Err(self.broken("a frame has another length than it says"));
        }
        Ok(bytes)
    }
}

enum From<'v> {
    Pack { pack: &'v mut Pack, at: u64 },
    File { file: File, at: u64 },
}

/// Content, front to back; not verified by itself.
pub struct BlobReader<'v> {
    from: From<'v>,
    left: u64,
    path: PathBuf,
}

impl Read for BlobReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let Some(buf) = buf.get_mut(..want).filter(|buf| !buf.is_empty()) else { return Ok(0) };
        let n = match &mut self.from {
            From::File { file, at } => {
                let n = file.read_at(buf, *at)?;
                *at += n as u64;
                n
            }
            From::Pack { pack, at } => {
                let Some((frame, skip)) = pack.frame_at(*at).map_err(io::Error::other)? else { return Ok(0) };
                let rest = frame.get(skip..).unwrap_or(&[]);
                let n = rest.len().min(buf.len());
                if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
                    to.copy_from_slice(from);
                }
                *at += n as u64;
                n
            }
        };
        self.left -= n as u64;
        Ok(n)
    }
}
