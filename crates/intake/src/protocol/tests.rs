//! What a worker in an attacker's hands could send, and what the parent makes of it: each breach of the
//! grammar by its name, honest answers unharmed, and noise that never does more than end the unit.

use serde::Serialize;
use tamis_model::{
    Reason,
    tables::{Defect, Header, Message, Text},
};

use super::*;
use crate::out::{Coding, Declared, Naming};

/// Counts what it is given.
#[derive(Default)]
struct Count(u64);

impl Spool for Count {
    type Body = u64;
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0 += bytes.len() as u64;
        Ok(())
    }
    fn finish(&mut self) -> io::Result<u64> {
        Ok(std::mem::take(&mut self.0))
    }
    fn discard(&mut self) {
        self.0 = 0;
    }
}

/// A disk that is full.
struct Full;

impl Spool for Full {
    type Body = ();
    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn discard(&mut self) {}
}

type Sent = (u8, Vec<u8>);

fn sent(kind: Kind, value: &impl Serialize) -> Sent {
    (kind as u8, postcard::to_stdvec(value).unwrap())
}

fn open() -> Sent {
    sent(Kind::Open, &(Some("zip/1"), "application/zip", true))
}

fn done() -> Sent {
    sent(Kind::Done, &(Outcome::PARSED, 0u32))
}

fn covered(range: Range<u64>) -> Sent {
    sent(Kind::Covered, &range)
}

fn slices(slices: &[(u64, u64)]) -> Sent {
    let slices: Vec<_> = slices.iter().map(|&(from, to)| Slice { from, to }).collect();
    sent(Kind::Slices, &slices)
}

fn a_child(stored: Option<Range<u64>>) -> Child {
    let coding = Coding::Identity;
    Child {
        name: b"a".into(),
        naming: Naming::Name,
        media_type: String::new(),
        stored,
        coding,
        declared: None,
    }
}

fn child(stored: Option<Range<u64>>, content: Content) -> Sent {
    sent(Kind::Child, &(a_child(stored), content))
}

const ABSENT: Content = Content::Absent { outcome: Outcome::ENCRYPTED, bytes: 7 };

fn stored(range: Range<u64>) -> Sent {
    child(Some(range), Content::Stored)
}

fn follows(stored: Range<u64>) -> Sent {
    child(Some(stored), Content::Follows)
}

fn bytes(n: usize) -> Sent {
    (Kind::Bytes as u8, vec![b'x'; n])
}

fn child_end() -> Sent {
    sent(Kind::ChildEnd, &None::<Outcome>)
}

fn dropped() -> Sent {
    sent(Kind::ChildEnd, &Some(Outcome::failed(Reason::Corrupt)))
}

fn defect(note: usize) -> Sent {
    let note = "x".repeat(note);
    sent(Kind::Fact, &Fact::Defect(Defect { kind: "k".into(), at: None, len: None, note }))
}

fn message() -> Message {
    Message {
        form: "source".into(),
        message_id: Some("1@x.example".into()),
        date_raw: None,
        date: None,
        utc_offset_min: None,
        from_addr: None,
        from_name: None,
        from_domain: None,
        to: vec!["a@x.example".into(), String::new()],
        cc: vec![],
        bcc: vec![],
        subject: None,
        in_reply_to: vec![],
        references: vec![],
        mailer: None,
        list_id: None,
        received: 0,
        marks: Vec::new(),
        lang: None,
        attachments: 0,
    }
}

fn a_message() -> Sent {
    sent(Kind::Fact, &Fact::Message(Box::new(message())))
}

fn thing(len: u64, task: Task) -> Thing {
    Thing { at: 0, len, hint: Hint::default(), task }
}

/// The readings, or the breach and how many frames passed before it.
fn run(things: &[Thing], frames: &[Sent]) -> Result<Vec<Reading<u64>>, (usize, Violation)> {
    let mut machine = Machine::new(things, Count::default());
    for (n, (kind, payload)) in frames.iter().enumerate() {
        machine.frame(*kind, payload).map_err(|violation| (n, violation))?;
    }
    Ok(machine.finish())
}

