//! Fuzzing without a fuzzer: one entry a reader, seeds made in code, mutations that are the same in every
//! run. Each result goes through the parent's checks, accounts for every byte, takes bounded memory, and is
//! the same twice. `./test` runs some seconds of it; for longer runs, and for a new reader:
//!
//! ```text
//! TAMIS_FUZZ_ROUNDS=100 cargo test -p tamis-intake --test fuzz
//! ```
//!
//! multiplies the rounds. What round n does is the same whatever the factor, and a failure keeps its input.
//! A new reader needs an entry in [`ENTRIES`], or `every_reader_has_an_entry` fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

use flate2::{Compression, write::DeflateEncoder, write::GzEncoder};
use tamis_intake::{
    formats, limits,
    out::{Child, Coding, Content, Declared, Naming},
    protocol::{ChildContent, Kind, Machine, Reading, Spool, Task, Thing},
    reader::Hint,
    testing::read_task,
};
use tamis_model::{
    Outcome, State,
    tables::{Defect, Fact},
};

/// Rounds of one reader in `./test`.
const ROUNDS: u64 = 10_000;

/// What is known of a format to those who want to break it.
struct Entry {
    /// Name of the reader in `formats::ALL`.
    reader: &'static str,
    /// Small, valid and different: name, and content.
    seeds: fn() -> Vec<Seed>,
    /// What its parser looks for.
    words: &'static [&'static [u8]],
}

