//! Judges signatures from their facts and the known keys.
//!
//! Each on its own, header and body apart. What the standard calls policy (`x=`, short keys, `t=y`, …) becomes
//! a note and never changes the answer of the mathematics.

use std::collections::BTreeMap;

use tamis_model::keys::Channel;
use tamis_model::tables::{Digest, Signature, Time};

use super::policy::policy;
use super::touched::Touched;
use super::verdict::{SignatureResult, UsedKey, Verdict};
use super::{Context, MessageFacts};
use crate::domains::{Alignment, align, normal_domain};
use crate::keys::PublicKey;
use crate::keys::observations::KnownKey;
use crate::keys::rsa::{HashKind, Misfit, RsaKey, verify_ed25519};

/// What differs, where a key fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// Nothing, or nothing that could be compared.
    None,
    /// The header.
    Header,
    /// The body; the header holds or cannot be compared.
    Body,
    /// Both.
    Both,
    /// Header or body: they are one digest (draft 00, DomainKeys).
    Either,
}

/// A verdict with what it was made of.
#[derive(Debug, Clone)]
pub(crate) struct Judged<'a> {
    pub signature: &'a Signature,
    pub verdict: Verdict,
    /// The key that fits.
    pub known: Option<&'a KnownKey>,
    pub mismatch: Mismatch,
    /// Whether header and body were hashed in one.
    pub is_one_digest: bool,
    /// What is not as it was signed though the signature holds: a repair changed it.
    pub touched: Touched,
}

impl Judged<'_> {
    /// Whether it is an author's or relay's signature, not a link of an ARC chain.
    pub fn is_plain(&self) -> bool {
        matches!(self.signature.kind.as_str(), "dkim" | "domainkeys")
    }

    /// Whether header and body are what was signed.
    pub fn verifies(&self) -> bool {
        self.verdict.result == SignatureResult::Verified
    }

    /// Whether the header is what was signed, and no more can be said: the body is another or not kept.
    pub fn header_alone_holds(&self) -> bool {
        !self.verifies()
            && self.verdict.key_fits == Some(true)
            && self.verdict.header_holds == Some(true)
            && self.signature.kind != "arc-seal"
    }

    /// What the strongest observation of its key is worth.
    pub fn channel(&self) -> Option<Channel> {
        self.known?.channel()
    }

    /// Whether a limit of ours kept it from being judged: then nothing is known of it, not even that its key is
    /// not known.
    pub fn is_beyond_limits(&self) -> bool {
        self.verdict.result == SignatureResult::Unsupported
            && self.verdict.notes.iter().any(|note| note == NOT_JUDGED)
    }

    /// Whether anybody saw its key but the case itself.
    pub fn is_observed(&self) -> bool {
        self.channel().is_some_and(|channel| channel != Channel::Recovered)
    }

    /// Whether somebody outside the case saw its key published.
    pub fn is_witnessed(&self) -> bool {
        self.channel().is_some_and(Channel::is_witnessed)
    }
}

/// Most work of one message: a message with 10,000 signatures, or with keys of 8192 bits, costs no more than
/// about a second. One unit is about one public operation with a key of 1024 bits.
const FUEL: u64 = 8192;
/// What is said of a signature that a limit, of the reader or of ours, keeps from being judged.
const NOT_JUDGED: &str = "not-judged";
/// Most digests of one part of one signature that are looked at; intake makes 64 at most.
const MOST_DIGESTS: usize = 256;
/// Ed25519 does not tell who signed, so a key fits if it was seen within so many microseconds of Date.
const NEAR_DATE: i64 = 90 * 86_400 * 1_000_000;