const READ: fn(u64) -> Thing = |len| thing(len, Task::Read);
const SLICE: fn(u64, u64) -> Thing = |from, to| thing(100, Task::Slice(Slice { from, to }));

/// The last frame, and no earlier one, must be the breach.
macro_rules! breaches {
    ($($name:literal: [$($thing:expr),*], [$($frames:expr),* $(,)?] => $violation:pat,)*) => {
        vec![$({
            let mut frames = Vec::new();
            $(Frames::add($frames, &mut frames);)*
            let is_it: fn(&Violation) -> bool = |violation| matches!(violation, $violation);
            ($name, vec![$($thing),*], frames, is_it)
        }),*]
    };
}

/// One frame or several.
trait Frames {
    fn add(self, frames: &mut Vec<Sent>);
}

impl Frames for Sent {
    fn add(self, frames: &mut Vec<Sent>) {
        frames.push(self);
    }
}

impl Frames for Vec<Sent> {
    fn add(self, frames: &mut Vec<Sent>) {
        frames.extend(self);
    }
}

#[test]
#[rustfmt::skip::macros(breaches)]
fn each_lie_is_told_by_its_name() {
    use Violation::{Excess, Grammar, Range as False};
    let long = |n: usize| "x".repeat(n);
    let named = |name: usize, media_type: usize| {
        let child = Child { name: vec![b'n'; name], media_type: long(media_type), ..a_child(None) };
        sent(Kind::Child, &(child, ABSENT))
    };
    let opened = |reader: &str, media_type: &str| sent(Kind::Open, &(Some(reader), media_type, false));
    let ended = |outcome: Outcome| sent(Kind::Done, &(outcome, 0u32));
    let mut trailing = covered(0..1);
    trailing.1.push(0);
    let mut short = covered(0..1);
    short.1.pop();
    let cap = limits::facts(0) as usize;
    let mib = 1 << 20;
    let chunk = Frame::BYTES as usize;
    let cases = breaches! {
        // Kinds and places.
        "kind 0": [READ(10)], [(0, vec![])] => Grammar("unknown kind"),
        "kind 9": [READ(10)], [open(), (9, vec![])] => Grammar("unknown kind"),
        "kind 255": [READ(10)], [open(), (255, vec![1; 70_000])] => Grammar("unknown kind"),
        "opened twice": [READ(10)], [open(), open()] => Grammar("frame in the wrong place"),
        "fact first": [READ(10)], [defect(1)] => Grammar("frame in the wrong place"),
        "covered first": [READ(10)], [covered(0..1)] => Grammar("frame in the wrong place"),
        "slices first": [READ(10)], [slices(&[(0, 1)])] => Grammar("frame in the wrong place"),
        "child first": [READ(10)], [stored(0..1)] => Grammar("frame in the wrong place"),
        "done first": [READ(10)], [done()] => Grammar("frame in the wrong place"),
        "bytes first": [READ(10)], [bytes(1)] => Grammar("frame in the wrong place"),
        "bytes without a child": [READ(10)], [open(), bytes(1)] => Grammar("frame in the wrong place"),
        "end without a child": [READ(10)], [open(), child_end()] => Grammar("frame in the wrong place"),
        "bytes of a stored child": [READ(10)], [open(), stored(0..1), bytes(1)] => Grammar("frame in the wrong place"),
        "bytes of an absent child": [READ(10)], [open(), child(None, ABSENT), bytes(1)]
            => Grammar("frame in the wrong place"),
        "bytes after a child's end": [READ(10)], [open(), follows(0..1), child_end(), bytes(1)]
            => Grammar("frame in the wrong place"),
        "done inside a child": [READ(10)], [open(), follows(0..1), done()] => Grammar("frame in the wrong place"),
        "child inside a child": [READ(10)], [open(), follows(0..1), stored(1..2)]
            => Grammar("frame in the wrong place"),
        "fact inside a child": [READ(10)], [open(), follows(0..1), bytes(3), defect(1)]
            => Grammar("frame in the wrong place"),
        "opened inside a child": [READ(10), READ(10)], [open(), follows(0..1), open()]
            => Grammar("frame in the wrong place"),
        "fact after the end": [READ(10), READ(10)], [open(), done(), defect(1)] => Grammar("frame in the wrong place"),

        // More than was asked for.
        "nothing was asked": [], [open()] => Grammar("more things than asked for"),
        "an answer too many": [READ(1), READ(2)], [open(), done(), open(), done(), open()]
            => Grammar("more things than asked for"),
        "a fact about a neighbour": [READ(1)], [open(), done(), defect(1)] => Grammar("more things than asked for"),

        // Payloads.
        "empty payload": [READ(10)], [(Kind::Open as u8, vec![])] => Grammar("a frame that cannot be decoded"),
        "trailing byte": [READ(10)], [open(), trailing] => Grammar("a frame that cannot be decoded"),
        "short payload": [READ(10)], [open(), short] => Grammar("a frame that cannot be decoded"),
        "not UTF-8": [READ(10)], [(Kind::Open as u8, vec![0, 2, 0xc3, 0x28])]
            => Grammar("a frame that cannot be decoded"),
        "a fact of no table": [READ(10)], [open(), (Kind::Fact as u8, vec![200, 1])]
            => Grammar("a frame that cannot be decoded"),
        "an outcome of no state": [READ(10)], [open(), (Kind::Done as u8, vec![99, 0, 0])]
            => Grammar("a frame that cannot be decoded"),
        "more slices than bytes": [READ(10)], [open(), (Kind::Slices as u8, vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1])]
            => Grammar("a frame that cannot be decoded"),
        "an end that is no outcome": [READ(10)], [open(), follows(0..1), (Kind::ChildEnd as u8, vec![7])]
            => Grammar("a frame that cannot be decoded"),

        // Names.
        "long reader": [READ(10)], [opened(&long(129), "")] => Grammar("name of reader or type"),
        "long type": [READ(10)], [opened("", &long(129))] => Grammar("name of reader or type"),
        "a reader of two words": [READ(10)], [opened("a b", "")] => Grammar("name of reader or type"),
        "a reader that steers": [READ(10)], [opened("\u{1b}[31m", "")] => Grammar("name of reader or type"),
        "a type in two lines": [READ(10)], [opened("", "a\nb")] => Grammar("name of reader or type"),
        "a type that turns": [READ(10)], [opened("", "\u{202e}a")] => Grammar("name of reader or type"),
        "long name": [READ(10)], [open(), named(limits::NAME_BYTES + 1, 0)] => Excess("name of a child"),
        "long type of a child": [READ(10)], [open(), named(0, 257)] => Excess("name of a child"),

        // Ranges.
        "covered beyond": [READ(10)], [open(), covered(5..11)] => False("outside the thing"),
        "covered backwards": [READ(10)], [open(), covered(Range { start: 6, end: 5 })] => False("outside the thing"),
        "covered to infinity": [READ(10)], [open(), covered(0..u64::MAX)] => False("outside the thing"),
        "covered at infinity": [READ(10)], [open(), covered(u64::MAX..u64::MAX)] => False("outside the thing"),
        "stored beyond": [READ(10)], [open(), stored(10..11)] => False("outside the thing"),
        "stored backwards": [READ(10)], [open(), stored(Range { start: 9, end: 1 })] => False("outside the thing"),
        "decoded from beyond": [READ(10)], [open(), follows(0..11)] => False("outside the thing"),
        "absent from beyond": [READ(10)], [open(), child(Some(11..11), ABSENT)] => False("outside the thing"),
        "in the neighbour's bytes": [READ(4), READ(10)], [open(), stored(4..14)] => False("outside the thing"),
        "stored nowhere": [READ(10)], [open(), child(None, Content::Stored)]
            => Grammar("a stored child without a range"),
        "covered twice": [READ(10)], [open(), covered(0..6), covered(5..7), done()] => False("ranges overlap"),
        "stored twice": [READ(10)], [open(), stored(0..6), stored(0..6), done()] => False("ranges overlap"),
        "stored and covered": [READ(10)], [open(), stored(2..4), covered(0..10), done()] => False("ranges overlap"),
        "decoded and covered": [READ(10)], [open(), covered(9..10), follows(0..10), child_end(), done()]
            => False("ranges overlap"),
        "overlap in the second thing": [READ(10), READ(3)], [open(), done(), open(), covered(0..3), stored(2..3), done()]
            => False("ranges overlap"),

        // Slices.
        "slices of a slice": [SLICE(0, 2)], [open(), slices(&[(0, 2)])]
            => Grammar("slices where children were asked for"),
        "slices after a child": [READ(10)], [open(), stored(0..1), slices(&[(0, 1)])]
            => Grammar("slices where children were asked for"),
        "a child after slices": [READ(10)], [open(), slices(&[(0, 1)]), stored(0..1)] => Excess("children"),
        "a child after no slices": [thing(10, Task::Cut)], [open(), slices(&[]), stored(0..1)] => Excess("children"),
        "slices not from 0": [READ(10)], [open(), slices(&[(1, 2)])] => False("slices are not one after the other"),
        "slices with a hole": [READ(10)], [open(), slices(&[(0, 2), (3, 4)])]
            => False("slices are not one after the other"),
        "slices that overlap": [READ(10)], [open(), slices(&[(0, 2)]), slices(&[(1, 3)])]
            => False("slices are not one after the other"),
        "an empty slice": [READ(10)], [open(), slices(&[(0, 0)])] => False("slices are not one after the other"),
        "a slice backwards": [READ(10)], [open(), slices(&[(0, 3), (3, 1)])]
            => False("slices are not one after the other"),
        "slices of more than can be": [READ(10)], [open(), slices(&[(0, 1027)])]
            => False("slices are not one after the other"),
        "a slice to infinity": [READ(10)], [open(), slices(&[(0, u64::MAX)])]
            => False("slices are not one after the other"),
        "a slice with fewer": [SLICE(3, 5)], [open(), stored(0..1), done()]
            => Grammar("a slice with another number of children"),
        "a slice with none": [SLICE(0, 1)], [open(), done()] => Grammar("a slice with another number of children"),
        "a slice with more": [SLICE(3, 5)], [open(), stored(0..1), stored(1..2), stored(2..3)] => Excess("children"),
        "a slice with more decoded": [SLICE(7, 8)], [open(), stored(0..1), follows(1..2)] => Excess("children"),

        // Outcomes that only the parent can know, or that are none.
        "a duplicate": [READ(10)], [open(), ended(Outcome::DUPLICATE)]
            => Grammar("an outcome that is not the worker's to say"),
        "to be tried again": [READ(10)], [open(), ended(Outcome::failed(Reason::Time))]
            => Grammar("an outcome that is not the worker's to say"),
        "partial for nothing": [READ(10)], [open(), ended(Outcome { state: State::Partial, reason: None })]
            => Grammar("an outcome that is not the worker's to say"),
        "parsed, but": [READ(10)], [open(), ended(Outcome { reason: Some(Reason::Died), ..Outcome::PARSED })]
            => Grammar("an outcome that is not the worker's to say"),
        "a child that is a duplicate": [READ(10)],
            [open(), child(None, Content::Absent { outcome: Outcome::DUPLICATE, bytes: 0 })]
            => Grammar("an outcome that is not the worker's to say"),
        "a child to be tried again": [READ(10)],
            [open(), follows(0..1), sent(Kind::ChildEnd, &Some(Outcome::failed(Reason::Killed)))]
            => Grammar("an outcome that is not the worker's to say"),

        // Proportions.
        "facts": [READ(0)], [open(), vec![defect(cap / 2); 2]] => Excess("facts"),
        "one fact": [READ(0)], [open(), defect(cap)] => Excess("facts"),
        "two mails in one": [READ(10)], [open(), a_message(), a_message()] => Grammar("a second mail in one"),
        "children": [READ(0)], [open(), vec![child(None, ABSENT); 1025]] => Excess("children"),
        "children of some bytes": [READ(400)], [open(), vec![child(None, ABSENT); 1125]] => Excess("children"),
        "ranges": [READ(0)], [open(), vec![covered(0..0); 2 * 1024 + 3]] => Excess("rows"),
        "a child's bytes": [READ(10)], [open(), follows(0..0), vec![bytes(chunk); (64 << 20) / chunk], bytes(1)]
            => Excess("decoded bytes"),
        "all children's bytes": [READ(0)],
            [open(), follows(0..0), vec![bytes(chunk); 40 * mib / chunk], child_end(),
             follows(0..0), vec![bytes(chunk); 24 * mib / chunk], bytes(1)] => Excess("decoded bytes"),
        "bytes of dropped children": [READ(0)],
            [open(), follows(0..0), vec![bytes(chunk); 40 * mib / chunk], dropped(),
             follows(0..0), vec![bytes(chunk); 24 * mib / chunk], bytes(1)] => Excess("decoded bytes"),
    };
    for (name, things, frames, is_it) in cases {
        let result = run(&things, &frames);
        let Err((at, violation)) = result else { panic!("{name}: {result:?}") };
        assert!(is_it(&violation), "{name}: {violation:?}");
        assert_eq!(at, frames.len() - 1, "{name}: {violation:?}");
    }
}