type Seed = (&'static str, Vec<u8>);

/// The entries, and a test for each.
macro_rules! entries {
    ($($reader:ident { seeds: $seeds:path, words: [$($word:literal),* $(,)?] })*) => {
        const ENTRIES: &[Entry] = &[$(
            Entry { reader: stringify!($reader), seeds: $seeds, words: &[$($word),*] }
        ),*];
        $(#[test]
        fn $reader() {
            fuzz(stringify!($reader));
        })*
    };
}

entries! {
    mbox {
        seeds: mailboxes,
        words: [
            b"From a@b Mon Jan  1 00:00:00 2001\n", b"\nFrom ", b">From ", b"\n\n", b"\r\n\r\n",
            b"Content-Length: 9\n", b"Content-Length: 99999999999999999999\n", b"X-Mozilla-Status: 0009\n",
            b"\x01\x01\x01\x01\n", b"\x1f\n",
        ]
    }
    emlx {
        seeds: apple_mails,
        words: [b"0\n", b"18446744073709551615\n", b"-1\n", b"<?xml", b"<plist", b"</plist>", b"\n\n"]
    }
    gzip {
        seeds: gzips,
        words: [b"\x1f\x8b\x08\x00", b"\x1f\x8b\x08\x1f", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x03\0"]
    }
    zip {
        seeds: archives,
        words: [
            b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08",
            b"\x01\0\x10\0", b"\xff\xff\xff\xff", b"\xff\xff", b"\0\0\0\0", b"../",
        ]
    }
    mail {
        seeds: mails,
        words: [
            b"--b\n", b"--b--\n", b"\n\n", b"\r\n", b"Content-Type: multipart/mixed; boundary=b\n",
            b"Content-Type: message/rfc822\n", b"Content-Transfer-Encoding: base64\n",
            b"Content-Transfer-Encoding: quoted-printable\n", b"filename*0*=utf-8''%e2; filename*1=x\n",
            b"=?utf-8?B?4oKs?=", b"=?iso-2022-jp?Q?=1B$B?=", b"=\n", b"begin 644 x\n",
            b"=ybegin line=128 size=3 name=x\n", b"=yend size=3\n", b"charset=utf-7", b"\xff\xfe", b"(((",
            b"\"\\", b"<>,;:@", b"Content-Type: application/pgp-signature\n",
            b"Content-Type: application/pkcs7-signature\n", b"-----BEGIN PGP SIGNED MESSAGE-----\n\n",
            b"-----BEGIN PGP SIGNATURE-----\n\n", b"MIAGCSqGSIb3DQEHAqCAMIACAQEx",
            b"DKIM-Signature: v=1; a=rsa-sha256; d=x; s=s; h=from; bh=AA==; b=AAAA\n", b"c=relaxed/relaxed;",
            b"ARC-Seal: i=2; a=rsa-sha256; d=x; s=s; cv=pass; b=AAAA\n", b"l=18446744073709551615;", b";;",
            b"DomainKey-Signature: d=x; s=s; b=AAAA\n", b"List-Id: <l>\n", b"\n-- \n", b"\n>From ",
        ]
    }
    html {
        seeds: pages,
        words: [
            b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<script>", b"</script>", b"<table>", b"<svg>",
            b"<template>", b"&#x110000;", b"&amp", b"<meta charset=utf-16>", b"<plaintext>", b"<a b='",
            b"\0", b"</p></p>",
        ]
    }
    text {
        seeds: texts,
        words: [
            b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xd8\x00", b"\x00\xdc", b"\x1b$B", b"\x1b(B",
            b"\xf4\x90", b"\0",
        ]
    }
}

#[test]
fn every_reader_has_an_entry() {
    let mut readers: Vec<_> = formats::ALL.iter().map(|reader| reader.id().name).collect();
    let mut entries: Vec<_> = ENTRIES.iter().map(|entry| entry.reader).collect();
    readers.sort_unstable();
    entries.sort_unstable();
    assert_eq!(readers, entries, "a reader and its entry here go together");
}

/// Seeds that are not of their format would fuzz another one.
#[test]
fn seeds_are_valid() {
    for entry in ENTRIES {
        let seeds = (entry.seeds)();
        assert!(seeds.len() > 1, "{}", entry.reader);
        for (name, bytes) in seeds {
            let reading = guarded(entry.reader, 0, name, &bytes, || check(name, &bytes));
            assert!(is_by(&reading, entry.reader), "{name}: {:?}", reading.reader);
            assert!(
                matches!(reading.outcome.state, State::Parsed | State::Partial),
                "{name}: {}",
                reading.outcome
            );
        }
    }
}

fn fuzz(reader: &str) {
    let entry = ENTRIES.iter().find(|entry| entry.reader == reader).unwrap();
    let seeds = (entry.seeds)();
    let factor = std::env::var("TAMIS_FUZZ_ROUNDS").map_or(1, |factor| factor.parse().unwrap());
    let (mut taken, rounds) = (0, ROUNDS * factor);
    for round in 0..rounds {
        let mut numbers = Numbers(round);
        let (name, mut bytes) = numbers.one(&seeds).clone();
        for _ in 0..1 + numbers.below(6) {
            mutate(&mut bytes, &mut numbers, entry, &seeds);
        }
        let reading = guarded(reader, round, name, &bytes, || check(name, &bytes));
        taken += u64::from(is_by(&reading, reader));
    }
    assert!(taken > rounds / 3, "{reader} took {taken} of {rounds}: the mutations miss it");
}

fn is_by(reading: &Reading<Vec<u8>>, reader: &str) -> bool {
    reading.reader.as_deref().and_then(|by| by.split_once('/')).is_some_and(|(by, _)| by == reader)
}

/// Sees to it that a failure can be found again.
fn guarded<T>(reader: &str, round: u64, name: &str, bytes: &[u8], f: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|_| {
        let path = std::env::temp_dir().join(format!("tamis-fuzz-{round}-{name}"));
        let kept = std::fs::write(&path, bytes).map(|()| path);
        panic!("{reader}, round {round}: {} bytes, kept: {kept:?}", bytes.len());
    })
}

// ---- checks ----

/// The harness panics where the protocol is broken; the rest of the promise is here.
fn check(name: &str, bytes: &[u8]) -> Reading<Vec<u8>> {
    let len = bytes.len() as u64;
    let (reading, held) = peak(|| read_task(bytes, name, "", Task::Read));
    assert!(reading == read_task(bytes, name, "", Task::Read), "read twice, not alike");
    let gaps = accounts(&reading, len);
    let whole = reading.reader.is_some() && reading.outcome == Outcome::PARSED;
    assert!(!whole || gaps == 0, "parsed, but with gaps of {gaps} bytes: {:?}", reading.gaps(len));
    let decoded: usize = reading.children.iter().map(|(_, content)| decoded(content)).sum();
    let fair = (16 << 20) + 64 * bytes.len() + 3 * decoded;
    assert!(held < fair, "held {held} bytes for {len}, {decoded} of them decoded");

    let cut = read_task(bytes, name, "", Task::Cut);
    accounts(&cut, len);
    if let Some(slices) = &cut.slices {
        let slice = |slice| read_task(bytes, name, "", Task::Slice(slice));
        let parts: Vec<_> = slices.iter().copied().map(slice).collect();
        let mut all = Reading { children: Vec::new(), ..cut.clone() };
        for part in parts {
            accounts(&part, len);
            all.children.extend(part.children);
            all.covered.extend(part.covered);
        }
        assert!(all.children == reading.children, "slices hold other children than the whole");
        assert_eq!(accounts(&all, len), gaps, "slices account for other bytes than the whole");
    }
    reading
}

fn decoded(content: &ChildContent<Vec<u8>>) -> usize {
    match content {
        ChildContent::Decoded(bytes) => bytes.len(),
        _ => 0,
    }
}

/// Every byte is a child's, or covered, or in a gap; how many are in gaps.
fn accounts(reading: &Reading<Vec<u8>>, len: u64) -> u64 {
    let stored = reading.children.iter().filter_map(|(child, _)| child.stored.as_ref());
    let ranges = stored.chain(&reading.covered).map(|range| range.end - range.start);
    let gaps: u64 = reading.gaps(len).unwrap().iter().map(|gap| gap.end - gap.start).sum();
    assert_eq!(ranges.sum::<u64>() + gaps, len, "bytes are not accounted for");
    gaps
}

/// Counts what the current thread holds.
struct Counting;

thread_local! {
    /// Bytes held now, and the most so far.
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

// SAFETY: the system's allocator does the work; the counters allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| {
            let now = held.get().0.wrapping_add(layout.size());
            held.set((now, held.get().1.max(now)));
        });
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set((held.get().0.saturating_sub(layout.size()), held.get().1)));
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What `f` returns, and the most that this thread held for it at a time.
fn peak<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get().0;
    HELD.set((before, before));
    let value = f();
    (value, HELD.get().1.saturating_sub(before))
}