/// Judges all signatures of a message, in their order from the top.
pub(crate) fn verify_all<'a>(facts: &'a MessageFacts, context: &'a Context) -> Vec<Judged<'a>> {
    let mut digests: BTreeMap<u32, Vec<&Digest>> = BTreeMap::new();
    for digest in &facts.digests {
        digests.entry(digest.ordinal).or_default().push(digest);
    }
    let mut signatures: Vec<&Signature> = facts.signatures.iter().collect();
    signatures.sort_by_key(|signature| signature.ordinal);
    let mut fuel = FUEL;
    signatures
        .into_iter()
        .map(|signature| {
            let digests = Digests::new(digests.get(&signature.ordinal).map_or(&[], Vec::as_slice));
            verify(signature, &digests, facts, context, &mut fuel)
        })
        .collect()
}

/// The digests of one signature, by part; as stored first, then repairs in their order.
struct Digests<'a> {
    header: Vec<&'a Digest>,
    body: Vec<&'a Digest>,
    both: Vec<&'a Digest>,
}

impl<'a> Digests<'a> {
    fn new(all: &[&'a Digest]) -> Digests<'a> {
        let part = |name: &str| {
            let mut part: Vec<_> =
                all.iter().filter(|digest| digest.part == name).copied().take(MOST_DIGESTS).collect();
            part.sort_by_key(|digest| digest.repair.is_some());
            part
        };
        Digests { header: part("header"), body: part("body"), both: part("both") }
    }

    /// What the signature itself is over.
    fn signed(&self) -> &[&'a Digest] {
        if self.both.is_empty() { &self.header } else { &self.both }
    }
}

/// What can be said of the body without a key.
struct Body<'a> {
    holds: Option<bool>,
    row: Option<&'a Digest>,
}

/// What one key says.
struct Attempt<'a> {
    known: Option<&'a KnownKey>,
    fit: Fit,
    bits: Option<u32>,
    /// The digest that was signed, if it is one of ours.
    row: Option<&'a Digest>,
    /// Whether there was a digest to compare with.
    comparable: bool,
    notes: Vec<&'static str>,
}

/// Whether a key made a signature; the best one last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Unsupported,
    No,
    /// Ed25519, not verified: nobody can say.
    Unknown,
    /// Ed25519, not verified, but published around Date.
    ByTime,
    Yes,
}

fn verify<'a>(
    signature: &'a Signature,
    digests: &Digests<'a>,
    facts: &MessageFacts,
    context: &'a Context,
    fuel: &mut u64,
) -> Judged<'a> {
    let mut verdict = blank(signature, facts, context);
    let body = body_of(signature, digests);
    if digests.both.is_empty() {
        verdict.body_holds = body.holds;
    }
    let none = |verdict, result| Judged {
        signature,
        verdict: Verdict { result, ..verdict },
        known: None,
        mismatch: Mismatch::None,
        is_one_digest: !digests.both.is_empty(),
        touched: Touched::default(),
    };
    if let Some(result) = unreadable(signature) {
        return none(verdict, result);
    }
    let Some(algorithm) = Algorithm::of(signature) else {
        return none(verdict, SignatureResult::Unsupported);
    };
    let keys = context.keys.keys(&signature.domain, &signature.selector);
    if keys.is_empty() {
        let result = match (
            context.keys.is_revoked(&signature.domain, &signature.selector),
            context.keys.is_unsupported(&signature.domain, &signature.selector),
        ) {
            (true, _) => SignatureResult::RevokedKey,
            (false, true) => SignatureResult::Unsupported,
            (false, false) => SignatureResult::NoKey,
        };
        return none(verdict, result);
    }
    let mut best: Option<Attempt<'a>> = None;
    let mut all_tried = true;
    for known in keys {
        let Some(left) = fuel.checked_sub(cost(&known.key)) else {
            all_tried = false;
            break;
        };
        *fuel = left;
        let attempt = attempt(signature, algorithm, digests.signed(), known, facts.message.date, context);
        // Keys come strongest first: a later one has to be better to be taken.
        if best.as_ref().is_none_or(|best| rank(&attempt) > rank(best)) {
            best = Some(attempt);
        }
        if best.as_ref().is_some_and(|best| best.fit == Fit::Yes) {
            break;
        }
    }
    // A key that was not tried may be the one.
    let best = best.filter(|best| all_tried || best.fit == Fit::Yes);
    if !all_tried && best.is_none() {
        verdict.notes.extend([NOT_JUDGED, "too-much-work"].map(str::to_owned));
        dedup(&mut verdict.notes);
    }
    match best {
        Some(best) => conclude(signature, verdict, digests, &body, best, facts, context),
        None => none(verdict, SignatureResult::Unsupported),
    }
}