#[test]
fn what_a_child_declares_is_limited_in_sum() {
    let declared = Declared {
        part: "x".repeat(200_000),
        name: Some("y".repeat(200_000)),
        media_type: None,
        disposition: None,
        content_id: None,
    };
    let big = Child { declared: Some(Box::new(declared)), ..a_child(None) };
    let frames: Vec<_> = [open()].into_iter().chain(vec![sent(Kind::Child, &(big, ABSENT)); 3]).collect();
    assert!(matches!(run(&[READ(0)], &frames), Err((3, Violation::Excess("rows")))));
}

#[test]
fn a_full_disk_is_not_the_workers_fault() {
    let things = [READ(10)];
    let mut machine = Machine::new(&things, Full);
    let mut send = |(kind, payload): Sent| machine.frame(kind, &payload);
    send(open()).unwrap();
    send(follows(0..1)).unwrap();
    assert!(
        matches!(send(bytes(1)), Err(Violation::Spool(error)) if error.kind() == io::ErrorKind::StorageFull)
    );
}

#[test]
#[allow(clippy::single_range_in_vec_init)]
fn honest_answers_pass() {
    let sure = |frames: Vec<Sent>, things: Vec<Thing>| {
        run(&things, &frames).unwrap_or_else(|(at, violation)| panic!("frame {at}: {violation}"))
    };
    let text = Text {
        part: String::new(),
        chunk: 0,
        origin: "original".into(),
        made_by: None,
        media_type: "text/plain".into(),
        lang: None,
        text: "héllo".into(),
    };
    let header = Header { ordinal: 0, name: "To".into(), value: "a".into(), value_raw: None, at: 0, len: 7 };
    let readings = sure(
        vec![
            open(),
            a_message(),
            sent(Kind::Fact, &Fact::Header(header)),
            covered(0..3),
            stored(3..5),
            follows(5..9),
            bytes(0),
            bytes(30),
            child_end(),
            sent(Kind::Fact, &Fact::Text(text)),
            follows(9..9),
            bytes(2),
            dropped(),
            child(None, ABSENT),
            child(None, Content::Absent { outcome: Outcome::ENCRYPTED, bytes: u64::MAX }),
            covered(9..10),
            sent(Kind::Done, &(Outcome::partial(Reason::Damaged), 3u32)),
            // An opaque thing, one that is cut, one run of its members, an empty one.
            sent(Kind::Open, &(None::<String>, "", false)),
            done(),
            open(),
            covered(0..2),
            slices(&[(0, 4), (4, 5)]),
            slices(&[]),
            slices(&[(5, 1026)]),
            done(),
            open(),
            stored(0..0),
            stored(99..100),
            done(),
            open(),
            done(),
        ],
        vec![READ(10), READ(5), thing(10, Task::Cut), SLICE(7, 9), READ(0)],
    );
    let [first, opaque, cut, slice, empty] = &readings[..] else { panic!("{readings:?}") };
    assert_eq!((first.sure, opaque.sure), (true, false));
    assert_eq!((first.outcome, first.no_text), (Outcome::partial(Reason::Damaged), 3));
    assert_eq!((first.reader.as_deref(), first.facts.len()), (Some("zip/1"), 3));
    let contents: Vec<_> = first.children.iter().map(|(_, content)| *content).collect();
    let absent = |outcome, bytes| ChildContent::Absent { outcome, bytes };
    assert_eq!(
        contents,
        [
            ChildContent::Stored,
            ChildContent::Decoded(30),
            absent(Outcome::failed(Reason::Corrupt), 2),
            absent(Outcome::ENCRYPTED, 7),
            // Sums of sizes cannot overflow.
            absent(Outcome::ENCRYPTED, limits::DECLARED)
        ]
    );
    assert_eq!(first.gaps(10).unwrap(), []);
    assert_eq!((&opaque.reader, opaque.gaps(5).unwrap()), (&None, vec![0..5]));
    let runs = cut.slices.as_ref().unwrap();
    assert_eq!((runs.len(), runs[2], cut.gaps(10).unwrap()), (3, Slice { from: 5, to: 1026 }, vec![2..10]));
    assert_eq!((slice.children.len(), slice.gaps(100).unwrap()), (2, vec![0..99]));
    assert_eq!((empty.outcome, empty.slices.is_none()), (Outcome::PARSED, true));
}

