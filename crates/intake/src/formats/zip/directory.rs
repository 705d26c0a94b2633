//! The central directory of a zip archive and its local headers (PKWARE APPNOTE 6.3.10, section 4.3),
//! read by ranges.

use std::{io::Read, ops::Range};

use flate2::Crc;
use memchr::memmem;

use crate::{
    limits,
    out::{Out, Stop},
    source::Source,
};

/// Signatures, APPNOTE 4.3.
pub(super) const LOCAL: &[u8; 4] = b"PK\x03\x04";
pub(super) const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const END: &[u8; 4] = b"PK\x05\x06";
const END64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR64: &[u8; 4] = b"PK\x06\x07";
const SIGNATURE: &[u8; 4] = b"PK\x05\x05";

/// General purpose flags, APPNOTE 4.4.4.
pub(super) const ENCRYPTED: u16 = 1;
pub(super) const DESCRIBED: u16 = 1 << 3;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    /// A directory without content: structure.
    Directory,
    Link,
}

/// One member as its header declares it. Its name stays in the archive: two million of these must
/// fit into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Offset of the raw name, in the central directory or, for a member that it does not list, in
    /// the local header.
    pub name_at: u64,
    pub name_len: u16,
    /// Length of the extra field behind the name.
    pub extra_len: u16,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    /// Compressed size.
    pub packed: u64,
    /// Size of the content.
    pub size: u64,
    /// Offset of the local header in the file.
    pub local: u64,
    pub kind: EntryKind,
    /// Where the next thing begins that has a claim to bytes; 0 where this entry has none itself,
    /// because others were there before.
    pub limit: u64,
}

impl Entry {
    /// Where it ends at the earliest, in a file of `len` bytes. A size that reaches beyond the file is
    /// no size.
    pub fn earliest_end(&self, len: u64) -> u64 {
        let header = self.local.saturating_add(LocalHeader::FIXED);
        let end = header.saturating_add(self.packed);
        if end > len { header } else { end }
    }

    /// Whether the directory lists it.
    pub fn is_listed(&self) -> bool {
        self.name_at != self.local.saturating_add(LocalHeader::FIXED)
    }

    /// The raw name, or what the Unicode path extra field (APPNOTE 4.6.9) has in its place.
    pub fn name(&self, source: &Source) -> Vec<u8> {
        let (name_len, extra_len) = (u64::from(self.name_len), u64::from(self.extra_len));
        let mut raw = source.take(self.name_at..self.name_at.saturating_add(name_len + extra_len));
        let extra = raw.split_off(raw.len().min(usize::from(self.name_len)));
        match extra_field(&extra, 0x7075) {
            Some([1, a, b, c, d, path @ ..])
                if crc(&raw) == u32::from_le_bytes([*a, *b, *c, *d]) && std::str::from_utf8(path).is_ok() =>
            {
                path.to_vec()
            }
            _ => raw,
        }
    }