// ---- the parent's memory ----

/// Keeps nothing.
struct Nothing;

impl Spool for Nothing {
    type Body = ();
    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn discard(&mut self) {}
}

/// A worker that sends as many as it may of what is small on the wire and large in memory, or large where
/// nobody counts.
#[test]
fn floods_take_bounded_memory() {
    let row = |kind: Kind, row: postcard::Result<Vec<u8>>| (kind as u8, row.unwrap());
    let text = String::new;
    let open = row(Kind::Open, postcard::to_stdvec(&(None::<String>, "", false)));
    let done = row(Kind::Done, postcard::to_stdvec(&(Outcome::PARSED, 0u32)));
    let defect = Fact::Defect(Defect { kind: text(), at: None, len: None, note: text() });
    let defect = row(Kind::Fact, postcard::to_stdvec(&defect));
    let child = |part: usize| {
        let part = "x".repeat(part);
        let declared = Declared { part, name: None, media_type: None, disposition: None, content_id: None };
        let (naming, coding) = (Naming::Name, Coding::Other);
        let declared = Some(Box::new(declared));
        let child = Child { name: vec![], naming, media_type: text(), stored: None, coding, declared };
        let absent = Content::Absent { outcome: Outcome::ENCRYPTED, bytes: 0 };
        row(Kind::Child, postcard::to_stdvec(&(child, absent)))
    };
    let (small, large) = (child(0), child(100_000));
    let covered = row(Kind::Covered, postcard::to_stdvec(&(0u64..0)));

    for len in [0, 1 << 20] {
        let hint = Hint::default();
        let things: Vec<_> =
            (0..4).map(|_| Thing { at: 0, len, hint: hint.clone(), task: Task::Read }).collect();
        for (what, flood) in
            [("facts", &defect), ("children", &small), ("names", &large), ("ranges", &covered)]
        {
            // The last before each thing's limit would be over it.
            let send =
                |machine: &mut Machine<_>, (kind, payload): &(u8, Vec<u8>)| machine.frame(*kind, payload);
            let most = {
                let mut machine = Machine::new(&things, Nothing);
                send(&mut machine, &open).unwrap();
                (0u64..).take_while(|_| send(&mut machine, flood).is_ok()).count()
            };
            let (readings, held) = peak(|| {
                let mut machine = Machine::new(&things, Nothing);
                for _ in &things {
                    send(&mut machine, &open).unwrap();
                    (0..most).for_each(|_| send(&mut machine, flood).unwrap());
                    send(&mut machine, &done).unwrap();
                }
                machine.finish()
            });
            assert_eq!(readings.len(), 4);
            // Vectors that grow may hold things twice and more; the limits count for that.
            let fair = things.len() * (limits::facts(len) + limits::rows(len)) as usize;
            assert!(
                most > 0 && held < fair,
                "{what}: {most} for each thing of {len} bytes, {held} bytes held"
            );
        }
    }
}

// ---- mutations ----

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

    fn one<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}

