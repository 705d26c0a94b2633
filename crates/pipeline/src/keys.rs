//! Which signing keys a case lacks, what it holds to compute them from, and how far such a computation came.
//! Reads facts and judges nothing: what a key proves is the rules' to say.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs, io,
    iter::Peekable,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tamis_case::{Case, CaseError, stream_facts};
use tamis_evidence::keys::{
    observations::{KeyBook, normal_pair},
    recovery::{Checkpoint, Sample},
    rsa::HashKind,
};
use tamis_model::{
    Blob,
    ids::hex,
    keys::Channel,
    tables::{Digest, Message, Row, Signature, Time},
};

use crate::Error;

/// Domain and selector, as they are compared.
pub type Pair = (String, String);

/// A pair whose signatures wait for a key that somebody outside the case saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// `d=`.
    pub domain: String,
    /// `s=`.
    pub selector: String,
    /// Unique messages that bear a signature of the pair.
    pub mails: u64,
    /// The earliest Date of these.
    pub first: Option<Time>,
    /// The latest.
    pub last: Option<Time>,
    /// `a=` of the signatures, sorted; eight at most.
    pub algorithms: Vec<String>,
    /// Messages with a signature that the stored body does not speak against: its hash is the signed one, or
    /// the signature has none of its own.
    pub clean: u64,
    /// Whether two of these are different and of one length, so that a key can be computed.
    pub recoverable: bool,
    /// The strongest channel of a usable key that is known; `None`: there is no usable key.
    pub known: Option<Channel>,
}

/// Pairs of which no usable key is known that was seen outside the case; most wanted first, then by name.
pub fn wanted(case: &Case, book: &KeyBook) -> Result<Vec<Wanted>, Error> {
    let mut pairs: BTreeMap<Pair, Waiting> = BTreeMap::new();
    each_signature(case, |signed| {
        pairs.entry(signed.pair()).or_default().take_in(&signed);
        Ok(())
    })?;
    let unwitnessed = pairs.into_iter().filter_map(|((domain, selector), waiting)| {
        let keys = book.keys(&domain, &selector);
        let known = keys.iter().filter_map(|key| key.channel()).min();
        let is_witnessed = known.is_some_and(Channel::is_witnessed);
        (!is_witnessed).then(|| waiting.wanted(domain, selector, known))
    });
    let mut wanted: Vec<Wanted> = unwitnessed.collect();
    // Stable: what is equal stays sorted by name.
    wanted.sort_by_key(|wanted| std::cmp::Reverse(wanted.mails));
    Ok(wanted)
}

/// Signatures of these pairs to compute their keys from, as [`tamis_evidence::keys::recovery::recover`] wants
/// them: those with which the stored body agrees first, then in the order of the case. A signature that
/// occurred already stands last, and only if its header differs: one of two copies may be the unaltered one. At
/// most 3,000 a pair. Of pairs that are not in the case there is nothing.
pub fn samples(case: &Case, pairs: &BTreeSet<Pair>) -> Result<BTreeMap<Pair, Vec<Sample>>, Error> {
    let mut found: BTreeMap<Pair, Samples> = BTreeMap::new();
    each_signature(case, |signed| {
        let pair = signed.pair();
        if let Some(sample) = signed.sample().filter(|_| pairs.contains(&pair)) {
            found.entry(pair).or_default().take_in(signed.body, sample);
        }
        Ok(())
    })?;
    Ok(found.into_iter().map(|(pair, samples)| (pair, samples.in_order())).collect())
}

// ---- what waits ----

/// Algorithms that are told of one pair.
const MOST_ALGORITHMS: usize = 8;
/// Lengths of signatures that are told apart for one pair: honest ones have one or two.
const MOST_LENGTHS: usize = 16;

/// What is known of one pair so far.
#[derive(Default)]
struct Waiting {
    mails: u64,
    clean: u64,
    first: Option<Time>,
    last: Option<Time>,
    algorithms: BTreeSet<String>,
    /// The message that was counted last, and whether as clean: one message may bear two signatures of a pair.
    counted: Option<(Blob, bool)>,
    /// The first clean signature of each length; `None` once another one was met.
    clean_of: BTreeMap<usize, Option<Vec<u8>>>,
}