    /// The name's bytes as they stand.
    pub fn raw_name(&self, source: &Source) -> Vec<u8> {
        source.take(self.name_at..self.name_at.saturating_add(u64::from(self.name_len)))
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The central directory.
pub(super) struct Directory {
    /// In the directory's order; without links to the bytes yet.
    pub entries: Vec<Entry>,
    /// From the first header to the end of the archive's comment. No member may reach into it.
    pub range: Range<u64>,
    /// What of `range` was understood.
    pub structure: Vec<Range<u64>>,
    /// The archive's comment.
    pub comment: Range<u64>,
    /// Entries that the end record declares.
    pub declared: u64,
    /// Whether it has more entries than children are allowed.
    pub capped: bool,
}

impl Directory {
    /// Finds and reads it; `None` where the file ends before it does.
    pub fn read(source: &Source, out: &mut Out) -> Result<Option<Directory>, Stop> {
        let Some(end) = EndRecord::find(source, out)? else { return Ok(None) };
        let Some((start, base)) = end.place(source) else { return Ok(None) };
        let mut directory = Directory {
            entries: Vec::new(),
            range: start..end.after,
            structure: end.structure.clone(),
            comment: end.comment.clone(),
            declared: end.entries,
            capped: false,
        };
        let after = directory.headers(source, start..end.first, base, out)?;
        directory.structure.push(start..after);
        if directory.entries.is_empty() && end.entries > 0 {
            return Ok(None);
        }
        Ok(Some(directory))
    }

    /// Reads headers one after the other; where they end.
    fn headers(&mut self, source: &Source, range: Range<u64>, base: u64, out: &mut Out) -> Result<u64, Stop> {
        let most = limits::children(source.len());
        let mut input = source.reader(range.clone());
        let mut at = range.start;
        let mut extra = Vec::new();
        let mut name = Vec::new();
        let mut fixed = [0; 46];
        while input.read_exact(&mut fixed).is_ok() {
            let field = |at| u16_at(&fixed, at);
            let wide = |at| u32_at(&fixed, at);
            if fixed.starts_with(SIGNATURE) {
                let end = at + 6 + u64::from(u16_at(&fixed, 4));
                at = if end <= range.end { end } else { at };
                break;
            }
            if !fixed.starts_with(CENTRAL) {
                break;
            }
            let (name_len, extra_len, comment_len) = (field(28), field(30), field(32));
            name.resize(usize::from(name_len), 0);
            extra.resize(usize::from(extra_len), 0);
            let end = at + 46 + u64::from(name_len) + u64::from(extra_len) + u64::from(comment_len);
            if end > range.end
                || input.read_exact(&mut name).is_err()
                || input.read_exact(&mut extra).is_err()
                || skip(&mut input, comment_len).is_none()
            {
                break;
            }
            out.spend(256)?;
            if self.entries.len() as u64 >= most {
                self.capped = true;
                break;
            }
            let mut entry = Entry {
                name_at: at + 46,
                name_len,
                extra_len,
                flags: field(8),
                method: field(10),
                crc: wide(16),
                packed: u64::from(wide(20)),
                size: u64::from(wide(24)),
                local: u64::from(wide(42)),
                kind: EntryKind::File,
                limit: 0,
            };
            zip64(&extra, [&mut entry.size, &mut entry.packed, &mut entry.local]);
            entry.local = entry.local.saturating_add(base);
            entry.kind = kind(&name, &entry, field(4), wide(38));
            self.entries.push(entry);
            at = end;
        }
        Ok(at)
    }
}

fn kind(name: &[u8], entry: &Entry, made_by: u16, attributes: u32) -> EntryKind {
    // Host systems, APPNOTE 4.4.2.2: 3 is UNIX, 19 is OS X.
    let unix = matches!(made_by >> 8, 3 | 19);
    match attributes >> 16 & 0xf000 {
        0xa000 if unix => EntryKind::Link,
        _ if name.ends_with(b"/") && entry.packed == 0 && entry.size == 0 => EntryKind::Directory,
        _ if name.ends_with(b"/") && entry.size == 0 && entry.packed <= 2 => EntryKind::Directory,
        _ => EntryKind::File,
    }
}

/// The records at the end of the archive.
struct EndRecord {
    /// Start of the first of them.
    first: u64,
    /// End of the archive's comment.
    after: u64,
    structure: Vec<Range<u64>>,
    comment: Range<u64>,
    entries: u64,
    /// Size of the directory, and its offset from where the archive believes to begin.
    size: u64,
    offset: u64,
}

impl EndRecord {
    /// Looks for it from the end: one whose comment ends with the file, else the last one whose
    /// comment does not pass its end.
    fn find(source: &Source, out: &mut Out) -> Result<Option<EndRecord>, Stop> {
        let tail_at = source.len().saturating_sub(22 + 0xffff);
        let tail = source.take(tail_at..source.len());
        out.spend(tail.len() as u64)?;
        let mut last = None;
        for at in memmem::rfind_iter(&tail, END) {
            let Some(record) = tail.get(at..at + 22) else { continue };
            let end = at + 22 + usize::from(u16_at(record, 20));
            if end == tail.len() {
                last = Some((at, end));
                break;
            }
            if end < tail.len() && last.is_none() {
                last = Some((at, end));
            }
        }
        let Some((at, end)) = last else { return Ok(None) };
        let record = tail.get(at..at + 22).unwrap_or(&[]);
        let (at, after) = (tail_at + at as u64, tail_at + end as u64);
        let mut end = EndRecord {
            first: at,
            after,
            structure: std::iter::once(at..after).collect(),
            comment: at + 22..after,
            entries: u64::from(u16_at(record, 10)),
            size: u64::from(u32_at(record, 12)),
            offset: u64::from(u32_at(record, 16)),
        };
        end.widen(source, at);
        Ok(Some(end))
    }

    /// The zip64 records (APPNOTE 4.3.14 and 4.3.15) before the end record at `at`, if there.
    fn widen(&mut self, source: &Source, at: u64) {
        let Some(locator_at) = at.checked_sub(20) else { return };
        let locator = source.take(locator_at..at);
        if !locator.starts_with(LOCATOR64) {
            return;
        }
        // As the locator says, or where it stands in an archive with something before it.
        for record_at in [u64_at(&locator, 8), locator_at.saturating_sub(56)] {
            let record = source.take(record_at..record_at.saturating_add(56));
            let len = u64_at(&record, 4).saturating_add(12);
            let end = record_at.saturating_add(len);
            if record.len() < 56 || !record.starts_with(END64) || len < 56 || end > locator_at {
                continue;
            }
            self.entries = u64_at(&record, 32);
            self.size = u64_at(&record, 40);
            self.offset = u64_at(&record, 48);
            self.first = record_at;
            self.structure.extend([record_at..end, locator_at..at]);
            return;
        }
    }

    /// Where the directory begins, and how many bytes stand before the archive.
    fn place(&self, source: &Source) -> Option<(u64, u64)> {
        let before = self.first.checked_sub(self.size).and_then(|start| {
            let base = start.checked_sub(self.offset)?;
            Some((start, base))
        });
        let as_told = Some((self.offset, 0));
        [before, as_told].into_iter().flatten().find(|(start, _)| match self.entries {
            0 => *start <= self.first,
            _ => *start < self.first && source.take(*start..start.saturating_add(4)) == CENTRAL,
        })
    }
}

/// A local header; APPNOTE 4.3.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LocalHeader {
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub packed: u64,
    pub size: u64,
    pub name_len: u16,
    pub extra_len: u16,
    /// Where the member's data begins.
    pub data: u64,
}

impl LocalHeader {
    /// Length without name and extra field.
    pub const FIXED: u64 = 30;

