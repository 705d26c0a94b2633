//! Who has which bytes of a zip archive: what the directory's entries claim, where they overlap, and
//! what stands between them, with members that the directory does not list.

use std::{io::BufRead, ops::Range};

use memchr::memmem;

use super::directory::{
    DESCRIBED, DESCRIPTOR, Directory, Entry, EntryKind, LOCAL, LocalHeader, descriptor, u32_at, u64_at,
};
use crate::{
    formats::inflate::{End, Inflate},
    limits,
    out::{Out, Stop},
    source::Source,
};

/// Gives each entry its limit. Entries are taken by the offset of their local header, then in the
/// directory's order; one that begins before an earlier one can have ended, or reaches into the
/// directory, gets none. Needs no local header, so that a process that reads a slice can afford it.
pub(super) fn limit(directory: &mut Directory, bytes: u64) {
    let mut order: Vec<usize> = (0..directory.entries.len()).collect();
    order.sort_by_key(|i| directory.entries.get(*i).map_or(0, |entry| entry.local));
    let closed = directory.range.clone();
    let mut taken = 0;
    let mut last: Option<usize> = None;
    for i in order {
        let Some(entry) = directory.entries.get(i).copied() else { continue };
        let end = entry.earliest_end(bytes);
        let in_directory = entry.local < closed.end && end > closed.start;
        if entry.local < taken || in_directory || entry.local >= bytes {
            continue;
        }
        if let Some(previous) = last.and_then(|last| directory.entries.get_mut(last)) {
            previous.limit = previous.limit.min(entry.local);
        }
        if let Some(entry) = directory.entries.get_mut(i) {
            entry.limit = if entry.local < closed.start { closed.start } else { bytes };
        }
        taken = end;
        last = Some(i);
    }
}

/// The bytes of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Extent {
    pub header: LocalHeader,
    /// From the local header to the data.
    pub before: Range<u64>,
    pub data: Range<u64>,
    /// The data descriptor.
    pub after: Range<u64>,
    /// Whether the file ends before the data does: it goes as far as it can.
    pub truncated: bool,
}

/// Why a member has no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nowhere {
    /// They are claimed by others as well.
    Overlap,
    /// No local header stands where the directory says.
    NoHeader,
}

impl Extent {
    pub fn of(source: &Source, entry: &Entry) -> Result<Extent, Nowhere> {
        if entry.limit == 0 {
            return Err(if entry.local < source.len() { Nowhere::Overlap } else { Nowhere::NoHeader });
        }
        let header = LocalHeader::read(source, entry.local).ok_or(Nowhere::NoHeader)?;
        let end = header.data.saturating_add(entry.packed);
        let truncated = end > source.len() && (entry.is_listed() || entry.limit == source.len());
        let end = if truncated { entry.limit } else { end };
        if header.data > entry.limit || end > entry.limit {
            return Err(Nowhere::Overlap);
        }
        let described = (entry.flags | header.flags) & DESCRIBED != 0;
        let after = if described { descriptor(source, end, entry) } else { 0 };
        let after = end..(end + after).min(entry.limit);
        Ok(Extent { header, before: entry.local..header.data, data: header.data..end, after, truncated })
    }
}

/// What stands outside of the members that the directory lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Between {
    /// Directories, padding, signing blocks.
    pub structure: Vec<Range<u64>>,
    /// Members that the directory does not list, by offset.
    pub hidden: Vec<Entry>,
    /// Bytes that belong to nothing.
    pub unclaimed: Vec<Range<u64>>,
}

