//! The public key from two signatures: the greatest common divisor of what both divide.
//!
//! With the right exponent `s^e − EM` is a multiple of the modulus for every signature `s` of a block `EM`. Two
//! such numbers have little in common besides, so their divisor is the modulus and perhaps a small factor. The
//! numbers are long (`e` times the key: 16 MiB at 2048 bits and 65537), the arithmetic is a library's.

#[cfg(test)]
pub(in crate::keys) mod signer;
mod synthetic;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use malachite_base::num::arithmetic::traits::{AbsDiff, Gcd, Pow};
use malachite_base::num::logic::traits::SignificantBits;
use malachite_nz::natural::Natural;
use sha2::{Digest, Sha256};
use tamis_model::ids::Blob;

use super::PublicKey;
use super::rsa::{HashKind, RsaKey, block, natural, octets_of};

pub use synthetic::synthetic;

/// The exponents tried, cheapest first: the two small ones cost milliseconds a pair. 65537 is in all keys seen
/// in the wild but a few.
pub const EXPONENTS: [u64; 3] = [3, 17, 65537];
/// Most pairs tried with one exponent: all pairs among the first five samples. One pair costs 25 seconds at
/// 2048 bits; a caller with ten altered samples in front learns nothing more from the eleventh.
pub const MOST_PAIRS: usize = 10;
/// Among how many samples pairs are looked for; beyond, samples only check.
const MOST_PAIRED: usize = 64;
/// Fewest octets of a signature: a modulus of 384 bits.
const FEWEST_OCTETS: usize = 48;
/// Most octets of a signature: a modulus of 4096 bits, 650 MB of memory and a minute a pair.
const MOST_OCTETS: usize = 512;
/// Bits of a number from which its divisor is worth a thread of its own, about half a second.
const LONG: u64 = 8 << 20;
/// How often a long computation says that it is alive.
const BEAT: Duration = Duration::from_millis(200);

/// One signature of a message and the digest that it should be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// `b=`, decoded: as many octets as the modulus.
    pub signature: Vec<u8>,
    /// Of `a=`.
    pub hash: HashKind,
    /// The digest of the canonicalised header as the message has it: 20 or 32 octets.
    pub digest: Vec<u8>,
    /// The message.
    pub blob: Blob,
}

/// A key that two signatures gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// n, big-endian, without leading zeros.
    pub modulus: Vec<u8>,
    /// e, big-endian, without leading zeros.
    pub exponent: Vec<u8>,
    /// SubjectPublicKeyInfo, DER (RFC 5280 section 4.1.2.7): what `p=` would hold.
    pub spki: Vec<u8>,
    /// The two messages it was computed from.
    pub pair: [Blob; 2],
    /// How many other signatures, all different, verify with it. 0 is *unchecked*: the pair fits, as it must,
    /// and no third signature speaks for the key.
    pub checked_by: usize,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub work: Work,
    /// The two messages of the pair.
    pub pair: [Blob; 2],
    /// The exponent tried.
    pub exponent: u64,
    /// Pairs (and exponents) done before this one.
    pub done: usize,
    /// Most that there are to do.
    pub of: usize,
    /// Where to go on if the run ends here.
    pub checkpoint: Checkpoint,
}

/// The stages of one pair, in order, with their share of its time at 2048 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// `s₁^e − EM₁`, 2 %.
    FirstPower,
    /// `s₂^e − EM₂`, 2 %.
    SecondPower,
    /// Their greatest common divisor, 96 %. Said again several times a second while it runs.
    Divisor,
    /// Small factors off, and every sample opened with the result: milliseconds.
    Check,
}

/// How far a run came: the pairs before this one gave no key. The powers of the pair at hand are not kept: they
/// are 32 MiB and 4 % of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    samples: [u8; 32],
    done: u32,
}

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The caller broke off; go on from here.
    #[error("cancelled")]
    Cancelled(Checkpoint),
    /// Not two different signatures of one length, each with a digest of its hash's length.
    #[error("two different signatures of one key are needed")]
    TooFew,
    /// All that could be paired are longer than this supports.
    #[error("signatures of more than 4096 bits")]
    TooLong,
    /// No pair gave a key: samples were altered, are of different keys, or the exponent is another.
    #[error("no key: {0} pairs have nothing in common")]
    NoKey(usize),
    /// The system gave no thread.
    #[error("no thread for the computation")]
    NoThread,
}

