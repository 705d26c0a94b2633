//! Gzip files (RFC 1952): one or several members, together one content (2.2).
//!
//! The child's stored range goes from the first byte of the first deflate stream to the end of the
//! last, with the trailers and headers between them; the header before it and the trailer after it are
//! structure. Where that range ends is known only when all is decoded, so a file is decoded twice: to
//! measure, and to hand out. A bomb is refused by the first pass and hands out nothing.

use std::io::{BufRead, Read};

use flate2::Crc;
use tamis_model::{Outcome, Reason, State};

use crate::{
    formats::inflate::{End, Inflate},
    limits,
    out::{Child, Coding, Naming, Out, Stop},
    reader::{Claim, Look, Reader, ReaderId, Slice},
    source::{RangeReader, Source},
};

/// The reader of gzip files.
pub struct Gzip;

const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

impl Reader for Gzip {
    fn id(&self) -> ReaderId {
        ReaderId { name: "gzip", version: 1 }
    }

    fn media_type(&self) -> &'static str {
        "application/gzip"
    }

    fn claims(&self, look: &Look) -> Claim {
        match look.head {
            [a, b, c, flags, ..] if [*a, *b, *c] == MAGIC => match flags & RESERVED {
                0 => Claim::Sure,
                _ => Claim::Likely,
            },
            _ => Claim::No,
        }
    }

    fn read(&self, source: &Source, _slice: Option<Slice>, out: &mut Out) -> Result<Outcome, Stop> {
        let measured = measure(source, out)?;
        hand_out(source, &measured, out)?;
        Ok(measured.outcome)
    }
}

/// Flags of a header, RFC 1952, 2.3.1.
const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// What a pass over the file finds.
struct Measured {
    /// `FNAME` of the first member.
    name: Vec<u8>,
    /// The first byte of the first deflate stream.
    start: u64,
    /// The end of the last deflate stream, or of what could be decoded of it.
    end: u64,
    /// The end of what is structure behind it.
    structure: u64,
    /// Size of the content; what was counted when the limit was passed.
    bytes: u64,
    /// Why the content is not handed out; the file itself is read all the same.
    refused: Option<Outcome>,
    outcome: Outcome,
}

fn measure(source: &Source, out: &mut Out) -> Result<Measured, Stop> {
    let mut input = source.reader(0..source.len());
    let mut inflate = Inflate::new();
    let mut found = Measured {
        name: Vec::new(),
        start: 0,
        end: 0,
        structure: 0,
        bytes: 0,
        refused: None,
        outcome: Outcome::PARSED,
    };
    let mut members = 0;
    loop {
        let at = input.offset();
        let Some(header) = Header::read(&mut input, out)? else {
            // A further member that has no whole header adds nothing to the content.
            found.structure = if members > 0 { found.structure } else { source.len() };
            found.outcome = match members {
                0 => Outcome::failed(Reason::Truncated),
                _ => Outcome::partial(Reason::Truncated),
            };
            out.defect("no-whole-header", Some(at), "the file ends within the header of a member")?;
            return Ok(found);
        };
        if members == 0 {
            found.name = header.name;
            found.start = input.offset();
        }
        members += 1;

        let allowed = limits::expansion(source.len() - found.start);
        let before = found.bytes;
        let decoded = inflate.run(&mut input, |bytes| {
            found.bytes += bytes.len() as u64;
            if found.bytes > allowed {
                return Err(Stop::Refused(Reason::Expansion));
            }
            out.spend(bytes.len() as u64)
        });
        found.end = input.offset();
        found.structure = found.end;
        let stream = match decoded {
            Err(Stop::Refused(Reason::Expansion)) => {
                found.end = source.len();
                found.structure = found.end;
                found.refused = Some(Outcome::refused(Reason::Expansion));
                return Ok(found);
            }
            other => other?,
        };
        out.spend(found.end - at)?;
        match stream.end {
            End::Finished => {}
            End::Truncated => {
                found.outcome = Outcome::partial(Reason::Truncated);
                out.defect("truncated", Some(found.end), "the file ends within the compressed data")?;
                return Ok(found);
            }
            End::Corrupt => {
                found.outcome = match found.bytes {
                    0 => Outcome::failed(Reason::Corrupt),
                    _ => Outcome::partial(Reason::Damaged),
                };
                out.defect("bad-deflate", Some(found.end), "the compressed data is broken from here on")?;
                return Ok(found);
            }
        }

        let Some(trailer) = array::<8>(&mut input) else {
            found.structure = source.len();
            found.outcome = Outcome::partial(Reason::Truncated);
            out.defect("truncated", Some(found.end), "the file ends within the trailer of a member")?;
            return Ok(found);
        };
        found.structure = input.offset();
        let expected = u64::from(stream.crc) | (stream.bytes & 0xffff_ffff) << 32;
        if u64::from_le_bytes(trailer) != expected {
            found.outcome = Outcome::partial(Reason::Checksum);
            let note =
                format!("{} bytes do not match the checksum or size behind them", found.bytes - before);
            out.defect("checksum", Some(found.end), &note)?;
        }

        if !input.fill_buf().unwrap_or(&[]).starts_with(&MAGIC) {
            // The magic may lie across the end of the window.
            let next = source.take(found.structure..found.structure + 3);
            if next != MAGIC {
                return trailing(source, found, out);
            }
        }
    }
}

