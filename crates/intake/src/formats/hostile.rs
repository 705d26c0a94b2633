//! Whatever the bytes are: every reader of this folder ends, breaks no rule of the protocol (the test
//! harness panics if it does), and accounts for every byte.

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder, write::GzEncoder};
use tamis_model::{Outcome, State, tables::Fact};

use crate::{
    protocol::{ChildContent, Reading, Task},
    testing::{read, read_task},
};

/// Numbers that look random and are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn zip(members: &[(&str, u16, &[u8])]) -> Vec<u8> {
    let (mut file, mut central) = (Vec::new(), Vec::new());
    for (name, method, content) in members {
        let mut data = content.to_vec();
        if *method == 8 {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content).unwrap();
            data = encoder.finish().unwrap();
        }
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut common = Vec::new();
        for value in [20u16, 0, *method, 0, 0] {
            common.extend(value.to_le_bytes());
        }
        for value in [crc.sum(), data.len() as u32, content.len() as u32, name.len() as u32] {
            common.extend(value.to_le_bytes());
        }
        let at = file.len() as u32;
        file.extend([b"PK\x03\x04", common.as_slice(), name.as_bytes(), &data].concat());
        central.extend(
            [b"PK\x01\x02\x14\0", common.as_slice(), &[0; 10], &at.to_le_bytes(), name.as_bytes()].concat(),
        );
    }
    let (n, size, at) = (members.len() as u16, central.len() as u32, file.len() as u32);
    file.extend(central);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([n.to_le_bytes(), n.to_le_bytes()].concat());
    file.extend([size.to_le_bytes(), at.to_le_bytes()].concat());
    file.extend([0, 0]);
    file
}