impl Waiting {
    fn take_in(&mut self, signed: &Signed) {
        let counted = self.counted.filter(|(blob, _)| *blob == signed.blob);
        let clean = signed.body != Body::Differs;
        self.mails += u64::from(counted.is_none());
        self.clean += u64::from(clean && !counted.is_some_and(|(_, clean)| clean));
        self.counted = Some((signed.blob, clean || counted.is_some_and(|(_, clean)| clean)));
        if let Some(date) = signed.date {
            self.first = Some(self.first.map_or(date, |first| first.min(date)));
            self.last = Some(self.last.map_or(date, |last| last.max(date)));
        }
        if self.algorithms.len() < MOST_ALGORITHMS {
            self.algorithms.insert(signed.signature.algorithm.clone());
        }
        if let Some(sample) = signed.sample().filter(|_| clean) {
            let length = sample.signature.len();
            let room = self.clean_of.len() < MOST_LENGTHS;
            match self.clean_of.get_mut(&length) {
                Some(first) if first.as_ref().is_some_and(|first| *first != sample.signature) => {
                    *first = None
                }
                None if room => {
                    self.clean_of.insert(length, Some(sample.signature));
                }
                _ => {}
            }
        }
    }

    fn wanted(self, domain: String, selector: String, known: Option<Channel>) -> Wanted {
        Wanted {
            domain,
            selector,
            mails: self.mails,
            first: self.first,
            last: self.last,
            algorithms: self.algorithms.into_iter().collect(),
            clean: self.clean,
            recoverable: self.clean_of.values().any(Option::is_none),
            known,
        }
    }
}

// ---- samples ----

/// Samples of one kind that are kept of one pair: more check no better.
const MOST_SAMPLES: usize = 1000;

/// Samples of one pair, best first.
#[derive(Default)]
struct Samples {
    /// Signatures, each with the digests it stands beside.
    seen: HashMap<Vec<u8>, HashSet<Vec<u8>>>,
    agrees: Vec<Sample>,
    /// The body differs.
    differs: Vec<Sample>,
    /// Signatures that occurred already.
    again: Vec<Sample>,
}

impl Samples {
    fn take_in(&mut self, body: Body, sample: Sample) {
        let list = match body {
            _ if let Some(digests) = self.seen.get(&sample.signature) => {
                if digests.contains(&sample.digest) {
                    return;
                }
                &mut self.again
            }
            Body::Agrees | Body::Unsaid => &mut self.agrees,
            Body::Differs => &mut self.differs,
        };
        if list.len() < MOST_SAMPLES {
            self.seen.entry(sample.signature.clone()).or_default().insert(sample.digest.clone());
            list.push(sample);
        }
    }

    fn in_order(self) -> Vec<Sample> {
        [self.agrees, self.differs, self.again].concat()
    }
}

// ---- signatures and what they are over ----

/// What the body as it is stored says of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Its hash is the signed one.
    Agrees,
    /// The signature has no hash of a body, or none could be made.
    Unsaid,
    /// Its hash is another.
    Differs,
}

/// One signature with what it is over.
struct Signed<'m> {
    blob: Blob,
    date: Option<Time>,
    signature: &'m Signature,
    /// Of the header as it is stored, or of all in one.
    digest: Option<&'m Digest>,
    body: Body,
}

impl Signed<'_> {
    fn pair(&self) -> Pair {
        normal_pair(&self.signature.domain, &self.signature.selector)
    }

    /// `None` where there is nothing to compute with.
    fn sample(&self) -> Option<Sample> {
        let digest = self.digest.filter(|_| self.signature.algorithm.starts_with("rsa"))?;
        let hash =
            [HashKind::Sha1, HashKind::Sha256].into_iter().find(|hash| hash.as_str() == digest.hash)?;
        let signature = self.signature.signature.clone();
        Some(Sample { signature, hash, digest: digest.digest.clone(), blob: self.blob })
    }
}

/// Calls `each` with every signature that can be judged, in the order of the case.
fn each_signature(case: &Case, mut each: impl FnMut(Signed) -> Result<(), Error>) -> Result<(), Error> {
    for (position, batch) in case.batches().iter().enumerate() {
        let hidden = case.hidden_in(position);
        let seen = |blob: &Blob| !hidden.blobs.contains(blob);
        let path = |table: &str| batch.dir.join(format!("{table}.parquet"));
        // Facts about one message stand in the same order in all tables.
        let messages = stream_facts::<Message, _>(&path(Message::TABLE), seen)?;
        let mut signatures = stream_facts::<Signature, _>(&path(Signature::TABLE), seen)?.peekable();
        let mut digests = stream_facts::<Digest, _>(&path(Digest::TABLE), seen)?.peekable();
        for message in messages {
            let (blob, message) = message?;
            let signatures = take(&mut signatures, &blob)?;
            let digests = take(&mut digests, &blob)?;
            for signature in signatures.iter().filter(|signature| is_sound(signature)) {
                let of = |part: &str| {
                    digests.iter().find(|digest| {
                        digest.ordinal == signature.ordinal && digest.part == part && digest.repair.is_none()
                    })
                };
                let body = match of("body").and_then(|body| body.holds) {
                    Some(true) => Body::Agrees,
                    Some(false) => Body::Differs,
                    None => Body::Unsaid,
                };
                let digest = of("both").or(of("header"));
                each(Signed { blob, date: message.date, signature, digest, body })?;
            }
        }
    }
    Ok(())
}

