//! Zip archives (PKWARE APPNOTE 6.3.10), read by ranges: the end records, the central directory, then
//! each member. Members are numbered in the directory's order; members that stand in the file but not
//! in the directory come after them. Directories without content are structure.
//!
//! Stored and deflated members are handed out; other methods wait for their decoders. What the
//! directory says is what counts; local headers that disagree are defects. Bytes that two members
//! claim belong to the one that begins first, the other is refused.

mod directory;
mod layout;
#[cfg(test)]
mod tests;

use std::ops::Range;

use flate2::Crc;
use tamis_model::{Outcome, Reason, names::escape};

use self::{
    directory::{Directory, ENCRYPTED, Entry, EntryKind},
    layout::{Between, Extent, Nowhere},
};
use crate::{
    formats::{
        inflate::{End, Inflate},
        known,
        text::looks_like_text,
    },
    limits,
    out::{Child, Coding, Naming, Out, Stop},
    reader::{Claim, Look, Reader, ReaderId, Slice},
    source::Source,
};

/// The reader of zip archives.
pub struct Zip;

impl Reader for Zip {
    fn id(&self) -> ReaderId {
        ReaderId { name: "zip", version: 1 }
    }

    fn media_type(&self) -> &'static str {
        "application/zip"
    }

    fn claims(&self, look: &Look) -> Claim {
        const STARTS: [&[u8]; 4] = [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04"];
        let is_zip = STARTS.iter().any(|start| look.head.starts_with(start));
        match is_zip && known::zip_document(look).is_none() {
            true => Claim::Sure,
            false if is_zip || look.hint.extension != "zip" => Claim::No,
            // A program that unpacks itself: only its end can tell.
            false if look.head.starts_with(b"MZ") => Claim::Sure,
            // The last part of a split archive, or one whose beginning is damaged.
            false if !looks_like_text(look.head) => Claim::Weak,
            false => Claim::No,
        }
    }

    fn cut(&self, source: &Source, out: &mut Out) -> Option<Result<(Vec<Slice>, Outcome), Stop>> {
        match Archive::open(source, out) {
            // Where members end is known only by reading them all.
            Ok(archive) if archive.directory.is_none() => None,
            Ok(archive) => Some(archive.cut(out)),
            Err(stop) => Some(Err(stop)),
        }
    }

    fn read(&self, source: &Source, slice: Option<Slice>, out: &mut Out) -> Result<Outcome, Stop> {
        let archive = Archive::open(source, out)?;
        match slice {
            Some(slice) => archive.members(slice, None, out),
            None => {
                let between = layout::between(source, archive.directory.as_ref(), out)?;
                let structure = archive.structure(&between, out)?;
                let all = Slice { from: 0, to: u64::MAX };
                let members = archive.members(all, Some(between), out)?;
                Ok(worse(structure, members))
            }
        }
    }
}

/// The worse of two outcomes of the same thing.
fn worse(a: Outcome, b: Outcome) -> Outcome {
    let rank = |outcome: &Outcome| {
        let reasons = [Reason::Damaged, Reason::Checksum, Reason::Truncated, Reason::Children];
        let reason = outcome.reason.map(|reason| reasons.iter().position(|r| *r == reason));
        (outcome.state, reason.map_or(0, |place| place.map_or(1, |place| place + 2)))
    };
    if rank(&b) > rank(&a) { b } else { a }
}

struct Archive<'s, 'a> {
    source: &'s Source<'a>,
    directory: Option<Directory>,
}

impl<'s, 'a> Archive<'s, 'a> {
    fn open(source: &'s Source<'a>, out: &mut Out) -> Result<Self, Stop> {
        let mut directory = Directory::read(source, out)?;
        if let Some(directory) = &mut directory {
            layout::limit(directory, source.len());
        }
        Ok(Archive { source, directory })
    }

    /// The directory's entries that are children.
    fn listed(&self) -> impl Iterator<Item = &Entry> {
        let entries = self.directory.iter().flat_map(|directory| &directory.entries);
        entries.filter(|entry| entry.kind != EntryKind::Directory)
    }

    /// Runs of members of 8 MiB of content or 256 members; more where the directory, which each
    /// process reads again, would weigh more than what it leads to.
    fn cut(self, out: &mut Out) -> Result<(Vec<Slice>, Outcome), Stop> {
        let between = layout::between(self.source, self.directory.as_ref(), out)?;
        let outcome = self.structure(&between, out)?;
        let weight = self.directory.as_ref().map_or(0, |d| d.range.end - d.range.start);
        let most_bytes = limits::UNIT_BYTES.max(weight.saturating_mul(8));
        let most = (limits::UNIT_THINGS as u64).max(self.listed().count() as u64 / 512);
        let mut slices = Vec::new();
        let mut run = Slice { from: 0, to: 0 };
        let mut bytes = 0u64;
        for entry in self.listed() {
            let weight = entry.size.max(entry.packed);
            if !run.is_empty() && (run.len() >= most || bytes.saturating_add(weight) > most_bytes) {
                slices.push(run);
                run = Slice { from: run.to, to: run.to };
                bytes = 0;
            }
            run.to += 1;
            bytes = bytes.saturating_add(weight);
        }
        let hidden = Slice { from: run.to, to: run.to + between.hidden.len() as u64 };
        slices.extend([run, hidden].into_iter().filter(|slice| !slice.is_empty()));
        Ok((slices, outcome))
    }