/// Ranges and amounts up to the very limit are honest.
#[test]
fn limits_themselves_are_allowed() {
    let chunk = Frame::BYTES as usize;
    let cases: [(&str, Thing, Vec<Sent>); 6] = [
        ("children", READ(0), vec![child(None, ABSENT); 1024]),
        ("ranges", READ(0), vec![covered(0..0); 2 * 1024 + 2]),
        (
            "decoded",
            READ(0),
            [vec![follows(0..0)], vec![bytes(chunk); (64 << 20) / chunk], vec![child_end()]].concat(),
        ),
        ("facts", READ(0), vec![defect(limits::facts(0) as usize - 1000)]),
        ("slices", READ(10), vec![slices(&[(0, 1026)])]),
        (
            "names",
            READ(0),
            vec![sent(
                Kind::Child,
                &(
                    Child {
                        name: vec![0xff; limits::NAME_BYTES],
                        media_type: "x".repeat(256),
                        ..a_child(None)
                    },
                    ABSENT,
                ),
            )],
        ),
    ];
    for (name, thing, middle) in cases {
        let frames = [vec![open()], middle, vec![done()]].concat();
        let result = run(&[thing], &frames);
        assert!(matches!(&result, Ok(readings) if readings.len() == 1), "{name}: {result:?}");
    }
}