/// What follows the last member: nothing, zeroes that fill a block, or bytes that belong to nothing.
fn trailing(source: &Source, mut found: Measured, out: &mut Out) -> Result<Measured, Stop> {
    let mut input = source.reader(found.structure..source.len());
    loop {
        let some = input.fill_buf().unwrap_or(&[]);
        if some.is_empty() {
            found.structure = source.len();
            return Ok(found);
        }
        let len = some.len();
        if some.iter().any(|b| *b != 0) {
            break;
        }
        input.consume(len);
        out.spend(len as u64)?;
    }
    if found.outcome == Outcome::PARSED {
        found.outcome = Outcome::partial(Reason::Damaged);
    }
    out.defect("trailing-bytes", Some(found.structure), "bytes after the last member")?;
    Ok(found)
}

fn hand_out(source: &Source, found: &Measured, out: &mut Out) -> Result<(), Stop> {
    if found.outcome.state == State::Failed {
        let header = if found.start == 0 { found.structure } else { found.start };
        return out.covers(0..header);
    }
    out.covers(0..found.start)?;
    let child = Child {
        name: found.name.clone(),
        naming: Naming::Same,
        media_type: String::new(),
        stored: Some(found.start..found.end),
        coding: Coding::Gzip,
        declared: None,
    };
    if let Some(outcome) = found.refused {
        out.child_absent(child, outcome, found.bytes)?;
    } else {
        out.child_decoded(child, |body| {
            let mut input = source.reader(found.start..found.end);
            let mut inflate = Inflate::new();
            loop {
                let stream = inflate.run(&mut input, |bytes| body.write(bytes))?;
                if stream.end != End::Finished || array::<8>(&mut input).is_none() {
                    return Ok(Ok(()));
                }
                // Measured once already; its defects are told.
                let mut skip = |_: u64| Ok(());
                if Header::parse(&mut input, &mut skip)?.is_none() {
                    return Ok(Ok(()));
                }
            }
        })
        .map(drop)?;
    }
    out.covers(found.end..found.structure)
}

/// A member's header.
struct Header {
    name: Vec<u8>,
    /// Whether the header's own checksum and its reserved bits are as they should be.
    holds: bool,
}

impl Header {
    fn read(input: &mut RangeReader, out: &mut Out) -> Result<Option<Header>, Stop> {
        let at = input.offset();
        let header = Header::parse(input, &mut |units| out.spend(units))?;
        if header.as_ref().is_some_and(|header| !header.holds) {
            out.defect(
                "header-checksum",
                Some(at),
                "a member's header does not match its own checksum or sets reserved bits",
            )?;
        }
        Ok(header)
    }

    /// Reads the header at the reader's place; `None` where the file ends within it.
    fn parse(
        input: &mut RangeReader,
        spend: &mut dyn FnMut(u64) -> Result<(), Stop>,
    ) -> Result<Option<Header>, Stop> {
        let mut crc = Crc::new();
        let Some(fixed) = array::<10>(input) else { return Ok(None) };
        crc.update(&fixed);
        let flags = fixed[3];
        let mut header = Header { name: Vec::new(), holds: flags & RESERVED == 0 };
        spend(64)?;
        if flags & EXTRA != 0 {
            let Some(len) = array::<2>(input) else { return Ok(None) };
            crc.update(&len);
            let mut extra = vec![0; usize::from(u16::from_le_bytes(len))];
            if input.read_exact(&mut extra).is_err() {
                return Ok(None);
            }
            crc.update(&extra);
        }
        for flag in [NAME, COMMENT] {
            if flags & flag == 0 {
                continue;
            }
            let Some(text) = zero_terminated(input, &mut crc, spend)? else { return Ok(None) };
            if flag == NAME {
                header.name = text;
            }
        }
        if flags & HEADER_CRC != 0 {
            let Some(stored) = array::<2>(input) else { return Ok(None) };
            header.holds &= u32::from(u16::from_le_bytes(stored)) == crc.sum() & 0xffff;
        }
        Ok(Some(header))
    }
}

/// Bytes up to a zero, which is passed; kept up to the limit of names.
fn zero_terminated(
    input: &mut RangeReader,
    crc: &mut Crc,
    spend: &mut dyn FnMut(u64) -> Result<(), Stop>,
) -> Result<Option<Vec<u8>>, Stop> {
    let mut text = Vec::new();
    loop {
        let some = input.fill_buf().unwrap_or(&[]);
        if some.is_empty() {
            return Ok(None);
        }
        let end = memchr::memchr(0, some);
        let part = some.get(..end.unwrap_or(some.len())).unwrap_or(some);
        let room = limits::NAME_BYTES.saturating_sub(text.len()).min(part.len());
        text.extend_from_slice(part.get(..room).unwrap_or(&[]));
        let passed = some.get(..part.len() + usize::from(end.is_some())).unwrap_or(some);
        crc.update(passed);
        let len = passed.len();
        input.consume(len);
        spend(len as u64)?;
        if end.is_some() {
            return Ok(Some(text));
        }
    }
}

