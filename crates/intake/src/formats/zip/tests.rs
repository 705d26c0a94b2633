//! Zip archives made by hand, honest and not.

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder};
use tamis_model::{Outcome, Reason, tables::Fact};

use crate::{
    out::Child,
    protocol::{ChildContent, Reading, Task},
    testing::{read, read_task},
};

type Member = (Child, ChildContent<Vec<u8>>);

/// What is written of a member, each value as it should be until a test changes it.
#[derive(Clone)]
struct Made {
    name: Vec<u8>,
    local_name: Vec<u8>,
    method: u16,
    flags: u16,
    crc: u32,
    data: Vec<u8>,
    size: u32,
    attributes: u32,
    extra: Vec<u8>,
    local_extra: Vec<u8>,
    listed: bool,
    described: bool,
    /// Offset in the directory, where it is not the true one.
    offset: Option<u32>,
    packed: Option<u32>,
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn crc(content: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    crc.sum()
}

fn member(name: &str, method: u16, content: &[u8]) -> Made {
    Made {
        name: name.into(),
        local_name: name.into(),
        method,
        flags: 0,
        crc: crc(content),
        data: if method == 8 { deflate(content) } else { content.to_vec() },
        size: content.len() as u32,
        attributes: 0,
        extra: vec![],
        local_extra: vec![],
        listed: true,
        described: false,
        offset: None,
        packed: None,
    }
}

impl Made {
    fn with(mut self, change: impl FnOnce(&mut Made)) -> Made {
        change(&mut self);
        self
    }

    /// The fields that local and central header share.
    fn common(&self, sizes: bool) -> Vec<u8> {
        let mut b = Vec::new();
        let flags = self.flags | if self.described { 8 } else { 0 };
        for value in [20, flags, self.method, 0, 0x21] {
            b.extend(u16::to_le_bytes(value));
        }
        let packed = self.packed.unwrap_or(self.data.len() as u32);
        for value in [self.crc, packed, self.size] {
            b.extend(u32::to_le_bytes(if sizes { value } else { 0 }));
        }
        b
    }
}

fn archive(members: &[Made]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut central = Vec::new();
    let mut listed = 0u16;
    for made in members {
        let at = file.len() as u32;
        file.extend(b"PK\x03\x04");
        file.extend(made.common(!made.described));
        file.extend((made.local_name.len() as u16).to_le_bytes());
        file.extend((made.local_extra.len() as u16).to_le_bytes());
        file.extend(&made.local_name);
        file.extend(&made.local_extra);
        file.extend(&made.data);
        if made.described {
            file.extend(b"PK\x07\x08");
            file.extend(&made.common(true)[10..]);
        }
        if made.listed {
            listed += 1;
            central.extend(b"PK\x01\x02\x1e\x03");
            central.extend(made.common(true));
            for value in [made.name.len() as u16, made.extra.len() as u16, 0, 0, 0] {
                central.extend(value.to_le_bytes());
            }
            central.extend(made.attributes.to_le_bytes());
            central.extend(made.offset.unwrap_or(at).to_le_bytes());
            central.extend(&made.name);
            central.extend(&made.extra);
        }
    }
    let at = file.len() as u32;
    file.extend(&central);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend(listed.to_le_bytes());
    file.extend(listed.to_le_bytes());
    file.extend((central.len() as u32).to_le_bytes());
    file.extend(at.to_le_bytes());
    file.extend([0, 0]);
    file
}

fn name((child, _): &Member) -> String {
    String::from_utf8_lossy(&child.name).into_owned()
}

/// The member's content, from where the reading says that it is.
fn content<'f>((child, content): &'f Member, file: &'f [u8]) -> Result<&'f [u8], Outcome> {
    match content {
        ChildContent::Decoded(bytes) => Ok(bytes),
        ChildContent::Stored => {
            let range = child.stored.clone().unwrap();
            Ok(&file[range.start as usize..range.end as usize])
        }
        ChildContent::Absent { outcome, .. } => Err(*outcome),
    }
}

fn kinds(reading: &Reading<Vec<u8>>) -> Vec<&str> {
    let defects = reading.facts.iter().filter_map(|fact| match fact {
        Fact::Defect(defect) => Some(defect.kind.as_str()),
        _ => None,
    });
    defects.collect()
}

fn gap(reading: &Reading<Vec<u8>>, file: &[u8]) -> u64 {
    reading.gaps(file.len() as u64).unwrap().iter().map(|gap| gap.end - gap.start).sum()
}

/// Reads it whole and in slices, and holds the two against each other.
fn read_both(file: &[u8]) -> Reading<Vec<u8>> {
    let whole = read(file, "", "");
    assert_eq!(whole.reader.as_deref(), Some("zip/1"));
    let cut = read_task(file, "", "", Task::Cut);
    let Some(slices) = &cut.slices else { return whole };
    let mut children = Vec::new();
    let mut covered = cut.covered.clone();
    for slice in slices {
        let part = read_task(file, "", "", Task::Slice(*slice));
        assert_eq!(part.children.len() as u64, slice.len());
        children.extend(part.children);
        covered.extend(part.covered);
    }
    assert_eq!(children, whole.children);
    let sum = Reading { covered, children, ..cut };
    assert_eq!(sum.gaps(file.len() as u64).unwrap(), whole.gaps(file.len() as u64).unwrap());
    whole
}

#[test]
fn honest_archives() {
    let text = b"hello hello hello hello".as_slice();
    let file = archive(&[
        member("a.txt", 0, text),
        member("d/", 0, b""),
        member("d/b.txt", 8, text),
        member("d/b.txt", 8, b"same name"),
        member("empty", 0, b""),
        member("empty too", 8, b""),
        member("described", 8, text).with(|m| m.described = true),
        member("described, stored", 0, text).with(|m| m.described = true),
    ]);
    let reading = read_both(&file);
    assert_eq!(reading.outcome, Outcome::PARSED);
    assert_eq!(kinds(&reading), [""; 0]);
    assert_eq!(gap(&reading, &file), 0);
    let found: Vec<_> = reading.children.iter().map(|m| (name(m), content(m, &file).unwrap())).collect();
    let expected: [(&str, &[u8]); 7] = [
        ("a.txt", text),
        ("d/b.txt", text),
        ("d/b.txt", b"same name"),
        ("empty", b""),
        ("empty too", b""),
        ("described", text),
        ("described, stored", text),
    ];
    assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text)));
    let empty = archive(&[]);
    assert_eq!((read_both(&empty).outcome, gap(&read_both(&empty), &empty)), (Outcome::PARSED, 0));
}

