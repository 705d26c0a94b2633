//! Digests over a body, many in one pass: each canonical form is made once, each hash over it computed
//! once, and lengths (`l=`) are marks on the way.

use std::collections::BTreeMap;

use super::canon::{Algorithm, BodyForm, Canon, Hash, Lines, Splitter};
use crate::formats::mime::header::Eol;

/// A digest that is wanted: over the first `length` octets of a canonical body, or all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    pub form: BodyForm,
    pub algorithm: Algorithm,
    pub length: Option<u64>,
}

/// A digest of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BodyDigest {
    /// Over what was wanted, or all there is where that is less.
    pub digest: Vec<u8>,
    /// Octets of the whole canonical body.
    pub total: u64,
}

/// A digest over header and body in one.
pub(super) struct Joint {
    pub form: BodyForm,
    pub length: Option<u64>,
    /// With what comes before the body in it.
    pub hash: Hash,
    /// What comes between, where the body is not empty.
    pub between: &'static [u8],
    /// What comes after the body.
    pub after: Vec<u8>,
}

/// All digests of one pass.
pub(super) struct Bodies {
    splitter: Splitter,
    streams: Streams,
}

struct Streams {
    list: Vec<Stream>,
}

/// One canonical form.
struct Stream {
    form: BodyForm,
    canon: Canon,
    /// Canonical octets so far.
    total: u64,
    taps: Vec<Tap>,
    joints: Vec<(usize, Joint)>,
}

/// One hash over a canonical form.
struct Tap {
    algorithm: Algorithm,
    hash: Hash,
    /// Lengths whose digests are wanted and not yet reached, the least last.
    marks: Vec<u64>,
    reached: Vec<(u64, Vec<u8>)>,
}

/// What a pass gave.
#[derive(Debug, Default)]
pub(super) struct Digests {
    bodies: BTreeMap<Wanted, BodyDigest>,
    /// Over header and body in one, in the order in which they were asked for.
    pub joints: Vec<BodyDigest>,
}

impl Digests {
    pub(super) fn get(&self, wanted: &Wanted) -> Option<&BodyDigest> {
        self.bodies.get(wanted)
    }
}

impl Bodies {
    pub(super) fn new(eol: Eol, wanted: impl Iterator<Item = Wanted>, joints: Vec<Joint>) -> Bodies {
        let mut streams = Streams { list: Vec::new() };
        for wanted in wanted {
            streams.want(wanted);
        }
        for (number, joint) in joints.into_iter().enumerate() {
            streams.stream(joint.form).joints.push((number, joint));
        }
        Bodies { splitter: Splitter::new(eol), streams }
    }

    /// How often each byte is handled: the price of one.
    pub(super) fn price(&self) -> u64 {
        let streams = self.streams.list.iter().map(|stream| 1 + stream.taps.len() + stream.joints.len());
        streams.sum::<usize>() as u64
    }

    /// How often each byte is hashed.
    pub(super) fn hashes(&self) -> u64 {
        let streams = self.streams.list.iter().map(|stream| stream.taps.len() + stream.joints.len());
        streams.sum::<usize>() as u64
    }

    /// Takes a piece of the body as it is stored.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.splitter.feed(bytes, &mut self.streams);
    }

    /// Takes a piece, with somebody else who wants to see the lines.
    pub(super) fn feed_with(&mut self, bytes: &[u8], other: &mut dyn Lines) {
        self.splitter.feed(bytes, &mut Pair(&mut self.streams, other));
    }

    /// The body ends.
    pub(super) fn end(mut self) -> Digests {
        self.splitter.end(&mut self.streams);
        let mut digests = Digests::default();
        let mut joints = Vec::new();
        for stream in self.streams.list {
            stream.end(&mut digests, &mut joints);
        }
        joints.sort_by_key(|(number, _)| *number);
        digests.joints = joints.into_iter().map(|(_, digest)| digest).collect();
        digests
    }
}

struct Pair<'l>(&'l mut Streams, &'l mut dyn Lines);

impl Lines for Pair<'_> {
    fn text(&mut self, piece: &[u8]) {
        self.0.text(piece);
        self.1.text(piece);
    }
    fn line_break(&mut self) {
        self.0.line_break();
        self.1.line_break();
    }
}

impl Streams {
    fn stream(&mut self, form: BodyForm) -> &mut Stream {
        let at = self.list.iter().position(|stream| stream.form == form).unwrap_or(self.list.len());
        if at == self.list.len() {
            self.list.push(Stream {
                form,
                canon: Canon::new(form),
                total: 0,
                taps: Vec::new(),
                joints: Vec::new(),
            });
        }
        #[allow(clippy::indexing_slicing)] // Found or pushed above.
        &mut self.list[at]
    }

    fn want(&mut self, wanted: Wanted) {
        let stream = self.stream(wanted.form);
        let known = stream.taps.iter_mut().find(|tap| tap.algorithm == wanted.algorithm);
        let marks = match known {
            Some(tap) => &mut tap.marks,
            None => {
                let hash = wanted.algorithm.hash();
                let tap = Tap { algorithm: wanted.algorithm, hash, marks: Vec::new(), reached: Vec::new() };
                stream.taps.push(tap);
                match stream.taps.last_mut() {
                    Some(tap) => &mut tap.marks,
                    None => return,
                }
            }
        };
        if let Some(length) = wanted.length {
            marks.push(length);
            marks.sort_unstable_by(|a, b| b.cmp(a));
            marks.dedup();
        }
    }
}