/// Goes through the whole archive once. Without a directory, all of it is between.
pub(super) fn between(
    source: &Source,
    directory: Option<&Directory>,
    out: &mut Out,
) -> Result<Between, Stop> {
    let mut found = Between::default();
    let mut taken = Vec::new();
    if let Some(directory) = directory {
        for entry in &directory.entries {
            out.spend(64)?;
            let Ok(extent) = Extent::of(source, entry) else { continue };
            let range = extent.before.start..extent.after.end;
            if entry.kind == EntryKind::Directory {
                found.structure.push(range.clone());
            }
            taken.push(range);
        }
        taken.extend(directory.structure.iter().cloned());
    }
    taken.push(source.len()..source.len());
    taken.sort_unstable_by_key(|range| (range.start, range.end));
    let known = directory.map_or(0, |directory| directory.entries.len() as u64);
    let mut search = Search::new(source, limits::children(source.len()).saturating_sub(known));
    let mut end = 0;
    for range in taken {
        if range.start > end {
            search.gap(end..range.start, &mut found, out)?;
        }
        end = end.max(range.end);
    }
    Ok(found)
}

/// A search for local headers in what nobody claims.
struct Search<'s, 'a> {
    source: &'s Source<'a>,
    /// Members that may still be found.
    most: u64,
    window: Vec<u8>,
    base: u64,
    inflate: Inflate,
}

const WINDOW: u64 = 256 << 10;

impl<'s, 'a> Search<'s, 'a> {
    fn new(source: &'s Source<'a>, most: u64) -> Self {
        Search { source, most, window: Vec::new(), base: 0, inflate: Inflate::new() }
    }

    fn gap(&mut self, gap: Range<u64>, found: &mut Between, out: &mut Out) -> Result<(), Stop> {
        let mut at = gap.start;
        let mut rest = gap.start;
        while let Some(local) = self.find(LOCAL, at..gap.end, out)? {
            out.spend(256)?;
            at = local + 1;
            let Some(entry) = self.member(local, gap.end, out)? else { continue };
            let Ok(extent) = Extent::of(self.source, &entry) else { continue };
            if self.most == 0 {
                break;
            }
            self.leftover(rest..local, found, out)?;
            rest = extent.after.end;
            at = rest;
            if entry.kind == EntryKind::Directory {
                found.structure.push(local..rest);
            } else {
                self.most -= 1;
                found.hidden.push(entry);
            }
        }
        self.leftover(rest..gap.end, found, out)
    }

    /// The member whose local header stands at `local`, if it can be one.
    fn member(&mut self, local: u64, end: u64, out: &mut Out) -> Result<Option<Entry>, Stop> {
        let Some(header) = LocalHeader::read(self.source, local) else { return Ok(None) };
        let known_method = matches!(header.method, 0..=20 | 93..=99);
        if header.data > end || header.name_len == 0 || !known_method {
            return Ok(None);
        }
        let mut entry = Entry {
            name_at: local + LocalHeader::FIXED,
            name_len: header.name_len,
            extra_len: header.extra_len,
            flags: header.flags,
            method: header.method,
            crc: header.crc,
            packed: header.packed,
            size: header.size,
            local,
            kind: EntryKind::File,
            limit: end,
        };
        let name = entry.raw_name(self.source);
        if name.contains(&0) {
            return Ok(None);
        }
        if header.flags & DESCRIBED != 0 && header.packed == 0 {
            self.measure(&mut entry, header.data..end, out)?;
        } else if name.ends_with(b"/") && header.size == 0 {
            entry.kind = EntryKind::Directory;
        }
        Ok(Some(entry))
    }

    /// Finds the end of a member whose sizes stand behind it only.
    fn measure(&mut self, entry: &mut Entry, range: Range<u64>, out: &mut Out) -> Result<(), Stop> {
        if entry.method != 8 {
            let end = self.described_end(range.clone(), out)?;
            entry.packed = end - range.start;
            let described = self.source.take(end..end + 12);
            if described.starts_with(DESCRIPTOR) {
                (entry.crc, entry.size) = (u32_at(&described, 4), entry.packed);
            }
            return Ok(());
        }
        let allowed = limits::expansion(range.end - range.start);
        let mut input = self.source.reader(range.clone());
        let mut bytes = 0;
        let decoded = self.inflate.run(&mut input, |some| {
            bytes += some.len() as u64;
            if bytes > allowed {
                return Err(Stop::Refused(tamis_model::Reason::Expansion));
            }
            out.spend(some.len() as u64)
        });
        match decoded {
            Ok(stream) => {
                let end = if stream.end == End::Finished { input.offset() } else { range.end };
                entry.packed = end - range.start;
                (entry.size, entry.crc) = (stream.bytes, stream.crc);
                let described = self.source.take(end..end + 8);
                if described.starts_with(DESCRIPTOR) {
                    entry.crc = u32_at(&described, 4);
                }
                Ok(())
            }
            Err(Stop::Refused(tamis_model::Reason::Expansion)) => {
                (entry.packed, entry.size) = (range.end - range.start, bytes);
                Ok(())
            }
            Err(stop) => Err(stop),
        }
    }