/// Numbers at the edges of their widths.
const INTERESTING: [u64; 12] = [
    0,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 62,
    1 << 63,
    u64::MAX,
];

/// One change.
fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers, entry: &Entry, seeds: &[Seed]) {
    if bytes.is_empty() || bytes.len() > 32 << 10 {
        *bytes = numbers.one(seeds).1.clone();
    }
    let at = numbers.below(bytes.len());
    let end = (at + 1 + numbers.below(60)).min(bytes.len());
    match numbers.below(12) {
        0 => bytes[at] ^= 1 << numbers.below(8),
        1 => bytes[at] = numbers.next() as u8,
        2 => bytes[at] = bytes[at].wrapping_add(numbers.below(9) as u8).wrapping_sub(4),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copy = bytes[at..end].to_vec();
            let to = numbers.below(bytes.len());
            bytes.splice(to..to, copy);
        }
        5 => {
            let copies = bytes[at..end].repeat(1 + numbers.below(50));
            bytes.splice(at..at, copies);
        }
        6 => drop(bytes.splice(at..at, numbers.one(entry.words).iter().copied())),
        7 => {
            let word = numbers.one(entry.words);
            let len = word.len().min(bytes.len() - at);
            bytes[at..at + len].copy_from_slice(&word[..len]);
        }
        8 => {
            let number = numbers.one(&INTERESTING).wrapping_add(numbers.below(3) as u64).wrapping_sub(1);
            let width = [1, 2, 4, 8][numbers.below(4)].min(bytes.len() - at);
            let (little, big) = (number.to_le_bytes(), number.to_be_bytes());
            let from = if numbers.below(2) == 0 { &little[..width] } else { &big[8 - width..] };
            bytes[at..at + width].copy_from_slice(from);
        }
        9 => {
            let other = &numbers.one(seeds).1;
            bytes.truncate(at);
            bytes.extend(&other[numbers.below(other.len())..]);
        }
        10 => bytes.truncate(at),
        _ => bytes[at..end].fill(*numbers.one(&[0, 0xff, b' ', b'\n', b'A'])),
    }
}

// ---- seeds ----

fn mailboxes() -> Vec<Seed> {
    let from = "From a@b Mon Jan  1 00:00:00 2001";
    let mbox = format!(
        "{from}\nSubject: a\nContent-Length: 30\n\nx\n\n{from}\nA: b\n\n>From the desk\n\n\
         {from}\r\nB: c\r\n\r\nz\r\n\r\nFrom - Mon Jan  1 00:00:00 2001\r\nX-Mozilla-Status: 0001\r\n\r\n"
    );
    let mmdf = "\x01\x01\x01\x01\nA: b\n\nc\n\x01\x01\x01\x01\n\x01\x01\x01\x01\nA: d\n\n\x01\x01\x01\x01\n";
    let many = format!("{from}\nA: b\n\nx\n\n").repeat(30);
    vec![("a.mbox", mbox.into()), ("b.mbox", mmdf.into()), ("c.mbox", many.into())]
}

fn apple_mails() -> Vec<Seed> {
    let plist = "<?xml version=\"1.0\"?>\n<!DOCTYPE plist>\n<plist version=\"1.0\"><dict/></plist>\n";
    let emlx = |mail: &str, after: &str| format!("{}{after}{mail}{plist}", mail.len()).into_bytes();
    vec![
        ("1.emlx", emlx("Subject: a\n\nbc\n", "\n")),
        ("2.emlx", emlx("Subject: a\r\nTo: b@x.example\r\n\r\n", "      \n")),
    ]
}

fn gzips() -> Vec<Seed> {
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let plain = gzip(&b"hello hello hello ".repeat(20));
    // With every optional field: extra, name, comment, checksum of the header.
    let mut full = b"\x1f\x8b\x08\x1e\x01\x02\x03\x04\x00\x03\x04\x00ab\x00\x00n.txt\x00comment\x00".to_vec();
    let mut crc = flate2::Crc::new();
    crc.update(&full);
    full.extend((crc.sum() as u16).to_le_bytes());
    full.extend(&plain[10..]);
    let several = [plain.as_slice(), &gzip(b""), &full, &[0; 5]].concat();
    vec![("a.gz", plain), ("b.gz", full), ("c.gz", several), ("d.gz", gzip(&vec![0; 50_000]))]
}