#[test]
fn names_are_only_names() {
    for name in ["../../etc/passwd", "/abs", "C:\\x", "a\x1b[2Jb", "\u{202e}gpj.exe", "a\nb", "caf\u{e9}"] {
        let file = archive(&[member(name, 0, b"x")]);
        assert_eq!(read_both(&file).children[0].0.name, name.as_bytes());
    }
    // An 8-bit name stays as it is; a Unicode path stands in for it where its checksum says so.
    let raw = b"caf\x82".to_vec();
    let path = "caf\u{e9}".as_bytes();
    let field = |sum: u32| [b"\x75\x70\x0a\0\x01".as_slice(), &sum.to_le_bytes(), path].concat();
    for (extra, expected) in [(vec![], raw.as_slice()), (field(crc(&raw)), path), (field(0), &raw)] {
        let made = member("", 0, b"x").with(|m| {
            (m.name, m.local_name) = (raw.clone(), raw.clone());
            m.extra = extra;
        });
        assert_eq!(read_both(&archive(&[made])).children[0].0.name, expected);
    }
}

#[test]
fn members_that_are_not_handed_out() {
    let text = b"hello".as_slice();
    let cases = [
        ("encrypted", member("a", 8, text).with(|m| m.flags = 1), Outcome::ENCRYPTED),
        ("aes", member("a", 99, text).with(|m| m.flags = 1), Outcome::ENCRYPTED),
        ("bzip2", member("a", 12, text), Outcome::opaque(Reason::NoReader)),
        ("no such method", member("a", 4711, text), Outcome::opaque(Reason::NoReader)),
        (
            "link",
            member("a", 0, b"../../x").with(|m| m.attributes = 0xa1ff << 16),
            Outcome::refused(Reason::Link),
        ),
        (
            "no deflate",
            member("a", 8, text).with(|m| m.data = vec![0xff; 9]),
            Outcome::failed(Reason::Corrupt),
        ),
    ];
    for (what, made, outcome) in cases {
        let file = archive(&[made, member("after", 8, text)]);
        let reading = read_both(&file);
        assert_eq!(content(&reading.children[0], &file), Err(outcome), "{what}");
        assert_eq!(content(&reading.children[1], &file), Ok(text), "{what}");
        assert_eq!(gap(&reading, &file), 0, "{what}");
        assert!(reading.children[0].0.stored.is_some(), "{what}");
    }
}