/// The RSA key that made these signatures.
///
/// The samples are of one (domain, selector), cleanest first: those whose body hash holds, for their headers
/// have most likely come unchanged as well. Pairs are tried in the order (0,1), (0,2), (1,2), (0,3)…, at most
/// [`MOST_PAIRS`], each with every exponent of [`EXPONENTS`]. A divisor is a key only if it is as long as the
/// signatures and opens both of its pair to the digests they should be of.
///
/// `progress` hears each step before it is done and may break off; during the long one it is asked several
/// times a second. Broken off there, the thread at work ends by itself within that one step (the library cannot
/// be interrupted) and its result is dropped.
///
/// Only blocks with the parameter NULL are tried, as all of 25,681 signatures looked at had it. Memory: about 20
/// times one power, 320 MB at 2048 bits and 65537, half of it at 1024. Time on one core: 25 s and 11 s a pair.
///
/// # Errors
/// See [`Stop`].
pub fn recover(
    samples: &[Sample],
    progress: &mut dyn FnMut(Step) -> ControlFlow<()>,
    resume: Option<Checkpoint>,
) -> Result<Recovered, Stop> {
    search(samples, &EXPONENTS, progress, resume)
}

fn search(
    samples: &[Sample],
    exponents: &[u64],
    progress: &mut dyn FnMut(Step) -> ControlFlow<()>,
    resume: Option<Checkpoint>,
) -> Result<Recovered, Stop> {
    let usable = usable(samples)?;
    let pairs = pairs(&usable);
    if pairs.is_empty() {
        return Err(Stop::TooFew);
    }
    let start = Checkpoint { samples: fingerprint(samples), done: 0 };
    // A checkpoint of other samples says nothing about these.
    let resumed = resume.filter(|checkpoint| checkpoint.samples == start.samples).unwrap_or(start);
    let attempts = exponents.iter().flat_map(|&exponent| pairs.iter().map(move |&pair| (exponent, pair)));
    let of = exponents.len() * pairs.len();
    for (done, (exponent, [first, second])) in attempts.enumerate().skip(resumed.done as usize) {
        let checkpoint = Checkpoint { done: done as u32, ..start };
        let pair = [first.blob, second.blob];
        let mut tell = |work| match progress(Step { work, pair, exponent, done, of, checkpoint }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Stop::Cancelled(checkpoint)),
        };
        tell(Work::FirstPower)?;
        let left = multiple(first, exponent);
        tell(Work::SecondPower)?;
        let right = multiple(second, exponent);
        tell(Work::Divisor)?;
        let divisor = divisor(left, right, &mut || tell(Work::Divisor))?;
        tell(Work::Check)?;
        if let Some(recovered) = key_from(divisor, exponent, [first, second], &usable) {
            return Ok(recovered);
        }
    }
    Err(Stop::NoKey(pairs.len()))
}

impl Checkpoint {
    /// For a file: 36 octets.
    pub fn to_bytes(self) -> Vec<u8> {
        [self.samples.as_slice(), &self.done.to_be_bytes()].concat()
    }

    /// Of [`Checkpoint::to_bytes`]; `None` for anything that has not 36 octets.
    pub fn from_bytes(bytes: &[u8]) -> Option<Checkpoint> {
        let (samples, done) = bytes.split_first_chunk::<32>()?;
        Some(Checkpoint { samples: *samples, done: u32::from_be_bytes(done.try_into().ok()?) })
    }
}

/// The samples that can be computed with, each once. Copies of one message that differ in their headers stay: one
/// of them may be the unaltered one.
fn usable(samples: &[Sample]) -> Result<Vec<&Sample>, Stop> {
    let mut usable: Vec<&Sample> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut too_long = false;
    for sample in samples {
        let octets = sample.signature.len();
        too_long |= octets > MOST_OCTETS;
        // An honest signature begins with eight zeros once in 2^64; a made one would make a short power.
        let sound = (FEWEST_OCTETS..=MOST_OCTETS).contains(&octets)
            && sample.signature.iter().take(8).any(|&octet| octet != 0)
            && block(sample.hash, &sample.digest, octets, true).is_some();
        if sound && seen.insert((&sample.signature, sample.hash, &sample.digest)) {
            usable.push(sample);
        }
    }
    if usable.is_empty() && too_long { Err(Stop::TooLong) } else { Ok(usable) }
}