/// What is better to report, of several keys of one pair.
fn rank(attempt: &Attempt<'_>) -> (bool, Fit) {
    (attempt.row.is_some(), attempt.fit)
}

/// Work of one key, in units of [`FUEL`]: it grows with the square of the modulus and the length of the
/// exponent.
fn cost(key: &PublicKey) -> u64 {
    match key {
        PublicKey::Rsa { modulus, exponent } => {
            let kilobits = (modulus.len() as u64).div_ceil(128).max(1);
            kilobits.saturating_mul(kilobits).saturating_mul(1 + exponent.len() as u64 / 4)
        }
        PublicKey::Ed25519(_) => 64,
    }
}

fn blank(signature: &Signature, facts: &MessageFacts, context: &Context) -> Verdict {
    Verdict {
        ordinal: signature.ordinal,
        kind: signature.kind.clone(),
        dialect: signature.dialect.clone(),
        domain: signature.domain.clone(),
        selector: signature.selector.clone(),
        algorithm: signature.algorithm.clone(),
        key_bits: None,
        result: SignatureResult::NoKey,
        key_fits: None,
        header_holds: None,
        body_holds: None,
        alignment: alignment(signature, facts, context),
        repair: None,
        undone: None,
        signed_headers: signature.signed_headers.clone(),
        unsigned_visible: signature.unsigned_visible.clone(),
        uncovered: 0,
        key: None,
        notes: signature.defects.clone(),
    }
}

/// Whose domain signed. A From of several authors is aligned only if it is with each of them: the signer
/// speaks for nobody else. Where one of the addresses cannot be read for certain (an empty domain), or the
/// address that is shown is none of them, the signer speaks for nobody.
fn alignment(signature: &Signature, facts: &MessageFacts, context: &Context) -> Alignment {
    /// Authors that are looked at; a From of more is nobody's own mail.
    const MOST_AUTHORS: usize = 16;
    let authors = &signature.author_domains;
    if authors.len() > MOST_AUTHORS {
        return Alignment::ThirdParty { provider: None, list: false };
    }
    let shown = facts.message.from_domain.as_deref().and_then(normal_domain);
    let is_author = |author: &String| normal_domain(author) == shown;
    if shown.is_none() || authors.iter().any(String::is_empty) || !authors.iter().any(is_author) {
        return Alignment::None;
    }
    align(&signature.domain, authors, &context.delegates, facts.message.list_id.as_deref())
}

/// How far the signer is from the author.
pub(crate) fn distance(alignment: Alignment) -> u32 {
    match alignment {
        Alignment::Same { .. } => 0,
        Alignment::Provider { tenant_known: true, .. } => 1,
        Alignment::Provider { .. } => 2,
        Alignment::ThirdParty { .. } => 3,
        Alignment::None => 4,
    }
}

/// What becomes of a field that is not judged: where all that is wrong is that we do not judge it (another
/// algorithm, or a limit of ours), that is no fault of the field.
fn unreadable(signature: &Signature) -> Option<SignatureResult> {
    /// What intake says of such fields, beside words that keep nothing from being judged.
    const OURS: [&str; 3] = ["algorithm", "canonicalization", "not-judged"];
    const BROKEN: [&str; 11] = [
        "no-signature",
        "long-signature",
        "no-domain",
        "no-selector",
        "no-headers",
        "many-names",
        "no-body-hash",
        "body-hash",
        "length",
        "long-value",
        "instance",
    ];
    let empty =
        signature.domain.is_empty() || signature.selector.is_empty() || signature.signature.is_empty();
    let has = |words: &[&str]| signature.defects.iter().any(|defect| words.contains(&defect.as_str()));
    match signature.defects.first().is_some_and(|first| first == "malformed") {
        _ if empty => Some(SignatureResult::Malformed),
        false => None,
        true if has(&OURS) && !has(&BROKEN) => Some(SignatureResult::Unsupported),
        true => Some(SignatureResult::Malformed),
    }
}