    /// What belongs to no member: covered, or told of.
    fn structure(&self, between: &Between, out: &mut Out) -> Result<Outcome, Stop> {
        let mut outcome = Outcome::PARSED;
        let parts = self.directory.iter().flat_map(|directory| &directory.structure);
        let mut structure: Vec<Range<u64>> = parts.chain(&between.structure).cloned().collect();
        structure.sort_unstable_by_key(|range| range.start);
        for range in structure {
            out.covers(range)?;
        }
        for range in &between.unclaimed {
            outcome = worse(outcome, Outcome::partial(Reason::Damaged));
            let len = range.end - range.start;
            let (kind, note) = match (range.start, range.end == self.source.len()) {
                (0, _) => ("prefix", "bytes before the first member, as of a program that unpacks itself"),
                (_, true) => ("trailing-bytes", "bytes after the archive"),
                (_, false) => ("unclaimed-bytes", "bytes between members that belong to none"),
            };
            out.defect(kind, Some(range.start), &format!("{len} {note}"))?;
        }
        match &self.directory {
            Some(directory) => {
                if directory.capped {
                    outcome = worse(outcome, Outcome::refused(Reason::Children));
                } else if directory.entries.len() as u64 & 0xffff != directory.declared & 0xffff {
                    outcome = worse(outcome, Outcome::partial(Reason::Damaged));
                    let note = format!(
                        "{} entries are declared, {} were read",
                        directory.declared,
                        directory.entries.len()
                    );
                    out.defect("number-of-entries", Some(directory.range.start), &note)?;
                }
                let comment = self.source.take(directory.comment.clone());
                out.text("comment", "text/plain", None, &String::from_utf8_lossy(&comment))?;
            }
            None => {
                out.defect("no-directory", Some(self.source.len()), "no central directory at the end")?;
                let nothing = between.hidden.is_empty() && between.structure.is_empty();
                outcome = match nothing {
                    true => Outcome::failed(Reason::Truncated),
                    false => worse(outcome, Outcome::partial(Reason::Truncated)),
                };
            }
        }
        Ok(outcome)
    }

    /// Hands out the members of `slice`. `between`: where it is known already.
    fn members(&self, slice: Slice, between: Option<Between>, out: &mut Out) -> Result<Outcome, Stop> {
        let listed = self.listed().count() as u64;
        let between = match between {
            None if slice.to > listed => layout::between(self.source, self.directory.as_ref(), out)?,
            other => other.unwrap_or_default(),
        };
        let mut members = Members { source: self.source, inflate: Inflate::new(), outcome: Outcome::PARSED };
        let (from, len) = (slice.from, usize::try_from(slice.len()).unwrap_or(usize::MAX));
        let all = self.listed().chain(&between.hidden);
        for (n, entry) in all.enumerate().skip(usize::try_from(from).unwrap_or(usize::MAX)).take(len) {
            if n as u64 >= listed && self.directory.is_some() {
                members.defect("not-in-directory", entry.local, Reason::Damaged, entry, out)?;
            }
            members.member(entry, out)?;
        }
        Ok(members.outcome)
    }
}

/// Hands out members one by one.
struct Members<'s, 'a> {
    source: &'s Source<'a>,
    inflate: Inflate,
    outcome: Outcome,
}

impl Members<'_, '_> {
    fn member(&mut self, entry: &Entry, out: &mut Out) -> Result<(), Stop> {
        let mut child = Child {
            name: entry.name(self.source),
            naming: Naming::Name,
            media_type: String::new(),
            stored: None,
            coding: match entry.method {
                0 => Coding::Identity,
                8 => Coding::Deflate,
                _ => Coding::Other,
            },
            declared: None,
        };
        out.spend(u64::from(entry.name_len) + u64::from(entry.extra_len))?;
        let extent = match Extent::of(self.source, entry) {
            Ok(extent) => extent,
            Err(Nowhere::Overlap) => {
                self.defect("overlap", entry.local, Reason::Damaged, entry, out)?;
                return out.child_absent(child, Outcome::refused(Reason::Overlap), entry.size);
            }
            Err(Nowhere::NoHeader) => {
                self.defect("no-local-header", entry.local, Reason::Damaged, entry, out)?;
                return out.child_absent(child, Outcome::failed(Reason::Corrupt), entry.size);
            }
        };
        self.compare(entry, &extent, out)?;
        if extent.truncated {
            self.defect("truncated", extent.data.end, Reason::Truncated, entry, out)?;
        }

        out.covers(extent.before.clone())?;
        child.stored = Some(extent.data.clone());
        let refused = match entry {
            _ if entry.flags & ENCRYPTED != 0 || entry.method == 99 => Some(Outcome::ENCRYPTED),
            _ if entry.kind == EntryKind::Link => Some(Outcome::refused(Reason::Link)),
            _ if !matches!(entry.method, 0 | 8) => Some(Outcome::opaque(Reason::NoReader)),
            // A bomb that says so costs nothing. Deflate cannot reach more than 1,032:1; who declares
            // that hides something, and is decoded.
            _ if entry.method == 8
                && entry.size > limits::expansion(entry.packed)
                && entry.size / 1032 <= entry.packed =>
            {
                Some(Outcome::refused(Reason::Expansion))
            }
            _ => None,
        };
        match refused {
            Some(outcome) => out.child_absent(child, outcome, entry.size)?,
            None if entry.method == 0 => self.stored(child, entry, &extent, out)?,
            None => self.deflated(child, entry, &extent, out)?,
        }
        out.covers(extent.after)
    }