    /// Where a data descriptor stands whose size fits, or the next local header, or the end.
    fn described_end(&mut self, range: Range<u64>, out: &mut Out) -> Result<u64, Stop> {
        let mut at = range.start;
        while let Some(mark) = self.find(b"PK", at..range.end, out)? {
            let bytes = self.source.take(mark..mark + 16);
            let packed = mark - range.start;
            if bytes.starts_with(DESCRIPTOR)
                && (u64::from(u32_at(&bytes, 8)) == packed || u64_at(&bytes, 8) == packed)
                || bytes.starts_with(LOCAL)
            {
                return Ok(mark);
            }
            at = mark + 1;
        }
        Ok(range.end)
    }

    /// Bytes between members that are none: padding and signing blocks are structure.
    fn leftover(&mut self, range: Range<u64>, found: &mut Between, out: &mut Out) -> Result<(), Stop> {
        if range.is_empty() {
            return Ok(());
        }
        let len = range.end - range.start;
        let first = self.source.take(range.start..range.start + len.min(8));
        let last = self.source.take(range.end.saturating_sub(16).max(range.start)..range.end);
        // A marker of split archives, APPNOTE 8.5.4; Android's signatures before the directory.
        let marker = range == (0..4) && (first == DESCRIPTOR || first == b"PK00");
        let signing_block = last == b"APK Sig Block 42" && u64_at(&first, 0).saturating_add(8) == len;
        if marker || signing_block || is_zero(self.source, range.clone(), out)? {
            found.structure.push(range);
        } else {
            found.unclaimed.push(range);
        }
        Ok(())
    }

    /// The next place of `needle` in `range`. Keeps its window, so that many finds in the same place
    /// do not read it anew.
    fn find(&mut self, needle: &[u8], range: Range<u64>, out: &mut Out) -> Result<Option<u64>, Stop> {
        let mut at = range.start;
        while at < range.end {
            let have = self.base + self.window.len() as u64;
            if at < self.base || at + needle.len() as u64 > have {
                let want = usize::try_from((self.source.len() - at).min(WINDOW)).unwrap_or(0);
                self.base = at;
                self.window.resize(want, 0);
                let n = self.source.read_at(&mut self.window, at);
                self.window.truncate(n);
                out.spend(n as u64)?;
                if n < needle.len() {
                    return Ok(None);
                }
            }
            let from = usize::try_from(at - self.base).unwrap_or(usize::MAX);
            let some = self.window.get(from..).unwrap_or(&[]);
            match memmem::find(some, needle) {
                Some(found) => {
                    let found = at + found as u64;
                    return Ok((found + needle.len() as u64 <= range.end).then_some(found));
                }
                None => at += (some.len() - (needle.len() - 1)) as u64,
            }
        }
        Ok(None)
    }
}

fn is_zero(source: &Source, range: Range<u64>, out: &mut Out) -> Result<bool, Stop> {
    let mut input = source.reader(range);
    loop {
        let some = input.fill_buf().unwrap_or(&[]);
        let len = some.len();
        if len == 0 {
            return Ok(true);
        }
        if some.iter().any(|b| *b != 0) {
            return Ok(false);
        }
        input.consume(len);
        out.spend(len as u64)?;
    }
}