fn array<const N: usize>(input: &mut RangeReader) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes).ok().map(|()| bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, GzBuilder, write::GzEncoder};

    use super::*;
    use crate::{
        protocol::{ChildContent, Reading},
        testing::read,
    };

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn content(reading: &Reading<Vec<u8>>) -> Option<&[u8]> {
        match reading.children.as_slice() {
            [] => None,
            [(_, ChildContent::Decoded(bytes))] => Some(bytes),
            other => panic!("{other:?}"),
        }
    }

    fn gap(reading: &Reading<Vec<u8>>, file: &[u8]) -> u64 {
        reading.gaps(file.len() as u64).unwrap().iter().map(|gap| gap.end - gap.start).sum()
    }

    #[test]
    fn endings() {
        let one = gzip(b"hello");
        let two = [one.clone(), gzip(b", world")].concat();
        let mut wrong = one.clone();
        *wrong.last_mut().unwrap() ^= 1;
        let full: &[u8] = b"hello";
        for (name, file, expected, outcome, unaccounted) in [
            ("one", one.clone(), Some(full), Outcome::PARSED, 0),
            ("two", two.clone(), Some(b"hello, world".as_slice()), Outcome::PARSED, 0),
            ("empty", gzip(b""), Some(b"".as_slice()), Outcome::PARSED, 0),
            ("padded", [one.clone(), vec![0; 700]].concat(), Some(full), Outcome::PARSED, 0),
            (
                "junk behind",
                [one.clone(), b"junk".to_vec()].concat(),
                Some(full),
                Outcome::partial(Reason::Damaged),
                4,
            ),
            (
                "junk behind padding",
                [one.clone(), b"\0\0x".to_vec()].concat(),
                Some(full),
                Outcome::partial(Reason::Damaged),
                3,
            ),
            ("checksum", wrong, Some(full), Outcome::partial(Reason::Checksum), 0),
            ("no trailer", one[..one.len() - 8].to_vec(), Some(full), Outcome::partial(Reason::Truncated), 0),
            (
                "half a trailer",
                one[..one.len() - 3].to_vec(),
                Some(full),
                Outcome::partial(Reason::Truncated),
                0,
            ),
            (
                "second without a header",
                two[..one.len() + 5].to_vec(),
                Some(full),
                Outcome::partial(Reason::Truncated),
                5,
            ),
            ("header only", one[..10].to_vec(), Some(b"".as_slice()), Outcome::partial(Reason::Truncated), 0),
            ("half a header", one[..7].to_vec(), None, Outcome::failed(Reason::Truncated), 0),
            ("no deflate", [&one[..10], &[0xff; 40]].concat(), None, Outcome::failed(Reason::Corrupt), 40),
        ] {
            let reading = read(&file, "", "");
            assert_eq!(reading.outcome, outcome, "{name}");
            assert_eq!(content(&reading), expected, "{name}");
            assert_eq!(gap(&reading, &file), unaccounted, "{name}");
        }
    }

    #[test]
    fn header_fields() {
        let mut file = Vec::new();
        let mut encoder = GzBuilder::new()
            .filename("../../b\u{fc}ro.mbox")
            .comment("c")
            .extra(vec![1, 2, 3])
            .write(&mut file, Compression::fast());
        encoder.write_all(b"x").unwrap();
        encoder.finish().unwrap();
        let reading = read(&file, "", "");
        assert_eq!(reading.outcome, Outcome::PARSED);
        assert_eq!(reading.children[0].0.name, "../../b\u{fc}ro.mbox".as_bytes());
        assert_eq!(gap(&reading, &file), 0);
    }

    #[test]
    fn bombs_are_refused_and_the_file_is_not() {
        let zeroes = vec![0; 1 << 20];
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        for _ in 0..200 {
            encoder.write_all(&zeroes).unwrap();
        }
        let file = encoder.finish().unwrap();
        let reading = read(&file, "", "");
        assert_eq!(reading.outcome, Outcome::PARSED);
        let (child, content) = &reading.children[0];
        assert!(
            matches!(content, ChildContent::Absent { outcome, .. } if *outcome == Outcome::refused(Reason::Expansion))
        );
        assert_eq!(child.stored.clone().unwrap().end, file.len() as u64);
    }

    #[test]
    fn truncation_keeps_what_is_there() {
        let text: Vec<u8> = (0..5000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let file = gzip(&text);
        for end in (10..file.len()).step_by(97) {
            let reading = read(&file[..end], "", "");
            assert_eq!(reading.outcome, Outcome::partial(Reason::Truncated), "{end}");
            let prefix = content(&reading).unwrap();
            assert!(text.starts_with(prefix) && prefix.len() + 400 > end - 10, "{end}: {}", prefix.len());
            assert_eq!(gap(&reading, &file[..end]), 0);
        }
    }
}