    fn stored(&mut self, child: Child, entry: &Entry, extent: &Extent, out: &mut Out) -> Result<(), Stop> {
        out.child_stored(child)?;
        if extent.truncated {
            return Ok(());
        }
        let mut crc = Crc::new();
        let mut input = self.source.reader(extent.data.clone());
        loop {
            let some = std::io::BufRead::fill_buf(&mut input).unwrap_or(&[]);
            if some.is_empty() {
                break;
            }
            out.spend(some.len() as u64)?;
            crc.update(some);
            let len = some.len();
            std::io::BufRead::consume(&mut input, len);
        }
        if entry.size != entry.packed {
            self.defect("size", extent.data.start, Reason::Damaged, entry, out)?;
        }
        if crc.sum() != entry.crc {
            self.defect("checksum", extent.data.start, Reason::Checksum, entry, out)?;
        }
        Ok(())
    }

    fn deflated(&mut self, child: Child, entry: &Entry, extent: &Extent, out: &mut Out) -> Result<(), Stop> {
        let mut input = self.source.reader(extent.data.clone());
        let inflate = &mut self.inflate;
        let mut stream = None;
        let kept = out.child_decoded(child, |body| {
            let ended = inflate.run(&mut input, |bytes| body.write(bytes))?;
            stream = Some(ended);
            Ok(match ended.end {
                End::Corrupt if ended.bytes == 0 => Err(Outcome::failed(Reason::Corrupt)),
                _ => Ok(()),
            })
        })?;
        let at = input.offset();
        let Some(stream) = stream.filter(|_| kept != Err(Outcome::refused(Reason::Expansion))) else {
            return Ok(());
        };
        match stream.end {
            End::Corrupt => self.defect("bad-deflate", at, Reason::Damaged, entry, out),
            End::Truncated if extent.truncated => Ok(()),
            End::Truncated => self.defect("short-deflate", at, Reason::Damaged, entry, out),
            End::Finished if stream.crc != entry.crc => {
                self.defect("checksum", extent.data.start, Reason::Checksum, entry, out)
            }
            End::Finished if stream.bytes != entry.size => {
                self.defect("size", extent.data.start, Reason::Damaged, entry, out)
            }
            End::Finished if at < extent.data.end => {
                self.defect("after-deflate", at, Reason::Damaged, entry, out)
            }
            End::Finished => Ok(()),
        }
    }

    /// The directory and the local header must tell the same: what unpacks differently with another
    /// program is worth a look.
    fn compare(&mut self, entry: &Entry, extent: &Extent, out: &mut Out) -> Result<(), Stop> {
        let header = &extent.header;
        let name = extent.before.start + directory::LocalHeader::FIXED;
        let local_name = self.source.take(name..name + u64::from(header.name_len));
        if local_name != entry.raw_name(self.source) {
            let note = format!("{} in its local header", escape(&local_name));
            out.defect("other-name", Some(entry.local), &note)?;
        }
        let described = header.flags & directory::DESCRIBED != 0;
        let same_sizes =
            header.packed == entry.packed && header.size == entry.size && header.crc == entry.crc;
        let empty = header.packed == 0 && header.size == 0 && header.crc == 0;
        let encrypted = (header.flags ^ entry.flags) & ENCRYPTED;
        if header.method != entry.method
            || encrypted != 0
            || !(same_sizes || described || empty && entry.kind == EntryKind::Directory)
        {
            let note = format!(
                "method {}, {} of {} bytes in its local header",
                header.method, header.packed, header.size
            );
            out.defect("other-header", Some(entry.local), &note)?;
        }
        Ok(())
    }

    fn defect(
        &mut self,
        kind: &str,
        at: u64,
        reason: Reason,
        entry: &Entry,
        out: &mut Out,
    ) -> Result<(), Stop> {
        self.outcome = worse(self.outcome, Outcome::partial(reason));
        out.defect(kind, Some(at), &escape(&entry.name(self.source)))
    }
}