/// Two different signatures of one length, the earliest first, at most [`MOST_PAIRS`].
fn pairs<'s>(usable: &[&'s Sample]) -> Vec<[&'s Sample; 2]> {
    let all = usable.iter().take(MOST_PAIRED).enumerate();
    all.flat_map(|(later, second)| usable.iter().take(later).map(move |first| [*first, *second]))
        .filter(|[first, second]| first.signature.len() == second.signature.len())
        .filter(|[first, second]| first.signature != second.signature)
        .take(MOST_PAIRS)
        .collect()
}

/// What a checkpoint is of: everything that decides the order and the outcome of the attempts.
fn fingerprint(samples: &[Sample]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for sample in samples {
        for field in [&sample.signature, sample.hash.as_str().as_bytes(), &sample.digest] {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
    }
    hasher.finalize().into()
}

/// `s^e − EM`, without its sign: a multiple of the modulus if all is as it says.
fn multiple(sample: &Sample, exponent: u64) -> Natural {
    let encoded = block(sample.hash, &sample.digest, sample.signature.len(), true).unwrap_or_default();
    natural(&sample.signature).pow(exponent).abs_diff(natural(&encoded))
}

/// The greatest common divisor; of long numbers on a thread of its own, so that this one can be asked to stop.
fn divisor(
    left: Natural,
    right: Natural,
    alive: &mut dyn FnMut() -> Result<(), Stop>,
) -> Result<Natural, Stop> {
    if left.significant_bits() < LONG {
        return Ok(left.gcd(right));
    }
    let (send, receive) = sync_channel(1);
    let work = move || {
        // Nobody listens any more after a cancel.
        let _unheard = send.send(left.gcd(right));
    };
    thread::Builder::new().name("divisor".into()).spawn(work).map_err(|_| Stop::NoThread)?;
    loop {
        match receive.recv_timeout(BEAT) {
            Ok(divisor) => return Ok(divisor),
            Err(RecvTimeoutError::Timeout) => alive()?,
            Err(RecvTimeoutError::Disconnected) => return Err(Stop::NoThread),
        }
    }
}

/// The key in a divisor, if there is one: as long as the signatures, and it opens both of the pair.
fn key_from(divisor: Natural, exponent: u64, pair: [&Sample; 2], usable: &[&Sample]) -> Option<Recovered> {
    let octets = pair[0].signature.len();
    let modulus = octets_of(&without_small_factors(divisor, octets)?);
    let exponent = octets_of(&Natural::from(exponent));
    let key = RsaKey::new(&modulus, &exponent).ok()?;
    if key.octets() != octets || !pair.iter().all(|sample| is_of(&key, sample)) {
        return None;
    }
    // A second copy of a message is no second witness: signatures count, not samples.
    let verified = usable.iter().filter(|sample| is_of(&key, sample)).map(|sample| &sample.signature);
    let checked_by = verified.collect::<BTreeSet<_>>().len().saturating_sub(pair.len());
    let public = PublicKey::Rsa { modulus, exponent };
    let spki = public.spki();
    let PublicKey::Rsa { modulus, exponent } = public else { return None };
    Some(Recovered { modulus, exponent, spki, pair: pair.map(|sample| sample.blob), checked_by })
}

fn is_of(key: &RsaKey, sample: &Sample) -> bool {
    key.verifies(sample.hash, &sample.digest, &sample.signature)
}

/// Two multiples of the modulus share a prime `p` besides with the chance of 1/p²: beyond 2^16 that is once in
/// 700,000 pairs. `None` if the number is too short, or so long that small factors cannot be all.
fn without_small_factors(number: Natural, octets: usize) -> Option<Natural> {
    let (least, most) = (8 * octets as u64 - 7, 8 * octets as u64);
    if !(least..=most + 1024).contains(&number.significant_bits()) {
        return None;
    }
    // Odd numbers that are no primes divide nothing once their factors are gone.
    let mut number = number;
    for factor in std::iter::once(2).chain((3..1 << 16).step_by(2)).map(|factor: u32| Natural::from(factor)) {
        while number.significant_bits() >= least && &number % &factor == 0u32 {
            number /= &factor;
        }
    }
    (least..=most).contains(&number.significant_bits()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::signer::{KEY_384_E3, KEY_384_E17, KEY_384_E65537, KEY_509_E17, KEY_512_E3, Signer};
    use super::*;

    /// The cheap exponents: a pair costs milliseconds.
    const SMALL: &[u64] = &[3, 17];

    fn samples(signer: &Signer, count: u8) -> Vec<Sample> {
        (0..count).map(|number| signer.sample(number)).collect()
    }

    /// Not what was signed any more.
    fn altered(mut sample: Sample) -> Sample {
        sample.digest[7] ^= 1;
        sample
    }

    fn silently(samples: &[Sample]) -> Result<Recovered, Stop> {
        search(samples, SMALL, &mut |_| ControlFlow::Continue(()), None)
    }

    #[track_caller]
    fn assert_is(recovered: &Recovered, signer: &Signer) {
        assert_eq!(recovered.modulus, signer.modulus());
        assert_eq!(recovered.exponent, signer.exponent());
        let public = PublicKey::from_spki(&recovered.spki).unwrap();
        assert_eq!(public, PublicKey::Rsa { modulus: signer.modulus(), exponent: signer.exponent() });
    }

    #[test]
    fn two_signatures_give_the_key_and_a_third_checks_it() {
        for signer in [&KEY_384_E3, &KEY_384_E17, &KEY_509_E17, &KEY_512_E3] {
            let samples = samples(signer, 4);
            for (count, checked_by) in [(2, 0), (3, 1), (4, 2)] {
                let recovered = silently(&samples[..count]).unwrap();
                assert_is(&recovered, signer);
                assert_eq!(recovered.pair, [samples[0].blob, samples[1].blob]);
                assert_eq!(recovered.checked_by, checked_by);
            }
        }
    }

    /// A long number, so on the thread of its own: it can be left there, and the pair begun again.
    #[test]
    fn the_usual_exponent() {
        let samples = samples(&KEY_384_E65537, 3);
        let mut said = Vec::new();
        let mut beats = 0;
        let mut break_off = |step: Step| {
            said.push((step.exponent, step.work));
            beats += usize::from((step.exponent, step.work) == (65537, Work::Divisor));
            // The first is said before the work begins, the second while it goes on.
            if beats == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let Err(Stop::Cancelled(checkpoint)) = recover(&samples, &mut break_off, None) else {
            panic!("not asked while it worked");
        };
        let mut go_on = |step: Step| {
            said.push((step.exponent, step.work));
            ControlFlow::Continue(())
        };
        let recovered = recover(&samples, &mut go_on, Some(checkpoint)).unwrap();
        assert_is(&recovered, &KEY_384_E65537);
        assert_eq!(recovered.checked_by, 1);
        said.dedup();
        let stages = [Work::FirstPower, Work::SecondPower, Work::Divisor, Work::Check];
        // Three pairs with each of the cheap exponents, in vain.
        let all = |exponent: u64| stages.map(|work| (exponent, work));
        let mut expected = [3, 3, 3, 17, 17, 17].map(all).concat();
        expected.extend_from_slice(&all(65537)[..3]);
        expected.extend_from_slice(&all(65537));
        assert_eq!(said, expected);
    }

    #[test]
    fn an_altered_sample_costs_pairs_and_is_no_check() {
        let good = samples(&KEY_512_E3, 4);
        // Which samples were altered; which pair gives the key; how many others verify.
        let cases: [(&[usize], [usize; 2], usize); 5] = [
            (&[0], [1, 2], 1),
            (&[1], [0, 2], 1),
            (&[3], [0, 1], 1),
            (&[0, 1], [2, 3], 0),
            (&[0, 2], [1, 3], 0),
        ];
        for (bad, pair, checked_by) in cases {
            let mut samples = good.clone();
            for &index in bad {
                samples[index] = altered(samples[index].clone());
            }
            let recovered = silently(&samples).unwrap();
            assert_is(&recovered, &KEY_512_E3);
            assert_eq!(recovered.pair, pair.map(|index| samples[index].blob), "{bad:?}");
            assert_eq!(recovered.checked_by, checked_by, "{bad:?}");
        }
    }

    #[test]
    fn a_copy_of_a_message_checks_nothing() {
        let mut samples = samples(&KEY_512_E3, 2);
        samples.push(Sample { blob: Blob::of(b"copy"), ..samples[0].clone() });
        assert_eq!(silently(&samples).unwrap().checked_by, 0);
    }

    #[test]
    fn an_altered_copy_does_not_hide_the_message() {
        let good = samples(&KEY_512_E3, 2);
        let samples = [altered(good[0].clone()), good[0].clone(), good[1].clone()];
        let recovered = silently(&samples).unwrap();
        assert_is(&recovered, &KEY_512_E3);
        assert_eq!(recovered.checked_by, 0);
        assert_eq!(silently(&[samples[0].clone(), samples[1].clone()]), Err(Stop::TooFew));
    }

    #[test]
    fn keys_of_two_sizes_under_one_name_do_not_mix() {
        let mut samples = vec![KEY_384_E3.sample(0), KEY_512_E3.sample(1), KEY_384_E3.sample(2)];
        let recovered = silently(&samples).unwrap();
        assert_is(&recovered, &KEY_384_E3);
        assert_eq!(recovered.pair, [samples[0].blob, samples[2].blob]);
        assert_eq!(recovered.checked_by, 0);
        samples.truncate(2);
        assert_eq!(silently(&samples), Err(Stop::TooFew));
    }

    #[test]
    fn broken_off_at_any_step_it_goes_on_to_the_same_key() {
        let mut samples = samples(&KEY_509_E17, 4);
        samples[0] = altered(samples[0].clone());
        let whole = silently(&samples).unwrap();
        for last in 0.. {
            let mut heard = 0;
            let mut break_off = |_| {
                heard += 1;
                if heard > last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let checkpoint = match search(&samples, SMALL, &mut break_off, None) {
                Err(Stop::Cancelled(checkpoint)) => checkpoint,
                other => {
                    assert_eq!(other, Ok(whole));
                    // Six pairs with 3 and the third pair with 17, four steps each.
                    assert_eq!(last, 4 * 9);
                    return;
                }
            };
            let kept = Checkpoint::from_bytes(&checkpoint.to_bytes()).unwrap();
            assert_eq!(kept, checkpoint);
            let mut first = None;
            let mut hear = |step: Step| {
                first.get_or_insert(step);
                ControlFlow::Continue(())
            };
            assert_eq!(search(&samples, SMALL, &mut hear, Some(kept)).as_ref(), Ok(&whole));
            assert_eq!(first.map(|step| (step.done, step.work)), Some((last / 4, Work::FirstPower)));
        }
    }

    #[test]
    fn a_checkpoint_of_other_samples_is_passed_over() {
        let ours = samples(&KEY_512_E3, 3);
        let mut others = ours.clone();
        others[2] = altered(others[2].clone());
        for (of, done) in [(&others, 0), (&ours, 1)] {
            let checkpoint = Checkpoint { samples: fingerprint(of), done: 1 };
            let mut first = None;
            let mut hear = |step: Step| {
                first.get_or_insert(step.done);
                ControlFlow::Continue(())
            };
            search(&ours, SMALL, &mut hear, Some(checkpoint)).unwrap();
            assert_eq!(first, Some(done));
        }
        let beyond = Checkpoint { samples: fingerprint(&ours), done: u32::MAX };
        let resumed = search(&ours, SMALL, &mut |_| ControlFlow::Continue(()), Some(beyond));
        assert_eq!(resumed, Err(Stop::NoKey(3)));
        assert_eq!(Checkpoint::from_bytes(&[0; 35]), None);
        assert_eq!(Checkpoint::from_bytes(&[0; 37]), None);
    }

    #[test]
    fn hostile_samples_end_with_an_error() {
        let of = |signature: Vec<u8>, number: u8| Sample {
            signature,
            hash: HashKind::Sha1,
            digest: vec![number; 20],
            blob: Blob::of(&[number]),
        };
        let pair = |first: Vec<u8>, second: Vec<u8>| vec![of(first, 0), of(second, 1)];
        let power_of_two = |octet: u8| [vec![octet], vec![0; 63]].concat();
        let good = samples(&KEY_512_E3, 2);
        let wrong_digest = |octets| Sample { digest: vec![7; octets], ..good[1].clone() };
        let cases = [
            ("nothing", vec![], Stop::TooFew),
            ("one", good[..1].to_vec(), Stop::TooFew),
            ("one, twice", vec![good[0].clone(), good[0].clone()], Stop::TooFew),
            ("one signature of two digests", pair(vec![9; 64], vec![9; 64]), Stop::TooFew),
            ("empty", pair(vec![], vec![]), Stop::TooFew),
            ("zeros", pair(vec![0; 64], vec![0; 65]), Stop::TooFew),
            ("one", pair(power_of_two(0), [vec![0; 63], vec![1]].concat()), Stop::TooFew),
            ("lengths differ", pair(vec![9; 64], vec![9; 65]), Stop::TooFew),
            ("too short", pair(vec![8; 47], vec![9; 47]), Stop::TooFew),
            ("too long", pair(vec![8; 513], vec![9; 513]), Stop::TooLong),
            ("digest of another hash", vec![good[0].clone(), wrong_digest(20)], Stop::TooFew),
            ("no digest", vec![good[0].clone(), wrong_digest(0)], Stop::TooFew),
            ("all bits", pair(vec![0xff; 64], [vec![0xff; 63], vec![0xfe]].concat()), Stop::NoKey(1)),
            ("powers of two", pair(power_of_two(128), power_of_two(64)), Stop::NoKey(1)),
            ("another digest", vec![good[0].clone(), wrong_digest(32)], Stop::NoKey(1)),
            ("two keys", vec![KEY_384_E3.sample(0), KEY_384_E17.sample(1)], Stop::NoKey(1)),
        ];
        for (name, samples, stop) in cases {
            assert_eq!(silently(&samples), Err(stop), "{name}");
        }
    }

    #[test]
    fn a_thousand_samples_are_ten_pairs() {
        let many: Vec<Sample> = (0..1000_u32)
            .map(|number| Sample {
                signature: Sha256::digest(number.to_be_bytes()).repeat(2),
                hash: HashKind::Sha1,
                digest: vec![1; 20],
                blob: Blob::of(&number.to_be_bytes()),
            })
            .collect();
        let mut pairs = BTreeSet::new();
        let mut hear = |step: Step| {
            assert!(step.done < step.of);
            pairs.insert(step.pair.map(|blob| many.iter().position(|sample| sample.blob == blob)));
            ControlFlow::Continue(())
        };
        assert_eq!(search(&many, SMALL, &mut hear, None), Err(Stop::NoKey(MOST_PAIRS)));
        let of_five = (0..5).flat_map(|later| (0..later).map(move |first| [Some(first), Some(later)]));
        assert_eq!(pairs, of_five.collect());
    }

    #[test]
    fn small_factors_come_off() {
        let modulus = natural(&KEY_512_E3.modulus());
        let times = |factor: u64| without_small_factors(&modulus * Natural::from(factor), 64);
        for factor in [1, 2, 3 * 3 * 7, 1 << 40, 65521] {
            assert_eq!(times(factor), Some(modulus.clone()), "{factor}");
        }
        // The smallest prime that is not small.
        assert_eq!(times(65537), None);
        assert_eq!(without_small_factors(modulus.clone() >> 8_u32, 64), None);
        assert_eq!(without_small_factors(Natural::from(0_u8), 64), None);
        assert_eq!(without_small_factors(modulus << 1025_u32, 64), None);
    }

    #[test]
    fn synthetic_samples_are_there() {
        for (bits, count) in [(1024, 3), (2048, 3), (512, 0)] {
            let samples = synthetic(bits);
            assert_eq!(samples.len(), count);
            assert!(samples.iter().all(|sample| sample.signature.len() * 8 == bits as usize));
        }
    }

    /// What `tamis bench` measures.
    #[test]
    #[ignore = "a minute with the arithmetic optimised, much longer without"]
    fn real_sizes() {
        for bits in [1024, 2048] {
            let started = std::time::Instant::now();
            let recovered = recover(&synthetic(bits), &mut |_| ControlFlow::Continue(()), None).unwrap();
            println!("{bits} bits: {:?}", started.elapsed());
            assert_eq!(recovered.checked_by, 1);
            assert_eq!(recovered.modulus.len() * 8, bits as usize);
        }
    }
}