#[test]
fn members_that_lie() {
    let text = b"hello hello hello".as_slice();
    let cases = [
        ("checksum", member("a", 8, text).with(|m| m.crc ^= 1), Reason::Checksum),
        ("checksum", member("a", 0, text).with(|m| m.crc ^= 1), Reason::Checksum),
        ("size", member("a", 8, text).with(|m| m.size += 1), Reason::Damaged),
        ("size", member("a", 8, text).with(|m| m.size = u32::MAX - 1), Reason::Damaged),
        ("after-deflate", member("a", 8, text).with(|m| m.data.extend(b"junk")), Reason::Damaged),
    ];
    for (kind, made, reason) in cases {
        let file = archive(&[made]);
        let reading = read_both(&file);
        assert_eq!(reading.outcome, Outcome::partial(reason), "{kind}");
        assert_eq!(kinds(&reading), [kind]);
        assert_eq!(content(&reading.children[0], &file), Ok(text), "{kind}");
    }
    let file = archive(&[member("a", 0, text).with(|m| m.local_name = b"b".to_vec())]);
    let reading = read_both(&file);
    assert_eq!((name(&reading.children[0]).as_str(), kinds(&reading)), ("a", vec!["other-name"]));
}

#[test]
fn bombs() {
    let zeroes = deflate(&vec![0; 80 << 20]);
    let bomb = |size| {
        member("bomb", 8, b"").with(|m| {
            m.data = zeroes.clone();
            m.size = size;
        })
    };
    // One that says what it is, and one that does not.
    for size in [80 << 20, 10] {
        let file = archive(&[member("before", 8, b"b"), bomb(size), member("after", 0, b"a")]);
        let reading = read(&file, "", "");
        assert_eq!(content(&reading.children[0], &file), Ok(b"b".as_slice()));
        let deflated = zeroes.len() as u64;
        let expected = match (80 << 20) > crate::limits::expansion(deflated) {
            true => Outcome::refused(Reason::Expansion),
            false => panic!("not a bomb: {deflated}"),
        };
        assert_eq!(content(&reading.children[1], &file), Err(expected));
        assert_eq!(content(&reading.children[2], &file), Ok(b"a".as_slice()));
        assert_eq!(gap(&reading, &file), 0);
    }
    // Many small ones: what they unpack to counts together, in the parent as here.
    let half = deflate(&vec![0; 30 << 20]);
    let many: Vec<Made> = (0..8)
        .map(|_| {
            member("x", 8, b"").with(|m| {
                m.data = half.clone();
                m.size = 30 << 20;
            })
        })
        .collect();
    let file = archive(&many);
    let reading = read(&file, "", "");
    assert_eq!(reading.children.len(), 8);
    assert_eq!(content(&reading.children[7], &file), Err(Outcome::refused(Reason::Expansion)));
}

#[test]
fn overlaps_are_refused() {
    // Fifield's better zip bomb: one kernel, many local headers, each taking those behind it along.
    let first = member("kernel", 0, &[7; 100]);
    let same = member("same", 0, &[7; 100]).with(|m| m.offset = Some(0));
    let inside = member("inside", 0, b"").with(|m| m.offset = Some(40));
    let directory = member("directory", 0, b"").with(|m| m.offset = Some(1 << 20));
    let file = archive(&[first, same, inside, directory]);
    let reading = read_both(&file);
    let outcomes: Vec<_> = reading.children.iter().map(|m| content(m, &file).err()).collect();
    let overlap = Some(Outcome::refused(Reason::Overlap));
    assert_eq!(outcomes[..4], [None, overlap, overlap, Some(Outcome::failed(Reason::Corrupt))]);
    // Their own local headers, to which the directory does not point, are found as well.
    assert_eq!(outcomes[4..], [None; 3]);
    assert!(reading.children[1..4].iter().all(|(child, _)| child.stored.is_none()));

    // One whose size reaches over its neighbour, and one that reaches into the directory.
    let long = member("long", 0, b"abc").with(|m| (m.packed, m.size) = (Some(40), 40));
    let file = archive(&[long, member("next", 0, b"def")]);
    let reading = read_both(&file);
    assert_eq!(content(&reading.children[0], &file).map(<[u8]>::len), Ok(40));
    assert_eq!(content(&reading.children[1], &file), Err(Outcome::refused(Reason::Overlap)));
    let longer = member("longer", 0, b"abc").with(|m| (m.packed, m.size) = (Some(90), 90));
    let file = archive(&[longer, member("next", 0, b"def")]);
    let reading = read_both(&file);
    assert_eq!(content(&reading.children[0], &file), Err(Outcome::refused(Reason::Overlap)));
    assert_eq!(content(&reading.children[1], &file), Ok(b"def".as_slice()));

    // A size that no file of this length can hold is none: the member gets what is there.
    let endless = member("endless", 8, b"abc").with(|m| m.packed = Some(u32::MAX - 1));
    let file = archive(&[endless, member("next", 0, b"def")]);
    let reading = read_both(&file);
    assert_eq!(reading.outcome, Outcome::partial(Reason::Truncated));
    assert_eq!(content(&reading.children[0], &file), Ok(b"abc".as_slice()));
    assert_eq!(content(&reading.children[1], &file), Ok(b"def".as_slice()));
}