/// A worker that ends early leaves what was complete, and nothing of the rest.
#[test]
fn what_is_not_ended_is_not_read() {
    let things = [READ(10), READ(10)];
    let frames = [open(), covered(0..10), done(), open(), covered(0..3), follows(3..4), bytes(1)];
    for (n, complete) in [(0, 0), (2, 0), (3, 1), (5, 1), (7, 1)] {
        assert_eq!(run(&things, &frames[..n]).unwrap().len(), complete, "{n} frames");
    }
}

#[test]
fn every_kind_has_a_limit_and_nothing_else_has() {
    let with: Vec<u8> = (0..=255).filter(|kind| Frame::limit(*kind).is_some()).collect();
    assert_eq!(with, (1..=8).collect::<Vec<u8>>());
    for kind in with {
        let expected = if kind == Kind::Bytes as u8 { Frame::BYTES } else { limits::ROW_BYTES };
        assert_eq!(Frame::limit(kind), Some(expected));
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn range(&mut self, len: u64) -> Range<u64> {
        let at = self.below(len + 1);
        at..at + self.below(len - at + 1)
    }

    /// A frame that fits in most places, now and then with a wrong number in it or with its bytes
    /// changed.
    fn frame(&mut self, len: u64) -> Sent {
        let far = if self.below(40) == 0 { 3 } else { 0 };
        let range = self.range(len + far);
        let mut frame = match self.below(22) {
            0 | 1 => open(),
            2 | 3 => done(),
            4..=6 => covered(range),
            7 => {
                let runs = self.below(4);
                slices(&(0..runs).map(|n| (n, n + 1)).collect::<Vec<_>>())
            }
            8..=10 => child(Some(range).filter(|_| self.below(4) > 0), ABSENT),
            11..=12 => stored(range),
            13..=14 => follows(range),
            15..=16 => {
                let n = self.below(70_000) as usize;
                bytes(n)
            }
            17 => child_end(),
            18 => dropped(),
            19 => a_message(),
            20 => defect(self.below(300) as usize),
            _ => {
                let noise = (0..self.below(40)).map(|_| self.next() as u8).collect();
                (self.below(12) as u8, noise)
            }
        };
        if self.below(60) == 0 && !frame.1.is_empty() {
            let at = self.below(frame.1.len() as u64) as usize;
            match self.below(3) {
                0 => frame.1[at] = self.next() as u8,
                1 => frame.1.truncate(at),
                _ => frame.1.insert(at, self.next() as u8),
            }
        }
        frame
    }
}

/// Nothing panics, and whatever passed keeps the promises that the rest of the house builds on.
#[test]
fn noise_breaks_nothing() {
    let mut numbers = Numbers(7);
    let (mut complete, mut broken) = (0, 0);
    for _ in 0..60_000 {
        let things: Vec<Thing> = (0..1 + numbers.below(3))
            .map(|_| {
                let from = numbers.below(5);
                let to = from + numbers.below(3);
                let task =
                    [Task::Read, Task::Cut, Task::Slice(Slice { from, to })][numbers.below(3) as usize];
                thing(numbers.below(60), task)
            })
            .collect();
        let mut machine = Machine::new(&things, Count::default());
        let mut at = 0;
        for _ in 0..60 {
            let len = things.get(at).map_or(10, |thing| thing.len);
            // Most begin and end as they should, so that something lies behind the first frame.
            let (kind, payload) = match (&machine.at, numbers.below(20)) {
                (At::Between, 1..) => open(),
                (At::InThing(_), 15..) => done(),
                (At::InChild(..), 8..) => child_end(),
                _ => numbers.frame(len),
            };
            if machine.frame(kind, &payload).is_err() {
                broken += 1;
                break;
            }
            at = machine.readings.len();
        }
        let readings = machine.finish();
        assert!(readings.len() <= things.len());
        for (thing, reading) in things.iter().zip(&readings) {
            complete += 1;
            holds(thing, reading);
        }
    }
    assert!(complete > 10_000 && broken > 10_000, "{complete} readings, {broken} breaches: noise too loud");
}

fn holds(thing: &Thing, reading: &Reading<u64>) {
    let mut accounted: u64 = reading.gaps(thing.len).unwrap().iter().map(|gap| gap.end - gap.start).sum();
    let mut decoded = 0;
    for (child, content) in &reading.children {
        if let Some(stored) = &child.stored {
            assert!(stored.start <= stored.end && stored.end <= thing.len);
            accounted += stored.end - stored.start;
        }
        match content {
            ChildContent::Stored => assert!(child.stored.is_some()),
            ChildContent::Decoded(bytes) => decoded += bytes,
            ChildContent::Absent { .. } => {}
        }
    }
    accounted += reading.covered.iter().map(|range| range.end - range.start).sum::<u64>();
    assert_eq!(accounted, thing.len, "{reading:?}");
    assert!(decoded <= limits::expansion(thing.len));
    assert!(reading.facts.iter().filter(|fact| matches!(fact, Fact::Message(_))).count() <= 1);
    match (&reading.slices, thing.task) {
        (Some(_), Task::Slice(_)) => panic!("slices of a slice"),
        (Some(slices), _) => {
            assert!(reading.children.is_empty());
            assert!(slices.first().is_none_or(|first| first.from == 0));
            assert!(slices.windows(2).all(|two| two[0].to == two[1].from && !two[1].is_empty()));
        }
        (None, Task::Slice(slice)) => assert_eq!(reading.children.len() as u64, slice.len()),
        (None, _) => assert!(reading.children.len() as u64 <= limits::children(thing.len)),
    }
}