    /// The header at `at`, if there is one.
    pub fn read(source: &Source, at: u64) -> Option<LocalHeader> {
        let mut fixed = [0; Self::FIXED as usize];
        if source.read_at(&mut fixed, at) < fixed.len() || !fixed.starts_with(LOCAL) {
            return None;
        }
        let (name_len, extra_len) = (u16_at(&fixed, 26), u16_at(&fixed, 28));
        let data = at + Self::FIXED + u64::from(name_len) + u64::from(extra_len);
        let mut header = LocalHeader {
            flags: u16_at(&fixed, 6),
            method: u16_at(&fixed, 8),
            crc: u32_at(&fixed, 14),
            packed: u64::from(u32_at(&fixed, 18)),
            size: u64::from(u32_at(&fixed, 22)),
            name_len,
            extra_len,
            data,
        };
        if data > source.len() {
            return None;
        }
        if header.packed == u64::from(u32::MAX) || header.size == u64::from(u32::MAX) {
            let extra = source.take(data - u64::from(extra_len)..data);
            zip64(&extra, [&mut header.size, &mut header.packed, &mut 0]);
        }
        Some(header)
    }
}

/// Length of the data descriptor (APPNOTE 4.3.9) at `at`, 0 where there is none that fits `entry`.
pub(super) fn descriptor(source: &Source, at: u64, entry: &Entry) -> u64 {
    let bytes = source.take(at..at.saturating_add(24));
    let signed = if bytes.starts_with(DESCRIPTOR) { 4 } else { 0 };
    let rest = bytes.get(signed..).unwrap_or(&[]);
    if u32_at(rest, 0) != entry.crc && signed == 0 {
        return 0;
    }
    let wide = rest.len() >= 20 && u64_at(rest, 4) == entry.packed && u64_at(rest, 12) == entry.size;
    let narrow = rest.len() >= 12
        && u64::from(u32_at(rest, 4)) == entry.packed & 0xffff_ffff
        && u64::from(u32_at(rest, 8)) == entry.size & 0xffff_ffff;
    match (wide, narrow) {
        (true, _) => signed as u64 + 20,
        (_, true) => signed as u64 + 12,
        _ => 0,
    }
}

/// Takes 64-bit values of the zip64 extra field (APPNOTE 4.5.3) for the values that ask for them.
fn zip64(extra: &[u8], values: [&mut u64; 3]) {
    let mut field = extra_field(extra, 1).unwrap_or(&[]);
    for value in values {
        if *value == u64::from(u32::MAX)
            && let Some((wide, rest)) = field.split_first_chunk::<8>()
        {
            *value = u64::from_le_bytes(*wide);
            field = rest;
        }
    }
}

fn extra_field(mut extra: &[u8], id: u16) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let (found, len) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let (data, rest) = extra.get(4..)?.split_at_checked(len)?;
        if found == id {
            return Some(data);
        }
        extra = rest;
    }
    None
}

fn skip(input: &mut impl Read, len: u16) -> Option<()> {
    let mut left = usize::from(len);
    let mut step = [0; 512];
    while left > 0 {
        let n = left.min(step.len());
        input.read_exact(step.get_mut(..n)?).ok()?;
        left -= n;
    }
    Some(())
}

/// Little-endian numbers; 0 where the bytes end before.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u16::from_le_bytes(*b))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_le_bytes(*b))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u64::from_le_bytes(*b))
}