/// Takes the rows about `blob` that stand at the head of a stream.
fn take<R, I: Iterator<Item = Result<(Blob, R), CaseError>>>(
    stream: &mut Peekable<I>,
    blob: &Blob,
) -> Result<Vec<R>, CaseError> {
    let is_next =
        |next: &Result<(Blob, R), CaseError>| next.as_ref().map_or(true, |(other, _)| other == blob);
    let mut rows = Vec::new();
    while let Some(next) = stream.next_if(is_next) {
        rows.push(next?.1);
    }
    Ok(rows)
}

/// Whether it names a key and can be judged with it.
fn is_sound(signature: &Signature) -> bool {
    let malformed = signature.defects.first().is_some_and(|first| first == "malformed");
    !malformed
        && ![signature.domain.as_str(), &signature.selector].contains(&"")
        && !signature.signature.is_empty()
}

// ---- how far a computation came ----

/// Where computations go on: `derived/recovery/<sha256 of the pair>.checkpoint`. May be deleted at any time.
#[derive(Debug)]
pub struct Checkpoints {
    dir: PathBuf,
}

/// A checkpoint has 36 octets.
const CHECKPOINT_BYTES: u64 = 36;

impl Checkpoints {
    /// Those of the case at `case`; makes their folder.
    ///
    /// # Errors
    /// The folder cannot be made, or is a link that leads elsewhere.
    pub fn of(case: &Path) -> Result<Checkpoints, Error> {
        let derived = case.join("derived");
        let dir = derived.join("recovery");
        for dir in [&derived, &dir] {
            match fs::create_dir(dir) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(CaseError::io("create", dir)(error).into());
                }
                _ => {}
            }
            let about = fs::symlink_metadata(dir).map_err(CaseError::io("look at", dir))?;
            if !about.is_dir() {
                let because = "it is no folder".to_owned();
                return Err(CaseError::Damaged { path: dir.clone(), because }.into());
            }
        }
        Ok(Checkpoints { dir })
    }

    /// Where the pair goes on, if it was begun.
    pub fn load(&self, pair: &Pair) -> Option<Checkpoint> {
        let path = self.path(pair);
        let about = fs::symlink_metadata(&path).ok()?;
        let bytes = (about.is_file() && about.len() == CHECKPOINT_BYTES).then(|| fs::read(&path).ok())??;
        Checkpoint::from_bytes(&bytes)
    }

    /// Keeps where the pair goes on.
    pub fn save(&self, pair: &Pair, checkpoint: Checkpoint) -> Result<(), Error> {
        let path = self.path(pair);
        let new = path.with_extension("new");
        fs::write(&new, checkpoint.to_bytes()).map_err(CaseError::io("write", &new))?;
        fs::rename(&new, &path).map_err(CaseError::io("rename", &new))?;
        Ok(())
    }

    /// Forgets the pair; not an error where it was never begun.
    pub fn remove(&self, pair: &Pair) {
        // A checkpoint that stays costs nothing: it is passed over once the samples differ.
        let _ = fs::remove_file(self.path(pair));
    }

    fn path(&self, (domain, selector): &Pair) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(domain);
        hash.update([0]);
        hash.update(selector);
        self.dir.join(format!("{}.checkpoint", hex(&hash.finalize())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(signature: &[u8]) -> Signature {
        Signature {
            ordinal: 0,
            field: 0,
            kind: "dkim".to_owned(),
            instance: None,
            dialect: "rfc6376".to_owned(),
            domain: "Example.ORG".to_owned(),
            selector: "S1".to_owned(),
            identity: None,
            algorithm: "rsa-sha1".to_owned(),
            canon: "simple/simple".to_owned(),
            signed_headers: vec![],
            oversigned: vec![],
            unsigned_visible: vec![],
            doubled_visible: vec![],
            one_reading: true,
            author_domains: vec![],
            sender_domain: None,
            body_hash: None,
            body_length: None,
            signed_at: None,
            expires_at: None,
            chain: None,
            signature: signature.to_vec(),
            defects: vec![],
        }
    }

    fn digest(octet: u8) -> Digest {
        Digest {
            ordinal: 0,
            part: "header".to_owned(),
            repair: None,
            hash: "sha1".to_owned(),
            digest: vec![octet; 20],
            holds: None,
            uncovered: 0,
            undone: None,
        }
    }

    /// Message, signature's octet and length, digest's octet, body.
    type Case = (u8, u8, usize, u8, Body);

    fn each(cases: &[Case], mut each: impl FnMut(&Signed)) {
        for (message, octet, length, header, body) in cases {
            let (signature, digest) = (signature(&vec![*octet; *length]), digest(*header));
            let blob = Blob::of(&[*message]);
            let date = Some(Time(i64::from(*message)));
            each(&Signed { blob, date, signature: &signature, digest: Some(&digest), body: *body });
        }
    }

    #[test]
    fn a_key_is_recoverable_from_two_clean_signatures_of_one_length() {
        use Body::{Agrees, Differs, Unsaid};
        // Signatures; mails, clean mails, recoverable.
        let cases: [(&[Case], u64, u64, bool); 8] = [
            (&[(1, 1, 64, 1, Agrees)], 1, 1, false),
            (&[(1, 1, 64, 1, Agrees), (2, 2, 64, 2, Agrees)], 2, 2, true),
            (&[(1, 1, 64, 1, Agrees), (2, 1, 64, 2, Agrees)], 2, 2, false),
            (&[(1, 1, 64, 1, Agrees), (2, 2, 128, 2, Agrees)], 2, 2, false),
            (&[(1, 1, 64, 1, Agrees), (2, 2, 64, 2, Differs)], 2, 1, false),
            (&[(1, 1, 64, 1, Unsaid), (2, 2, 64, 2, Unsaid)], 2, 2, true),
            (&[(1, 1, 64, 1, Differs), (1, 2, 64, 1, Agrees)], 1, 1, false),
            (&[(1, 1, 64, 1, Agrees), (1, 2, 64, 1, Agrees), (1, 3, 64, 1, Differs)], 1, 1, true),
        ];
        for (signed, mails, clean, recoverable) in cases {
            let mut waiting = Waiting::default();
            each(signed, |signed| waiting.take_in(signed));
            let wanted = waiting.wanted("d".to_owned(), "s".to_owned(), None);
            assert_eq!(
                (wanted.mails, wanted.clean, wanted.recoverable),
                (mails, clean, recoverable),
                "{signed:?}"
            );
        }
    }

    #[test]
    fn samples_stand_clean_first_and_repeated_last() {
        use Body::{Agrees, Differs, Unsaid};
        let signed = [
            (1, 1, 64, 1, Differs),
            (2, 2, 64, 2, Agrees),
            (3, 2, 64, 2, Agrees),
            (4, 2, 64, 9, Agrees),
            (5, 3, 64, 3, Unsaid),
        ];
        let mut samples = Samples::default();
        each(&signed, |signed| samples.take_in(signed.body, signed.sample().unwrap()));
        let order: Vec<Blob> = samples.in_order().iter().map(|sample| sample.blob).collect();
        assert_eq!(order, [2, 5, 1, 4].map(|message| Blob::of(&[message])));
    }

    #[test]
    fn pairs_are_compared_without_regard_to_case() {
        each(&[(1, 1, 64, 1, Body::Agrees)], |signed| {
            assert_eq!(signed.pair(), ("example.org".to_owned(), "s1".to_owned()));
        });
    }

    #[test]
    fn a_checkpoint_is_read_where_it_is_one_and_nowhere_else() {
        let case = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(case.path()).unwrap();
        let pair = ("example.org".to_owned(), "s1".to_owned());
        let other = ("example.or".to_owned(), "gs1".to_owned());
        let checkpoint = Checkpoint::from_bytes(&[7; 36]).unwrap();
        assert_eq!(checkpoints.load(&pair), None);
        checkpoints.save(&pair, checkpoint).unwrap();
        assert_eq!((checkpoints.load(&pair), checkpoints.load(&other)), (Some(checkpoint), None));
        fs::write(checkpoints.path(&other), [7; 37]).unwrap();
        assert_eq!(checkpoints.load(&other), None);
        checkpoints.remove(&pair);
        assert_eq!(checkpoints.load(&pair), None);
        fs::rename(case.path().join("derived/recovery"), case.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("../elsewhere", case.path().join("derived/recovery")).unwrap();
        assert!(Checkpoints::of(case.path()).is_err(), "a stranger's link is not followed");
    }
}