#[test]
fn what_the_directory_does_not_list_is_found() {
    let file = archive(&[
        member("deleted", 8, b"old").with(|m| m.listed = false),
        member("a", 0, b"new"),
        member("streamed", 8, b"older").with(|m| (m.listed, m.described) = (false, true)),
        member("streamed, stored", 0, b"oldest").with(|m| (m.listed, m.described) = (false, true)),
    ]);
    let reading = read_both(&file);
    let found: Vec<_> =
        reading.children.iter().map(|m| (name(m), content(m, &file).unwrap().to_vec())).collect();
    let expected = [("a", "new"), ("deleted", "old"), ("streamed", "older"), ("streamed, stored", "oldest")];
    assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())));
    assert_eq!(kinds(&reading), ["not-in-directory"; 3]);
    assert_eq!(gap(&reading, &file), 0);
}

#[test]
fn things_around_an_archive() {
    let plain = archive(&[member("a", 8, b"hello")]);
    let mut commented = plain.clone();
    let end = commented.len();
    commented[end - 2] = 5;
    commented.extend(b"aloha");
    for (name, file, defects, unaccounted) in [
        ("comment", commented, vec![], 0),
        ("junk behind", [plain.as_slice(), b"junk"].concat(), vec!["trailing-bytes"], 4),
        ("zeroes behind", [plain.as_slice(), &[0; 9]].concat(), vec![], 0),
        ("split marker", [b"PK\x07\x08", plain.as_slice()].concat(), vec![], 0),
    ] {
        let reading = read_both(&file);
        assert_eq!(content(&reading.children[0], &file), Ok(b"hello".as_slice()), "{name}");
        assert_eq!((kinds(&reading), gap(&reading, &file)), (defects, unaccounted), "{name}");
    }
    let program = [b"MZ this is a program\0".as_slice(), &plain].concat();
    let reading = read(&program, "setup.zip", "");
    assert_eq!(content(&reading.children[0], &program), Ok(b"hello".as_slice()));
    assert_eq!((kinds(&reading), gap(&reading, &program)), (vec!["prefix"], 21));
}

#[test]
fn truncated_at_every_offset() {
    let noise: Vec<u8> = (0..300u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = archive(&[
        member("a", 0, b"stored"),
        member("b", 8, &noise),
        member("c", 8, &noise).with(|m| m.described = true),
    ]);
    for end in 4..file.len() {
        let reading = read_both(&file[..end]);
        assert_ne!(reading.outcome, Outcome::PARSED, "{end}");
        // Whatever begins within the part that is left is handed out as far as it goes.
        let expected = [31, file.len(), file.len()].iter().filter(|at| end >= **at).count();
        assert!(reading.children.len() >= expected, "{end}");
        let lost = gap(&reading, &file[..end]);
        assert!(lost < 200, "{end}: {lost} bytes unaccounted");
    }
    let cut = &file[..file.len() - 30];
    let reading = read_both(cut);
    let found: Vec<_> = reading.children.iter().map(|m| content(m, cut).unwrap().to_vec()).collect();
    assert_eq!(found, [b"stored".to_vec(), noise.clone(), noise]);
}

#[test]
fn many_members_are_cut_into_slices() {
    let members: Vec<Made> =
        (0..1000).map(|n| member(&format!("{n}"), 8, format!("text {n}").as_bytes())).collect();
    let file = archive(&members);
    let cut = read_task(&file, "", "", Task::Cut);
    let slices = cut.slices.clone().unwrap();
    assert_eq!(slices.len(), 4);
    assert!(cut.children.is_empty());
    assert_eq!(read_both(&file).children.len(), 1000);
}

#[test]
fn documents_are_left_to_their_readers() {
    let part = |name: &str| member(name, 8, b"<x/>");
    for (members, hint, media_type) in [
        (
            vec![part("[Content_Types].xml"), part("_rels/.rels"), part("word/document.xml")],
            "",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            vec![part("_rels/.rels"), part("xl/workbook.xml")],
            "a.zip",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            vec![member("mimetype", 0, b"application/vnd.oasis.opendocument.text")],
            "",
            "application/vnd.oasis.opendocument.text",
        ),
    ] {
        let reading = read(&archive(&members), hint, "");
        assert_eq!(reading.media_type, media_type);
        assert_eq!(reading.outcome, Outcome::opaque(Reason::NoReader));
    }
    for members in [
        vec![part("word/list.txt")],
        vec![member("mimetype", 0, b"application/epub+zip")],
        vec![part("META-INF/MANIFEST.MF"), part("a.class")],
        vec![part("report.docx")],
    ] {
        assert_eq!(read(&archive(&members), "", "").media_type, "application/zip");
    }
}