/// `a=` as far as it can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rsa(HashKind),
    Ed25519,
}

impl Algorithm {
    fn of(signature: &Signature) -> Option<Algorithm> {
        let known = signature
            .canon
            .split('/')
            .all(|canon| matches!(canon, "" | "simple" | "relaxed" | "nofws" | "nowsp"));
        match signature.algorithm.as_str() {
            _ if !known => None,
            "rsa-sha1" => Some(Algorithm::Rsa(HashKind::Sha1)),
            "rsa-sha256" => Some(Algorithm::Rsa(HashKind::Sha256)),
            "ed25519-sha256" => Some(Algorithm::Ed25519),
            _ => None,
        }
    }
}

/// The body against `bh=`. The comparison is made again here: what a reader says it found is not relied on.
fn body_of<'a>(signature: &Signature, digests: &Digests<'a>) -> Body<'a> {
    let Some(stated) = &signature.body_hash else { return Body { holds: None, row: None } };
    let hash = signature.algorithm.rsplit('-').next().unwrap_or_default();
    let equal = |row: &&&Digest| {
        row.hash == hash && !stated.is_empty() && row.digest == *stated && row.holds != Some(false)
    };
    let hit = digests.body.iter().find(equal).copied();
    let comparable = digests.body.iter().any(|row| row.hash == hash);
    Body {
        holds: comparable.then_some(hit.is_some()),
        row: hit.or_else(|| digests.body.iter().find(|row| row.repair.is_none()).copied()),
    }
}

fn attempt<'a>(
    signature: &Signature,
    algorithm: Algorithm,
    rows: &[&'a Digest],
    known: &'a KnownKey,
    date: Option<Time>,
    context: &Context,
) -> Attempt<'a> {
    let misfit = |fit, bits, notes| Attempt { known: None, fit, bits, row: None, comparable: false, notes };
    match (&known.key, algorithm) {
        (PublicKey::Rsa { modulus, .. }, Algorithm::Rsa(hash)) => match context.prepared.rsa(&known.key) {
            Err(_) => misfit(Fit::Unsupported, Some(bits_of(modulus)), vec!["key-not-supported"]),
            Ok(key) => attempt_rsa(&signature.signature, hash, rows, known, &key),
        },
        (PublicKey::Ed25519(point), Algorithm::Ed25519) => {
            let row = rows
                .iter()
                .filter(|row| row.hash == HashKind::Sha256.as_str())
                .find(|row| verify_ed25519(point, &row.digest, &signature.signature))
                .copied();
            let fit = match row {
                Some(_) => Fit::Yes,
                None if seen_near(known, date) => Fit::ByTime,
                None => Fit::Unknown,
            };
            let notes = if fit == Fit::ByTime { vec!["key-fits-by-time"] } else { vec![] };
            Attempt { known: Some(known), fit, bits: Some(256), row, comparable: !rows.is_empty(), notes }
        }
        (PublicKey::Rsa { modulus, .. }, Algorithm::Ed25519) => {
            misfit(Fit::No, Some(bits_of(modulus)), vec!["key-of-another-type"])
        }
        (PublicKey::Ed25519(_), Algorithm::Rsa(_)) => misfit(Fit::No, Some(256), vec!["key-of-another-type"]),
    }
}