impl Lines for Streams {
    fn text(&mut self, piece: &[u8]) {
        for stream in &mut self.list {
            while !stream.canon.text(piece) {
                stream.drain();
            }
            if stream.canon.is_full() {
                stream.drain();
            }
        }
    }

    fn line_break(&mut self) {
        for stream in &mut self.list {
            stream.canon.line_break();
        }
    }
}

impl Stream {
    /// Hashes what is ready.
    fn drain(&mut self) {
        let ready = std::mem::take(&mut self.canon.ready);
        for tap in &mut self.taps {
            tap.update(&ready, self.total);
        }
        for (_, joint) in &mut self.joints {
            joint.update(&ready, self.total);
        }
        self.total += ready.len() as u64;
        self.canon.ready = ready;
        self.canon.ready.clear();
    }

    fn end(mut self, digests: &mut Digests, joints: &mut Vec<(usize, BodyDigest)>) {
        self.canon.end();
        self.drain();
        let (form, total) = (self.form, self.total);
        for mut tap in self.taps {
            // Marks at the very beginning of an empty body, and those beyond its end.
            let whole = tap.hash.clone().digest();
            for mark in std::mem::take(&mut tap.marks) {
                let digest = if mark == 0 { tap.algorithm.of(b"") } else { whole.clone() };
                tap.reached.push((mark, digest));
            }
            let mut give = |length, digest| {
                let wanted = Wanted { form, algorithm: tap.algorithm, length };
                digests.bodies.insert(wanted, BodyDigest { digest, total });
            };
            give(None, whole);
            tap.reached.into_iter().for_each(|(mark, digest)| give(Some(mark), digest));
        }
        for (number, mut joint) in self.joints {
            joint.hash.update(&joint.after);
            joints.push((number, BodyDigest { digest: joint.hash.digest(), total }));
        }
    }
}

impl Tap {
    /// Takes canonical octets, of which `total` came before.
    fn update(&mut self, mut bytes: &[u8], mut total: u64) {
        while let Some(mark) = self.marks.last().copied() {
            let Ok(until) = usize::try_from(mark - total.min(mark)) else { break };
            let Some((before, after)) = bytes.split_at_checked(until) else { break };
            self.hash.update(before);
            self.reached.push((mark, self.hash.clone().digest()));
            self.marks.pop();
            (bytes, total) = (after, mark);
        }
        self.hash.update(bytes);
    }
}

impl Joint {
    fn update(&mut self, bytes: &[u8], total: u64) {
        if total == 0 && !bytes.is_empty() {
            self.hash.update(self.between);
        }
        let room = self.length.map_or(u64::MAX, |length| length.saturating_sub(total));
        let len = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        self.hash.update(bytes.get(..len).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::{super::canon::tests::canonical, *};

    #[test]
    fn one_pass_gives_all() {
        let body = b"Hello  world \r\n\r\n second\tline\r\n\r\n\r\n".as_slice();
        let lengths = [None, Some(0), Some(1), Some(7), Some(14), Some(20), Some(1 << 40), Some(u64::MAX)];
        let forms = [BodyForm::Simple, BodyForm::Relaxed, BodyForm::Nowsp, BodyForm::Plain, BodyForm::Nofws];
        let all = forms.iter().flat_map(|form| {
            lengths.iter().flat_map(|length| {
                [Algorithm::Sha1, Algorithm::Sha256].map(|algorithm| Wanted {
                    form: *form,
                    algorithm,
                    length: *length,
                })
            })
        });
        let all: Vec<Wanted> = all.collect();
        for step in [1, 5, 1000] {
            let mut bodies = Bodies::new(Eol::Lf, all.iter().copied(), vec![]);
            assert_eq!((bodies.hashes(), bodies.price()), (10, 15));
            body.chunks(step).for_each(|piece| bodies.feed(piece));
            let digests = bodies.end();
            for wanted in &all {
                let canon = canonical(wanted.form, body, Eol::Lf, 3);
                let len = wanted.length.map_or(canon.len(), |length| canon.len().min(length as usize));
                let got = digests.get(wanted).unwrap();
                assert_eq!(got.digest, wanted.algorithm.of(&canon[..len]), "{wanted:?} {step}");
                assert_eq!(got.total, canon.len() as u64);
            }
        }
    }

    #[test]
    fn joined_with_the_header() {
        for (body, expect) in [("", "head"), ("\r\n", "head"), ("x", "head\r\nx\r\nend")] {
            let mut hash = Algorithm::Sha1.hash();
            hash.update(b"head");
            let after = if body == "x" { b"end".to_vec() } else { vec![] };
            let joint = Joint { form: BodyForm::Plain, length: None, hash, between: b"\r\n", after };
            let mut bodies = Bodies::new(Eol::Lf, std::iter::empty(), vec![joint]);
            bodies.feed(body.as_bytes());
            assert_eq!(bodies.end().joints[0].digest, Algorithm::Sha1.of(expect.as_bytes()), "{body:?}");
        }
    }
}