fn mails() -> Vec<Seed> {
    let head = "From: \"A, B\" <a@x.example>\nTo: b@x.example, g: c@x.example, d;\n\
                Date: Mon, 1 Jan 2001 00:00:00 +0100\nSubject: =?utf-8?Q?caf=C3=A9?= =?iso-8859-1?B?6Q==?=\n\
                Message-ID: <1@x.example>\nReferences: <0@x.example>\n <00@x.example>\n";
    let flat = format!(
        "{head}\nplain text\nbegin 644 a.txt\n#0V%T\n`\nend\n\
         =ybegin line=128 size=3 name=y\nklm\n=yend size=3\n"
    );
    let mixed = format!(
        "{head}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\npreamble\n--b\n\
         Content-Type: multipart/alternative; boundary=c\n\n--c\n\
         Content-Type: text/plain; charset=iso-8859-1; format=flowed\n\
         Content-Transfer-Encoding: quoted-printable\n\nsoft =\nbreak =E9 \nflows\n--c\n\
         Content-Type: text/html\n\n<p>x\n--c--\n--b\n\
         Content-Type: application/octet-stream; name*0*=utf-8''a%20; name*1=b.bin\n\
         Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"a b.bin\"\n\
         Content-ID: <i@x>\n\nAAECAwQFBgcICQ==\n--b\n\
         Content-Type: message/rfc822\n\nSubject: inner\n\nx\n--b--\nepilogue\n"
    );
    let crlf = mixed.replace('\n', "\r\n");
    let nested = (0..12).fold(head.to_owned(), |mail, n| {
        format!("{mail}Content-Type: multipart/mixed; boundary=n{n}\n\n--n{n}\n")
    });
    let mut seeds: Vec<Seed> = vec![
        ("a.eml", flat.into()),
        ("b.eml", mixed.into()),
        ("c.eml", crlf.into()),
        ("d.eml", nested.into()),
    ];
    seeds.extend(signed_mails());
    seeds.extend(mails_with_signature_fields());
    seeds
}

/// Mail signed in its header, by every dialect, and as lists leave it.
fn mails_with_signature_fields() -> Vec<Seed> {
    let dkim = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=x.example; s=s; l=20;\n \
                h=From:To:Subject:Subject:Content-Type; t=1; x=2; z=From:a@x.example|Subject:=20a;\n \
                bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\n AAAA\n";
    let old = "DomainKey-Signature: a=rsa-sha1; q=dns; c=nofws; d=x.example; s=s; h=from:to; b=AAAA\n\
               DKIM-Signature: a=rsa-sha1; c=nowsp; d=x.example; s=s; h=from; b=AAAA\n\
               DKIM-Signature: a=rsa-sha1; d=x.example; s=s; h=from; b=AAAA\n";
    let chain = "ARC-Seal: i=1; a=rsa-sha256; d=x.example; s=s; cv=none; b=AAAA\n\
                 ARC-Message-Signature: i=1; a=rsa-sha256; d=x.example; s=s; h=from; bh=AA==; b=AAAA\n\
                 ARC-Authentication-Results: i=1; x.example; dkim=none\n";
    let head = "From: \"A via L\" <l@x.example>\nReply-To: A <a@x.example>\nTo: b@x.example\n\
                Subject: [l] Re: a\nList-Id: <l.x.example>\nList-Post: <mailto:l@x.example>\n";
    let text = "Hello  you \n>From here\n..\n\n-- \nlist\n\n";
    let parts = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\
                 Content-Transfer-Encoding: quoted-printable\n\ncaf=C3=A9=\n!\n--b\n\nlist\n--b--\n";
    vec![
        ("dkim.eml", format!("{dkim}{old}{head}\n{text}").into()),
        ("arc.eml", format!("{chain}{dkim}{head}{parts}").replace('\n', "\r\n").into()),
    ]
}

/// Mail with signatures inside: S/MIME beside its content and around it, OpenPGP beside it and in text.
fn signed_mails() -> Vec<Seed> {
    macro_rules! sample {
        ($name:literal) => {
            (
                concat!($name, ".eml"),
                include_bytes!(concat!("../src/formats/mime/part_signatures/samples/", $name, ".eml"))
                    .to_vec(),
            )
        };
    }
    vec![
        sample!("smime-rsa"),
        sample!("smime-p384-keyid"),
        sample!("smime-opaque-ber"),
        sample!("pgp-subkey-p256"),
        sample!("pgp-attached-rsa"),
        sample!("pgp-clear"),
    ]
}