/// The quick question first, of what stands; else the signature is opened and says itself what was signed.
fn attempt_rsa<'a>(
    signature: &[u8],
    hash: HashKind,
    rows: &[&'a Digest],
    known: &'a KnownKey,
    key: &RsaKey,
) -> Attempt<'a> {
    let bits = Some(key.bits());
    let fits =
        |row, comparable, notes| Attempt { known: Some(known), fit: Fit::Yes, bits, row, comparable, notes };
    let stored = rows.iter().find(|row| row.repair.is_none() && row.hash == hash.as_str()).copied();
    if let Some(row) = stored
        && row.digest.len() == hash.octets()
        && signature.len() == key.octets()
        && key.verifies(hash, &row.digest, signature)
    {
        return fits(Some(row), true, vec![]);
    }
    match key.open(signature) {
        Ok(opened) => {
            let mut notes = opened.notes;
            if opened.hash != hash {
                notes.push("hash-tag-differs");
            }
            let same_hash = |row: &&&Digest| row.hash == opened.hash.as_str();
            let row = rows.iter().filter(same_hash).find(|row| row.digest == opened.digest).copied();
            fits(row, rows.iter().any(|row| same_hash(&row)), notes)
        }
        Err(Misfit::NotThisKey) => {
            Attempt { known: None, fit: Fit::No, bits, row: None, comparable: false, notes: vec![] }
        }
        Err(Misfit::Unsupported(_)) => Attempt {
            known: None,
            fit: Fit::Unsupported,
            bits,
            row: None,
            comparable: false,
            notes: vec!["key-not-supported"],
        },
    }
}

fn bits_of(modulus: &[u8]) -> u32 {
    let below = modulus.len().saturating_sub(1).saturating_mul(8);
    let high = modulus.first().map_or(0, |high| u8::BITS - high.leading_zeros());
    u32::try_from(below).unwrap_or(u32::MAX).saturating_add(high)
}

/// Whether a witness saw the key published within 90 days of Date.
fn seen_near(known: &KnownKey, date: Option<Time>) -> bool {
    let Some(Time(date)) = date else { return false };
    known.observations.iter().filter(|observation| observation.channel.is_witnessed()).any(|observation| {
        let (first, last) = match (observation.first_seen, observation.last_seen) {
            (Some(first), Some(last)) => (first, last),
            (Some(one), None) | (None, Some(one)) => (one, one),
            (None, None) => return false,
        };
        first.0.saturating_sub(NEAR_DATE) <= date && date <= last.0.saturating_add(NEAR_DATE)
    })
}