/// One small file of each format, with its name.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let date = "Mon Jan  1 00:00:00 2001";
    let mbox = format!(
        "From a@b {date}\nSubject: a\nContent-Length: 30\n\nx\n\nFrom c@d {date}\nA: b\n\nFrom the desk\n\n\
         From e@f {date}\r\nB: c\r\n\r\nz\r\n\r\nFrom - {date}\r\nC: d\r\n\r\n"
    );
    let mmdf = "\x01\x01\x01\x01\nA: b\n\nc\n\x01\x01\x01\x01\n\x01\x01\x01\x01\nA: d\n\n\x01\x01\x01\x01\n";
    let emlx = "15\nSubject: a\n\nbc\n<?xml version=\"1.0\"?>\n<!DOCTYPE plist>\n<plist/>\n";
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(&b"hello hello hello ".repeat(20)).unwrap();
    let gz = gz.finish().unwrap();
    let noise: Vec<u8> = (0..200u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let inner = zip(&[("x", 8, b"nested")]);
    vec![
        ("a.mbox", mbox.into_bytes()),
        ("b.mbox", mmdf.into()),
        ("1.emlx", emlx.into()),
        ("a.gz", [gz.as_slice(), &gz, &[0; 3]].concat()),
        (
            "a.zip",
            zip(&[
                ("a", 0, b"stored"),
                ("d/", 0, b""),
                ("../b", 8, &noise),
                ("c.zip", 0, &inner),
                ("", 8, b"x"),
            ]),
        ),
        ("a.txt", "Gr\u{fc}\u{df}e\r\n\u{65e5}\u{672c} \u{1f4c4}\n".into()),
        ("b.txt", "\u{feff}Gr\u{fc}\u{df}e".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        (
            "a.html",
            b"<!-- x --><html><meta charset=koi8-r><title>t</title><p>a &amp; <b>b</b> \xf0\xd2".to_vec(),
        ),
    ]
}

/// Reads, and holds the ledger's equation: all bytes are accounted for, and a reading that claims to
/// be whole has no gap.
fn account(name: &str, bytes: &[u8]) -> Reading<Vec<u8>> {
    let reading = read(bytes, name, "");
    let gaps = reading.gaps(bytes.len() as u64).unwrap();
    // A thing that no reader took is one gap, and its state says so.
    if reading.outcome == Outcome::PARSED && reading.reader.is_some() {
        assert!(gaps.is_empty(), "{name}: {gaps:?} in {:?}", String::from_utf8_lossy(bytes));
    }
    // And nothing is called damaged for nothing.
    if matches!(reading.outcome.state, State::Partial | State::Failed) {
        assert!(
            reading.facts.iter().any(|fact| matches!(fact, Fact::Defect(_))),
            "{name}: {:?}",
            reading.outcome
        );
    }
    for (child, content) in &reading.children {
        assert!(child.stored.is_some() || matches!(content, ChildContent::Absent { .. }));
    }
    if reading.reader.as_deref() == Some("zip/1") {
        slices_agree(bytes, name, &reading);
    }
    reading
}

fn slices_agree(bytes: &[u8], name: &str, whole: &Reading<Vec<u8>>) {
    let cut = read_task(bytes, name, "", Task::Cut);
    let Some(slices) = &cut.slices else { return };
    let parts: Vec<_> = slices.iter().map(|slice| read_task(bytes, name, "", Task::Slice(*slice))).collect();
    let children: Vec<_> = parts.iter().flat_map(|part| part.children.clone()).collect();
    assert_eq!(children, whole.children);
    let mut all: Reading<Vec<u8>> = cut.clone();
    all.children = children;
    all.covered.extend(parts.iter().flat_map(|part| part.covered.clone()));
    let len = bytes.len() as u64;
    assert_eq!(all.gaps(len).unwrap(), whole.gaps(len).unwrap());
}

#[test]
fn seeds_are_read_by_their_readers() {
    for ((name, bytes), reader) in
        seeds().iter().zip(["mbox/1", "mbox/1", "emlx/1", "gzip/1", "zip/1", "text/1", "text/1", "html/1"])
    {
        assert_eq!(account(name, bytes).reader.as_deref(), Some(reader), "{name}");
    }
}

#[test]
fn truncated_at_every_offset() {
    for (name, bytes) in seeds() {
        for end in 0..bytes.len() {
            account(name, &bytes[..end]);
        }
    }
}

#[test]
fn mutated() {
    let seeds = seeds();
    let mut numbers = Numbers(1);
    let marks: [&[u8]; 12] = [
        b"From a@b Mon Jan  1 00:00:00 2001\n",
        b"\n\n",
        b"\r\n",
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x05\x06",
        b"PK\x07\x08",
        b"\x1f\x8b\x08",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\x01\x01\x01\x01\n",
        b"Content-Length: 9\n",
    ];
    for round in 0..6000 {
        let (name, seed) = &seeds[round % seeds.len()];
        let mut bytes = seed.clone();
        for _ in 0..1 + numbers.below(6) {
            let at = numbers.below(bytes.len());
            match numbers.below(6) {
                0 => bytes[at] = numbers.next() as u8,
                1 => bytes[at] ^= 1 << numbers.below(8),
                2 => drop(bytes.splice(at..at, marks[numbers.below(marks.len())].iter().copied())),
                3 => {
                    let end = (at + numbers.below(40)).min(bytes.len());
                    bytes.drain(at..end);
                }
                4 => {
                    let end = (at + numbers.below(80)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    let to = numbers.below(bytes.len());
                    bytes.splice(to..to, copy);
                }
                _ => {
                    let mark = marks[numbers.below(marks.len())];
                    let end = (at + mark.len()).min(bytes.len());
                    bytes[at..end].copy_from_slice(&mark[..end - at]);
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        account(name, &bytes);
    }
}

#[test]
fn noise() {
    let mut numbers = Numbers(2);
    let starts: [&[u8]; 6] = [
        b"From a@b Mon Jan  1 00:00:00 2001\n",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\x1f\x8b\x08\0",
        b"<html>",
        b"9\nA: b\n",
    ];
    for round in 0..600 {
        let len = numbers.below(3000);
        let noise: Vec<u8> = (0..len).map(|_| numbers.next() as u8).collect();
        account("x", &[starts[round % starts.len()], noise.as_slice()].concat());
    }
}

#[test]
fn long_lines_and_many_separators_take_linear_time() {
    let from = b"From a@b Mon Jan  1 00:00:00 2001\n".as_slice();
    for bytes in [
        [from, &vec![b'x'; 8 << 20]].concat(),
        from.repeat(100_000),
        [from, &b"From \n".repeat(500_000)].concat(),
        [from, &b"A: b\n".repeat(800_000)].concat(),
        [from, &b"\nFrom a\nB: c".repeat(200_000)].concat(),
        b"\x01\x01\x01\x01\n".repeat(200_000),
        b"PK\x03\x04".repeat(500_000),
        [b"PK\x03\x04".as_slice(), &vec![b'P'; 4 << 20]].concat(),
        [b"\x1f\x8b\x08\x08\0\0\0\0\0\0".as_slice(), &vec![b'n'; 8 << 20]].concat(),
        [b"<html>".as_slice(), &b"<".repeat(4 << 20)].concat(),
        [b"<!--".as_slice(), &b"<!--".repeat(1 << 20)].concat(),
    ] {
        account("x", &bytes);
    }
}