fn pages() -> Vec<Seed> {
    let head = b"<!-- x --><html><meta charset=koi8-r><title>t</title>".as_slice();
    let long = "<div><p>text <a href='http://x.example/?a=1&amp;b'>link</a></div>".repeat(40);
    let table = "<html><style>a{}</style><script>if (a<b) {}</script><table><tr><td>1<td>2</table>";
    let wide = "\u{feff}<html><body><p>caf\u{e9}</p></body></html>";
    vec![
        ("a.html", [head, b"<p>a &amp; <b>b</b> \xf0\xd2"].concat()),
        ("b.html", format!("<!DOCTYPE html><html><body>{long}</body></html>").into()),
        ("c.html", table.into()),
        ("d.html", wide.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ]
}

fn texts() -> Vec<Seed> {
    let wide = "\u{feff}Gr\u{fc}\u{df}e \u{1f4c4}\n";
    vec![
        ("a.txt", "Gr\u{fc}\u{df}e\r\n\u{65e5}\u{672c} \u{1f4c4}\n".repeat(20).into()),
        ("b.txt", wide.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("c.txt", wide.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("d.txt", b"Les donn\xe9es ont \xe9t\xe9 envoy\xe9es \xe0 la fen\xeatre\n".repeat(10)),
        ("e.txt", b"\x1b$B%F%9%H\x1b(B plain\n".to_vec()),
    ]
}

/// Name, method, content, and whether its sizes stand after it.
type Member<'m> = (&'m str, u16, &'m [u8], bool);

fn archives() -> Vec<Seed> {
    let noise: Vec<u8> = (0..200u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let inner = zip_of(&[("x", 8, b"nested", false)], false, b"");
    let names: Vec<String> = (0..40).map(|n| format!("dir/{n}.txt")).collect();
    let many: Vec<Member> = names.iter().map(|name| (name.as_str(), 8, name.as_bytes(), false)).collect();
    let mixed: &[Member] = &[
        ("a", 0, b"stored", false),
        ("d/", 0, b"", false),
        ("../b", 8, &noise, true),
        ("c.zip", 0, &inner, false),
        ("", 8, b"x", true),
        ("other", 14, b"not decoded", false),
    ];
    vec![
        ("a.zip", zip_of(mixed, false, b"a comment")),
        ("b.zip", zip_of(mixed, true, b"")),
        ("c.zip", zip_of(&many, false, b"")),
        ("d.zip", zip_of(&[], false, b"")),
    ]
}

/// An archive; `zip64`: with the end records of big ones.
fn zip_of(members: &[Member], zip64: bool, comment: &[u8]) -> Vec<u8> {
    let (mut file, mut central) = (Vec::new(), Vec::new());
    for &(name, method, content, described) in members {
        let mut data = content.to_vec();
        if method == 8 {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content).unwrap();
            data = encoder.finish().unwrap();
        }
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let sizes = [crc.sum(), data.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
        let start = [20u16, u16::from(described) * 8, method, 0, 0x21].map(u16::to_le_bytes).concat();
        let name_len = (name.len() as u32).to_le_bytes();
        let at = (file.len() as u32).to_le_bytes();
        let local = if described { vec![0; 12] } else { sizes.clone() };
        file.extend([b"PK\x03\x04", start.as_slice(), &local, &name_len, name.as_bytes(), &data].concat());
        if described {
            file.extend([b"PK\x07\x08", sizes.as_slice()].concat());
        }
        let more = [sizes.as_slice(), &name_len, &[0; 10], &at, name.as_bytes()].concat();
        central.extend([b"PK\x01\x02\x14\0", start.as_slice(), &more].concat());
    }
    let (n, size, at) = (members.len() as u64, central.len() as u64, file.len() as u64);
    file.extend(central);
    let mut last = (n as u16, size as u32, at as u32);
    if zip64 {
        let end = (file.len() as u64).to_le_bytes();
        let sums = [n, n, size, at].map(u64::to_le_bytes).concat();
        file.extend([b"PK\x06\x06", 44u64.to_le_bytes().as_slice(), b"-\0-\0", &[0; 8], &sums].concat());
        file.extend([b"PK\x06\x07\0\0\0\0", end.as_slice(), &[1, 0, 0, 0]].concat());
        last = (u16::MAX, u32::MAX, u32::MAX);
    }
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([last.0, last.0].map(u16::to_le_bytes).concat());
    file.extend([last.1, last.2].map(u32::to_le_bytes).concat());
    file.extend((comment.len() as u16).to_le_bytes());
    file.extend(comment);
    file
}