/// Puts header, body and key together.
fn conclude<'a>(
    signature: &'a Signature,
    mut verdict: Verdict,
    digests: &Digests<'a>,
    body: &Body<'a>,
    attempt: Attempt<'a>,
    facts: &MessageFacts,
    context: &Context,
) -> Judged<'a> {
    verdict.key_bits = attempt.bits;
    verdict.notes.extend(attempt.notes.iter().map(|note| (*note).to_owned()));
    verdict.key_fits = match attempt.fit {
        Fit::Yes | Fit::ByTime => Some(true),
        Fit::No => Some(false),
        Fit::Unknown | Fit::Unsupported => None,
    };
    let one_digest = !digests.both.is_empty();
    let is_seal = signature.kind == "arc-seal";
    let fits = verdict.key_fits == Some(true);
    if fits {
        let holds = attempt.row.is_some();
        verdict.header_holds = match (one_digest, holds) {
            (true, false) => None,
            _ => attempt.comparable.then_some(holds),
        };
        if one_digest {
            verdict.body_holds = holds.then_some(true);
        }
    }
    let verified =
        fits && verdict.header_holds == Some(true) && (is_seal || verdict.body_holds == Some(true));
    verdict.result = match attempt.fit {
        _ if verified => SignatureResult::Verified,
        Fit::Yes | Fit::ByTime | Fit::Unknown => SignatureResult::DoesNotVerify,
        Fit::No => SignatureResult::KeyDoesNotFit,
        Fit::Unsupported => SignatureResult::Unsupported,
    };
    let body_row = if is_seal {
        None
    } else if one_digest {
        attempt.row
    } else {
        body.row
    };
    verdict.uncovered = body_row.map_or(0, |row| row.uncovered);
    let mut touched = Touched::default();
    if verdict.header_holds == Some(true) {
        let is_held = |row: &&Digest| row.part == "body" && verdict.body_holds == Some(true);
        let used = [attempt.row, body_row.filter(is_held)];
        let reading = |row: &Digest| READINGS.into_iter().find(|name| row.repair.as_deref() == Some(name));
        verdict.notes.extend(used.iter().flatten().filter_map(|row| reading(row)).map(str::to_owned));
        let repaired = used.map(|row| row.filter(|row| reading(row).is_none()));
        (verdict.repair, verdict.undone) = repairs(repaired);
        touched = Touched::of(repaired, signature);
        withhold(&mut verdict, &touched);
    }
    if !is_seal && fits && verdict.body_holds.is_none() && !one_digest {
        verdict.notes.push("body-not-kept".to_owned());
    }
    let known = attempt.known.filter(|_| fits);
    if let Some(known) = known {
        verdict.key = used_key(known);
        verdict.notes.extend(policy(signature, known, verdict.key_bits, facts, context).map(str::to_owned));
    }
    dedup(&mut verdict.notes);
    let mismatch = match (verdict.header_holds, verdict.body_holds) {
        _ if !fits || verified => Mismatch::None,
        _ if one_digest => {
            if attempt.comparable {
                Mismatch::Either
            } else {
                Mismatch::None
            }
        }
        (Some(false), Some(false)) => Mismatch::Both,
        (Some(false), _) => Mismatch::Header,
        (_, Some(false)) => Mismatch::Body,
        _ => Mismatch::None,
    };
    Judged { signature, verdict, known, mismatch, is_one_digest: one_digest, touched }
}

/// What a repair changed is not signed as it is shown, and where that is From, the signer is not aligned with
/// the address that readers see.
fn withhold(verdict: &mut Verdict, touched: &Touched) {
    const VISIBLE: [&str; 7] = ["from", "sender", "reply-to", "to", "cc", "date", "subject"];
    let signed = |name: &str| verdict.signed_headers.iter().any(|signed| signed == name);
    let open = |name: &&str| {
        verdict.unsigned_visible.iter().any(|open| open == name) || (touched.field(name) && signed(name))
    };
    let open = VISIBLE.into_iter().filter(open).map(str::to_owned).collect();
    if verdict.repair.is_some() {
        verdict.unsigned_visible = open;
    }
    if touched.field("from") && verdict.alignment.is_aligned() {
        verdict.alignment = Alignment::None;
    }
}

/// What intake names like a repair, and is another reading of the field, not damage to the message: DomainKeys
/// fields in the order of `h=` instead of the message's, as some signers of the time read RFC 4870 section 3.3
/// (Gmail's among them), and relaxed header fields under a message signature of ARC without `c=`, as early
/// sealers made them.
const READINGS: [&str; 2] = ["header-order", "relaxed-header"];

/// The repairs of header and body, each named once, and what they undid.
fn repairs(rows: [Option<&Digest>; 2]) -> (Option<String>, Option<String>) {
    let join = |words: Vec<&str>, with: &str| {
        let mut words = words;
        words.dedup();
        (!words.is_empty()).then(|| words.join(with))
    };
    let names = rows.iter().flatten().filter_map(|row| row.repair.as_deref()).collect();
    let undone = rows.iter().flatten().filter_map(|row| row.undone.as_deref()).collect();
    (join(names, "+"), join(undone, "\n"))
}

fn used_key(known: &KnownKey) -> Option<UsedKey> {
    let best = known.best()?;
    Some(UsedKey {
        channel: best.channel,
        witness: best.witness.clone(),
        first_seen: best.first_seen,
        last_seen: best.last_seen,
    })
}

/// Each note once, at its first place.
fn dedup(notes: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    notes.retain(|note| seen.insert(note.clone()));
}
